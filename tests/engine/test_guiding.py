"""A picture in regions: values, gradients, tiles, and what is known of styles."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.footprint import weighing_bytes
from engine.gram import GRAM
from engine.guiding import (
    FLOOR,
    SHARE,
    blended_by_region,
    names_by_region,
    of_whole,
    region_losses,
    regions_of,
    statistics_by_region,
    weighted_moments,
)
from engine.losses import Aim
from engine.mx import nd
from engine.objective import Objective
from engine.recipe import STYLE_LAYERS
from engine.region_losses import regions_at
from engine.regions import Regions
from engine.stages import Tiling
from engine.style_statistics import named, names, style_statistics
from engine.tiles import Grid
from engine.wasserstein import WASSERSTEIN
from tests.engine.tilings import name_of

SIZE = 201, 219
WHOLE = slice(0, 6), slice(0, 7)
LOSSES = [{"gram": 1.0}, {"wasserstein": 1.0}, {"gram": 0.5, "wasserstein": 0.5}]
TILINGS = [
    Tiling(shelved=True),
    Tiling(Grid(2, 2), Grid(2, 1)),
    Tiling(Grid(2, 2), Grid(2, 1), frozenset({"conv3_2", "conv4_2"}), shelved=True),
]


def patches(seed, size=SIZE):
    """A picture with shapes of some size."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (16, 16, 3))
    return np.kron(coarse, np.ones((16, 16, 1)))[: size[0], : size[1]].astype(np.float32)


def labelled(count, seed=1):
    numbers = np.random.default_rng(seed).integers(0, count, (3, 4))
    numbers.flat[:count] = range(count)
    return Regions(numbers.astype(np.uint8), count)


def guided(painter, recipe, regions, tiling=None, painted=None):
    """An objective in regions of the photo, and those of the style."""
    regions, style_regions = regions
    network = painter.network
    known = statistics_by_region(network, painter.to_device(patches(2)), recipe, style_regions)
    weights = regions.at_taps(SIZE, recipe.style_layers, recipe.padding, painted)
    at_taps = regions_of(weights, network.laid)
    content = painter.to_device(patches(3))
    return Objective(network, content, known, recipe, tiling, regions=at_taps)


def plain(painter, recipe, tiling=None):
    known = style_statistics(painter.network, painter.to_device(patches(2)), recipe)
    return Objective(painter.network, painter.to_device(patches(3)), known, recipe, tiling)


