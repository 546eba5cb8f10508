"""What a painting is made from is looked at before anything is done, and what is wrong named."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.errors import PictureError, RecipeError
from engine.sources import Sources, Style

PICTURE = np.zeros((48, 64, 3), np.uint8)
WRONG = {
    "flat": (np.zeros((48, 64), np.uint8), r"\(height, width, 3\), not \(48, 64\)"),
    "empty": (np.zeros((0, 64, 3), np.uint8), r"\(height, width, 3\), not \(0, 64, 3\)"),
    "alpha": (np.zeros((48, 64, 4), np.uint8), r"not \(48, 64, 4\)"),
    "whole numbers": (np.zeros((48, 64, 3), np.int64), "uint8 or float"),
    "infinite": (np.full((48, 64, 3), np.inf, np.float32), "not finite"),
}


def sources(content=PICTURE, styles=(PICTURE,), start=None):
    return Sources(content, [Style(style) for style in styles], start)


def test_a_photo_and_one_style_are_enough():
    found = Sources.of(PICTURE, PICTURE[::2])
    assert found.content is PICTURE
    assert [style.weight for style in found.styles] == [1.0]
    assert found.styles[0].picture.shape == (24, 64, 3)
    assert found.start is None
    found.check(Recipe())


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    ("where", "named"),
    [
        (sources, "The content picture"),
        (lambda bad: sources(styles=[bad]), "The style picture"),
        (lambda bad: sources(styles=[PICTURE, bad, PICTURE]), "The style 2 picture"),
        (lambda bad: sources(start=bad), "The start picture"),
    ],
)
def test_it_says_which_picture_is_none_and_why(where, named, wrong):
    bad, why = WRONG[wrong]
    with pytest.raises(PictureError, match=f"{named}.*{why}"):
        where(bad).check(Recipe())


def test_without_a_style_there_is_nothing_to_paint_in():
    with pytest.raises(RecipeError, match="no style to paint in"):
        sources(styles=[]).check(Recipe())


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight):
    found = Sources(PICTURE, [Style(PICTURE), Style(PICTURE, weight)])
    with pytest.raises(RecipeError, match=f"weight of a style .* not {weight}"):
        found.check(Recipe())


def test_a_picture_to_start_from_and_noise_exclude_each_other():
    found = sources(start=PICTURE)
    with pytest.raises(RecipeError, match=r"start from noise \(init\)"):
        found.check(Recipe(init="noise"))
    for init in ("content", "blend"):
        found.check(Recipe(init=init))
    sources().check(Recipe(init="noise"))


def test_styles_alone_are_trimmed():
    found = sources(styles=[PICTURE, PICTURE[:20]], start=PICTURE).trimmed(0.25)
    assert [style.picture.shape[:2] for style in found.styles] == [(24, 32), (10, 32)]
    assert found.content is found.start is PICTURE


@pytest.mark.weights
def test_a_painter_looks_before_it_begins(painter, photo, style):
    for wrong, recipe in (
        (Sources(photo, ()), Recipe(size=64)),
        (Sources(photo, [Style(style)], photo), Recipe(size=64, init="noise")),
    ):
        with pytest.raises(RecipeError):
            painter.paint(wrong, recipe)
    with pytest.raises(PictureError, match="style 2"):
        painter.paint(Sources(photo, [Style(style), Style(style[:, :, 0])]), Recipe(size=64))
