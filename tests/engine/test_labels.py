"""Colours found in pictures of labels: plain ones exactly, others through noise and soft edges."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PictureError
from engine.labels import APART, MOST, distance, nearest, read
from tests.engine.labellings import PAINTS, as_jpeg, painted, plain, resampled

BLACK, WHITE, GREY = (0, 0, 0), (255, 255, 255), (128, 128, 128)


def partners(found, colours):
    """For each colour that was found the number of the one that is meant."""
    return [min(range(len(colours)), key=lambda n: distance(each, colours[n])) for each in found]


def check(labels, numbers, colours, most_off=24.0):
    """See that just these colours were found, and give the share of pixels that are right."""
    meant = partners(labels.colours, colours)
    assert sorted(meant) == list(range(len(colours)))
    for number, each in zip(meant, labels.colours, strict=True):
        assert distance(each, colours[number]) < most_off
    return float((np.array(meant)[labels.numbers] == numbers).mean())


def test_the_paints_of_these_tests_can_be_told_apart():
    assert len(PAINTS) == MOST
    assert min(distance(*pair) for pair in combinations(PAINTS, 2)) > 2 * APART


@given(plain(most=12, block=3))
def test_plain_colours_are_found_as_they_are(labelled):
    numbers, colours = labelled
    assert check(read(painted(numbers, colours)), numbers, colours, 0.1) == 1


def test_the_most_frequent_colour_is_the_first():
    numbers = np.array([[0, 1, 1, 2, 2, 2]])
    assert read(painted(numbers, PAINTS)).colours == (PAINTS[2], PAINTS[1], PAINTS[0])


@settings(max_examples=40)
@given(plain(most=4, block=40), st.integers(60, 95))
def test_noise_of_a_jpeg_hides_no_colour(labelled, quality):
    numbers, colours = labelled
    labels = read(as_jpeg(painted(numbers, colours), quality))
    assert check(labels, numbers, colours) > 0.97


@settings(max_examples=40)
@given(plain(most=4, block=40), st.integers(60, 95), st.floats(0.6, 2.5))
def test_nor_do_soft_edges_make_new_ones(labelled, quality, scale):
    numbers, colours = labelled
    size = tuple(round(side * scale) for side in numbers.shape)
    rows, columns = (
        (np.arange(after) * before) // after
        for before, after in zip(numbers.shape, size, strict=True)
    )
    given_ = as_jpeg(resampled(painted(numbers, colours), size), quality)
    assert check(read(given_), numbers[np.ix_(rows, columns)], colours) > 0.95


def test_an_edge_between_black_and_white_is_not_grey():
    numbers = np.zeros((240, 240), int)
    numbers[60:180, 60:180] = 1
    numbers[200:220, 20:40] = 2
    soft = resampled(resampled(painted(numbers, (BLACK, WHITE, GREY)), (480, 480)), (240, 240))
    labels = read(soft)
    assert check(labels, numbers, (BLACK, WHITE, GREY)) > 0.99
    grey = labels.numbers == partners((GREY,), labels.colours)[0]
    assert grey[200:220, 20:40].all()
    assert not grey[:190].any()


@pytest.mark.parametrize("place", [(20, slice(None)), (3, 5), (0, 0)])
def test_lines_and_pixels_of_plain_pictures_stay(place):
    numbers = np.zeros((40, 40), int)
    numbers[place] = 1
    labels = read(painted(numbers, (BLACK, GREY)))
    assert np.array_equal(labels.numbers, numbers)


def test_an_outline_is_no_region():
    numbers = np.zeros((60, 60), int)
    numbers[:, 30], numbers[:, 31:] = 2, 1
    labels = read(painted(numbers, (BLACK, WHITE, PAINTS[0])))
    assert set(labels.colours) == {BLACK, WHITE}
    assert (labels.numbers[:, 31:] == labels.colours.index(WHITE)).all()


def test_a_few_steps_of_a_smoothed_edge_are_no_regions():
    y, x = np.mgrid[0:200, 0:200]
    large = (np.hypot(x - 100, y - 100) < 70).astype(int)
    steps = large.reshape(100, 2, 100, 2).sum(axis=(1, 3))
    grey = (steps * 255 // 4).astype(np.uint8)[:, :, np.newaxis].repeat(3, axis=2)
    assert len(np.unique(grey)) == 5
    assert set(read(grey).colours) == {BLACK, WHITE}


def test_colours_that_are_near_each_other_are_one():
    numbers = np.array([0, 1, 2]).repeat(20)[np.newaxis].repeat(20, axis=0)
    labels = read(painted(numbers, (WHITE, (250, 251, 252), BLACK)))
    assert set(partners(labels.colours, (WHITE, BLACK))) == {0, 1}
    assert len(labels.colours) == 2
    assert (labels.numbers[:, :40] == labels.numbers[0, 0]).all()


def test_large_pictures_are_sampled_and_each_pixel_is_looked_at():
    numbers = np.zeros((1500, 1300), int)
    numbers[100:900, 101:700] = 1
    labels = read(painted(numbers, (PAINTS[0], PAINTS[1])))
    assert np.array_equal(labels.numbers, numbers)


def test_slabs_leave_no_seams():
    numbers = np.zeros((600, 120), int)
    numbers[250:262], numbers[300:520, 30:90] = 1, 2
    labels = read(as_jpeg(painted(numbers, (BLACK, WHITE, GREY)), 90))
    assert check(labels, numbers, (BLACK, WHITE, GREY)) > 0.99


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 3), (4, 1)])
def test_pictures_with_hardly_a_place_are_read(size):
    numbers = np.zeros(size, int)
    numbers[-1, -1] = 1
    labels = read(painted(numbers, (WHITE, BLACK)))
    assert labels.numbers.shape == size
    assert labels.colours[labels.numbers[-1, -1]] == BLACK


def smooth():
    y, x = np.mgrid[0:256, 0:256]
    return np.stack([x, y, 255 - x], axis=2).astype(np.uint8)


def noisy():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def textured():
    """Three colours, but nowhere plain."""
    numbers = np.random.default_rng(0).integers(0, 3, (64, 64))
    rough = painted(numbers, PAINTS[4:7]).astype(int) + noisy() // 2
    return rough.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("picture", [smooth(), noisy(), textured()])
def test_what_is_no_picture_of_labels_is_refused(picture):
    with pytest.raises(PictureError, match="more than 9 colours, or they are not plain"):
        read(picture)


def test_a_photo_is_refused(photo):
    with pytest.raises(PictureError, match="one plain colour"):
        read(photo)


def test_ten_plain_colours_are_refused():
    numbers = np.arange(10).repeat(20)[np.newaxis].repeat(40, axis=0)
    with pytest.raises(PictureError, match="one plain colour"):
        read(painted(numbers, (*PAINTS, (255, 128, 0))))


def test_each_pixel_takes_the_nearest():
    picture = np.array([[[10, 0, 0], [200, 10, 10], [120, 120, 120]]], np.uint8)
    assert nearest(picture, [BLACK, (255, 0, 0), GREY]).tolist() == [[0, 1, 2]]
