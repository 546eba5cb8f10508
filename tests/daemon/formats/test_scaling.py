"""A painting's numbers: size, depth, and the ground that is taken out where it shines through."""

from __future__ import annotations

import numpy as np
import pytest

from daemon.formats import colour, scaling


def slope(height: int = 40, width: int = 60) -> np.ndarray:
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([down * 4.0, across * 4.0, down + across], -1).astype(np.float32)


def test_values_are_rounded_to_their_depth_and_clipped() -> None:
    picture = np.array([-5, 0.4, 0.6, 100.25, 254.6, 300], np.float32)
    picture = np.broadcast_to(picture[None, :, None], (1, 6, 3))
    eight = scaling.channels(picture, (6, 1), None, 8)
    assert (eight.dtype, eight[0, :, 0].tolist()) == (np.uint8, [0, 0, 1, 100, 255, 255])
    deep = scaling.channels(picture, (6, 1), None, 16)
    assert (deep.dtype, deep[0, :, 1].tolist()) == (np.uint16, [0, 103, 154, 25764, 65432, 65535])


@pytest.mark.parametrize("size", [(90, 60), (61, 41), (30, 20)])
def test_it_comes_out_in_the_size_that_is_asked_for(size: tuple[int, int]) -> None:
    made = scaling.channels(slope(), size, None, 8)
    assert made.shape == (size[1], size[0], 3)
    middle = made[size[1] // 2, size[0] // 2].astype(float)
    np.testing.assert_allclose(middle, slope()[20, 30], atol=4)


def test_laid_over_the_ground_it_is_what_was_painted() -> None:
    # A photo of one colour on the ground, painted as it is.
    alpha = np.broadcast_to(np.linspace(0, 255, 60).astype(np.uint8), (40, 60))
    share = alpha[:, :, None] / 255
    painted = (np.array([200, 120, 40]) * share + colour.GROUND * (1 - share)).astype(np.float32)
    made = scaling.channels(painted, (60, 40), alpha, 8).astype(float)
    np.testing.assert_array_equal(made[:, :, 3], alpha)
    laid = made[:, :, :3] * share + colour.GROUND * (1 - share)
    np.testing.assert_allclose(laid, painted, atol=0.51)
    # And on any other ground, there is nothing grey about it.
    np.testing.assert_allclose(
        made[:, 12:, :3], np.broadcast_to([200, 120, 40], (40, 48, 3)), atol=5
    )


def test_alpha_is_brought_to_the_size_and_depth() -> None:
    alpha = np.zeros((80, 120), np.uint8)
    alpha[:, 60:] = 255
    made = scaling.channels(slope(), (60, 40), alpha, 16)
    assert made.shape == (40, 60, 4)
    assert (made[20, 5, 3], made[20, 55, 3]) == (0, 65535)


def test_the_painting_is_left_as_it_was() -> None:
    picture, alpha = slope(), np.full((40, 60), 100, np.uint8)
    scaling.channels(picture, (60, 40), alpha, 8)
    np.testing.assert_array_equal(picture, slope())
