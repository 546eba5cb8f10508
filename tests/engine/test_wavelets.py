"""The transform keeps lengths and angles, and separates what is coarse from what is fine."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mx import mx, nd
from engine.wavelets import Wavelets, grid_at

SIZES = ((64, 64), (32, 96), (37, 51), (33, 70), (8, 8), (5, 3))
GRIDS = ((0, 0), (1, 30), (31, 32))


def flat(size, seed=0):
    values = np.random.default_rng(seed).normal(size=3 * size[0] * size[1])
    return nd.array(values.astype(np.float32))


def dot(left, right):
    return sum(float(nd.sum(a * b).asscalar()) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("size", SIZES)
def test_there_and_back_is_where_it_began(size, grid):
    wavelets, picture = Wavelets(size, mx.cpu(), grid), flat(size)
    found = wavelets.back(wavelets.forth(picture))
    assert np.allclose(found.asnumpy(), picture.asnumpy(), atol=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("size", SIZES)
def test_lengths_and_angles_stay(size, grid):
    wavelets, one, other = Wavelets(size, mx.cpu(), grid), flat(size, 1), flat(size, 2)
    bands = [wavelets.forth(each) for each in (one, other)]
    assert dot(*bands) == pytest.approx(float(nd.dot(one, other).asscalar()), abs=1e-2)
    assert dot(bands[0], bands[0]) == pytest.approx(float(nd.dot(one, one).asscalar()), rel=1e-4)


def test_a_grey_picture_has_brightness_alone_and_no_detail():
    wavelets = Wavelets((64, 64), mx.cpu())
    *details, rest = wavelets.forth(nd.ones((3 * 64 * 64,)))
    assert max(float(nd.max(nd.abs(band)).asscalar()) for band in details) < 1e-5
    assert rest.shape == (3, 1, 2, 2)
    brightness, *colour = rest.asnumpy().reshape(3, 4)
    assert np.allclose(brightness, 32 * np.sqrt(3))
    assert np.allclose(colour, 0, atol=1e-4)


def test_stripes_of_one_pixel_are_in_the_finest_band_and_in_one_direction():
    stripes = np.broadcast_to(np.array([1.0, -1.0] * 32, np.float32), (3, 64, 64))
    finest, *others = Wavelets((64, 64), mx.cpu()).forth(nd.array(stripes.ravel()))
    across, down, both = np.square(finest.asnumpy()).sum(axis=(0, 2, 3))
    assert across == pytest.approx(3 * 64 * 64)
    assert (down, both) == pytest.approx((0, 0))
    assert all(float(nd.max(nd.abs(band)).asscalar()) < 1e-5 for band in others)


def test_blocks_begin_where_the_grid_says():
    square = np.zeros((3, 64, 64), np.float32)
    square[:, 5:37, 20:52] = 1  # a block of the coarsest details, if the grid lies so
    flat_square = nd.array(square.ravel())
    in_grid, beside = (
        Wavelets((64, 64), mx.cpu(), grid).forth(flat_square) for grid in ((27, 12), (0, 0))
    )
    assert max(float(nd.max(nd.abs(band)).asscalar()) for band in in_grid[:-1]) < 1e-5
    assert max(float(nd.max(nd.abs(band)).asscalar()) for band in beside[:-1]) > 1


def test_grids_are_spread_evenly():
    beginnings = np.array([grid_at(number) for number in range(64)])
    assert len({tuple(each) for each in beginnings}) == 64
    squares, counts = np.unique(beginnings // 8, axis=0, return_counts=True)
    assert len(squares) == 16
    assert counts.max() <= 6  # by chance alone there would be 8 or more in one
