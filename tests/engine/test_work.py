"""A painting that is broken off anywhere goes on to the very same picture."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from engine import Painting, Recipe
from engine.errors import SnapshotError
from engine.painter import Painter
from engine.snapshot import Snapshot

TWO_SCALES = Recipe(size=64, scales=(0.75, 1.0), iterations=(5, 4), history=3)

pytestmark = pytest.mark.weights


def break_off(work, steps, file):
    for _ in range(steps):
        next(work)
    assert work.save(file)


def finished(work):
    *steps, painting = work
    assert isinstance(painting, Painting)
    return work.resumed_at, steps, painting


@pytest.fixture
def go_on(painter, tmp_path):
    def go_on(content, style, recipe):
        return painter.paint(content, style, recipe, Snapshot(tmp_path / "one"))

    return go_on


# Within a scale, at its end, just after the next one's first step, and at the very last step.
@pytest.mark.parametrize("steps", [1, 4, 5, 6, 9])
def test_it_goes_on_to_the_same_picture(painter, go_on, photo, style, tmp_path, steps):
    *told, whole = painter.paint(photo, style, TWO_SCALES)
    break_off(painter.paint(photo, style, TWO_SCALES), steps, tmp_path / "one")
    at, rest, painting = finished(go_on(photo, style, TWO_SCALES))
    assert at == steps
    assert [step.loss for step in rest] == [step.loss for step in told[steps:]]
    assert [step.iteration for step in rest] == list(range(steps + 1, 10))
    assert np.array_equal(painting.picture, whole.picture)
    assert painting.loss == whole.loss
    assert painting.iterations == whole.iterations == 9


def test_it_goes_on_twice(painter, go_on, photo, style, tmp_path):
    *_, whole = painter.paint(photo, style, TWO_SCALES)
    break_off(painter.paint(photo, style, TWO_SCALES), 3, tmp_path / "one")
    break_off(go_on(photo, style, TWO_SCALES), 4, tmp_path / "one")
    at, _, painting = finished(go_on(photo, style, TWO_SCALES))
    assert at == 7
    assert np.array_equal(painting.picture, whole.picture)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam"},
        {"init": "noise", "seed": 3},
        {"optimizer": "adam", "learning_rate": 100.0, "tv_weight": 1.0},  # rolls back
    ],
)
def test_whatever_the_recipe(painter, go_on, photo, style, tmp_path, changes):
    recipe = TWO_SCALES.model_copy(update=changes)
    *_, whole = painter.paint(photo, style, recipe)
    break_off(painter.paint(photo, style, recipe), 3, tmp_path / "one")
    _, _, painting = finished(go_on(photo, style, recipe))
    assert np.array_equal(painting.picture, whole.picture)


def test_nothing_else_goes_on_from_it(painter, photo, style, tmp_path):
    break_off(painter.paint(photo, style, TWO_SCALES), 2, tmp_path / "one")
    others = [
        (photo[::-1], style, TWO_SCALES),
        (photo, style[::-1], TWO_SCALES),
        (photo, style, TWO_SCALES.model_copy(update={"style_weight": 3.0})),
    ]
    for content, other_style, recipe in others:
        with (
            closing(Snapshot(tmp_path / "one")) as snapshot,
            pytest.raises(SnapshotError, match="another"),
        ):
            painter.paint(content, other_style, recipe, snapshot)


def test_before_the_first_step_and_after_the_last_there_is_nothing_to_save(
    painter, photo, style, tmp_path
):
    work = painter.paint(photo, style, TWO_SCALES)
    assert not work.save(tmp_path / "one")
    assert len(list(work)) == 10
    assert not work.save(tmp_path / "one")
    assert list(tmp_path.iterdir()) == []


def test_the_time_before_the_break_counts(weights, photo, style, tmp_path):
    now = 0.0
    painter = Painter(weights.parent, "cpu", precision="float32", clock=lambda: now)
    recipe = TWO_SCALES.model_copy(update={"time_budget": 100.0})
    work = painter.paint(photo, style, recipe)
    next(work)
    now = 90.0
    next(work)
    assert work.save(tmp_path / "one")
    now = 1000.0
    work = painter.paint(photo, style, recipe, Snapshot(tmp_path / "one"))
    next(work)
    now = 1011.0
    *_, painting = work
    assert painting.stopped_by == "time"
    assert painting.seconds == 101.0
