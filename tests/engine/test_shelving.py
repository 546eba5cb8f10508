"""What is told of the shelf is what lies on it after a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import Recipe
from engine.footprint import elements
from engine.layers import chain_to, deepest
from engine.mx import mx
from engine.objective import Objective
from engine.precision import BFLOAT16, FLOAT32
from engine.shelf import Shelf
from engine.shelving import _compared, _sums, shelved_bytes, shelved_in_tile
from engine.stages import Tiling
from engine.style_statistics import style_statistics
from engine.tiles import Grid
from engine.vgg import Vgg
from engine.weights import load
from tests.engine.rounding import needs_bfloat16
from tests.engine.tilings import name_of

RECIPES = (
    Recipe(),
    Recipe(pooling="max"),
    Recipe(padding="zeros", content_layers={"conv1_2": 1.0}),
    Recipe(style_layers={"conv1_2": 1.0, "conv3_3": 1.0}, content_layers={"conv3_1": 1.0}),
    Recipe(style_layers={"conv1_2": 1.0, "conv3_3": 1.0}, content_layers={"conv3_3": 1.0}),
    Recipe(style_layers={"conv1_2": 1.0, "conv2_1": 1.0}, content_layers={"conv3_3": 1.0}),
    Recipe(style_loss={"wasserstein": 1.0}),
    Recipe(style_loss={"histogram": 1.0}, content_layers={"conv3_1": 1.0}),
    Recipe(style_loss={"gram": 1.0, "wasserstein": 1.0}),
    Recipe(style_loss={"gram": 1.0, "histogram": 1.0}, padding="reflect"),
    Recipe(
        style_loss={"gram": 1.0, "wasserstein": 1.0, "histogram": 1.0},
        style_layers={"conv1_2": 1.0, "conv3_1": 1.0},
        content_layers={"conv3_1": 1.0},
    ),
)


@pytest.fixture(params=[FLOAT32, pytest.param(BFLOAT16, marks=needs_bfloat16)], scope="module")
def network(request, weights):
    return Vgg(load(weights.parent), mx.cpu(), request.param)


def evaluated(network, recipe, size, tiling, times=1):
    """An objective, and the losses and gradients of two images in turn."""
    pictures = np.random.default_rng(0).uniform(0, 255, (4, *size, 3)).astype(np.float32)
    content, style, *images = (network.to_device(each) for each in pictures)
    known = style_statistics(network, style, recipe)
    objective = Objective(network, content, known, recipe, tiling)
    found = [objective.evaluate(image) for _ in range(times) for image in images]
    return objective, [(loss.total, gradient.asnumpy()) for loss, gradient in found]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("size", [(48, 64), (51, 66)])
def test_as_much_lies_there_as_was_told(network, recipe, size):
    width, entering = network.precision.width, network.entering
    objective, _ = evaluated(network, recipe, size, Tiling(shelved=True), times=2)
    there = objective._shelf.bytes
    assert not objective._shelf._lent
    layers = chain_to(deepest(recipe.taps))
    besides = max(elements(name, size) for name in layers) * width
    besides += _compared(size, recipe, width) + _sums(size, recipe, width)
    besides += entering * size[0] * size[1] * width
    told = shelved_bytes(size, recipe, width, entering) - besides
    frame = 2 * (size[0] + size[1] + 2) * entering * width if recipe.padding != "zeros" else 0
    assert there == told + frame


@pytest.mark.parametrize("recipe", [*RECIPES, Recipe(content_weight=0), Recipe(style_weight=0)])
@pytest.mark.parametrize("size", [(48, 64), (51, 66)])
def test_with_a_shelf_the_same_is_computed(network, recipe, size):
    """But for how sums of products round, and what was given before stays as it was."""
    (_, plain), (_, shelved) = (
        evaluated(network, recipe, size, tiling, times=2)
        for tiling in (Tiling(), Tiling(shelved=True))
    )
    for (loss, gradient), (right_loss, right) in zip(shelved, plain, strict=True):
        assert loss == pytest.approx(right_loss, rel=1e-6)
        assert np.linalg.norm(gradient - right) <= 1e-6 * np.linalg.norm(right)


TILED = [
    Tiling(Grid(2, 2), Grid(1, 2), shelved=True),
    Tiling(Grid(2, 3), Grid(2, 1), frozenset({"conv3_2", "conv4_1"}), shelved=True),
    Tiling(Grid(1, 3), Grid(1, 1), frozenset({"conv2_2"}), shelved=True),
]


@pytest.mark.parametrize("tiling", TILED, ids=name_of)
@pytest.mark.parametrize("recipe", RECIPES)
def test_tiles_leave_no_more_for_one_another_than_was_told(network, recipe, tiling, monkeypatch):
    if recipe.pooling == "max":
        tiling = replace(tiling, traced=frozenset())
    size, left = (128, 160), []
    clear = Shelf.clear

    def noting(shelf):
        left.append(shelf.bytes)
        clear(shelf)

    monkeypatch.setattr(Shelf, "clear", noting)
    evaluated(network, recipe, size, tiling)
    told = []
    for stage in tiling.stages(deepest(recipe.taps)):
        sides = [tile.sides for tile in stage.tiles(size)]
        tile = tuple(max(each) << stage.level for each in zip(*sides, strict=True))
        told.append(shelved_in_tile(stage.head, tile, recipe, network.precision.width))
    assert max(left) > 0 or not any(told)
    # Replicated borders are a frame around what goes into each layer.
    assert max(left) <= max(told) * (1.1 if recipe.padding != "zeros" else 1)


def test_a_step_that_failed_leaves_nothing_lent(network, monkeypatch):
    objective, _ = evaluated(network, Recipe(), (48, 64), Tiling(shelved=True))
    image = network.to_device(np.zeros((48, 64, 3), np.float32))

    def fails(*_, **__):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(mx.nd, "Deconvolution", fails)
        with pytest.raises(ZeroDivisionError):
            objective.evaluate(image)
    assert objective._shelf._lent
    objective.evaluate(image)
    assert not objective._shelf._lent


def test_narrow_maps_take_less_but_for_what_they_are_read_into():
    wide, narrow = (shelved_bytes((512, 512), Recipe(), width) for width in (4, 2))
    assert wide / 2 < narrow < wide
