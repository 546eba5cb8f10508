"""A painting is refined in the photo's own size: few steps, kept and gone on with as all others."""

from __future__ import annotations

import copy
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from engine import PRESETS, Painting, Recipe, pyramid, refining
from engine.errors import DivergedError, PictureError, SnapshotError
from engine.layers import chain_to, deepest, work_of
from engine.margins import canvas_size
from engine.mx import mx
from engine.objective import Objective
from engine.snapshot import Snapshot
from engine.sources import Sources, Style
from tests.engine.conftest import LARGE

RECIPE = Recipe(size=64, scales=(0.75, 1.0), iterations=(3, 4), history=3)
STEPS = 3
SHORT, LONG = LARGE


@pytest.fixture
def begin(painter, large, style):
    return lambda refine=STEPS, recipe=RECIPE: painter.paint(
        Sources.of(large, style), recipe, refine=refine
    )


@pytest.fixture
def undisturbed(begin, once):
    """The steps and the painting, in one go."""
    return lambda refine=STEPS: once(refine, lambda: painted(begin(refine)))


@pytest.fixture
def go_on(painter, large, style, tmp_path):
    """From where `tmp_path / "one"` is."""

    def go_on(refine=STEPS):
        with closing(Snapshot(tmp_path / "one")) as snapshot:
            return painted(painter.paint(Sources.of(large, style), RECIPE, snapshot, refine=refine))

    return go_on


def painted(work):
    *steps, painting = work
    assert isinstance(painting, Painting)
    return steps, painting


def altered(painter, **changes):
    other = copy.copy(painter)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


def sharpness(picture):
    """How much a pixel differs from what lies around it."""
    grey = picture.mean(axis=2)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((grey[1:-1, 1:-1] - around / 4).std())


@pytest.mark.weights
def test_it_has_the_photos_size_to_the_pixel_and_one_scale_more(undisturbed):
    steps, painting = undisturbed()
    assert painting.picture.shape == (SHORT, LONG, 3)
    assert (painting.picture.min() >= 0, painting.picture.max() <= 255) == (True, True)
    assert (painting.refined, painting.left_out) == (STEPS, "")
    assert painting.iterations == len(steps) == steps[-1].total == 7 + STEPS
    assert [step.scale for step in steps] == [1] * 3 + [2] * 4 + [3] * STEPS
    assert {step.scales for step in steps} == {3}
    assert {step.largest for step in steps} == {LONG}
    assert (steps[-1].width, steps[-1].height, steps[-1].eta_seconds) == (LONG, SHORT, 0)
    assert steps[6].eta_seconds > 0
    assert sorted(painting.loss.style) == list(refining.STYLE_LAYERS)


@pytest.mark.weights
def test_it_is_sharper_than_enlarged_and_the_same_painting_all_the_same(undisturbed, large):
    _, painting = undisturbed(0)
    # Two steps: this style of pure colours is far, and a third one goes as far as it may.
    _, found = undisturbed(2)
    enlarged = pyramid.resized(painting.picture, (SHORT, LONG))
    assert sharpness(found.picture) > 1.3 * sharpness(enlarged)
    size = pyramid.size_of(painting.picture)
    smaller, photo = (pyramid.resized(each, size) for each in (found.picture, large))
    strayed = np.abs(smaller - painting.picture).mean()
    assert strayed < 0.6 * np.abs(photo - painting.picture).mean()


@pytest.fixture
def controlled(painter, large, style):
    """With what a refinement has to keep to."""

    def paint(resume=None, **changes):
        recipe = RECIPE.model_copy(update=changes)
        styles = [Style(style), Style(255 - style[::-1], 2.0)]
        return painter.paint(Sources(large, styles), recipe, resume, refine=STEPS)

    return paint


CONTROLS = [{"stroke_size": 4.0}, {"colors": "match"}, {"colors": "luminance"}]


