"""No control spoils the picture, whatever else is set, as long as each is within its range."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from engine.painter import Painter
from engine.progress import Painting
from engine.recipe import Recipe
from engine.sources import Sources

Pixels = NDArray[np.uint8]
SIZE = 72
DARK = 8
"""Grey levels: a picture without one that is lighter is black to people."""

KINDS = st.dictionaries(
    st.sampled_from(["gram", "wasserstein", "histogram"]),
    st.sampled_from([1e-6, 1.0, 1e6]),
    min_size=1,
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """A recipe of the ends of all ranges, and of what is usual."""
    one_of = {
        "content_weight": [0, 1e-6, 1, 1e6],
        "style_weight": [0, 1e-6, 2, 1e6],
        "strength": [0.05, 1, 20],
        "stroke_size": [0.25, 1, 4],
        "colors": ["style", "match", "luminance"],
        "tv_weight": [0, 1, 1e6],
        "tv_norm": ["l1", "l2"],
        "photo": [False, True],
        "realism_weight": [0, 1e4, 1e6],
        "normalization": ["relative", "classic"],
        "pooling": ["avg", "max"],
        "padding": ["zeros", "reflect", "replicate"],
        "style_trim": [0, 0.25],
        "optimizer": ["lbfgs", "adam"],
        "history": [1, 10],
        "learning_rate": [1e-3, 10, 100],
        "init": ["content", "noise", "blend"],
        "init_noise": [0, 0.5, 1],
    }
    drawn: dict[str, Any] = {name: draw(st.sampled_from(some)) for name, some in one_of.items()}
    drawn["style_loss"] = draw(KINDS)
    try:
        return Recipe(size=SIZE, scales=(1.0,), iterations=(3,), **drawn)
    except ValidationError:  # a contradiction, refused by name
        assume(False)
        raise


@st.composite
def pictures(draw: st.DrawFn) -> Pixels:
    """Pictures without colour, light or shape, and one with all of them."""
    height, width = draw(st.sampled_from([(66, 72), (72, 69), (71, 71)]))
    kind = draw(st.sampled_from(["black", "white", "grey", "dots", "edge", "waves"]))
    flat = {"black": 0, "white": 255, "grey": 128}
    if kind in flat:
        return np.full((height, width, 3), flat[kind], np.uint8)
    if kind == "dots":
        return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    if kind == "edge":
        return np.repeat(np.where(x > y, 255, 0).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
    planes = [127 + 120 * np.sin(x / 3), 127 + 120 * np.cos(y / 4), 3 * x]
    return np.stack(planes, axis=2).clip(0, 255).astype(np.uint8)


def painted(painter: Painter, sources: Sources, recipe: Recipe) -> Pixels:
    *_, last = painter.paint(sources, recipe)
    assert isinstance(last, Painting)
    return last.picture


@settings(max_examples=10, deadline=None)
@given(recipe=recipes(), content=pictures(), style=pictures())
@example(
    Recipe(size=SIZE, scales=(1.0,), iterations=(3,), strength=20, style_weight=1e6),
    np.full((66, 72, 3), 255, np.uint8),
    np.zeros((72, 72, 3), np.uint8),
)
def test_the_picture_is_of_numbers_and_not_black(painter, recipe, content, style):
    picture = painted(painter, Sources.of(content, style), recipe)
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture.max() <= 255
    if min(content.max(), style.max()) > DARK:
        assert picture.max() > DARK
