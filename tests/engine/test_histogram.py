"""The histogram loss against values that are put into order in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.histogram import BINS, HISTOGRAM, LEVELS, _edges, counts
from engine.mx import mx, nd
from engine.precision import BFLOAT16, raised
from engine.shelf import Shelf
from tests.engine.near import near
from tests.engine.tap_losses import (
    at_once,
    error,
    in_tiles,
    loss_of,
    maps,
    statistics,
    style_loss,
    whole,
)

SHAPE = (1, 6, 40, 50)


def ordered(array):
    return np.sort(array.astype(np.float64).reshape(array.shape[1], -1), axis=1)


def carried_to(array, style):
    """Each value's partner at the same place in the order; equal ones share theirs."""
    rows = array.reshape(array.shape[1], -1)
    found = np.empty(rows.shape)
    for own, row, partners in zip(found, rows, ordered(style), strict=True):
        _, inverse, number = np.unique(row, return_inverse=True, return_counts=True)
        ends = np.cumsum(number)
        sums = np.concatenate([[0.0], np.cumsum(partners)])
        own[:] = ((sums[ends] - sums[ends - number]) / number)[inverse]
    return found.reshape(array.shape)


@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (1, 5, 6, 7), (1, 3, 600, 500), (1, 40, 90, 100)])
def test_each_value_is_counted_in_its_bin(shape):
    """Shapes of less, and of more, than is counted at once."""
    array = maps(1, shape)
    array.reshape(-1)[:4] = 0, 1e-30, 2**-20, 1e9  # below all bins, and above
    found = counts(nd.array(array)).asnumpy()
    assert found.shape == (shape[1], BINS)
    for row, own in zip(array.reshape(shape[1], -1), found, strict=True):
        right, _ = np.histogram(np.minimum(row, 1e5), bins=_edges())
        assert own.sum() == row.size
        # A value at the very edge may be rounded over it.
        assert np.abs(np.cumsum(own) - np.cumsum(right)).max() <= max(2, 1e-4 * row.size)
        assert own[0] == right[0]


def test_what_is_known_of_a_style_are_its_quantiles():
    style = maps(2, SHAPE)
    (quantiles,) = statistics(HISTOGRAM, style).values()
    assert quantiles.shape == (SHAPE[1], LEVELS)
    assert quantiles.dtype == np.float32
    above = np.linspace(0, 1, LEVELS) ** 2
    few = above * SHAPE[2] * SHAPE[3] < 10  # values, which may lie far from one another
    for found, row in zip(quantiles, ordered(style), strict=True):
        assert (np.diff(found) <= 0).all()
        assert found[0] == pytest.approx(row[-1], rel=0.05)
        right = np.quantile(row, 1 - above[~few])
        assert found[~few] == pytest.approx(right, rel=0.05, abs=0.05)


def test_it_is_the_mean_square_distance_in_order():
    array, style = maps(3, SHAPE), maps(2, SHAPE)
    value, _ = at_once(style_loss(HISTOGRAM, style, weight=0.7, relative=False), array)
    assert value == pytest.approx(0.7 * np.mean((ordered(array) - ordered(style)) ** 2), rel=0.01)
    energy = np.mean(style.astype(np.float64) ** 2)
    relative, _ = at_once(style_loss(HISTOGRAM, style, weight=0.7), array)
    assert relative == pytest.approx(4 * value / energy, rel=0.01)


@pytest.mark.parametrize("kind", ["blank", "constant", "one value", "any"])
def test_of_values_that_are_alike_it_is_the_distance_all_the_same(kind):
    array, style = odd(kind, 3, SHAPE, 10.0), maps(2, SHAPE)
    value, _ = at_once(style_loss(HISTOGRAM, style, relative=False), array)
    right = np.mean((ordered(array) - ordered(style)) ** 2)
    # The very value is known as closely as its bin.
    assert value == pytest.approx(right, rel=0.03, abs=0.03 * np.mean(style**2))


def test_the_gradient_is_each_values_way_to_its_partner():
    array, style = maps(3, SHAPE), maps(2, SHAPE)
    _, gradient = at_once(style_loss(HISTOGRAM, style, relative=False), array)
    right = 2 * (array - carried_to(array, style)) / array.size
    assert error(gradient, right) < 0.03


def test_against_its_gradient_the_values_come_to_the_style():
    smooth = np.random.default_rng(0).gamma(3, 4, SHAPE).astype(np.float32)
    array = np.random.default_rng(1).gamma(2, 9, SHAPE).astype(np.float32)
    _, gradient = at_once(style_loss(HISTOGRAM, smooth, relative=False), array)
    carried = array - gradient * (array.size / 2)
    assert error(ordered(carried), ordered(smooth)) < 0.02


def test_the_gradient_is_the_slope_of_the_value():
    """Of many values, some of which change their bins: what stays in its own changes nothing."""
    array, style = maps(3, (1, 8, 100, 120)), maps(2, (1, 8, 100, 120))
    loss = style_loss(HISTOGRAM, style, relative=False)
    _, gradient = at_once(loss, array)
    # Of zeros none is moved: the ReLU lets nothing through to them, and the loss has a kink there.
    for way in (
        0.1 * gradient * array.size * (array > 0),
        0.1 * maps(4, array.shape) * (array > 0),
    ):
        ahead, behind = (at_once(loss, np.maximum(array + s * way, 0))[0] for s in (1, -1))
        inside = np.maximum(array + way, 0) - np.maximum(array - way, 0)
        assert (ahead - behind) == pytest.approx(float((gradient * inside).sum()), rel=0.05)


