"""The guided filter follows the photo's edges, and regressions are those of least squares."""

from __future__ import annotations

import numpy as np
import pytest

from engine.guided import Guide, box_radius
from engine.windows import Means

SIZE = (14, 18)
RIDGE = 1e-4


def random(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, shape)


def guide(colours, radius=2, ridge=RIDGE):
    return Guide(colours, Means(colours.shape[1:], radius), ridge)


@pytest.mark.parametrize("place", [(0, 0), (0, 17), (5, 9), (12, 1), (13, 17)])
def test_in_each_window_it_is_least_squares_with_a_ridge(place):
    colours, plane = random(3, *SIZE), random(*SIZE, seed=1)
    slopes, offset = guide(colours).regressed(plane)
    window = tuple(slice(max(at - 2, 0), at + 3) for at in place)
    pixels, values = colours[(slice(None), *window)].reshape(3, -1).T, plane[window].ravel()
    ridge = np.sqrt(RIDGE * len(pixels)) * np.eye(4)[:3]
    left = np.concatenate([np.column_stack([pixels, np.ones(len(pixels))]), ridge])
    found = np.linalg.lstsq(left, np.concatenate([values, np.zeros(3)]), rcond=None)[0]
    assert np.allclose([*slopes[(slice(None), *place)], offset[place]], found, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_stays(dtype):
    colours = random(3, *SIZE).astype(dtype)
    found = guide(colours).filtered(np.full(SIZE, 0.7, dtype))
    assert found.dtype == dtype
    assert np.allclose(found, 0.7, atol=1e-4)


def test_what_is_an_affine_function_of_the_colours_stays():
    colours = random(3, *SIZE)
    plane = colours[0] - 2 * colours[2] + 0.3
    assert np.allclose(guide(colours, ridge=1e-9).filtered(plane), plane, atol=1e-6)


def two_sides(size=(30, 40)):
    return np.broadcast_to(np.arange(size[1]) >= size[1] // 2, size).astype(float)


def test_noise_goes_and_an_edge_of_the_photo_stays():
    right = two_sides()
    colours = 0.2 + 0.6 * right + 0.02 * np.random.default_rng(0).normal(size=(3, 30, 40))
    noisy = right + 0.1 * np.random.default_rng(1).normal(size=right.shape)
    found = guide(colours, 6).filtered(noisy)
    assert np.sqrt(np.mean((found - right) ** 2)) < 0.03
    assert (found[:, 20] - found[:, 19]).mean() == pytest.approx(1, abs=0.05)


def test_an_edge_that_the_photo_has_not_is_smoothed():
    found = guide(np.full((3, 30, 40), 0.5), 6).filtered(two_sides())
    assert (found[:, 20] - found[:, 19]).max() < 0.1


@pytest.mark.parametrize(("sigma", "radius"), [(0.1, 1), (1, 1), (5, 6), (20, 24)])
def test_two_boxes_are_as_wide_as_a_gaussian(sigma, radius):
    assert box_radius(sigma) == radius
