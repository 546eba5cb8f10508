"""When the folders are looked at, by a clock that the test sets."""

from __future__ import annotations

import pytest

from daemon.pace import SHARE, Pace
from tests.daemon.standins import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def test_the_first_look_is_at_once_and_hurry_changes_nothing(pace: Pace) -> None:
    assert not pace.has_looked
    pace.hurry(5)
    assert pace.due == 100


def test_the_next_one_is_after_the_rest(pace: Pace, clock: Clock) -> None:
    clock.now = 101
    pace.looked(101, 10)
    assert pace.has_looked
    assert pace.due == 111


def test_a_change_makes_it_sooner_but_not_at_once(pace: Pace) -> None:
    pace.looked(100, 10)
    pace.hurry(2)
    assert pace.due == 102
    pace.hurry(5)  # not later again
    assert pace.due == 102


def test_long_looks_leave_most_of_the_time_to_others(pace: Pace, clock: Clock) -> None:
    clock.now = 104  # this one took 4 seconds
    pace.looked(100, 1)
    assert pace.due == 104 + 4 * (1 - SHARE) / SHARE
    pace.hurry(2)
    assert pace.due == 116
    pace.look_now()
    assert pace.due == 104


def test_one_that_was_held_up_for_long_does_not_put_off_the_next_for_hours(
    pace: Pace, clock: Clock
) -> None:
    clock.now = 3700
    pace.looked(100, 1)
    assert pace.due == 3760
