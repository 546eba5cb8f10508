"""The margin mirrors the picture, is painted with it, and nobody gets to see it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Painting, Recipe
from engine.margins import canvas_size, with_margin, without_margin
from engine.sources import Sources

SIDES = st.integers(1, 12)


@given(SIDES, SIDES, st.sampled_from([(), (3,)]), st.integers(0, 40))
def test_what_is_put_around_a_picture_comes_off_again(height, width, colours, margin):
    picture = np.random.default_rng(0).uniform(0, 255, (height, width, *colours))
    canvas = with_margin(picture, margin)
    assert canvas.shape == (*canvas_size((height, width), margin), *colours)
    assert np.array_equal(without_margin(canvas, margin), picture)


def test_it_is_the_picture_mirrored_at_its_edges():
    canvas = with_margin(np.arange(12).reshape(3, 4), 2)
    assert canvas[2].tolist() == [1, 0, 0, 1, 2, 3, 3, 2]
    assert canvas[:, 2].tolist() == [4, 0, 0, 4, 8, 8, 4]


def test_without_a_margin_nothing_is_copied():
    picture = np.zeros((3, 4, 3), np.float32)
    assert with_margin(picture, 0) is picture
    assert np.shares_memory(without_margin(picture, 0), picture)


def outline(picture):
    """How far the outermost pixels are from those just inside, grey levels."""
    grey = picture.mean(axis=2)
    lines = [(grey[0], grey[2]), (grey[-1], grey[-3]), (grey[:, 0], grey[:, 2])]
    return max(float(np.abs(outer - inner).mean()) for outer, inner in lines)


@pytest.mark.weights
def test_no_line_is_left_around_a_painting(painter, style):
    """Where there is little of the style it shows the most."""
    plain = np.full((96, 128, 3), (90, 120, 150), np.uint8)

    def painted(margin):
        recipe = Recipe(size=128, scales=(1.0,), iterations=(16,), strength=0.4, margin=margin)
        (*_, painting) = painter.paint(Sources.of(plain, style), recipe)
        assert isinstance(painting, Painting)
        assert painting.picture.shape == (96, 128, 3)
        return painting.picture

    bare, framed = outline(painted(0)), outline(painted(8))
    assert framed < 0.5 * bare
