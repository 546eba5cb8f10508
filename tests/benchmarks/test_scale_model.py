"""The simulation of many painters agrees with what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scale_model import SHARED, Costs, most_painters, simulate

FREE = Costs(
    painting=10.0, news=0, inspector_photo=0.0, daemon_taking=0.0, daemon_photo=0.0,
    daemon_news=0.0, scheduler_photo=0.0, scheduler_news=0.0, share_photo=0.0,
)  # fmt: skip


@pytest.mark.parametrize("painters", [1, 7, 100])
def test_where_nothing_is_shared_all_paint_all_the_time(painters):
    outcome = simulate(FREE, painters)
    assert outcome.busy == pytest.approx(1.0, abs=0.02)
    assert outcome.photos_an_hour == pytest.approx(360 * painters, rel=0.02)


def test_one_painter_waits_for_all_that_is_done_for_its_photo():
    costs = replace(FREE, daemon_photo=1.0, scheduler_photo=2.0, share_photo=0.3)
    outcome = simulate(costs, 1)
    # Ahead of it the next photo is read: that holds up nobody, but for the share itself.
    assert outcome.photos_an_hour == pytest.approx(3600 / 13.2, rel=0.01)
    assert outcome.busy == pytest.approx(10 / 13.2, rel=0.01)
    shared = {"inspector": 0.0, "daemon": 1.0, "scheduler": 2.0, "share": 0.3}
    expected = {name: seconds / 13.2 for name, seconds in shared.items()}
    assert outcome.shared == pytest.approx(expected, rel=0.02)


def test_it_does_not_wait_for_what_is_done_ahead():
    outcome = simulate(replace(FREE, inspector_photo=2.0, daemon_taking=1.0), 1)
    assert outcome.busy == pytest.approx(1.0)
    assert outcome.shared["inspector"] == pytest.approx(0.2)


COST = {
    "inspector": "inspector_photo", "daemon": "daemon_photo", "scheduler": "scheduler_photo",
    "share": "share_photo",
}  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_what_is_busy_all_the_time_sets_the_pace(name):
    outcome = simulate(replace(FREE, **{COST[name]: 0.5}), 200, 20)
    assert outcome.tightest == name
    assert outcome.shared[name] == pytest.approx(1.0, abs=0.01)
    assert outcome.photos_an_hour == pytest.approx(7200, rel=0.03)
    assert outcome.busy == pytest.approx(20 / 200, rel=0.06)


def test_news_cost_too():
    outcome = simulate(replace(FREE, news=99, daemon_news=0.01, scheduler_news=0.02), 2, 20)
    assert outcome.shared["daemon"] == pytest.approx(0.198, rel=0.05)
    assert outcome.shared["scheduler"] == pytest.approx(0.396, rel=0.05)
    assert outcome.busy == pytest.approx(1.0, abs=0.02)


def test_so_many_are_kept_busy():
    most = most_painters(replace(FREE, daemon_photo=0.5))
    assert most == 22  # the daemon has time for 20 all the time, or 22 for 0.9 of it
    assert most_painters(replace(FREE, painting=1.0, daemon_photo=1.0)) == 0
