"""The simulation of many painters agrees with what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.scale_model import (
    LEAST,
    LOOP,
    SETTLED,
    SHARED,
    WATCHED,
    Costs,
    ceilings,
    most_painters,
    simulate,
)

FREE = Costs(painting=10.0)


@pytest.mark.parametrize("painters", [1, 7, 100])
def test_where_nothing_is_shared_all_paint_all_the_time(painters):
    outcome = simulate(FREE, painters)
    assert outcome.busy == pytest.approx(1.0)
    assert outcome.photos_an_hour == pytest.approx(360 * painters)


def test_one_painter_waits_for_all_that_is_done_for_its_photo():
    costs = replace(
        FREE, daemon_photo=0.8, journal_photo=0.2, scheduler_photo=2.0, share_reading=0.2,
        share_writing=0.1,
    )  # fmt: skip
    outcome = simulate(costs, 1)
    assert outcome.photos_an_hour == pytest.approx(3600 / 13.3)
    assert outcome.busy == pytest.approx(10 / 13.3)
    # The loop does nothing else while it waits for the share.
    shared = {"inspector": 0.0, "loop": 1.3, "scheduler": 2.0, "share": 0.3}
    assert outcome.shared == pytest.approx({name: each / 13.3 for name, each in shared.items()})
    loop = {"scan": 0.0, "journal": 0.2, "daemon": 0.8}
    assert outcome.loop == pytest.approx({name: each / 13.3 for name, each in loop.items()})


def test_it_does_not_wait_for_what_is_done_ahead():
    costs = replace(FREE, inspector_photo=2.0, daemon_taking=0.5, journal_taking=0.5)
    outcome = simulate(costs, 1)
    assert outcome.busy == pytest.approx(1.0)
    assert outcome.shared["inspector"] == pytest.approx(0.2, rel=0.02)
    assert outcome.loop["journal"] == pytest.approx(0.05, rel=0.02)


COST = {
    "inspector": "inspector_photo", "loop": "daemon_photo", "scheduler": "scheduler_photo",
    "share": "share_reading",
}  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_what_is_busy_all_the_time_sets_the_pace(name):
    outcome = simulate(replace(FREE, **{COST[name]: 0.5}), 200)
    assert outcome.shared[name] == pytest.approx(1.0)
    assert outcome.photos_an_hour == pytest.approx(7200, rel=0.005)
    assert outcome.busy == pytest.approx(20 / 200, rel=0.005)


def test_the_inspector_reads_from_the_share_before_it_decodes():
    outcome = simulate(replace(FREE, inspector_photo=0.3, share_inspecting=0.2), 200)
    assert outcome.tightest == "inspector"
    assert outcome.photos_an_hour == pytest.approx(7200)
    assert outcome.shared["share"] == pytest.approx(0.4)


def test_news_cost_too():
    costs = replace(FREE, news=99, daemon_news=0.005, journal_news=0.005, scheduler_news=0.02)
    outcome = simulate(costs, 2)
    assert outcome.shared["loop"] == pytest.approx(0.198, rel=0.01)
    assert outcome.loop == pytest.approx({"scan": 0.0, "journal": 0.099, "daemon": 0.099}, rel=0.01)
    assert outcome.shared["scheduler"] == pytest.approx(0.396, rel=0.01)
    assert outcome.busy == pytest.approx(1.0, abs=0.02)


def test_looks_take_a_quarter_of_the_loop_at_the_most():
    quick, slow = (replace(FREE, look=look, look_rest=2.0) for look in (0.5, 5.0))
    assert simulate(quick, 1).loop["scan"] == pytest.approx(0.2, rel=0.02)
    assert simulate(slow, 1).loop["scan"] == pytest.approx(0.25, rel=0.02)


def test_the_inspector_goes_on_while_the_loop_looks_for_as_long_as_it_was_asked_for_photos():
    costs = replace(FREE, look=0.3, look_rest=2.0, inspector_photo=0.1)
    assert simulate(costs, 200).photos_an_hour == pytest.approx(36_000, rel=0.001)
    # It has four photos when a look of four seconds begins, after which there are twelve more.
    rare = simulate(replace(costs, look=4.0), 200)
    assert rare.photos_an_hour == pytest.approx(36_000 * 12.4 / 16, rel=0.02)


@pytest.mark.parametrize(
    ("cost", "most"),
    [("daemon_photo", 22), ("inspector_photo", 22), ("scheduler_photo", 22), ("share_reading", 22)],
)
def test_so_many_are_kept_busy(cost, most):
    # Two photos a second are enough for 20 all the time, or for 22 for nine tenths of it.
    assert most_painters(replace(FREE, **{cost: 0.5})) == most


def test_where_the_inspector_is_the_limit_what_was_inspected_before_helps_nobody():
    costs = replace(FREE, painting=20.4, inspector_photo=0.13275, daemon_photo=0.02)
    assert most_painters(costs) == 170  # 7.53 photos a second, each of 20.4 s, over nine tenths
    assert most_painters(replace(costs, painting=2.04)) == 17
    assert simulate(costs, 178).busy == pytest.approx(0.863, abs=0.001)
    assert simulate(costs, 178, rounds=30).busy == pytest.approx(0.863, abs=0.001)


def test_nobody_is_busy_who_waits_for_longer_than_he_paints():
    assert most_painters(replace(FREE, painting=1.0, daemon_photo=1.0)) == 0


SECONDS = st.one_of(st.just(0.0), st.floats(0.001, 1.0))
COSTS = st.builds(
    Costs,
    painting=st.floats(0.2, 20.0),
    news=st.integers(0, 3),
    look=st.one_of(st.just(0.0), st.floats(0.01, 5.0)),
    look_rest=st.floats(0.0, 2.0),
    **dict.fromkeys(
        ("inspector_photo", "daemon_taking", "daemon_photo", "daemon_news", "journal_taking",
         "journal_photo", "journal_news", "scheduler_photo", "scheduler_news",
         "share_inspecting", "share_reading", "share_writing"),
        SECONDS,
    ),
)  # fmt: skip


# In these a watch begins when more is on its way than when it ends.
WAVES = Costs(
    painting=19.875, news=2, look=3.25, inspector_photo=0.25, daemon_news=0.09375,
    journal_news=0.1796875, scheduler_photo=1.0, scheduler_news=0.375, share_writing=0.34375,
)  # fmt: skip
WAVES_AFTER_LOOKS = Costs(painting=1.0047379917118782, look=0.01, look_rest=1.0047379917118782)
FROM_LOOP_TO_SCHEDULER = Costs(
    painting=2.0, news=2, daemon_taking=0.96875, daemon_photo=0.25, scheduler_photo=0.59375,
    scheduler_news=0.328125,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(costs=COSTS, painters=st.integers(1, 40))
@example(costs=WAVES, painters=29)
@example(costs=WAVES_AFTER_LOOKS, painters=14)
@example(costs=FROM_LOOP_TO_SCHEDULER, painters=9)
def test_nothing_does_more_than_it_can(costs, painters):
    outcome = simulate(costs, painters)
    uses = [outcome.busy, sum(outcome.loop.values()), *outcome.shared.values()]
    assert all(0 <= use <= 1 + 1e-9 for use in uses)
    assert sum(outcome.loop.values()) <= outcome.shared["loop"] + 1e-9
    # Each painter may have had one photo on its way when the watch began, and the stock settles.
    before = painters / (WATCHED * max(painters, LEAST)) + SETTLED
    assert outcome.photos_an_hour <= min(ceilings(costs).values()) * (1 + before)
    assert outcome.photos_an_hour <= 3600 * painters / costs.painting * (1 + before)


@settings(max_examples=30, deadline=None)
@given(costs=COSTS, painters=st.integers(1, 40))
def test_it_is_watched_in_a_steady_state(costs, painters):
    outcome = simulate(costs, painters)
    # As many have begun to paint as have ended, and each part was passed by as many.
    painted = outcome.photos_an_hour / 3600 * costs.painting
    assert outcome.busy * painters == pytest.approx(painted, abs=0.03 * painters)
    done = outcome.photos_an_hour / 3600 * costs.of_a_photo["scheduler"]
    assert outcome.shared["scheduler"] == pytest.approx(done, abs=0.03)
    assert set(outcome.loop) == set(LOOP)
