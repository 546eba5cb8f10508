"""The whole engine on real weights, on pictures small enough to be quick."""

from __future__ import annotations

import tracemalloc
import weakref
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from engine import Painting, Progress, Recipe
from engine.errors import PictureError
from engine.fitting import fitting
from engine.footprint import step_bytes
from engine.layers import chain_to
from engine.margins import canvas_size
from engine.memory import WORKSPACE
from engine.painter import Painter
from engine.room import resident
from engine.sources import Sources
from engine.style_statistics import style_statistics
from engine.style_store import StyleStore
from engine.weights import load
from engine.weights.conventions import CONVENTIONS
from tests.engine.near import near
from tests.engine.rounding import needs_bfloat16

SMALL = Recipe(size=64, scales=(0.5, 1.0), iterations=(6, 6))
SHORT = SMALL.model_copy(update={"iterations": (2, 2)})
"""For what does not come about step by step."""

pytestmark = pytest.mark.weights


def paint(painter, photo, style, recipe=SMALL):
    *steps, painting = painter.paint(Sources.of(photo, style), recipe)
    assert all(isinstance(step, Progress) for step in steps)
    assert isinstance(painting, Painting)
    return steps, painting


def test_a_painting_has_the_size_asked_for_and_the_contents_proportions(painter, photo, style):
    steps, painting = paint(painter, photo, style)
    assert painting.picture.shape == (48, 64, 3)
    assert painting.picture.dtype == np.float32
    assert painting.picture.min() >= 0
    assert painting.picture.max() <= 255
    assert [step.iteration for step in steps] == list(range(1, len(steps) + 1))
    assert painting.iterations == steps[-1].iteration == steps[-1].total
    assert steps[-1].loss >= painting.loss.total
    assert steps[-1].eta_seconds == 0
    assert painting.stopped_by == "steps"


def test_it_moves_towards_the_style(painter, photo, style):
    steps, painting = paint(painter, photo, style)
    last = [step.loss for step in steps if step.scale == step.scales]
    assert painting.loss.total < last[0]
    assert np.abs(painting.picture - photo).mean() > 3


def test_a_photo_in_its_own_style_stays_as_it_is(painter, photo):
    """The start is nearly the solution already: no step may blow that up."""
    darker = (0.8 * photo).astype(np.uint8)
    recipe = Recipe(size=64, scales=(1.0,), iterations=(8,), style_weight=2)
    steps, painting = paint(painter, darker, darker, recipe)
    assert painting.loss.total < 0.5 * steps[0].loss
    assert np.abs(painting.picture - darker).mean() < 10


@pytest.mark.parametrize("init", ["content", "noise", "blend"])
def test_the_same_seed_gives_the_same_picture(painter, photo, style, init):
    recipe = SMALL.model_copy(update={"iterations": (3, 3), "init": init, "seed": 7})
    first, second = (paint(painter, photo, style, recipe)[1].picture for _ in range(2))
    assert np.array_equal(first, second)


def test_another_seed_gives_another_picture(painter, photo, style):
    pictures = [
        paint(painter, photo, style, SHORT.model_copy(update={"init": "noise", "seed": seed}))[1]
        for seed in (1, 2)
    ]
    assert not np.array_equal(pictures[0].picture, pictures[1].picture)


def test_adam_paints_too(painter, photo, style):
    recipe = Recipe(size=64, scales=(1.0,), iterations=(8,), optimizer="adam")
    steps, painting = paint(painter, photo, style, recipe)
    assert painting.loss.total < steps[0].loss


def test_the_best_picture_is_kept_and_its_loss_reported(painter, photo, style):
    recipe = Recipe(size=64, scales=(1.0,), iterations=(8,), optimizer="adam", learning_rate=60)
    steps, painting = paint(painter, photo, style, recipe)
    assert painting.loss.total <= min(step.loss for step in steps)


