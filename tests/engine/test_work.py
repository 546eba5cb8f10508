"""A painting that is broken off anywhere goes on to the very same picture."""

from __future__ import annotations

import copy
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from engine import Painting, Recipe, pyramid
from engine.errors import SnapshotError
from engine.painter import Painter
from engine.snapshot import Snapshot
from engine.sources import Sources, Style

TWO_SCALES = Recipe(size=64, scales=(0.75, 1.0), iterations=(5, 4), history=3)

pytestmark = pytest.mark.weights


@pytest.fixture
def file(tmp_path):
    return tmp_path / "one"


@pytest.fixture
def begin(painter, photo, style):
    return lambda recipe: painter.paint(Sources.of(photo, style), recipe)


@pytest.fixture
def undisturbed(begin, once):
    """The steps and the painting that come of a recipe in one go."""
    return lambda recipe: once(recipe.model_dump_json(), lambda: list(begin(recipe)))


@pytest.fixture
def go_on(painter, photo, style, file):
    return lambda recipe: painter.paint(Sources.of(photo, style), recipe, Snapshot(file))


def break_off(work, steps, file):
    for _ in range(steps):
        next(work)
    assert work.save(file)


def finished(work):
    *steps, painting = work
    assert isinstance(painting, Painting)
    return work.resumed_at, steps, painting


# Within a scale, at its end, just after the next one's first step, and at the very last step.
@pytest.mark.parametrize("steps", [1, 4, 5, 6, 9])
def test_it_goes_on_to_the_same_picture(begin, undisturbed, go_on, file, steps):
    *told, whole = undisturbed(TWO_SCALES)
    break_off(begin(TWO_SCALES), steps, file)
    at, rest, painting = finished(go_on(TWO_SCALES))
    assert at == steps
    assert [step.loss for step in rest] == [step.loss for step in told[steps:]]
    assert [step.iteration for step in rest] == list(range(steps + 1, 10))
    assert np.array_equal(painting.picture, whole.picture)
    assert painting.loss == whole.loss
    assert painting.iterations == whole.iterations == 9


@pytest.mark.parametrize("steps", [3, 6])
def test_one_that_goes_on_can_be_seen_before_its_first_step(begin, undisturbed, go_on, file, steps):
    before = begin(TWO_SCALES)
    break_off(before, steps, file)
    after = go_on(TWO_SCALES)
    assert np.array_equal(after.preview(), before.preview())
    assert after.total == 9
    *_, whole = undisturbed(TWO_SCALES)
    assert np.array_equal(finished(after)[2].picture, whole.picture), "looking changes nothing"


def test_it_goes_on_twice(begin, undisturbed, go_on, file):
    *_, whole = undisturbed(TWO_SCALES)
    break_off(begin(TWO_SCALES), 3, file)
    break_off(go_on(TWO_SCALES), 4, file)
    at, _, painting = finished(go_on(TWO_SCALES))
    assert at == 7
    assert np.array_equal(painting.picture, whole.picture)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam"},
        {"init": "noise", "seed": 3},
        {"optimizer": "adam", "learning_rate": 100.0, "tv_weight": 1.0},
    ],
)
def test_whatever_the_recipe(begin, undisturbed, go_on, file, changes):
    recipe = TWO_SCALES.model_copy(update=changes)
    *_, whole = undisturbed(recipe)
    break_off(begin(recipe), 3, file)
    assert np.array_equal(finished(go_on(recipe))[2].picture, whole.picture)


def altered(painter, **changes):
    other = copy.copy(painter)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


