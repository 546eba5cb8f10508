"""The matting Laplacian is that of equation 12, and knows a photo in other colours as a photo."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import matting
from engine.errors import PictureError
from engine.matting import EPSILON, PhotorealismLoss, laplacian, laplacian_bytes

SIZES = ((3, 3), (3, 8), (9, 4), (12, 17))
SMALL = st.tuples(st.integers(3, 8), st.integers(3, 8), st.just(3))
NUMBERS = st.floats(-2, 2, width=32)


def noise(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def windows(size):
    """The numbers of the nine pixels of each window."""
    pixels = np.arange(size[0] * size[1]).reshape(size)
    for row in range(size[0] - 2):
        for column in range(size[1] - 2):
            yield pixels[row : row + 3, column : column + 3].ravel()


def by_equation_12(photo, epsilon=EPSILON):
    """The whole matrix in float64, window by window, as the paper writes it."""
    size, colours = photo.shape[:2], photo.reshape(-1, 3) / 255
    found = np.zeros((len(colours),) * 2)
    for window in windows(size):
        centred = colours[window] - colours[window].mean(axis=0)
        inner = centred.T @ centred / 9 + epsilon / 9 * np.eye(3)
        found[np.ix_(window, window)] += np.eye(9)
        found[np.ix_(window, window)] -= (1 + centred @ np.linalg.solve(inner, centred.T)) / 9
    return found


@pytest.mark.parametrize("size", SIZES)
def test_the_matrix_is_that_of_equation_12(size):
    photo = noise(size)
    found = laplacian(photo)
    assert found.format == "csr"
    assert found.dtype == np.float32
    assert found.has_canonical_format
    assert np.allclose(found.toarray(), by_equation_12(photo), atol=1e-6)


def test_epsilon_is_passed_on():
    photo = noise((5, 6))
    assert np.allclose(laplacian(photo, 0.1).toarray(), by_equation_12(photo, 0.1), atol=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_it_is_the_same_by_bands_of_any_height(rows, monkeypatch):
    photo = noise((13, 9))
    whole = laplacian(photo)
    monkeypatch.setattr(matting, "_BAND", rows * 9)
    banded = laplacian(photo)
    for name in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(banded, name), getattr(whole, name)), name


@given(photo=arrays(np.uint8, SMALL))
def test_it_is_symmetric_positive_and_nothing_for_a_constant(photo):
    matrix = laplacian(photo).toarray().astype(np.float64)
    assert np.array_equal(matrix, matrix.T)
    assert np.abs(matrix.sum(axis=1)).max() < 1e-6
    values = np.linalg.eigvalsh(matrix)
    assert values.min() > -1e-5
    assert values.max() < 9 + 1e-5  # each pixel is in nine windows, and in each at most itself


@given(
    photo=arrays(np.uint8, SMALL),
    slopes=arrays(np.float64, 3, elements=NUMBERS),
    offset=NUMBERS,
)
def test_affine_maps_of_the_photos_own_colours_cost_nothing_but_the_ridge(photo, slopes, offset):
    """No more than epsilon |a|^2 a window: that is what the map itself costs as a solution."""
    mapped = photo.reshape(-1, 3) / 255 @ slopes + offset
    matrix = laplacian(photo).astype(np.float64)
    most = EPSILON * (slopes @ slopes) * (photo.shape[0] - 2) * (photo.shape[1] - 2)
    rounding = 1e-5 * (mapped @ mapped)  # the matrix is stored in float32
    assert -rounding <= mapped @ (matrix @ mapped) <= most + rounding
    # No eigenvalue is over 9.
    assert np.linalg.norm(matrix @ mapped) <= 3 * np.sqrt(most + rounding)


def test_what_is_no_affine_map_of_the_colours_costs_something():
    photo = noise((9, 9))
    loss = PhotorealismLoss.of(photo)
    assert loss(photo)[0] < 1e-7
    assert loss(255.0 - photo / 2)[0] < 1e-7
    assert loss(photo[::-1])[0] > 1e-3


def test_a_line_that_the_photo_lacks_costs_more_than_one_that_it_has():
    across = np.broadcast_to(np.arange(32)[np.newaxis, :, np.newaxis] < 16, (32, 32, 3))
    photo = np.where(across, 60, 180) + np.random.default_rng(0).normal(0, 2, (32, 32, 3))
    loss = PhotorealismLoss.of(photo)
    along = loss(np.where(across, 200.0, 30.0))[0]
    bent = loss(np.where(np.roll(across, 3, axis=1), 200.0, 30.0))[0]
    assert bent > 100 * along


def residue(photo, plane):
    """Least squares with a ridge in each window, by LAPACK: what is left, added up."""
    colours, total = photo.reshape(-1, 3) / 255, 0.0
    for window in windows(photo.shape[:2]):
        rows = np.column_stack([colours[window], np.ones(9)])
        ridge = np.sqrt(EPSILON) * np.eye(4)[:3]
        left = np.concatenate([rows, ridge])
        right = np.concatenate([plane[window], np.zeros(3)])
        found = np.linalg.lstsq(left, right, rcond=None)[0]
        total += np.square(left @ found - right).sum()
    return total


@pytest.mark.parametrize("size", SIZES)
def test_the_loss_is_the_mean_of_what_regressions_leave_in_each_window(size):
    photo, picture = noise(size), noise(size, 1).astype(np.float32)
    planes = picture.reshape(-1, 3).T / 255.0
    expected = sum(residue(photo, plane) for plane in planes)
    expected /= (size[0] - 2) * (size[1] - 2) * 9 * 3
    assert PhotorealismLoss.of(photo, 2.5)(picture)[0] == pytest.approx(2.5 * expected, abs=1e-7)


def test_beside_a_blank_photo_it_is_the_variance_within_windows():
    picture = noise((20, 30)).astype(np.float32)
    planes = picture.reshape(-1, 3) / 255.0
    variance = np.mean([planes[window].var(axis=0) for window in windows((20, 30))])
    found = PhotorealismLoss.of(np.full((20, 30, 3), 80, np.uint8))(picture)[0]
    assert found == pytest.approx(variance, rel=1e-5)


def test_the_gradient_is_that_of_the_value():
    photo, picture = noise((8, 11)), noise((8, 11), 1).astype(np.float32)
    loss = PhotorealismLoss.of(photo, 3.0)
    gradient = loss(picture)[1]
    assert gradient.dtype == np.float32
    assert gradient.shape == picture.shape
    for seed in range(5):
        step = np.random.default_rng(seed).normal(0, 10, picture.shape).astype(np.float32)
        # The loss is a square: between two values as far on both sides there is no error.
        slope = (loss(picture + step)[0] - loss(picture - step)[0]) / 2
        assert slope == pytest.approx(float(np.sum(gradient * step, dtype=np.float64)), rel=1e-3)


def test_a_step_down_the_gradient_leads_to_a_photo():
    photo, picture = noise((8, 11)), noise((8, 11), 1).astype(np.float32)
    loss = PhotorealismLoss.of(photo)
    before, gradient = loss(picture)
    # The steepest that the square may be is 9, twice: a step of its inverse overshoots nothing.
    step = 6 * 9 * 27 * 255**2 / 18
    after = loss(picture - step * gradient)[0]
    assert after < 0.5 * before


@pytest.mark.parametrize("grain", [1.0, 10.0])
def test_as_much_noise_costs_the_same_at_every_size(grain):
    losses = []
    for side in (32, 64, 128):
        random = np.random.default_rng(side)
        across = np.linspace(40, 200, side)
        smooth = across[:, np.newaxis, np.newaxis] * [0.2, 0.5, 0.1] + across[:, np.newaxis] * 0.3
        photo = smooth + random.normal(0, 2, (side, side, 3))
        losses.append(PhotorealismLoss.of(photo)(photo + random.normal(0, grain, photo.shape))[0])
    # Of nine pixels' freedom an affine map of three colours takes four.
    assert losses == pytest.approx([5 / 9 * (grain / 255) ** 2] * 3, rel=0.1)


def test_what_it_takes_is_told_before_and_kept_to():
    photo = noise((260, 300))
    tracemalloc.start()
    try:
        matrix = laplacian(photo)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    held = sum(each.nbytes for each in (matrix.data, matrix.indices, matrix.indptr))
    assert held == laplacian_bytes((260, 300))
    assert held / photo.shape[0] / photo.shape[1] < 204
    assert most - held < 1024 * (matting._BAND + 8 * 300)


def test_of_a_grey_photo_it_is_finite_and_exact_also_in_floats():
    """Of 32 bits they leave no covariance there: its colours lie on a line."""
    down, across = np.mgrid[:40, :50]
    light = 128 + 100 * np.sin(down / 5) * np.cos(across / 7) + noise((40, 50))[:, :, 0] / 50
    grey = np.repeat(light[:, :, np.newaxis], 3, axis=2).astype(np.float32)
    found = laplacian(grey)
    assert np.isfinite(found.data).all()
    wanted = laplacian(grey.astype(np.float64))
    assert np.abs(found.data - wanted.data).max() < 1e-6


def test_a_picture_without_a_window_is_refused():
    with pytest.raises(PictureError, match="5x2"):
        laplacian(np.zeros((2, 5, 3), np.uint8))
