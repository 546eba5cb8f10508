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


@given(plain())
def test_plain_colours_are_found_as_they_are_however_small(labelled):
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


def test_thin_lines_of_plain_pictures_stay():
    numbers = np.zeros((40, 40), int)
    numbers[20] = 1
    labels = read(painted(numbers, (BLACK, GREY)))
    assert np.array_equal(labels.numbers, numbers)


def test_colours_that_are_near_each_other_are_one():
    numbers = np.array([[0, 0, 0, 1, 2, 2]])
    labels = read(painted(numbers, (WHITE, (250, 251, 252), BLACK)))
    assert labels.colours == (WHITE, BLACK)
    assert labels.numbers.tolist() == [[0, 0, 0, 0, 1, 1]]


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
    generator = np.random.default_rng(0)
    labels = read(generator.integers(0, 256, (*size, 3)).astype(np.uint8))
    assert labels.numbers.shape == size
    assert labels.numbers.max() < len(labels.colours)


def test_noise_alone_is_read_as_something():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    labels = read(noise)
    assert labels.colours
    assert np.array_equal(labels.numbers, nearest(noise, labels.colours))


def test_a_picture_of_many_colours_is_refused():
    y, x = np.mgrid[0:256, 0:256]
    with pytest.raises(PictureError, match="more than 9 colours"):
        read(np.stack([x, y, 255 - x], axis=2).astype(np.uint8))


def test_ten_plain_colours_are_refused():
    numbers = np.arange(10).repeat(20)[np.newaxis].repeat(40, axis=0)
    with pytest.raises(PictureError, match="one plain colour"):
        read(painted(numbers, (*PAINTS, (255, 128, 0))))


def test_each_pixel_takes_the_nearest():
    picture = np.array([[[10, 0, 0], [200, 10, 10], [120, 120, 120]]], np.uint8)
    assert nearest(picture, [BLACK, (255, 0, 0), GREY]).tolist() == [[0, 1, 2]]
