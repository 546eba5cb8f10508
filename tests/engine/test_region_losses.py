"""Losses of regions: their formula, their slope, tiles, and regions that are hardly there."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Recipe
from engine.gram import GramLoss, products
from engine.layers import channels_of, level_of
from engine.losses import cut
from engine.mx import mx, nd
from engine.patchwork import Patchwork
from engine.precision import BFLOAT16, FLOAT32, raised
from engine.recipe import STYLE_LAYERS
from engine.region_losses import Guided, Region, Weighted, guided, regions_at, weighted_products
from engine.regions import Regions
from engine.shelf import NO_SHELF, Shelf
from engine.stages import Tiling
from engine.tiles import Grid
from tests.engine.tilings import name_of

SHAPE = (1, 5, 6, 7)
WHOLE = (slice(0, 6), slice(0, 7))
PLACES = [(rows, columns) for rows in (slice(0, 2), slice(2, 6))
          for columns in (slice(0, 3), slice(3, 4), slice(4, 7))]  # fmt: skip
FACTOR = 0.7


def maps(seed, shape=SHAPE):
    return np.random.default_rng(seed).normal(0, 10, shape)


def soft(count, seed=0, size=SHAPE[2:]):
    """Weights (K, h, w) that add up to 1."""
    parts = np.random.default_rng(seed).uniform(0, 1, (count, *size)) ** 4
    return (parts / parts.sum(axis=0)).astype(np.float32)


def gram(array, weights):
    flat = array.reshape(array.shape[1], -1)
    return (flat * weights.ravel()) @ flat.T / (array.shape[1] * weights.sum())


def targets(count):
    return [nd.array(gram(maps(10 + number), np.ones(SHAPE[2:]))) for number in range(count)]


def of_regions(weights, wanted=None, shelf=NO_SHELF):
    """The loss of regions with these weights."""

    def make(target, region):
        loss = GramLoss(target, FACTOR * region.share, int(np.prod(SHAPE)), shelf)
        return Weighted(loss, region, partial(weighted_products, shelf=shelf), shelf)

    wanted = targets(len(weights)) if wanted is None else wanted
    return guided(regions_at(weights, nd.array), wanted, make, shelf)


def at_once(loss, array):
    value, pull = loss.conclude(loss.measure(nd.array(array), WHOLE))
    return float(value.asscalar()), loss.pull(nd.array(array), WHOLE, pull).asnumpy()


def test_one_region_of_everything_is_the_whole():
    target = targets(1)[0]
    whole = GramLoss(target, FACTOR, int(np.prod(SHAPE)))
    expected, slope = at_once(whole, maps(3))
    value, gradient = at_once(of_regions(np.ones((1, 6, 7), np.float32)), maps(3))
    assert value == pytest.approx(expected, rel=1e-6)
    assert gradient == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_value_is_its_formula(count):
    weights = soft(count)
    if count == 1:
        weights = weights * np.linspace(0.1, 1, 7, dtype=np.float32)  # under a mask
    value, _ = at_once(of_regions(weights), maps(3))
    expected = sum(
        each.mean() * np.mean((gram(maps(3), each) - target.asnumpy()) ** 2)
        for each, target in zip(weights, targets(count), strict=True)
    )
    assert value == pytest.approx(FACTOR * expected, rel=1e-4)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_gradient_is_the_slope_of_the_value(count):
    loss = of_regions(soft(count) * np.linspace(0.1, 1, 7, dtype=np.float32))
    _, gradient = at_once(loss, maps(3))
    way = maps(4) / 100
    ahead, behind = (at_once(loss, maps(3) + sign * way)[0] for sign in (1, -1))
    assert (ahead - behind) / 2 == pytest.approx(float((gradient * way).sum()), rel=0.02)


@pytest.mark.parametrize("count", [1, 3])
def test_maps_may_come_tile_by_tile(count):
    loss, array = of_regions(soft(count, 1)), nd.array(maps(3))
    total = sum(loss.measure(cut(array, place), place) for place in PLACES)
    value, pull = loss.conclude(total)
    expected, slope = at_once(loss, maps(3))
    assert float(value.asscalar()) == pytest.approx(expected, rel=1e-5)
    for place in PLACES:
        found = loss.pull(cut(array, place), place, pull).asnumpy()
        assert found == pytest.approx(slope[:, :, place[0], place[1]], rel=1e-4, abs=1e-6)


@given(st.integers(2, 9), st.integers(0, 2**31))
def test_what_regions_measure_adds_up_to_the_whole(count, seed):
    loss = of_regions(soft(count, seed))
    measured = loss.measure(nd.array(maps(3)), WHOLE).asnumpy()
    expected = products(nd.array(maps(3))).asnumpy()
    assert measured.shape == (count, 5, 5)
    assert measured.sum(axis=0) == pytest.approx(expected, rel=1e-4, abs=0.05)


def test_a_region_is_pulled_to_its_own_target_alone():
    weights = np.zeros((2, 6, 7), np.float32)
    weights[0, :3], weights[1, 3:] = 1, 1
    array = maps(3)
    right = nd.array(gram(array[:, :, :3], np.ones((3, 7))))
    _, gradient = at_once(of_regions(weights, [right, targets(2)[1]]), array)
    assert np.abs(gradient[:, :, :3]).max() < 1e-3 * np.abs(gradient[:, :, 3:]).max()


def test_a_region_without_a_position_does_no_harm():
    weights = np.concatenate([soft(2), np.zeros((1, 6, 7), np.float32)])
    assert regions_at(weights, nd.array)[2] is None
    value, gradient = at_once(of_regions(weights), maps(3))
    expected, slope = at_once(of_regions(weights[:2], targets(2)), maps(3))
    assert value == expected
    assert np.array_equal(gradient, slope)


def test_nor_does_one_that_the_style_lacks():
    weights = soft(3)
    alone = of_regions(weights[:1], targets(1))
    value, gradient = at_once(of_regions(weights, [targets(1)[0], None, None]), maps(3))
    expected, slope = at_once(alone, maps(3))
    assert (value, np.array_equal(gradient, slope)) == (expected, True)


def test_without_a_region_in_both_there_is_no_loss():
    assert of_regions(soft(2), [None, None]) is None
    assert of_regions(np.zeros((1, 6, 7), np.float32)) is None


@pytest.mark.parametrize("least", [1.0, 1e-6, 1e-20, 1e-38])
def test_one_pixel_is_enough(least):
    weights = np.zeros((2, 6, 7), np.float32)
    weights[1, 2, 3] = least
    weights[0] = 1 - weights[1]
    value, gradient = at_once(of_regions(weights), maps(3))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() < 100 * np.abs(at_once(of_regions(weights[:1]), maps(3))[1]).max()


@pytest.mark.parametrize("lower", [FLOAT32.lowered, BFLOAT16.lowered])
def test_maps_of_any_type_are_weighted_in_float32(lower):
    array = lower(nd.array(maps(3)))
    weights = soft(2)[0]
    found = weighted_products(array, nd.array(np.sqrt(weights)[np.newaxis, np.newaxis]))
    assert found.dtype == np.float32
    flat = raised(array).asnumpy().astype(np.float64).reshape(5, -1)
    assert found.asnumpy() == pytest.approx((flat * weights.ravel()) @ flat.T, rel=1e-4, abs=0.01)


class Centre:
    """Squared distance of the maps' mean from 1, whatever the products are."""

    def conclude(self, measured):
        off = measured / 42 - 1
        return nd.sum(nd.square(off)), off * (2 / 42)

    def pull(self, maps, place, by):  # noqa: ARG002 - it is the same everywhere
        return nd.broadcast_to(by.reshape((1, 5, 1, 1)), maps.shape)


