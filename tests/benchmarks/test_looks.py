"""The measures of pictures, on pictures whose measures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import looks

Picture = NDArray[np.float64]


def grey(plane: NDArray[np.float64]) -> Picture:
    return np.repeat(plane[:, :, np.newaxis], 3, axis=2)


def smooth(height: int = 60, width: int = 80) -> Picture:
    down, across = np.mgrid[:height, :width]
    return grey(128 + 60 * np.sin(across / 9.0) * np.cos(down / 7.0))


def noisy(picture: Picture, sigma: float, seed: int = 0) -> Picture:
    return picture + np.random.default_rng(seed).normal(0, sigma, picture.shape)


def square(at: int, side: int = 24, *, inside: float = 200, outside: float = 60) -> Picture:
    plane = np.full((64, 64), outside)
    plane[at : at + side, at : at + side] = inside
    return grey(plane)


def test_luma_is_that_of_rec_601() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    assert looks.luma(colours)[0] == pytest.approx([76.245, 149.685, 29.07, 9])


def test_a_picture_is_as_it_is() -> None:
    picture = noisy(smooth(), 10)
    assert looks.ssim(picture, picture) == pytest.approx(1)
    assert looks.edge_f1(picture, picture) == 1
    assert looks.colour_distance(picture, picture) == pytest.approx(0, abs=1e-6)


def test_ssim_of_flat_pictures_is_the_formula_of_their_means() -> None:
    dark, light = np.full((20, 20, 3), 100.0), np.full((20, 20, 3), 150.0)
    wanted = (2 * 100 * 150 + 2.55**2) / (100**2 + 150**2 + 2.55**2)
    assert looks.ssim(dark, light) == pytest.approx(wanted)


def test_ssim_of_windows_is_the_formula_summed_by_hand() -> None:
    one, other = noisy(smooth(11, 11), 20), noisy(smooth(11, 11), 30, seed=1)
    at = np.arange(-5, 6)
    weight = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    weight /= weight.sum()
    x, y = looks.luma(one), looks.luma(other)
    m, n = (weight * x).sum(), (weight * y).sum()
    v, w = (weight * (x - m) ** 2).sum(), (weight * (y - n) ** 2).sum()
    c = (weight * (x - m) * (y - n)).sum()
    a, b = 2.55**2, 7.65**2
    wanted = (2 * m * n + a) * (2 * c + b) / ((m**2 + n**2 + a) * (v + w + b))
    assert looks.ssim(one, other) == pytest.approx(wanted)


def test_ssim_falls_with_noise_and_turns_with_the_contrast() -> None:
    found = [looks.ssim(noisy(smooth(), sigma), smooth()) for sigma in (2, 10, 40)]
    assert 1 > found[0] > found[1] > found[2] > 0
    assert looks.ssim(255 - smooth(), smooth()) < 0


def test_edges_stay_where_light_and_contrast_change() -> None:
    assert looks.edge_f1(square(10, inside=90, outside=80), square(10)) == 1
    assert looks.edge_f1(square(10, inside=20, outside=240), square(10)) == 1


def test_edges_lie_at_the_outline() -> None:
    down, across = np.nonzero(looks.edges(square(20, 20)))
    near = np.minimum.reduce([np.abs(down - 19.5), np.abs(down - 39.5),
                              np.abs(across - 19.5), np.abs(across - 39.5)])  # fmt: skip
    assert len(down) > 60
    assert near.max() <= 1.5


def test_edges_that_have_moved_by_less_than_can_be_seen_are_found_again() -> None:
    # Of 64x64 pixels the diagonal is 90.5: what is near lies within 0.68 pixels.
    wide = [np.kron(square(at), np.ones((5, 5, 1))) for at in (20, 20, 40)]
    assert looks.edge_f1(np.roll(wide[0], 3, axis=1), wide[1]) > 0.95
    assert looks.edge_f1(wide[2], wide[1]) < 0.25


def test_half_of_the_edges_missing_is_seen_in_both_directions() -> None:
    both = square(4, 20)
    both[36:60, 36:60] = 200
    alone = looks.edge_f1(square(4, 20), both)
    assert 0.55 < alone < 0.8  # precision 1, recall about a half
    assert looks.edge_f1(both, square(4, 20)) == pytest.approx(alone)


def test_without_an_edge_there_is_none_in_common() -> None:
    flat = np.full((30, 30, 3), 90, np.uint8)
    assert looks.edge_f1(flat, square(3, 10)[:30, :30]) == looks.edge_f1(flat, flat) == 0


def test_colours_do_not_depend_on_where_they_are_nor_on_the_size() -> None:
    picture = noisy(smooth(), 10).clip(0, 255)
    assert looks.colour_distance(picture[::-1, ::-1], picture) == pytest.approx(0, abs=1e-6)
    assert looks.colour_distance(np.tile(picture, (2, 3, 1)), picture) == pytest.approx(0, abs=1e-6)


def test_nothing_shared_is_1_and_half_shared_is_the_formula() -> None:
    red, blue = np.zeros((4, 4, 3)), np.zeros((4, 4, 3))
    red[..., 0], blue[..., 2] = 255, 255
    assert looks.colour_distance(red, blue) == pytest.approx(1)
    half = np.concatenate([red, blue])
    assert looks.colour_distance(half, red) == pytest.approx(math.sqrt(1 - math.sqrt(0.5)))


def test_a_colour_between_two_bins_is_shared_out() -> None:
    step = 255 / 7
    low, middle = np.full((2, 2, 3), 2 * step), np.full((2, 2, 3), 2.5 * step)
    # An eighth of it is in the one corner.
    wanted = math.sqrt(1 - math.sqrt(1 / 8))
    assert looks.colour_distance(middle, low) == pytest.approx(wanted)


@pytest.mark.parametrize("sigma", [3.0, 12.0])
def test_noise_is_the_deviation_of_what_was_added(sigma: float) -> None:
    plane = np.random.default_rng(3).normal(0, sigma, (200, 300))
    picture = smooth(200, 300)
    assert looks.noise(picture) < 0.1
    assert looks.noise(picture + grey(plane)) == pytest.approx(sigma, rel=0.03)
    assert looks.colour_noise(picture + grey(plane)) < 0.1  # it is grey


def test_noise_of_the_colours_alone_is_no_noise_of_the_luma() -> None:
    picture = smooth(200, 300)
    red = np.random.default_rng(4).normal(0, 10, (200, 300))
    picture[..., 0] += red
    picture[..., 1] -= red * 0.299 / 0.587
    assert looks.noise(picture) < 0.1
    # Cr has 0.713 of it; Cb nothing, since neither blue nor luma has changed.
    assert looks.colour_noise(picture) == pytest.approx(7.13 / 2, rel=0.05)


def test_a_blot_is_seen_where_the_mean_hides_it() -> None:
    clean, spotted = smooth(200, 300), smooth(200, 300)
    spotted[5:25, 100:120] += np.random.default_rng(5).normal(0, 30, (20, 20, 3))
    assert looks.colour_noise(spotted) < 0.3
    assert looks.blot(spotted) > 40 * max(looks.blot(clean), 0.1)


def test_a_frame_of_noise_is_told_from_noise_everywhere() -> None:
    everywhere = noisy(smooth(200, 300), 10)
    assert looks.rim(everywhere) == pytest.approx(1, abs=0.05)
    framed = noisy(smooth(200, 300), 10)
    framed[6:-6, 6:-6] = noisy(smooth(188, 288), 1)
    assert looks.rim(framed) > 4


def test_a_frame_of_colour_is_as_strong_as_its_line_is_different() -> None:
    framed = np.full((40, 60, 3), 100.0)
    assert looks.frame(framed) == 0
    framed[0, :, 2] = framed[-1, :, 2] = 160
    framed[:, 0, 2] = framed[:, -1, 2] = 160
    # The lines of the other two sides pass through what lies inside: 2 of 60, 2 of 40 pixels.
    wide, high = 60 - 60 * 2 / 60, 60 - 60 * 2 / 40
    assert looks.frame(framed) == pytest.approx((wide + high) / 2 / 3)
    assert looks.frame(smooth(200, 300)) < 10
