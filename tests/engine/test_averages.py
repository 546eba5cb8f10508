"""Averages against sums by hand, MXNet's poolings, and the rule that shares add up to 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.averages import down, halved, resized, spread
from engine.layers import chain_to, is_pooling, level_of
from engine.mx import nd
from engine.recipe import CONVOLUTIONS
from tests.engine.labellings import plain
from tests.engine.near import near

SIDES = st.integers(1, 90)
PADDINGS = ("zeros", "reflect", "replicate")
TAPS = ("conv1_1", "conv2_2", "conv3_4", "conv5_1")


def plane(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height + 1000 * width).uniform(0, 1, (height, width))


def shares(numbers: np.ndarray) -> list[np.ndarray]:
    return [numbers == number for number in range(numbers.max() + 1)]


def overlaps(before: int, after: int) -> np.ndarray:
    """How much of each new position each old one covers, (after, before)."""
    old, new = (np.arange(count + 1) / count for count in (before, after))
    starts = np.maximum(new[:-1, None], old[None, :-1])
    return (np.minimum(new[1:, None], old[None, 1:]) - starts).clip(0) * after


@given(plain(), SIDES, SIDES)
def test_shares_add_up_to_one_at_every_size(labelled, height, width):
    planes = [resized(each, (height, width)) for each in shares(labelled[0])]
    assert all(each.shape == (height, width) and each.dtype == np.float32 for each in planes)
    assert min(each.min() for each in planes) >= 0
    assert sum(planes) == near(np.ones((height, width)), abs=2e-6)


@given(st.tuples(SIDES, SIDES), st.floats(0, 1), st.floats(0, 1))
def test_what_shrinks_is_averaged_over_the_area(size, down_to, across_to):
    smaller = max(1, int(size[0] * down_to)), max(1, int(size[1] * across_to))
    found = resized(plane(*size), smaller)
    rows, columns = (overlaps(*pair) for pair in zip(size, smaller, strict=True))
    assert found == near(rows @ plane(*size) @ columns.T, abs=1e-5)
    assert found.mean() == pytest.approx(plane(*size).mean(), abs=1e-5)


@given(SIDES.filter(lambda side: side > 1), st.integers(2, 6))
def test_what_grows_is_straight_between_its_positions(before, times):
    ramp = np.arange(before, dtype=np.float32)[:, np.newaxis].repeat(2, axis=1)
    found = resized(ramp, (before * times, 2))
    inner = slice(times // 2 + 1, -(times // 2 + 1))
    assert np.diff(found[inner], axis=0) == pytest.approx(1 / times, abs=1e-4)
    assert (found.min(), found.max()) == (0, before - 1)


def test_a_size_of_its_own_changes_nothing():
    assert np.array_equal(resized(plane(7, 5), (7, 5)), plane(7, 5).astype(np.float32))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", [(2, 2), (5, 4), (31, 2)])
def test_a_position_is_spread_as_a_convolution_sees_it(padding, size):
    given_ = nd.array(plane(*size)[np.newaxis, np.newaxis])
    options = {"kernel": (3, 3), "pool_type": "avg", "count_include_pad": False}
    if padding == "zeros":
        expected = nd.Pooling(given_, pad=(1, 1), **options)
    else:
        mode = {"replicate": "edge", "reflect": "reflect"}[padding]
        wide = nd.pad(given_, mode=mode, pad_width=(0, 0, 0, 0, 1, 1, 1, 1))
        expected = nd.Pooling(wide, **options)
    found = spread(plane(*size).astype(np.float32), padding)
    assert found == near(expected.asnumpy()[0, 0], abs=1e-6)


def test_of_one_row_there_is_nothing_but_itself():
    assert spread(np.full((1, 1), 0.25, np.float32)) == pytest.approx(0.25)


@pytest.mark.parametrize("size", [(6, 4), (7, 9)])
def test_a_pooling_halves_and_leaves_an_odd_end_out(size):
    pooled = nd.Pooling(
        nd.array(plane(*size)[np.newaxis, np.newaxis]),
        kernel=(2, 2),
        stride=(2, 2),
        pool_type="avg",
    )
    found = halved(plane(*size).astype(np.float32))
    assert found == near(pooled.asnumpy()[0, 0], abs=1e-6)


@given(
    plain(most=3, block=32),
    st.integers(32, 75),
    st.integers(32, 75),
    st.sampled_from(PADDINGS),
)
def test_shares_add_up_to_one_at_every_tap(labelled, height, width, padding):
    size = height, width
    sums = dict.fromkeys(TAPS, 0.0)
    for each in shares(labelled[0]):
        for tap, found in down(resized(each, size), TAPS, padding):
            assert found.shape == tuple(side >> level_of(tap) for side in size)
            assert found.min() >= 0
            sums[tap] = sums[tap] + found
    for total in sums.values():
        assert total == near(np.ones(total.shape), abs=1e-5)


@pytest.mark.parametrize("padding", PADDINGS)
def test_each_layer_has_its_part_in_the_way_down(padding):
    expected = plane(37, 50).astype(np.float32)
    for name in chain_to("conv3_2"):
        own = padding if name == CONVOLUTIONS[0] else "zeros"
        expected = halved(expected) if is_pooling(name) else spread(expected, own)
    found = dict(down(plane(37, 50).astype(np.float32), {"conv1_2", "conv3_2"}, padding))
    assert list(found) == ["conv1_2", "conv3_2"]
    assert np.array_equal(found["conv3_2"], expected)


def test_an_edge_is_as_soft_as_the_network_sees_far():
    half = np.repeat([[1.0, 0.0]], 48, axis=0).repeat(48, axis=1).astype(np.float32)
    found = dict(down(half, {"conv1_1", "conv2_1"}, "replicate"))
    assert found["conv1_1"][20, 46:50] == pytest.approx([1, 2 / 3, 1 / 3, 0], abs=1e-6)
    soft = [1, 25 / 27, 2 / 3, 1 / 3, 2 / 27, 0]
    assert found["conv2_1"][10, 21:27] == pytest.approx(soft, abs=1e-6)