def test_losses_of_other_sums_are_told_the_roots_too():
    weights = soft(3, 2)

    def sums(array, roots):
        return nd.sum(nd.broadcast_mul(array, nd.square(roots)), axis=(0, 2, 3))

    regions = regions_at(weights, nd.array)
    loss = Guided(tuple(Weighted(Centre(), each, sums) for each in regions))
    means = [(maps(3)[0] * each).sum(axis=(1, 2)) / each.sum() for each in weights]
    value, gradient = at_once(loss, maps(3))
    assert value == pytest.approx(sum(((each - 1) ** 2).sum() for each in means), rel=1e-4)
    way = maps(4) / 100
    ahead, behind = (at_once(loss, maps(3) + sign * way)[0] for sign in (1, -1))
    assert (ahead - behind) / 2 == pytest.approx(float((gradient * way).sum()), rel=0.02)


def test_weights_that_are_all_the_same_are_as_none():
    half = regions_at(np.full((2, 6, 7), 0.5, np.float32), nd.array)
    assert half == [Region(0.5), Region(0.5)]
    weights = np.full((2, 6, 7), 0.5, np.float32)
    same = [targets(1)[0]] * 2
    value, gradient = at_once(of_regions(weights, same), maps(3))
    expected, slope = at_once(of_regions(np.ones((1, 6, 7), np.float32), same[:1]), maps(3))
    assert value == pytest.approx(expected, rel=1e-6)
    assert gradient == pytest.approx(slope, rel=1e-5)