@pytest.fixture
def others(painter, photo, style):
    """Who might go on, and with what: in each case not with what was begun."""

    def forgetful(*asked):
        return replace(painter.plan(*asked), history=2)

    elsewhere = replace(painter.device, name="gpu 0")
    same = (Sources.of(photo, style), TWO_SCALES)
    more = Sources(photo, [Style(style), Style(style[::-1])])
    return {
        "photo": (painter, Sources.of(photo[::-1], style), TWO_SCALES),
        "style": (painter, Sources.of(photo, style[::-1]), TWO_SCALES),
        "more styles": (painter, more, TWO_SCALES),
        "start": (painter, Sources(photo, [Style(style)], photo), TWO_SCALES),
        "recipe": (painter, same[0], TWO_SCALES.model_copy(update={"style_weight": 3.0})),
        "colours": (painter, same[0], TWO_SCALES.model_copy(update={"colors": "match"})),
        "network": (altered(painter, network_key="another"), *same),
        "device": (altered(painter, device=elsewhere), *same),
        "memory": (altered(painter, plan=forgetful), *same),
    }


@pytest.mark.parametrize(
    "what",
    [
        "photo", "style", "more styles", "start", "recipe", "colours", "network", "device",
        "memory",
    ],
)  # fmt: skip
def test_nothing_else_goes_on_from_it(begin, others, file, what):
    break_off(begin(TWO_SCALES), 2, file)
    other, *with_these = others[what]
    with closing(Snapshot(file)) as snapshot, pytest.raises(SnapshotError, match="another"):
        other.paint(*with_these, snapshot)


CONTROLS = {
    "blend": {},
    "strokes": {"stroke_size": 2.0},
    "match": {"colors": "match"},
    "luminance": {"colors": "luminance"},
    "start": {},
    "all": {"stroke_size": 0.5, "colors": "luminance", "init": "blend"},
}


