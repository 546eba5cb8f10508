"""Seen through its maps a photo has a painting's colours, and edges and grain of its own."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import colour_maps
from engine.colour_maps import ColourMaps

SMALL = st.tuples(st.integers(3, 12), st.integers(3, 12), st.just(3))
MATRICES = arrays(np.float64, (3, 3), elements=st.floats(-1, 1, width=32))
OFFSETS = arrays(np.float64, 3, elements=st.floats(-50, 250, width=32))
WARM = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.0], [0.0, 0.1, 0.4]]), np.array([40.0, 10.0, 5.0])
COLD = np.array([[0.3, 0.1, 0.0], [0.0, 0.4, 0.2], [0.1, 0.1, 0.6]]), np.array([5.0, 20.0, 60.0])


def mapped(picture, matrix, offset):
    return picture.astype(np.float64) @ matrix.T + offset


def grainy(size=(48, 64), seed=0):
    """A photo with smooth shades and grain, float."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / max(size)
    shades = np.stack([60 + 90 * x, 140 - 60 * y, 100 + 40 * np.sin(6 * (x + y))], axis=2)
    return (shades + random.normal(0, 6, shades.shape)).astype(np.float32)


def two_surfaces(size=(48, 64), seed=0, edge=0.5):
    """A photo of a dark surface beside a bright one, and where the bright one is."""
    random = np.random.default_rng(seed)
    bright = np.broadcast_to(np.arange(size[1]) >= edge * size[1], size)
    shades = np.where(bright[..., np.newaxis], [200.0, 180.0, 150.0], [60.0, 70.0, 90.0])
    return (shades + random.normal(0, 5, shades.shape)).astype(np.float32), bright


def rms(difference):
    return float(np.sqrt(np.mean(np.square(difference))))


@given(photo=arrays(np.uint8, SMALL), matrix=MATRICES, offset=OFFSETS, seed=st.integers(0, 99))
def test_a_recolouring_comes_back_at_both_sizes(photo, matrix, offset, seed):
    maps = ColourMaps.between(photo, mapped(photo, matrix, offset)).smoothed()
    # Of a larger photo's colours nobody knows anything but what this one holds: they are among it.
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(photo[..., 0].size), (2 * photo.shape[0] + 1, 17))
    large = (shares @ photo.reshape(-1, 3)).astype(np.float32)
    for picture in (photo.astype(np.float32), large):
        expected = mapped(picture, matrix, offset).clip(0, 255)
        assert np.allclose(maps.seen(picture), expected, atol=0.02)


def test_bytes_come_back_as_bytes_and_rounded():
    photo = grainy().clip(0, 255).astype(np.uint8)
    seen = ColourMaps.between(photo, mapped(photo, *WARM)).smoothed().seen(photo)
    assert seen.dtype == np.uint8
    assert np.abs(seen - mapped(photo, *WARM)).max() <= 0.51


def test_colours_beyond_the_range_are_cut_off():
    photo = grainy()
    seen = ColourMaps.between(photo, photo * 3 - 200).seen(photo)
    assert seen.min() == 0
    assert seen.max() == 255
    assert np.allclose(seen, (photo * 3 - 200).clip(0, 255), atol=0.01)


def test_maps_that_change_slowly_from_place_to_place_are_met():
    photo = grainy()
    share = np.linspace(0, 1, 64)[:, np.newaxis]
    painted = share * mapped(photo, *WARM) + (1 - share) * mapped(photo, *COLD)
    maps = ColourMaps.between(photo, painted)
    one_map = replace(maps, own=np.zeros_like(maps.own))
    most = rms(one_map.seen(photo) - painted)
    assert rms(maps.seen(photo) - painted) < most / 4
    assert rms(maps.smoothed().seen(photo) - painted) < most / 2


def test_noise_is_removed_and_grain_is_the_photos():
    photo, noise = grainy(), np.random.default_rng(1).normal(0, 12, (48, 64, 3))
    maps = ColourMaps.between(photo, mapped(photo, *WARM) + noise)
    # In a window four of nine pixels' freedom are the map's, but for the ridge.
    assert rms(maps.seen(photo) - mapped(photo, *WARM)) < 12 * 2 / 3
    assert rms(maps.smoothed().seen(photo) - mapped(photo, *WARM)) < 12 / 4


def test_a_wider_filter_removes_more():
    photo, noise = grainy(), np.random.default_rng(1).normal(0, 12, (48, 64, 3))
    maps = ColourMaps.between(photo, mapped(photo, *WARM) + noise)
    left = [rms(maps.smoothed(radius).seen(photo) - mapped(photo, *WARM)) for radius in (3, 9, 30)]
    assert left[0] > left[1] > left[2]


def test_each_surface_keeps_its_own_map_up_to_the_edge():
    photo, bright = two_surfaces()
    expected = np.where(bright[..., np.newaxis], mapped(photo, *WARM), mapped(photo, *COLD))
    seen = ColourMaps.between(photo, expected).smoothed().seen(photo)
    beside = slice(30, 34)  # two pixels on either side
    assert rms((seen - expected)[:, beside]) < 4