def test_a_time_budget_ends_the_work_and_the_picture_is_whole(weights, photo, style):
    ticks = count()
    painter = Painter(weights.parent, "cpu", precision="float32", clock=lambda: float(next(ticks)))
    recipe = SMALL.model_copy(update={"iterations": (500, 500), "time_budget": 20.0})
    _, painting = paint(painter, photo, style, recipe)
    assert painting.stopped_by == "time"
    assert painting.iterations < 20
    assert painting.picture.shape == (48, 64, 3)


def test_a_plateau_ends_a_scale_early(painter, photo, style):
    recipe = Recipe(size=64, scales=(1.0,), iterations=(200,), plateau=0.9)
    _, painting = paint(painter, photo, style, recipe)
    assert painting.stopped_by == "plateau"
    assert painting.iterations < 200


def test_scales_too_small_to_read_are_left_out(painter, photo, style):
    recipe = Recipe(size=64, scales=(0.25, 1.0), iterations=(3, 3))
    steps, painting = paint(painter, photo, style, recipe)
    assert {step.scales for step in steps} == {1}
    assert painting.iterations == 6


def test_a_style_is_looked_at_once_also_after_a_restart(
    weights, tmp_path, photo, style, monkeypatch
):
    looked = []

    def counted(network, picture, *more):
        looked.append(picture.shape)
        return style_statistics(network, picture, *more)

    monkeypatch.setattr("engine.painter.style_statistics", counted)
    pictures = []
    for _ in range(2):
        painter = Painter(weights.parent, "cpu", precision="float32", styles=StyleStore(tmp_path))
        pictures += [
            paint(painter, each, style, SHORT)[1].picture for each in (photo, photo[:, ::-1])
        ]
    # At the first of the two scales this photo is too narrow to be painted.
    assert len(looked) == 1
    assert np.array_equal(pictures[0], pictures[2])
    paint(painter, photo[4:, :], style, SHORT)  # of another shape
    assert len(looked) == 1
    paint(painter, photo, style[::-1], SHORT)
    assert len(looked) == 2


def test_statistics_of_one_kind_are_not_taken_for_those_of_another(
    weights, tmp_path, style, monkeypatch
):
    looked = []
    monkeypatch.setattr(
        "engine.painter.style_statistics", lambda *a: looked.append(1) or style_statistics(*a)
    )
    painter = Painter(weights.parent, "cpu", precision="float32", styles=StyleStore(tmp_path))
    kinds = (["gram"], ["histogram"], ["gram", "histogram"], ["gram"])
    recipes = [Recipe(style_loss=dict.fromkeys(each, 1.0)) for each in kinds]
    found = [painter.statistics(style.astype(np.float32), "stripes", each) for each in recipes]
    assert len(looked) == 3
    assert found[2].keys() == found[0].keys() | found[1].keys()
    assert found[3].keys() == found[0].keys()
    again = Painter(weights.parent, "cpu", precision="float32", styles=StyleStore(tmp_path))
    for recipe, before in zip(recipes, found, strict=True):
        after = again.statistics(style.astype(np.float32), "stripes", recipe)
        assert all(np.array_equal(after[name], before[name]) for name in before)
    assert len(looked) == 3


def test_statistics_are_not_taken_for_those_of_other_weights(
    weights, tmp_path, photo, style, monkeypatch
):
    usual = load(weights.parent)
    looked = []
    monkeypatch.setattr(
        "engine.painter.style_statistics", lambda *a: looked.append(1) or style_statistics(*a)
    )
    for convention in (usual.convention, CONVENTIONS["torchvision"]):
        other = replace(usual, convention=convention)
        monkeypatch.setattr("engine.painter.load", lambda _, other=other: other)
        painter = Painter(weights.parent, "cpu", precision="float32", styles=StyleStore(tmp_path))
        paint(painter, photo, style, SMALL.model_copy(update={"iterations": (1, 1)}))
    assert len(looked) == 2


def test_what_one_picture_leaves_behind_is_not_counted_against_the_next(painter, photo, style):
    """A photo that was painted an hour ago is not to be refused for want of memory."""
    first, second = (paint(painter, photo, style)[1].predicted_memory_mb for _ in range(2))
    assert second < first + 30


