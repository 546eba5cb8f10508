"""The rules of one scale, on a landscape that can be told to break."""

from __future__ import annotations

import math
from contextlib import closing

import numpy as np
import pytest

from engine import Recipe, snapshot
from engine.adam import Adam
from engine.descent import Descent, Limits, solved
from engine.errors import DivergedError
from engine.mx import nd
from engine.progress import LossParts
from engine.snapshot import Snapshot


class Landscape:
    """A bowl around 100; `breaks` says at which evaluations the loss is something else."""

    def __init__(self, breaks=None):
        self.breaks = breaks or {}
        self.evaluations = 0

    def evaluate(self, image):
        self.evaluations += 1
        loss = float(((image - 100) ** 2).mean().asscalar())
        loss = self.breaks.get(self.evaluations, loss)
        return LossParts(loss, loss), image - 100


def descent(landscape, steps=30, plateau=0.0, deadline=None, clock=lambda: 0.0, **more):
    start = nd.zeros((1, 3, 4, 4))
    limits = Limits(steps, plateau, deadline)
    return Descent(landscape, Adam(5.0), start, limits, clock, **more)


def test_the_best_picture_is_kept():
    work = descent(Landscape())
    losses = list(work)
    assert len(losses) == work.steps == 30
    assert work.best_loss.total == min(losses)
    assert float(((work.best - 100) ** 2).mean().asscalar()) == pytest.approx(min(losses))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e9])
def test_one_blow_up_is_rolled_back_and_the_work_goes_on(bad):
    work = descent(Landscape({8: bad}), steps=40)
    losses = list(work)
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < losses[6]


@pytest.mark.parametrize(("limit", "rolled_back"), [(0.0, True), (1.0, False)])
def test_what_is_solved_from_the_start_is_not_called_unstable(limit, rolled_back):
    """Of a loss that is all rounding any step makes a multiple."""
    landscape = Landscape({1: 1e-10, 2: 1e-3, 3: 0.5})
    work = Descent(
        landscape, Adam(5.0), nd.full((1, 3, 4, 4), 100), Limits(1, solved=limit), lambda: 0.0
    )
    list(work)
    assert work.rolled_back is rolled_back
    assert work.best_loss.total == 1e-10


@pytest.mark.parametrize(("normalization", "limit"), [("relative", 0.03), ("classic", 0.0)])
def test_solved_is_a_share_of_the_weights(normalization, limit):
    recipe = Recipe(content_weight=1, style_weight=2, normalization=normalization)
    assert solved(recipe) == pytest.approx(limit)


def test_a_second_blow_up_is_given_up():
    with pytest.raises(DivergedError, match="unstable twice"):
        list(descent(Landscape({8: math.nan, 20: math.nan})))


def test_steps_that_lead_too_far_up_are_tried_shorter_and_shorter():
    work = descent(Landscape({8: 1e9, 10: 1e9, 12: 1e9}), steps=40)
    losses = list(work)
    assert losses[-1] < losses[6]
    assert work.best_loss.total == min(losses)


def test_a_loss_that_is_no_number_is_given_up_after_one_that_was_too_high():
    with pytest.raises(DivergedError, match="unstable twice"):
        list(descent(Landscape({8: 1e9, 10: math.nan})))


def test_a_second_blow_up_on_a_later_scale_is_given_up_too():
    first = descent(Landscape({8: math.nan}))
    list(first)
    assert first.rolled_back
    with pytest.raises(DivergedError, match="unstable twice"):
        list(descent(Landscape({8: math.nan}), rolled_back=first.rolled_back))


def test_after_a_blow_up_the_next_scale_begins_gently():
    bold, gentle = (descent(Landscape(), steps=1, rolled_back=before) for before in (False, True))
    list(bold)
    list(gentle)
    assert 0 < gentle.best.mean().asscalar() < bold.best.mean().asscalar()


@pytest.mark.parametrize("steps", [1, 7, 8, 9, 20])
def test_restored_anywhere_it_takes_the_same_steps(steps, tmp_path):
    """Before, at and after a blow-up, which is at the eighth evaluation."""
    whole = descent(Landscape({8: math.nan}), plateau=1e-6)
    losses = list(whole)
    work = descent(Landscape({8: math.nan}), plateau=1e-6)
    for _ in zip(range(steps), work, strict=False):
        pass
    snapshot.write(tmp_path / "one", "", work.state())
    landscape = Landscape({8: math.nan})
    landscape.evaluations = steps + 1 + work.rolled_back
    other = descent(landscape, plateau=1e-6)
    with closing(Snapshot(tmp_path / "one")) as saved:
        other.restore(saved.state)
    assert list(other) == losses[work.steps :]
    assert np.array_equal(other.best.asnumpy(), whole.best.asnumpy())
    assert (other.steps, other.best_loss) == (whole.steps, whole.best_loss)
    assert other.rolled_back
    with pytest.raises(DivergedError, match="unstable twice"):
        list(descent(Landscape({1: 1.0, 2: math.nan}), rolled_back=other.rolled_back))


def test_a_start_without_a_finite_loss_is_given_up():
    with pytest.raises(DivergedError):
        list(descent(Landscape({1: math.nan})))


def test_a_plateau_ends_it():
    work = descent(Landscape(), steps=500, plateau=0.001)
    list(work)
    assert work.stopped_by == "plateau"
    assert work.steps < 500


def test_the_deadline_ends_it_and_the_start_is_kept_when_it_has_passed():
    work = descent(Landscape(), deadline=1.0, clock=lambda: 2.0)
    assert list(work) == []
    assert work.stopped_by == "time"
    assert np.array_equal(work.best.asnumpy(), np.zeros((1, 3, 4, 4)))
    assert work.best_loss is not None
