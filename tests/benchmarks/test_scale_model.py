"""The simulation of many painters agrees with what can be worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.scale_model import SHARED, Costs, most_painters, simulate

FREE = Costs(10.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("painters", [1, 7, 100])
def test_where_nothing_is_shared_all_paint_all_the_time(painters):
    outcome = simulate(FREE, painters)
    assert outcome.busy == pytest.approx(1.0, abs=0.02)
    assert outcome.photos_an_hour == pytest.approx(360 * painters, rel=0.02)


def test_one_painter_waits_for_all_that_is_done_for_its_photo():
    outcome = simulate(Costs(10.0, 0, 1.0, 0.0, 2.0, 0.0, 3.0), 1)
    assert outcome.photos_an_hour == pytest.approx(3600 / 16)
    assert outcome.busy == pytest.approx(10 / 16)
    assert outcome.shared == pytest.approx({"daemon": 1 / 16, "scheduler": 2 / 16, "share": 3 / 16})


@pytest.mark.parametrize("name", SHARED)
def test_what_is_busy_all_the_time_sets_the_pace(name):
    costs = Costs(**{**vars(FREE), f"{name}_photo": 0.5})
    outcome = simulate(costs, 200)
    assert outcome.tightest == name
    assert outcome.shared[name] == pytest.approx(1.0, abs=0.01)
    assert outcome.photos_an_hour == pytest.approx(7200, rel=0.02)
    assert outcome.busy == pytest.approx(20 / 200, rel=0.05)


def test_news_cost_too():
    outcome = simulate(Costs(10.0, 99, 0.0, 0.01, 0.0, 0.02, 0.0), 2, 20)
    assert outcome.shared["daemon"] == pytest.approx(0.198, rel=0.05)
    assert outcome.shared["scheduler"] == pytest.approx(0.396, rel=0.05)
    assert outcome.busy == pytest.approx(1.0, abs=0.02)


def test_so_many_are_kept_busy():
    most = most_painters(Costs(10.0, 0, 0.5, 0.0, 0.0, 0.0, 0.0))
    assert most == 22  # the daemon has time for 20 all the time, or 22 for 0.9 of it
    assert most_painters(Costs(1.0, 0, 1.0, 0.0, 0.0, 0.0, 0.0)) == 0