def off(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.weights
@pytest.mark.parametrize("kinds", LOSSES, ids="+".join)
def test_one_region_of_everything_is_the_picture_as_a_whole(painter, kinds):
    recipe, everything = Recipe(style_loss=kinds), labelled(1)
    image = painter.to_device(patches(4))
    loss, gradient = guided(painter, recipe, (everything, everything)).evaluate(image)
    right, slope = plain(painter, recipe).evaluate(image)
    assert loss.total == pytest.approx(right.total, rel=1e-5)
    assert loss.style == pytest.approx(right.style, rel=1e-5)
    assert off(gradient.asnumpy(), slope.asnumpy()) < 1e-4


@pytest.mark.weights
@pytest.mark.parametrize("kinds", LOSSES, ids="+".join)
def test_the_gradient_is_the_slope_of_the_value(painter, kinds):
    recipe = Recipe(style_loss=kinds, content_weight=0)
    shares = np.linspace(0, 1, SIZE[1], dtype=np.float32)[np.newaxis].repeat(SIZE[0], axis=0)
    aim = guided(painter, recipe, (labelled(3), labelled(3, 5)), painted=shares)
    image = patches(4)
    gradient = aim.evaluate(painter.to_device(image))[1].asnumpy()[0].transpose(1, 2, 0)
    way = gradient / np.sqrt(np.square(gradient).mean())  # where the slope is no sum of opposites
    step = 0.05
    ahead, behind = (
        aim.evaluate(painter.to_device(image + sign * step * way))[0].total for sign in (1, -1)
    )
    slope = float((gradient.astype(np.float64) * way).sum())
    assert (ahead - behind) / (2 * step) == pytest.approx(slope, rel=0.03)


@pytest.mark.weights
@pytest.mark.parametrize("tiling", TILINGS, ids=name_of)
@pytest.mark.parametrize("kinds", LOSSES[:2], ids="+".join)
def test_tiles_give_the_value_and_the_gradient_of_the_whole(painter, kinds, tiling):
    recipe = Recipe(style_loss=kinds)
    image = painter.to_device(patches(4))
    whole = guided(painter, recipe, (labelled(3), labelled(3, 5))).evaluate(image)
    aim = guided(painter, recipe, (labelled(3), labelled(3, 5)), tiling)
    for _ in range(2):  # with arrays of the step before
        loss, gradient = aim.evaluate(image)
        assert loss.total == pytest.approx(whole[0].total, rel=1e-4)
        assert off(gradient.asnumpy(), whole[1].asnumpy()) < 2e-3


@pytest.mark.weights
@pytest.mark.parametrize("kinds", LOSSES, ids="+".join)
def test_no_more_is_left_for_the_next_step_than_is_counted(painter, kinds):
    recipe, tiling = Recipe(style_loss=kinds), Tiling(shelved=True)
    image = painter.to_device(patches(4))
    aims = plain(painter, recipe, tiling), guided(painter, recipe, (labelled(3),) * 2, tiling)
    for aim in aims * 2:
        aim.evaluate(image)
    there, more = (aim._shelf.bytes for aim in aims)
    assert there < more <= there + weighing_bytes(SIZE, recipe.style_layers, kept=True)
    assert not aims[1]._shelf._lent


def maps(seed, scale=1.0):
    return (scale * np.random.default_rng(seed).uniform(0, 1, (1, 5, 6, 7))).astype(np.float32)


def test_weighted_moments_are_those_of_the_region():
    weights = np.random.default_rng(1).uniform(0, 1, (6, 7)).astype(np.float32)
    (region,) = regions_at(weights[np.newaxis], nd.array)
    found = weighted_moments(nd.array(maps(3)), region.at(WHOLE)).asnumpy()
    flat, relative = maps(3).reshape(5, -1), (weights / weights.mean()).ravel()
    assert found[:, :-1] == pytest.approx((flat * relative) @ flat.T, rel=1e-4)
    assert found[:, -1] == pytest.approx(flat @ relative, rel=1e-4)
    whole = weighted_moments(nd.array(maps(3)), None).asnumpy()
    assert np.array_equal(whole, WASSERSTEIN.measured(nd.array(maps(3))).asnumpy())


def known(*grams, shares=None):
    shares = np.ones(len(grams)) if shares is None else np.array(shares)
    return {"conv1_1 gram": np.stack(grams), named("conv1_1", SHARE): shares.astype(np.float32)}


def square(value):
    return np.full((5, 5), value, np.float32)


def test_a_blend_is_of_the_styles_that_have_the_region():
    one = known(square(1), square(2), square(0), shares=(0.5, 0.5, 0))
    other = known(square(5), square(0), square(0), shares=(1, 0, 0))
    found = blended_by_region([(0.25, one), (0.75, other)])
    assert found["conv1_1 gram"][:, 0, 0].tolist() == [4, 2, 0]
    assert (found[named("conv1_1", SHARE)] > 0).tolist() == [True, True, False]
    assert found["conv1_1 gram"].dtype == np.float32
    alone = blended_by_region([(1.0, one)])
    assert all(alone[name] is array for name, array in one.items())


def test_a_style_without_regions_counts_for_each():
    found = of_whole({"conv1_1 gram": square(3)}, 2)
    assert found["conv1_1 gram"].shape == (2, 5, 5)
    assert found[named("conv1_1", SHARE)].tolist() == [1, 1]


@pytest.mark.parametrize("dark", [1e-4, 1e-7, 0])
@pytest.mark.parametrize("relative", [True, False])
def test_a_flat_region_pulls_no_harder_than_others_and_no_less(relative, dark):
    """Its target is nearly nothing, or nothing: divided by that alone it would be all there is."""
    halves = np.zeros((2, 6, 7), np.float32)
    halves[0, :3], halves[1, 3:] = 1, 1
    regions, array = regions_at(halves, nd.array), nd.array(maps(3))

    def value(targets, weight=1.0):
        aim = Aim(weight, relative, array.size, nd.array)
        loss = region_losses(targets, "conv1_1", GRAM, regions, aim)
        return float(loss.conclude(loss.measure(array, WHOLE))[0].asscalar())

    bright = known(square(0.05), square(dark), shares=(0.5, 0.5))
    alone = known(square(0.05), square(0), shares=(1, 0))
    flat = value(bright) - value(alone)
    if not relative:
        assert flat < 1
    else:  # its distance, over the least energy
        gram = np.einsum("cp,dp->cd", *[maps(3)[0, :, 3:].reshape(5, -1)] * 2) / (5 * 21)
        least = FLOOR * (0.5 * 0.05**2 + 0.5 * dark**2)
        assert flat == pytest.approx(0.5 * np.mean((gram - dark) ** 2) / least, rel=1e-3)
    assert value(bright, 2.0) == pytest.approx(2 * value(bright))


def test_a_region_without_a_partner_has_no_loss():
    regions = regions_at(np.ones((2, 6, 7), np.float32) / 2, nd.array)
    aim = Aim(1.0, relative=True, size=210, lay=nd.array)
    nobody = known(square(1), square(1), shares=(0, 0))
    assert region_losses(nobody, "conv1_1", GRAM, regions, aim) is None


@pytest.mark.weights
def test_statistics_know_which_region_is_there(painter):
    recipe = Recipe(style_loss={"gram": 0.5, "wasserstein": 0.5})
    numbers = np.zeros((64, 65), np.uint8)
    numbers[:, -1] = 1
    image = painter.to_device(patches(2, (64, 65)))
    found = statistics_by_region(painter.network, image, recipe, Regions(numbers, 3))
    assert sorted(found) == names_by_region(recipe, names(recipe))
    assert all(np.isfinite(each).all() for each in found.values())
    assert all(each.shape[0] == 3 for each in found.values())
    whole = style_statistics(painter.network, image, recipe)
    for tap in STYLE_LAYERS:
        there = found[named(tap, SHARE)] > 0
        assert there.tolist() == [True, True, False]
        assert not found[named(tap, "gram")][2].any()
    deep = named("conv5_1", "gram")
    assert off(found[deep][0], whole[deep]) < 0.2


@pytest.mark.weights
def test_statistics_come_the_same_in_tiles(painter):
    image, recipe = painter.to_device(patches(2)), Recipe()
    whole = statistics_by_region(painter.network, image, recipe, labelled(3))
    tiled = statistics_by_region(
        painter.network, image, recipe, labelled(3), Tiling(Grid(2, 2), Grid(2, 1))
    )
    for name, array in whole.items():
        assert off(tiled[name], array) < 1e-4