def test_an_edge_that_was_painted_soft_is_sharp_again():
    photo, _ = two_surfaces()
    expected = mapped(photo, *WARM)
    soft = np.mean([np.roll(expected, step, axis=1) for step in range(-3, 4)], axis=0)
    soft[:, :4], soft[:, -4:] = expected[:, :4], expected[:, -4:]
    seen = ColourMaps.between(photo, soft).smoothed().seen(photo)

    def step(picture):
        return float((picture[:, 32:33] - picture[:, 31:32]).mean())

    assert step(soft) < 0.25 * step(expected)
    assert step(seen) > 0.6 * step(expected)


def test_an_edge_of_the_large_photo_is_kept_where_the_small_one_has_none():
    """At 8 pixels for one, an edge that lies within a pixel of the painting's size."""
    large, bright = two_surfaces((96, 128), edge=0.53)
    photo = large.reshape(12, 8, 16, 8, 3).mean(axis=(1, 3))
    expected = np.where(bright[..., np.newaxis], mapped(large, *WARM), mapped(large, *COLD))
    painted = expected.reshape(12, 8, 16, 8, 3).mean(axis=(1, 3))
    maps = ColourMaps.between(photo, painted).smoothed(3)
    seen = maps.seen(large)
    edge = slice(56, 80)
    by_place = np.kron(painted, np.ones((8, 8, 1)))
    assert rms((seen - expected)[:, edge]) < 0.5 * rms((by_place - expected)[:, edge])
    jump = (seen[:, 69] - seen[:, 66]).mean() / (expected[:, 69] - expected[:, 66]).mean()
    assert jump > 0.8


def bilateral(maps, radius=15, contrast=0.01):
    """Luan's filter as it stands: each map the mean of all around it, by distance and colour."""
    own, photo = np.moveaxis(maps.own, (2, 3), (0, 1)), maps.photo
    total, weights = np.zeros_like(own), np.zeros(photo.shape[:2])
    y, x = np.mgrid[0 : len(photo), 0 : photo.shape[1]]
    for row, column in np.ndindex(photo.shape[:2]):
        away = (y - row) ** 2 + (x - column) ** 2
        unlike = np.square(photo - photo[row, column]).sum(axis=2)
        shares = np.exp(-away / (2 * (radius / 3) ** 2) - unlike / (2 * contrast**2))
        shares *= (np.abs(y - row) <= radius) & (np.abs(x - column) <= radius)
        total[row, column] = np.tensordot(shares, own, 2)
        weights[row, column] = shares.sum()
    mean = total / weights[..., np.newaxis, np.newaxis]
    return replace(maps, own=np.moveaxis(mean, (0, 1), (2, 3)).astype(np.float32))


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_no_worse_than_the_bilateral_filter_that_it_stands_for(seed):
    photo, bright = two_surfaces((32, 40), seed)
    expected = np.where(bright[..., np.newaxis], mapped(photo, *WARM), mapped(photo, *COLD))
    noise = np.random.default_rng(seed + 9).normal(0, 12, photo.shape)
    maps = ColourMaps.between(photo, expected + noise)
    both = bilateral(maps), maps.smoothed()
    direct, guided = (rms(each.seen(photo) - expected) for each in both)
    assert guided < direct < 8


def test_a_grey_photo_is_toned_as_a_whole():
    grey = np.repeat(grainy()[..., :1], 3, axis=2)
    toned = mapped(grey, *WARM)
    maps = ColourMaps.between(grey, toned).smoothed()
    assert np.allclose(maps.seen(grey), toned, atol=0.02)
    # What would have become of colours it does not say: they stay.
    red = grey + np.array([20, 0, -20], np.float32)
    assert np.allclose((maps.seen(red) - toned).mean(axis=(0, 1)), [20, 0, -20], atol=0.5)


def test_a_photo_of_one_colour_is_the_paintings_mean():
    photo = np.full((9, 12, 3), 100, np.uint8)
    painted = np.random.default_rng(0).uniform(40, 60, (9, 12, 3))
    seen = ColourMaps.between(photo, painted).smoothed(60).seen(photo)
    assert rms(seen.astype(float) - painted.mean(axis=(0, 1))) < 2


@pytest.mark.parametrize("size", [(48, 64), (97, 127), (20, 30), (1, 1)])
def test_it_is_the_same_by_bands_of_any_height(size, monkeypatch):
    photo = grainy()
    maps = ColourMaps.between(photo, photo[::-1]).smoothed()
    other = grainy(size, 1)
    whole = maps.seen(other)
    assert np.isfinite(whole).all()
    monkeypatch.setattr(colour_maps, "_BAND", 5 * size[1])
    assert np.array_equal(maps.seen(other), whole)


def test_at_the_paintings_size_each_pixel_has_its_own_map():
    photo = grainy()
    maps = ColourMaps.between(photo, photo[::-1])
    matrices = np.moveaxis(maps.own, (2, 3), (0, 1)) + maps.whole
    expected = np.einsum("yxij,yxj->yxi", matrices[..., :3], photo / 255.0) + matrices[..., 3]
    assert np.allclose(maps.seen(photo), (expected * 255).clip(0, 255), atol=0.01)


def test_a_large_photo_takes_little_more_than_its_result():
    photo = grainy()
    maps = ColourMaps.between(photo, photo[::-1])
    large = np.zeros((600, 800, 3), np.uint8)
    tracemalloc.start()
    try:
        maps.seen(large)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most - large.nbytes < 250 * (colour_maps._BAND + 800)
