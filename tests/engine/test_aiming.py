"""What a scale is to come to: the styles blended, and few tiles."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from engine import Recipe, pyramid
from engine.aiming import _first_fit, aimed
from engine.blending import Look
from engine.errors import PictureError
from engine.fitting import PLAIN, Fit
from engine.ground import Ground
from engine.margins import canvas_size, with_margin
from engine.matting import PhotorealismLoss
from engine.memory import plan_memory
from engine.sources import Sources
from engine.stages import Tiling

SIZE = (48, 64)


class StandIn:
    """A painter that knows of each style its mean, and of what was asked of it."""

    maps = PLAIN

    def __init__(self):
        self.asked, self.alive, self.objectives = [], [], []

    def statistics(self, style, digest, recipe):
        assert not [each for each in self.alive if each() is not None]  # the one before has gone
        self.alive.append(weakref.ref(style))
        self.asked.append((style.shape, digest, recipe))
        return {"conv1_1": np.full((2, 2), style.mean())}

    def objective(self, content, grams, recipe, tiling, *, realism):
        self.objectives.append((content, grams, recipe, tiling))
        self.realism = realism
        return "objective"


def look(level, share):
    return Look(np.full((30, 40, 3), level, np.uint8), share)


@pytest.fixture
def ground():
    def ground(*looks, **fields):
        recipe = Recipe(**fields)
        photo = np.zeros((*SIZE, 3), np.float32)
        return Ground(recipe, photo, looks, plan_memory(SIZE, recipe, 0, 2**33))

    return ground


def test_styles_are_blended_one_after_the_other(ground):
    painter, content = StandIn(), np.zeros((*SIZE, 3), np.float32)
    after = ground(look(40, 0.75), look(80, 0.25))
    work = aimed(painter, after, content)
    assert [shape for shape, *_ in painter.asked] == [(48, 64, 3)] * 2
    ((seen, grams, recipe, tiling),) = painter.objectives
    assert np.array_equal(seen, with_margin(content, recipe.margin))
    assert grams["conv1_1"] == pytest.approx(50)
    assert (recipe, tiling) == (after.recipe, Tiling(shelved=True))
    assert work.fit.tiling == tiling


@pytest.mark.parametrize(("stroke", "side"), [(0.5, 32), (1.0, 64), (2.0, 128), (4.0, 256)])
def test_the_size_of_strokes_is_that_of_the_style_and_nothing_else(ground, stroke, side):
    painter, content = StandIn(), np.zeros((*SIZE, 3), np.float32)
    aimed(painter, ground(look(40, 1.0), stroke_size=stroke), content)
    ((shape, *_),) = painter.asked
    assert max(shape) == side
    assert painter.objectives[0][0].shape == (*canvas_size(SIZE, Recipe().margin), 3)


@pytest.mark.parametrize("fields", [{}, {"photo": True, "realism_weight": 0}])
def test_of_a_painting_nobody_asks_how_real_it_is(ground, fields):
    painter = StandIn()
    aimed(painter, ground(look(40, 1.0), **fields), np.zeros((*SIZE, 3), np.float32))
    assert painter.realism is None


def test_a_photograph_is_compared_with_the_photo_at_the_scale(ground):
    painter = StandIn()
    content = np.random.default_rng(0).uniform(0, 255, (*SIZE, 3)).astype(np.float32)
    aimed(painter, ground(look(40, 1.0), photo=True, realism_weight=50), content)
    canvas = with_margin(content, Recipe().margin)
    other = np.random.default_rng(1).uniform(0, 255, canvas.shape).astype(np.float32)
    assert painter.realism(other)[0] == PhotorealismLoss.of(canvas, 50)(other)[0] > 0


def test_what_is_too_small_for_any_tiles_is_tried_in_the_smallest():
    asked = []

    def finer(room):
        asked.append(room)
        return Fit(Tiling(), room, 1.0) if room >= 40 else None

    assert _first_fit(finer, 10).bytes == 40
    assert asked == [10, 20, 40]


@pytest.mark.weights
def test_of_the_real_painter_too_only_the_style_changes(painter, photo, style):
    """The photo at each scale, and what each begins with, are the same at any size of strokes."""

    def set_out(stroke):
        recipe = Recipe(size=64, stroke_size=stroke)
        return painter.paint(Sources.of(photo, style), recipe)

    usual, large = set_out(1.0), set_out(2.0)
    for one, other in zip(usual._set_out(), large._set_out(), strict=True):
        assert np.array_equal(one, other)
    assert [scale.size for scale in usual._plan] == [scale.size for scale in large._plan]
    sizes = [pyramid.size_of(each._plan[0].ground.looks[0].picture) for each in (usual, large)]
    assert sizes == [(47, 64), (95, 128)]


def test_no_room_at_all_is_said(ground):
    """Nothing here hides what a painter says."""

    class Full(StandIn):
        def objective(self, *_, **__):
            raise PictureError("too large")

    with pytest.raises(PictureError, match="too large"):
        aimed(Full(), ground(look(1, 1.0)), np.zeros((*SIZE, 3), np.float32))