@pytest.mark.parametrize("shape", [(1, 5, 6, 7), SHAPE])
def test_maps_may_come_tile_by_tile(shape):
    loss, array = style_loss(HISTOGRAM, maps(2, shape)), maps(3, shape)
    (value, slope), (found, gradient) = at_once(loss, array), in_tiles(loss, array)
    assert found == pytest.approx(value, rel=1e-6)
    assert np.array_equal(gradient, slope)


@pytest.mark.parametrize("shape", [(1, 5, 6, 7), SHAPE, (1, 64, 40, 40)])
def test_the_style_is_no_distance_from_itself(shape):
    style = maps(2, shape)
    loss = style_loss(HISTOGRAM, style)
    value, gradient = at_once(loss, style)
    assert 0 <= value < 1e-4
    _, elsewhere = at_once(loss, maps(3, shape))
    assert np.linalg.norm(gradient) < 0.03 * np.linalg.norm(elsewhere)


def test_the_style_may_have_another_size():
    style = maps(2, (1, 6, 90, 80))
    value, _ = at_once(
        style_loss(HISTOGRAM, style, style[:, :, ::3, ::2].size), style[:, :, ::3, ::2]
    )
    assert value < 0.02


def test_of_a_constant_all_is_carried_to_the_mean():
    style = maps(2, SHAPE)
    constant = np.full(SHAPE, 7, np.float32)
    _, gradient = at_once(style_loss(HISTOGRAM, style, relative=False), constant)
    right = 2 * (7 - style.mean((2, 3), keepdims=True)) / style.size
    assert gradient == near(np.broadcast_to(right, SHAPE), abs=0.3 / style.size)


def test_what_lies_between_several_styles_is_the_mean_of_their_order():
    styles = [np.random.default_rng(seed).gamma(3, scale, SHAPE).astype(np.float32)
              for seed, scale in ((0, 4), (1, 9))]  # fmt: skip
    parts = [statistics(HISTOGRAM, style)["quantiles"] for style in styles]
    loss = loss_of(HISTOGRAM, {"quantiles": (parts[0] + 3 * parts[1]) / 4}, styles[0].size)
    between = (ordered(styles[0]) + 3 * ordered(styles[1])) / 4
    value, _ = at_once(loss, between.reshape(SHAPE).astype(np.float32))
    assert value < 4e-3


KINDS = st.sampled_from(["any", "blank", "constant", "one value", "tiny", "huge"])


def odd(kind, seed, shape, scale):
    found = maps(seed, shape, scale)
    if kind == "blank":
        found[:] = 0
    elif kind == "constant":
        found[:] = found[:, :, :1, :1]
    elif kind == "one value":
        found[:] = 0
        found[:, :, 0, 0] = scale
    elif kind in {"tiny", "huge"}:
        found *= 1e-12 if kind == "tiny" else 1e5
    return found


@settings(deadline=None)
@given(
    st.tuples(st.just(1), st.integers(1, 20), st.integers(1, 30), st.integers(1, 30)),
    st.floats(-3, 3.5),
    st.tuples(KINDS, KINDS),
    st.integers(0, 2**16),
)
def test_whatever_the_maps_are_value_and_gradient_are_finite(shape, power, kinds, seed):
    array, style = (odd(kind, seed + number, shape, 10**power) for number, kind in enumerate(kinds))
    value, gradient = at_once(style_loss(HISTOGRAM, style), array)
    assert np.isfinite(value)
    assert value >= 0
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("wrong", [np.nan, -np.nan])
def test_what_is_no_number_is_not_passed_over(wrong):
    array = maps(3)
    array[0, 2, 3, 3] = wrong
    value, _ = at_once(style_loss(HISTOGRAM, maps(2)), array)
    assert not np.isfinite(value)


def test_maps_of_bfloat16_are_left_as_they_are():
    array = raised(BFLOAT16.lowered(nd.array(maps(3, SHAPE)))).asnumpy()
    loss = style_loss(HISTOGRAM, maps(2, SHAPE))
    value, gradient = at_once(loss, array)
    narrow = BFLOAT16.lowered(nd.array(array))
    found, pull = loss.conclude(loss.measure(narrow, whole(array)))
    assert float(found.asscalar()) == value
    assert np.array_equal(loss.pull(narrow, whole(array), pull).asnumpy(), gradient)
    assert np.array_equal(raised(narrow).asnumpy(), array)


def test_the_gradient_is_written_over_what_is_from_the_shelf():
    shelf, array = Shelf(mx.cpu()), maps(3)
    loss = style_loss(HISTOGRAM, maps(2), shelf=shelf)
    _, right = at_once(style_loss(HISTOGRAM, maps(2)), array)
    for _ in range(2):
        _, pull = loss.conclude(loss.measure(nd.array(array), whole(array)))
        gradient = loss.pull(nd.array(array), whole(array), pull)
        assert np.array_equal(gradient.asnumpy(), right)
        shelf.put(gradient)
        assert shelf.bytes == 4 * array.size