@pytest.mark.parametrize("changes", CONTROLS)
@pytest.mark.weights
def test_it_goes_on_to_the_same_picture_with_every_control(controlled, tmp_path, changes):
    told, whole = painted(controlled(**changes))
    for steps in (6, 8):  # within the painting, and in the refinement
        work = controlled(**changes)
        for _ in range(steps):
            next(work)
        assert work.save(tmp_path / "one")
        with closing(Snapshot(tmp_path / "one")) as snapshot:
            rest, painting = painted(controlled(snapshot, **changes))
        assert [step.loss for step in rest] == [step.loss for step in told[steps:]]
        assert np.array_equal(painting.picture, whole.picture)
    assert painting.refined == STEPS


@pytest.mark.weights
def test_it_is_done_by_the_same_colours_and_styles_as_the_painting(controlled):
    work = controlled(colors="match", stroke_size=4.0)
    before, after = (work._plan[number].ground for number in (0, -1))
    assert (before.refines, after.refines) == (False, True)
    for one, other in zip(before.looks, after.looks, strict=True):
        assert one.change is other.change is not None
        assert one.share == other.share
    # A style larger than it is would be smooth; bytes stay bytes.
    assert [each.picture.shape for each in after.looks] == [(40, 54, 3)] * 2
    assert {each.picture.dtype for each in after.looks} == {np.dtype(np.uint8)}
    assert [max(each.picture.shape) for each in before.looks] == [4 * RECIPE.size] * 2


@pytest.mark.weights
def test_the_painting_s_styles_are_let_go_when_it_begins(controlled):
    work = controlled(stroke_size=4.0)
    for _ in range(RECIPE.total_iterations):
        next(work)
    assert len(work._plan[0].ground.looks) == 2
    next(work)
    assert not work._plan[0].ground.looks
    assert len(work._plan[-1].ground.looks) == 2


@pytest.mark.weights
def test_without_it_a_painting_in_luminance_has_the_photo_s_colours_all_the_same(
    painter, large, style, monkeypatch
):
    recipe = RECIPE.model_copy(update={"colors": "luminance"})
    usual = painted(painter.paint(Sources.of(large, style), recipe))[1]
    evaluate = Objective.evaluate

    def fail(self, image):
        if image.shape[2:] == canvas_size((SHORT, LONG), RECIPE.margin):
            raise MemoryError
        return evaluate(self, image)

    monkeypatch.setattr(Objective, "evaluate", fail)
    found = painted(painter.paint(Sources.of(large, style), recipe, refine=STEPS))[1]
    assert found.left_out
    assert np.array_equal(found.picture, usual.picture)


# Within the painting, at its end, after the refinement's first step, and at its last one.
@pytest.mark.parametrize("steps", [2, 7, 8, 10])
@pytest.mark.weights
def test_one_that_is_broken_off_goes_on_to_the_same_picture(
    begin, undisturbed, go_on, tmp_path, steps
):
    told, whole = undisturbed()
    work = begin()
    for _ in range(steps):
        next(work)
    assert work.save(tmp_path / "one")
    rest, painting = go_on()
    assert rest[0].iteration == steps + 1 if rest else steps == len(told)
    assert [step.loss for step in rest] == [step.loss for step in told[steps:]]
    assert np.array_equal(painting.picture, whole.picture)
    assert (painting.iterations, painting.refined) == (whole.iterations, STEPS)


@pytest.fixture
def poorer(painter, large, style):
    """Where there is room for pictures up to a size."""

    def paint(most, snapshot=None):
        other = altered(painter, plan=limited(painter, most))
        return painted(other.paint(Sources.of(large, style), RECIPE, snapshot, refine=STEPS))

    return paint


@pytest.mark.parametrize("refine", [0, STEPS + 1])
@pytest.mark.weights
def test_whether_it_will_be_refined_is_no_matter_to_the_painting(
    begin, undisturbed, go_on, tmp_path, refine
):
    right = undisturbed(refine)[1]
    work = begin()
    for _ in range(5):
        next(work)
    assert work.save(tmp_path / "one")
    rest, painting = go_on(refine)
    assert rest[0].iteration == 6
    assert np.array_equal(painting.picture, right.picture)


