"""Regions found again by colour, and their weights at every size and tap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.averages import down, resized
from engine.errors import PictureError
from engine.labels import Labels, read
from engine.layers import level_of
from engine.recipe import STYLE_LAYERS
from engine.regions import Merged, Regions, matched
from tests.engine.labellings import PAINTS, as_jpeg, painted, plain

BLUE, GREEN, BLACK, WHITE, RED, YELLOW = PAINTS[:6]
ORANGE = (255, 128, 0)
SIDES = st.integers(32, 80)


def striped(*colours):
    """Labels in stripes, as many pixels of each."""
    return Labels(np.arange(len(colours), dtype=np.uint8)[np.newaxis].repeat(2, axis=0), colours)


@given(plain(most=60), SIDES, SIDES)
def test_weights_add_up_to_one_at_every_size_and_tap(labelled, height, width):
    numbers, colours = labelled
    regions = Regions(numbers.astype(np.uint8), len(colours))
    weights = {"the picture": regions.weights((height, width))}
    weights |= regions.at_taps((height, width), STYLE_LAYERS, "replicate")
    assert weights.keys() == {"the picture", *STYLE_LAYERS}
    for each in weights.values():
        assert each.dtype == np.float32
        assert each.min() >= 0
        assert each.sum(axis=0) == pytest.approx(np.ones(each.shape[1:]), abs=1e-5)
    for tap in STYLE_LAYERS:
        assert weights[tap].shape == (len(colours), height >> level_of(tap), width >> level_of(tap))


def test_under_a_mask_they_add_up_to_what_is_painted():
    numbers = np.random.default_rng(0).integers(0, 3, (9, 9)).astype(np.uint8)
    shares = resized(np.random.default_rng(1).uniform(0, 1, (20, 20)), (50, 70))
    weights = Regions(numbers, 3).at_taps((50, 70), {"conv1_1", "conv3_1"}, "zeros", shares)
    for tap, expected in down(shares, {"conv1_1", "conv3_1"}, "zeros"):
        assert weights[tap].sum(axis=0) == pytest.approx(expected, abs=1e-5)


def test_labels_have_partners_whatever_their_order():
    found = matched(striped(BLUE, GREEN, RED), [striped(RED, BLUE, GREEN)])
    assert found.colours == (BLUE, GREEN, RED)
    assert found.content.numbers[0].tolist() == [0, 1, 2]
    assert found.styles[0].numbers[0].tolist() == [2, 0, 1]
    assert found.merged == ()


def test_a_label_without_a_partner_goes_to_the_nearest_that_has_one():
    found = matched(striped(BLUE, ORANGE, RED), [striped(RED, YELLOW, BLUE, BLACK)])
    assert found.colours == (BLUE, RED)
    assert found.content.numbers[0].tolist() == [0, 1, 1]
    # Black is as far from red as from blue: the first of them takes it.
    assert found.styles[0].numbers[0].tolist() == [1, 1, 0, 1]
    assert found.merged == (
        Merged(None, ORANGE, RED), Merged(0, YELLOW, RED), Merged(0, BLACK, RED),
    )  # fmt: skip


def test_what_one_style_lacks_another_may_have():
    found = matched(striped(BLUE, RED, WHITE), [striped(BLUE), striped(RED, GREEN)])
    assert found.colours == (BLUE, RED)
    first, second = (each.weights((32, 32)).sum(axis=(1, 2)) for each in found.styles)
    assert first.tolist() == [32 * 32, 0]
    assert second.tolist() == [0, 32 * 32]
    assert [each.count for each in found.styles] == [2, 2]


def test_a_style_without_labels_has_something_for_each_region():
    found = matched(striped(BLUE, RED), [None, striped(RED)])
    assert found.colours == (BLUE, RED)
    assert found.styles[0] is None
    assert found.styles[1].numbers[0].tolist() == [1]


def test_colours_that_a_jpeg_has_changed_are_found_again():
    numbers = np.kron([[0, 1], [2, 3]], np.ones((64, 64), int))
    photo = read(painted(numbers, PAINTS[:4]))
    style = read(as_jpeg(painted(numbers.T, PAINTS[:4]), 70))
    found = matched(photo, [style])
    assert found.colours == photo.colours
    assert found.merged == ()
    assert (found.styles[0].numbers == found.content.numbers.T).mean() > 0.97


def test_one_to_one_and_the_most_alike_first():
    near, nearer = (200, 0, 0), (250, 0, 0)
    found = matched(Labels(np.zeros((1, 1), np.uint8), (RED,)), [striped(near, nearer)])
    assert found.merged == (Merged(0, near, nearer),)


def test_nothing_in_common_is_refused_with_what_there_is():
    with pytest.raises(PictureError, match=r"photo's has #0000ff, .* of the style has #ff0000"):
        matched(striped(BLUE, GREEN), [striped(RED)])