def test_what_is_left_for_pictures_goes_by_what_may_be_held(painter, monkeypatch):
    monkeypatch.setattr(painter, "_max_memory", 2**20)
    assert painter.left() < 0
    monkeypatch.setattr(painter, "_max_memory", resident() + WORKSPACE + 2**27)
    # What is given back to the system in between may be some pages more.
    assert 2**26 < painter.left() < 2**27 + WORKSPACE + 2**24


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((10, 400, 3), np.uint8), "too narrow"),
        (np.zeros((64, 64), np.uint8), "height, width, 3"),
        (np.full((64, 64, 3), np.nan, np.float32), "not finite"),
        (np.zeros((64, 64, 3), np.int64), "uint8 or float"),
    ],
)
def test_what_is_no_picture_is_refused_before_the_work(painter, style, picture, said):
    with pytest.raises(PictureError, match=said):
        next(painter.paint(Sources.of(picture, style), SMALL))


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=needs_bfloat16)])
@pytest.mark.parametrize(
    ("margin", "most"),
    # The network sees its zeros beyond the edge of a style that is smaller than the canvas.
    [(0, 0.5), (8, 3.0)],
)
def test_blank_pictures_stay_blank(weights, precision, margin, most):
    blank = np.full((64, 64, 3), 128, np.uint8)
    painter = Painter(weights.parent, "cpu", precision=precision)
    _, painting = paint(painter, blank, blank, SMALL.model_copy(update={"margin": margin}))
    assert painting.picture == near(blank, abs=most)


def test_a_very_narrow_style_is_used_all_the_same(painter, photo):
    ribbon = np.random.default_rng(0).integers(0, 255, (3000, 40, 3)).astype(np.uint8)
    _, painting = paint(painter, photo, ribbon, SHORT)
    assert np.isfinite(painting.loss.total)


def test_a_huge_photo_is_made_small_before_it_is_made_floats(painter, style):
    side = 6000
    huge = np.zeros((side, side, 3), np.uint8)
    huge[side // 2 :] = 200
    tracemalloc.start()
    try:
        work = painter.paint(Sources.of(huge, style), SHORT)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < side * side  # not one plane of it
    let_go = weakref.ref(huge)
    del huge
    assert let_go() is None
    *_, painting = work
    assert painting.picture.shape == (64, 64, 3)


def test_the_bare_canvas_around_a_style_is_left_out(painter, photo, style):
    framed = np.full((150, 200, 3), 255, np.uint8)
    framed[3:-3, 4:-4] = np.tile(style, (4, 4, 1))[:144, :192]
    inner = paint(painter, photo, framed[3:-3, 4:-4], SHORT.model_copy(update={"style_trim": 0.0}))
    assert np.array_equal(paint(painter, photo, framed, SHORT)[1].picture, inner[1].picture)


def test_a_picture_painted_in_tiles_is_the_one_painted_whole(painter, photo, style, monkeypatch):
    recipe = Recipe(size=160, scales=(0.5, 1.0), iterations=(3, 3))
    _, whole = paint(painter, photo, style, recipe)
    size = canvas_size((120, 160), recipe.margin)
    plan = painter.plan(size, [(120, 160)], recipe)
    fit = fitting(size, recipe, step_bytes(size, chain_to("conv5_1"), recipe.taps) // 2)
    less = replace(plan, tiling=fit.tiling, maps=fit.bytes)
    monkeypatch.setattr(painter, "plan", lambda *_: less)
    _, tiled = paint(painter, photo, style, recipe)
    assert whole.tiles == 1
    assert tiled.tiles == less.tiles > 1
    assert np.abs(tiled.picture - whole.picture).mean() < 0.5  # of 255
    assert tiled.loss.total == pytest.approx(whole.loss.total, rel=0.01)


def test_a_picture_that_no_tiles_make_fit_is_refused(weights, photo, style):
    small = Painter(weights.parent, "cpu", precision="float32", max_memory=2**20)
    with pytest.raises(PictureError, match=r"takes more memory than the 1 MB"):
        small.paint(Sources.of(photo, style), SMALL)