# In the refinement; then it is to be another one, or there is no more of it.
@pytest.mark.parametrize("most", [RECIPE.size, 100])
@pytest.mark.weights
def test_with_less_memory_the_painting_is_not_painted_again(begin, poorer, tmp_path, most):
    right = poorer(most)[1]
    work = begin()
    for _ in range(RECIPE.total_iterations + 2):
        next(work)
    assert work.save(tmp_path / "one")
    with closing(Snapshot(tmp_path / "one")) as snapshot:
        rest, painting = poorer(most, snapshot)
    assert len(rest) == (STEPS if most > RECIPE.size else 0)
    assert np.array_equal(painting.picture, right.picture)
    assert (painting.iterations, painting.loss) == (right.iterations, right.loss)


@pytest.mark.weights
def test_of_another_painting_nothing_is_gone_on_with(begin, painter, large, style, tmp_path):
    work = begin()
    next(work)
    assert work.save(tmp_path / "one")
    other = RECIPE.model_copy(update={"seed": 1})
    with closing(Snapshot(tmp_path / "one")) as snapshot, pytest.raises(SnapshotError):
        painter.paint(Sources.of(large, style), other, snapshot, refine=STEPS)


@pytest.mark.weights
def test_a_photo_that_is_no_larger_than_the_painting_is_painted_as_ever(painter, photo, style):
    usual = painted(painter.paint(Sources.of(photo, style), RECIPE))[1]
    found = painted(painter.paint(Sources.of(photo, style), RECIPE, refine=STEPS))[1]
    assert np.array_equal(found.picture, usual.picture)
    assert (found.refined, found.left_out, found.iterations) == (0, "", usual.iterations)


def unable(painter):
    """A plan of memory in which there is room for the painting alone."""
    return limited(painter, RECIPE.size)


def limited(painter, most):
    """A plan of memory in which there is room for pictures up to a size."""

    def plan(size, *more):
        if max(size) > most + 2 * RECIPE.margin:  # the canvas is larger
            raise PictureError("too large")
        return painter.plan(size, *more)

    return plan


@pytest.mark.weights
def test_without_memory_for_it_the_painting_is_left_as_it_is(painter, undisturbed, large, style):
    usual = undisturbed(0)[1]
    poorer = altered(painter, plan=unable(painter))
    found = painted(poorer.paint(Sources.of(large, style), RECIPE, refine=STEPS))[1]
    assert np.array_equal(found.picture, usual.picture)
    assert found.refined == 0
    assert "131x97 pixels takes more memory" in found.left_out
    assert "only enlarged" in found.left_out


@pytest.mark.weights
def test_with_too_little_memory_it_is_refined_in_a_smaller_size(painter, large, style):
    poorer = altered(painter, plan=limited(painter, 100))
    found = painted(poorer.paint(Sources.of(large, style), RECIPE, refine=STEPS))[1]
    assert found.picture.shape == (68, 92, 3)
    assert found.refined == STEPS
    assert "refined at 92x68, and enlarged" in found.left_out


@pytest.mark.weights
def test_a_photo_of_too_many_pixels_is_refined_in_a_smaller_size(begin, monkeypatch):
    monkeypatch.setattr(refining, "MOST_PIXELS", SHORT * LONG - 1)
    found = painted(begin())[1]
    assert found.picture.shape == (96, 130, 3)
    monkeypatch.setattr(refining, "MOST_PIXELS", SHORT * LONG)
    assert painted(begin())[1].left_out == ""
    monkeypatch.setattr(refining, "MOST_PIXELS", 1)
    assert painted(begin())[1].refined == 0


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (PictureError("No room."), "No room."),
        (DivergedError("It blew up."), "It blew up."),
        (MemoryError(), "did not suffice."),
        (mx.MXNetError("e == cudaSuccess: out of memory"), "set engine.device to cpu."),
        (mx.MXNetError("Traceback:\nMXNetError: the cable is loose"), "the cable is loose"),
    ],
)
@pytest.mark.weights
def test_what_was_painted_survives_a_refinement_that_fails(
    begin, undisturbed, monkeypatch, error, why
):
    usual = undisturbed(0)[1]
    evaluate = Objective.evaluate

    def fail(self, image):
        if image.shape[2:] == canvas_size((SHORT, LONG), RECIPE.margin):
            raise error
        return evaluate(self, image)

    monkeypatch.setattr(Objective, "evaluate", fail)
    work = begin()
    found = painted(work)[1]
    assert np.array_equal(found.picture, usual.picture)
    assert (found.refined, found.left_out.endswith(why)) == (0, True)