def test_arrays_are_taken_from_the_shelf_and_come_back():
    shelf = Shelf(mx.cpu())
    loss = of_regions(soft(3), shelf=shelf)
    assert isinstance(loss, Guided)
    expected = at_once(of_regions(soft(3)), maps(3))
    for _ in range(2):
        array = nd.array(maps(3))
        value, pull = loss.conclude(loss.measure(array, WHOLE))
        gradient = loss.pull(array, WHOLE, pull)
        assert float(value.asscalar()) == pytest.approx(expected[0], rel=1e-6)
        assert np.linalg.norm(gradient.asnumpy() - expected[1]) < 1e-5 * np.linalg.norm(expected[1])
        shelf.put(gradient)
        assert not shelf._lent
    assert shelf.bytes <= 4 * array.size * 4


TILINGS = [Tiling(Grid(2, 2)), Tiling(Grid(3, 1), Grid(2, 1)),
           Tiling(Grid(2, 2), Grid(2, 1), frozenset({"conv3_2", "conv4_2"}))]  # fmt: skip


class Guidance:
    """Regions' losses at all style taps of one picture, in the network."""

    def __init__(self, painter, tiling, weights, wanted, size):
        self.painter, self.tiling, self.wanted = painter, tiling, wanted
        self.regions = {
            tap: regions_at(each, painter.network.laid) for tap, each in weights.items()
        }
        self.losses = {tap: self._loss(tap, size) for tap in STYLE_LAYERS}

    def _loss(self, tap, size):
        elements = channels_of(tap) * int(np.prod([side >> level_of(tap) for side in size]))
        return guided(
            self.regions[tap],
            self.wanted[tap],
            lambda target, region: Weighted(
                GramLoss(target, region.share, elements), region, weighted_products
            ),
        )

    def evaluate(self, image):
        network = self.painter.network
        work = Patchwork(network, image, STYLE_LAYERS, Recipe(), self.tiling)
        sums, values, pulls = {}, {}, {}
        for tap, own, place in work.forward(to_return=True):
            found = self.losses[tap].measure(own, place)
            sums[tap] = sums[tap] + found if tap in sums else found
        for tap, loss in self.losses.items():
            values[tap], pulls[tap] = loss.conclude(sums[tap])
        gradient = work.back(lambda tap, own, place: self.losses[tap].pull(own, place, pulls[tap]))
        return {tap: float(value.asscalar()) for tap, value in values.items()}, gradient.asnumpy()


def grams_of(painter, image, weights):
    """Gram matrices of all regions of a style."""
    work = Patchwork(painter.network, image, STYLE_LAYERS, Recipe(), Tiling())
    found = {}
    for tap, own, place in work.forward():
        regions = regions_at(weights[tap], painter.network.laid)
        found[tap] = [weighted_products(own, region.at(place)) / own.size for region in regions]
    return found


@pytest.mark.weights
@pytest.mark.parametrize("tiling", TILINGS, ids=name_of)
def test_in_the_network_tiles_give_the_value_and_the_gradient_of_the_whole(painter, tiling):
    generator = np.random.default_rng(1)
    image, style = (
        np.kron(generator.uniform(0, 255, (12, 15, 3)), np.ones((17, 15, 1)))[:201, :219]
        for _ in range(2)
    )
    image, style = (painter.to_device(each.astype(np.float32)) for each in (image, style))
    regions = Regions(generator.integers(0, 3, (3, 4)).astype(np.uint8), 3)
    weights = regions.at_taps((201, 219), STYLE_LAYERS, "replicate")
    wanted = grams_of(painter, style, weights)
    whole, tiled = (
        Guidance(painter, each, weights, wanted, (201, 219)).evaluate(image)
        for each in (Tiling(), tiling)
    )
    assert tiled[0] == pytest.approx(whole[0], rel=1e-4)
    assert np.linalg.norm(tiled[1] - whole[1]) < 1e-3 * np.linalg.norm(whole[1])


@pytest.mark.weights
@pytest.mark.parametrize("at", [(0, 0), (63, 64), (30, 31)])
def test_in_the_network_a_region_of_one_pixel_does_no_harm(painter, at):
    """The pixel in the odd last column is seen by no map behind the first pooling."""
    size = 64, 65
    numbers = np.zeros(size, np.uint8)
    numbers[at] = 1
    weights = Regions(numbers, 2).at_taps(size, STYLE_LAYERS, "replicate")
    generator = np.random.default_rng(2)
    image, style = (
        painter.to_device(generator.uniform(0, 255, (*size, 3)).astype(np.float32))
        for _ in range(2)
    )
    everywhere = Regions(np.zeros((1, 1), np.uint8), 1).at_taps(size, STYLE_LAYERS, "replicate")
    wanted = {tap: each * 2 for tap, each in grams_of(painter, style, everywhere).items()}
    values, gradient = Guidance(painter, Tiling(), weights, wanted, size).evaluate(image)
    assert np.isfinite(list(values.values())).all()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
