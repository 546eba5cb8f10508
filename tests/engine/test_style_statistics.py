"""What is known of a style: as much as is asked for, and the same in tiles."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.stages import Tiling
from engine.style_statistics import named, names, parts_at, style_statistics
from engine.tiles import Grid
from engine.wasserstein import WASSERSTEIN

LAYERS = {"conv1_2": 1.0, "conv3_1": 1.0, "conv4_1": 1.0}
ALL = {"gram": 1.0, "wasserstein": 1.0, "histogram": 1.0}
PARTS = {"gram": ["gram"], "wasserstein": ["covariance", "mean"], "histogram": ["quantiles"]}

pytestmark = pytest.mark.weights


@pytest.fixture
def laid(painter):
    blocks = np.random.default_rng(0).uniform(0, 255, (12, 15, 3))
    return painter.to_device(np.kron(blocks, np.ones((13, 11, 1)))[:151, :157].astype(np.float32))


@pytest.mark.parametrize("kinds", [["gram"], ["wasserstein"], ["histogram", "gram"], list(ALL)])
def test_as_much_is_known_as_is_asked_for(painter, laid, kinds):
    recipe = Recipe(style_layers=LAYERS, style_loss=dict.fromkeys(kinds, 1.0))
    found = style_statistics(painter.network, laid, recipe)
    expected = {f"{tap} {part}" for tap in LAYERS for kind in kinds for part in PARTS[kind]}
    assert set(found) == expected == set(names(recipe))
    assert len(names(recipe)) == len(expected)
    for array in found.values():
        assert isinstance(array, np.ndarray)
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


def test_what_is_known_of_one_kind_does_not_hang_on_the_others(painter, laid):
    both = style_statistics(painter.network, laid, Recipe(style_layers=LAYERS, style_loss=ALL))
    for kind in ALL:
        recipe = Recipe(style_layers=LAYERS, style_loss={kind: 0.3})
        for name, array in style_statistics(painter.network, laid, recipe).items():
            assert np.array_equal(array, both[name])


def test_means_and_covariances_are_what_gram_matrices_are_made_of(painter, laid):
    found = style_statistics(painter.network, laid, Recipe(style_layers=LAYERS, style_loss=ALL))
    for tap in LAYERS:
        mean, covariance = parts_at(found, tap, WASSERSTEIN).values()
        products = covariance + np.outer(mean, mean)
        gram = len(mean) * found[named(tap, "gram")]
        assert np.linalg.norm(products - gram) < 1e-4 * np.linalg.norm(gram)
        # The mean of the quantiles, over the shares that they stand for, is the mean.
        quantiles = found[named(tap, "quantiles")]
        shares = np.linspace(0, 1, quantiles.shape[1]) ** 2
        middles = (quantiles[:, 1:] + quantiles[:, :-1]) / 2
        means = (middles * np.diff(shares)).sum(1)
        assert np.linalg.norm(means - mean) < 0.01 * np.linalg.norm(mean)


@pytest.mark.parametrize("kind", ALL)
def test_tiles_add_up_to_the_whole(painter, laid, kind):
    recipe = Recipe(style_layers=LAYERS, style_loss={kind: 1.0})
    whole, tiled = (
        style_statistics(painter.network, laid, recipe, tiling)
        for tiling in (None, Tiling(Grid(2, 2), Grid(1, 2)))
    )
    assert whole.keys() == tiled.keys()
    for name, array in whole.items():
        assert np.linalg.norm(tiled[name] - array) < 1e-3 * np.linalg.norm(array)