@pytest.mark.weights
def test_a_refinement_without_a_step_is_none(painter, undisturbed, large, style):
    clock = {"now": 0.0}
    slow = altered(painter, _clock=lambda: clock["now"])
    usual = undisturbed(0)[1]
    recipe = RECIPE.model_copy(update={"time_budget": 100.0})
    work = slow.paint(Sources.of(large, style), recipe, refine=STEPS)
    for _ in range(RECIPE.total_iterations):
        next(work)
    objective = work._objective

    def late(content):
        clock["now"] = 101.0 * (content.shape[1] == LONG)  # while the start is evaluated
        return objective(content)

    work._objective = late
    found = painted(work)[1]
    assert np.array_equal(found.picture, usual.picture)
    assert (found.refined, "time" in found.left_out) == (0, True)


@pytest.mark.weights
def test_when_the_time_is_over_nothing_is_refined(painter, large, style):
    clock = {"now": 0.0}
    slow = altered(painter, _clock=lambda: clock["now"])
    recipe = RECIPE.model_copy(update={"time_budget": 100.0})
    work = slow.paint(Sources.of(large, style), recipe, refine=STEPS)
    for _ in range(6):
        next(work)
    clock["now"] = 101.0
    found = painted(work)[1]
    assert found.picture.shape[1] == RECIPE.size
    assert (found.refined, "time" in found.left_out) == (0, True)


@pytest.mark.weights
def test_tiles_come_to_the_same_picture(painter, undisturbed, large, style):
    def plan(size, *more):
        found = painter.plan(size, *more)
        return replace(found, maps=2**20) if max(size) > RECIPE.size else found

    usual = undisturbed()[1]
    found = painted(
        altered(painter, plan=plan).paint(Sources.of(large, style), RECIPE, refine=STEPS)
    )[1]
    assert found.tiles > usual.tiles == 1
    assert np.abs(found.picture - usual.picture).mean() < 0.5


@pytest.mark.weights
def test_what_comes_as_floats_is_refined_too_and_stays_as_it_was(painter, large, style):
    pictures = [each.astype(np.float32) for each in (large, style)]
    usual = painted(painter.paint(Sources.of(*pictures), RECIPE, refine=STEPS))[1]
    work = painter.paint(Sources.of(*pictures), RECIPE, refine=STEPS)
    for each in pictures:
        each[:] = 0  # whoever gave them may do with them as they like
    assert np.array_equal(painted(work)[1].picture, usual.picture)
    assert usual.refined == STEPS


def test_it_looks_at_the_first_layers_alone():
    recipe = refining.refining(PRESETS["fine"], 4)
    assert recipe.taps < PRESETS["fine"].taps | {refining.CONTENT_LAYER}
    layers, whole = (chain_to(deepest(each.taps)) for each in (recipe, PRESETS["fine"]))
    assert work_of(layers) < 0.35 * work_of(whole)
    assert (recipe.total_iterations, recipe.normalization) == (4, "relative")
    assert recipe.style_weight == PRESETS["fine"].style_weight


@pytest.mark.parametrize(("steps", "pairs"), [(1, 1), (2, 1), (4, 3), (64, 4)])
def test_no_more_is_remembered_than_there_is_to_remember(steps, pairs):
    assert refining.refining(PRESETS["fine"], steps).history == pairs
