"""A lane at whose photos the engine dies rests, for longer each time."""

from __future__ import annotations

from daemon.relapses import Relapses
from tests.daemon.standins import Clock


def test_pauses_grow_after_the_first_death_up_to_a_minute() -> None:
    clock, pauses = Clock(), list[float]()
    relapses = Relapses(clock)
    for _ in range(10):
        relapses.died("Bad")
        due = clock.now if relapses.due is None else relapses.due
        pauses.append(due - clock.now)
        clock.now = due
        assert relapses.resting == []
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_lanes_rest_apart_and_one_that_works_begins_anew() -> None:
    relapses = Relapses(Clock())
    for lane in ("Bad", "Bad", "Worse", "Worse", "Unlucky"):
        relapses.died(lane)
    assert relapses.resting == ["Bad", "Worse"]
    relapses.lived("Bad")
    relapses.lived("Good")
    assert relapses.resting == ["Worse"]
    relapses.died("Bad")
    assert relapses.resting == ["Worse"]
