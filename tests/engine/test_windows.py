"""Means over windows and roots of small matrices are what plain loops and LAPACK make of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.windows import Means, Roots


def mean_around(plane, row, column, radius):
    above, left = max(row - radius, 0), max(column - radius, 0)
    return plane[above : row + radius + 1, left : column + radius + 1].mean()


@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    radius=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_means_are_over_what_of_a_window_is_in_the_picture(size, radius, seed):
    planes = np.random.default_rng(seed).uniform(-1, 1, (2, *size))
    found = Means(size, radius)(planes)
    expected = [
        [mean_around(plane, *place, radius) for place in np.ndindex(size)] for plane in planes
    ]
    assert np.allclose(found.reshape(2, -1), expected, atol=1e-12)


def test_what_is_averaged_stays_as_it_was_and_keeps_its_type():
    plane = np.eye(5, dtype=np.float32)
    before = plane.copy()
    found = Means((5, 5), 1)(plane)
    assert found.dtype == np.float32
    assert np.array_equal(plane, before)
    assert found.max() == pytest.approx(1 / 2)  # the corner: two of four


def covariances_of(rank, places, seed=0):
    """(3, 3, places, 1), of so many dimensions each."""
    parts = np.random.default_rng(seed).normal(size=(places, 3, rank))
    return np.moveaxis(parts @ parts.swapaxes(1, 2), 0, 2)[..., np.newaxis]


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_solutions_are_those_of_lapack(rank):
    covariances = covariances_of(rank, 20)
    colours = np.random.default_rng(1).normal(size=(3, 20, 1))
    found = Roots(covariances, 1e-3).solved(colours)
    matrices = np.moveaxis(covariances[..., 0], 2, 0) + 1e-3 * np.eye(3)
    expected = np.linalg.solve(matrices, colours.transpose(1, 0, 2))
    assert np.allclose(found.transpose(1, 0, 2), expected, rtol=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_products_of_what_is_whitened_are_those_with_the_inverse_between(rank):
    covariances = covariances_of(rank, 20, seed=2)
    one, other = np.random.default_rng(3).normal(size=(2, 3, 20, 1))
    roots = Roots(covariances, 1e-3)
    found = (roots.whitened(one) * roots.whitened(other)).sum(axis=0)
    assert np.allclose(found, (one * roots.solved(other)).sum(axis=0), rtol=1e-6)


def test_only_one_half_of_a_symmetric_matrix_is_read():
    covariances = covariances_of(3, 5)
    half = covariances.copy()
    half[np.triu_indices(3, 1)] = np.nan
    colours = np.ones((3, 5, 1))
    assert np.array_equal(Roots(half, 0.1).solved(colours), Roots(covariances, 0.1).solved(colours))
