"""Masks: what is painted, what is seen, and what is painted on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PictureError
from engine.masks import composed, inwards, luma, painted, restored
from tests.engine.labellings import as_jpeg

LEVELS = st.integers(0, 255)


def picture(seed, size=(12, 17)):
    return np.random.default_rng(seed).uniform(0, 255, (*size, 3)).astype(np.float32)


def mask(seed=0, size=(12, 17)):
    """Black, white and grey pixels."""
    shares = np.random.default_rng(seed).choice([0.0, 0.3, 1.0], size)
    return shares.astype(np.float32)


def test_white_is_painted_and_black_is_kept():
    grey = np.array([[0, 64, 128, 255]], np.uint8)
    shares = painted(grey[:, :, np.newaxis].repeat(3, axis=2))
    assert (shares[0, 0], shares[0, 3], shares.dtype) == (0, 1, np.float32)
    assert shares[0] == pytest.approx(grey[0] / 255, abs=0.04)


def test_noise_of_a_jpeg_does_not_paint_what_is_black():
    drawn = np.zeros((96, 96, 3), np.uint8)
    drawn[16:64, 32:80] = 255
    shares = painted(as_jpeg(drawn, 85))
    assert not shares[:8].any()
    assert (shares[16:64, 32:80] == 1).mean() > 0.95
    assert (shares == (drawn[:, :, 0] > 0)).mean() > 0.95


@given(LEVELS, LEVELS)
def test_what_is_lighter_is_painted_more(one, other):
    shares = painted(np.array([[[one] * 3, [other] * 3, [255] * 3]], np.uint8))[0]
    assert shares.min() >= 0
    assert shares.max() == 1
    assert (shares[0] <= shares[1]) if one <= other else (shares[0] >= shares[1])


def test_a_black_mask_is_refused():
    with pytest.raises(PictureError, match="nothing would be painted"):
        painted(np.full((4, 4, 3), 7, np.uint8))


def test_what_is_seen_is_the_one_or_the_other_to_the_last_bit():
    shares = mask()
    found = composed(picture(1), picture(2), shares)
    assert found.dtype == np.float32
    assert np.array_equal(found[shares == 1], picture(1)[shares == 1])
    assert np.array_equal(found[shares == 0], picture(2)[shares == 0])
    part = shares == np.float32(0.3)
    expected = 0.3 * picture(1)[part] + 0.7 * picture(2)[part]
    assert found[part] == pytest.approx(expected, rel=1e-5)


def test_a_photo_of_bytes_may_be_kept():
    photo = picture(2).astype(np.uint8)
    found = composed(picture(1), photo, np.zeros((12, 17), np.float32))
    assert np.array_equal(found, photo)


def test_where_any_of_it_is_seen_it_is_painted_on():
    found = restored(picture(1), picture(2), mask())
    assert found.dtype == np.float32
    assert np.array_equal(found[mask() == 1], picture(1)[mask() == 1])
    assert np.array_equal(found[mask() == 0], picture(2)[mask() == 0])
    plain = restored(np.full((12, 17, 3), 90, np.float32), picture(2), mask())
    assert plain[mask() > 0] == pytest.approx(90)


@given(st.floats(0.01, 1), st.integers(0, 9))
def test_what_is_grey_all_over_is_painted_on_as_it_is(share, seed):
    even = np.full((12, 17), share, np.float32)
    assert np.array_equal(restored(picture(seed), picture(2), even), picture(seed))


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.75, 0.99])
def test_at_a_hard_edge_glaring_pixels_of_which_little_is_seen_are_not_painted_on(share):
    """In a larger size the edge falls elsewhere, and they would be seen whole."""
    shares = np.zeros((9, 12), np.float32)
    shares[:, 5], shares[:, 6:] = share, 1
    painting = np.full((9, 12, 3), 80, np.float32)
    painting[:, 5] = (255, 0, 255)
    found = restored(painting, np.full((9, 12, 3), 120, np.float32), shares)
    assert np.all(found[:, :5] == 120)
    assert np.all(found[:, 6:] == 80)
    left = (found[:, 5] - 80) / (painting[:, 5] - 80)
    near = share**4 * 3 / (share**4 * 3 + 3)  # of itself three parts in six, the others beside it
    assert left == pytest.approx(share + (1 - share) * near, abs=1e-4)


def test_a_grey_part_has_hard_edges_too():
    shares = np.zeros((9, 24), np.float32)
    shares[:, 5], shares[:, 6:10], shares[:, 18:] = 0.1, 0.3, 1
    painting = np.full((9, 24, 3), 80, np.float32)
    painting[:, 5] = (255, 0, 255)
    found = restored(painting, np.full((9, 24, 3), 120, np.float32), shares)
    assert np.abs(found[:, 5] - 80).max() < 0.4 * np.abs(painting[:, 5] - 80).max()


def test_along_a_soft_edge_each_pixel_is_painted_on_as_it_is():
    ramp = np.clip((np.arange(60) - 9) / 40, 0, 1).astype(np.float32)
    shares = np.broadcast_to(ramp, (9, 60)).copy()
    painting = picture(1, (9, 60))
    found = restored(painting, picture(2, (9, 60)), shares)
    assert np.array_equal(found[shares > 0], painting[shares > 0])


def test_of_a_line_that_is_nowhere_seen_whole_the_line_is_painted_on():
    shares = np.zeros((9, 12), np.float32)
    shares[4] = 0.3
    found = restored(picture(1, (9, 12)), picture(2, (9, 12)), shares)
    assert np.array_equal(found[4], picture(1, (9, 12))[4])


def test_what_sees_the_edge_counts_for_little_and_each_region_keeps_its_share():
    part = np.array([[1, 1, 0.5, 0.25, 0]], np.float32)
    weights = np.stack([part * each for each in (0.25, 0.75)])
    weights[0, 0, 0], weights[1, 0, 0] = 0, 1
    found = inwards(weights)
    assert found.mean(axis=(1, 2)) == pytest.approx(weights.mean(axis=(1, 2)))
    right = weights * part**4
    assert found / found[:, :, 1:2] == pytest.approx(right / right[:, :, 1:2])
    faint = inwards(weights * np.float32(1e-3))  # as it is where everything sees an edge
    assert faint == pytest.approx(found * 1e-3)
    assert not inwards(0 * weights).any()


def test_a_mask_may_have_no_colours():
    grey = np.array([[0, 64, 128, 255]], np.uint8)
    assert np.array_equal(painted(grey), painted(grey[:, :, np.newaxis].repeat(3, axis=2)))
    assert np.array_equal(luma(grey), grey)
    assert not np.shares_memory(luma(grey), grey)