@pytest.fixture
def controlled(photo, style):
    """What a control is used with."""

    def controlled(control):
        styles, start = [Style(style)], None
        if control in {"blend", "all"}:
            styles.append(Style(255 - style[::-1], 2.0))
        if control in {"start", "all"}:
            start = np.ascontiguousarray(photo[::-1, ::-1] // 2)
        return Sources(photo, styles, start), TWO_SCALES.model_copy(update=CONTROLS[control])

    return controlled


@pytest.fixture
def paint_with(painter, controlled):
    """Paint with a control."""
    return lambda control, *snapshot: painter.paint(*controlled(control), *snapshot)


@pytest.fixture
def undisturbed_with(paint_with, once):
    """The steps and the painting that come of it in one go."""
    return lambda control: once(control, lambda: list(paint_with(control)))


# Within the first scale, at its end, and within the second.
@pytest.mark.parametrize("steps", [2, 5, 7])
@pytest.mark.parametrize("control", CONTROLS)
def test_it_goes_on_to_the_same_picture_with_every_control(
    paint_with, undisturbed_with, file, control, steps
):
    *told, whole = undisturbed_with(control)
    break_off(paint_with(control), steps, file)
    at, rest, painting = finished(paint_with(control, Snapshot(file)))
    assert at == steps
    assert [step.loss for step in rest] == [step.loss for step in told[steps:]]
    assert np.array_equal(painting.picture, whole.picture)


def test_each_control_makes_another_picture(undisturbed, undisturbed_with):
    pictures = [undisturbed(TWO_SCALES)[-1].picture]
    pictures += [undisturbed_with(control)[-1].picture for control in CONTROLS]
    for number, one in enumerate(pictures):
        for other in pictures[:number]:
            assert np.abs(one - other).mean() > 1  # of 255


@pytest.fixture
def blends(painter, photo, style):
    """A blend, and others that are nearly it."""

    def paint(*weights, styles=(style, style[::-1]), start=None, resume=None):
        given = [Style(*each) for each in zip(styles, weights, strict=True)]
        return painter.paint(Sources(photo, given, start), TWO_SCALES, resume)

    return paint


def test_a_blend_goes_on_from_itself_alone(blends, photo, style, file):
    break_off(blends(1, 3, start=photo), 2, file)
    turned = {"styles": (style[::-1], style), "start": photo}
    with closing(Snapshot(file)) as snapshot:
        assert blends(6, 2, **turned, resume=snapshot).resumed_at == 2
    for weights, others in (
        ((3, 1), {"start": photo}),
        ((1, 3), {}),
        ((1, 3), {"start": photo[::-1]}),
        ((1, 3), {"start": photo, "styles": (style, style[:, ::-1])}),
        ((1, 3, 1), {"start": photo, "styles": (style, style[::-1], style[:, ::-1])}),
    ):
        with closing(Snapshot(file)) as snapshot, pytest.raises(SnapshotError, match="another"):
            blends(*weights, **others, resume=snapshot)


def test_a_picture_to_start_from_takes_the_photo_s_place_once(painter, photo, style):
    given = Sources(photo, [Style(style)], 255 - photo)
    for init, share in (("content", 0.0), ("blend", 0.5)):
        work = painter.paint(given, TWO_SCALES.model_copy(update={"init": init}))
        content, start = work._set_out()
        assert np.array_equal(content, work._plan[0].ground.content_at((36, 48)))
        off = np.abs(start - pyramid.resized(255 - photo, (36, 48)))
        assert off.max() <= 255 * share
        assert (off.mean() > 10) == bool(share)
        assert work._start is None


def test_what_a_picture_starts_from_can_be_seen_in_it(painter, photo, style):
    recipe = TWO_SCALES.model_copy(update={"scales": (1.0,), "iterations": (4,)})

    def painted(start):
        *_, painting = painter.paint(Sources(photo, [Style(style)], start), recipe)
        return painting.picture

    plain = painted(None)
    assert np.array_equal(painted(photo), plain)
    assert np.abs(painted(255 - photo) - plain).mean() > 3


def test_what_the_network_depends_on_stands_in_its_key(painter):
    assert {painter.weights_sha256, painter.device.precision} <= set(painter.network_key.split())


def test_before_the_first_step_and_after_the_last_there_is_nothing_to_save(begin, file):
    work = begin(TWO_SCALES)
    assert not work.save(file)
    assert len(list(work)) == 10
    assert not work.save(file)
    assert not file.exists()


def looked_at(work):
    """Have it work, with a look between any two steps."""
    looks = [work.preview()]
    for step in work:
        if isinstance(step, Painting):
            return step, looks
        looks.append(work.preview())
    raise AssertionError("there was no painting")


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_whoever_looks_on_changes_nothing(begin, undisturbed, optimizer):
    recipe = TWO_SCALES.model_copy(update={"optimizer": optimizer})
    *told, whole = undisturbed(recipe)
    painting, looks = looked_at(begin(recipe))
    assert np.array_equal(painting.picture, whole.picture)
    assert painting.loss == whole.loss
    assert len(looks) == 1 + len(told) == 10


def test_a_look_is_the_best_picture_of_its_scale_so_far(begin):
    work = begin(TWO_SCALES)
    painting, (before, *looks) = looked_at(work)
    assert before is None
    assert work.preview() is None
    assert [(one.shape, one.dtype) for one in looks] == [
        *[((36, 48, 3), np.uint8)] * 5, *[((48, 64, 3), np.uint8)] * 4,
    ]  # fmt: skip
    assert np.array_equal(looks[-1], np.rint(painting.picture).astype(np.uint8))
    assert not np.array_equal(looks[5], looks[-1])


def test_a_step_that_went_too_far_is_shown_to_nobody(begin):
    work = begin(TWO_SCALES.model_copy(update={"optimizer": "adam", "learning_rate": 100.0}))
    losses, looks = [], []
    for _ in range(5):
        losses.append(next(work).loss)
        looks.append(work.preview())
    worse = next(n for n in range(1, 5) if losses[n] > min(losses[:n]))
    assert np.array_equal(looks[worse], looks[worse - 1])


def test_the_time_before_the_break_counts(weights, photo, style, file):
    now = 0.0
    painter = Painter(weights.parent, "cpu", precision="float32", clock=lambda: now)
    recipe = TWO_SCALES.model_copy(update={"time_budget": 100.0})
    work = painter.paint(Sources.of(photo, style), recipe)
    next(work)
    now = 90.0
    break_off(work, 1, file)
    now = 1000.0
    work = painter.paint(Sources.of(photo, style), recipe, Snapshot(file))
    next(work)
    now = 1011.0
    *_, painting = work
    assert painting.stopped_by == "time"
    assert painting.seconds == 101.0
