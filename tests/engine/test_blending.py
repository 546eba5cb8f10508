"""Several styles are one: the weighted mean of what is known of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Recipe
from engine.blending import Look, blended, in_order, shares
from engine.colours import grey
from engine.sources import Sources, Style

RECIPE = Recipe(size=64, scales=(0.75, 1.0), iterations=(3, 3))
WEIGHTS = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6)


@given(WEIGHTS, st.floats(1e-6, 1e6), st.randoms())
def test_shares_add_up_and_neither_scale_nor_order_matters(weights, scale, random):
    found = shares(weights)
    assert sum(found) == pytest.approx(1)
    assert shares([scale * weight for weight in weights]) == pytest.approx(found)
    mixed = random.sample(range(len(weights)), len(weights))
    assert shares([weights[n] for n in mixed]) == [found[n] for n in mixed]


def test_shares_of_weights_at_the_ends_of_what_a_float_holds():
    assert shares([1e308, 1e308]) == [0.5, 0.5]
    assert shares([5e-324]) == [1.0]


def gram(seed):
    maps = np.random.default_rng(seed).normal(size=(4, 30)).astype(np.float32)
    return {"conv1_1": maps @ maps.T, "conv2_1": maps[:2] @ maps[:2].T}


def test_one_style_is_left_as_it_is():
    one = gram(1)
    found = blended([(1.0, one)])
    assert found.keys() == one.keys()
    assert all(found[tap] is one[tap] for tap in one)


def test_a_blend_is_the_weighted_mean_of_each_array():
    parts = [(0.5, gram(1)), (0.3, gram(2)), (0.2, gram(3))]
    found = blended(parts)
    for tap in ("conv1_1", "conv2_1"):
        mean = sum(share * each[tap].astype(np.float64) for share, each in parts)
        np.testing.assert_allclose(found[tap], mean, rtol=1e-5)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_style_blended_with_itself_is_that_style(count):
    found = blended([(share, gram(1)) for share in shares([1.0] * count)])
    for tap, right in gram(1).items():
        np.testing.assert_allclose(found[tap], right, rtol=1e-6)


def test_the_distance_to_a_blend_is_that_to_its_styles_but_for_a_constant():
    """So both have the same gradient, and blending losses would come to the same for more work."""
    parts = list(zip(shares([2, 1]), (gram(1), gram(2)), strict=True))
    blend = blended(parts)["conv1_1"]

    def constant(seed):
        here = gram(seed)["conv1_1"]
        apart = sum(share * np.square(here - each["conv1_1"]).sum() for share, each in parts)
        return apart - np.square(here - blend).sum()

    assert constant(5) == pytest.approx(constant(6), rel=1e-3)
    assert constant(5) > 1


def test_a_look_is_known_by_its_picture_and_its_colours(style):
    same, other = style.copy(), style[::-1].copy()
    assert Look(style).digest == Look(same, 0.5).digest
    assert len({Look(style).digest, Look(other).digest, Look(style, 1.0, grey()).digest}) == 3
    assert [one.share for one in in_order([Look(style, 0.7), Look(same, 0.3)])] == [0.3, 0.7]
    pair = Look(style), Look(other)
    assert in_order(pair) == in_order(pair[::-1])


@pytest.fixture
def paint(painter, photo):
    def paint(*styles, recipe=RECIPE):
        *_, painting = painter.paint(Sources(photo, [Style(*each) for each in styles]), recipe)
        return painting

    return paint


@pytest.mark.weights
def test_a_painting_in_a_style_and_itself_is_the_one_in_that_style(paint, style):
    alone, twice = paint((style,)), paint((style, 3.0), (style, 3.0))
    assert np.array_equal(alone.picture, twice.picture)
    assert alone.loss == twice.loss
    thrice = paint((style, 1.0), (style, 2.0), (style, 3.0))
    assert np.abs(thrice.picture - alone.picture).mean() < 0.5  # of 255: sums are rounded


@pytest.mark.weights
def test_order_and_scale_of_weights_do_not_matter_to_the_last_bit(paint, style):
    other, third = style[:, ::-1] // 2, 255 - style
    right = paint((style, 1.0), (other, 3.0), (third, 4.0))
    for found in (
        paint((third, 4.0), (style, 1.0), (other, 3.0)),
        paint((style, 5.0), (other, 15.0), (third, 20.0)),
        paint((other, 0.375), (third, 0.5), (style, 0.125)),
    ):
        assert np.array_equal(found.picture, right.picture)


@pytest.mark.weights
def test_a_blend_lies_between_its_styles(paint, style):
    """What it has more of comes nearer."""
    other = 255 - style[::-1]
    one, much, little, none = (
        paint(*styles).picture
        for styles in (
            [(style,)], [(style, 4.0), (other, 1.0)], [(style, 1.0), (other, 4.0)], [(other,)],
        )
    )  # fmt: skip

    def apart(a, b):
        return np.abs(a - b).mean()

    assert 0 < apart(much, one) < apart(little, one)
    assert 0 < apart(little, none) < apart(much, none)
