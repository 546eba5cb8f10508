"""Lanes wait longer and longer, and it is said once why."""

from __future__ import annotations

from structlog.testing import capture_logs

from daemon.holds import Holds


def test_a_lane_waits_longer_each_time_until_it_is_released() -> None:
    now = 0.0
    holds = Holds(1000.0, lambda: now)
    assert (holds.resting, holds.due) == ([], None)
    for pause in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0):
        holds.hold("Waves", "away")
        assert (holds.resting, holds.due) == (["Waves"], now + pause)
        now += pause
        assert (holds.resting, holds.due) == ([], None)
    holds.release("Waves")
    holds.hold("Waves", "away")
    assert holds.due == now + 1.0


def test_each_reason_is_said_once() -> None:
    holds = Holds(60.0, lambda: 0.0)
    with capture_logs() as logs:
        for why in ("away", "away", "away", "stale", "stale"):
            holds.hold("Waves", why)
        holds.hold("Dots", "stale")
        for _ in range(2):
            holds.release("Waves")
    assert [(line["event"], line["lane"], line.get("why")) for line in logs] == [
        ("lane.held", "Waves", "away"),
        ("lane.held", "Waves", "stale"),
        ("lane.held", "Dots", "stale"),
        ("lane.goes_on", "Waves", None),
    ]


def test_a_hold_is_long_when_the_last_try_came_after_all_patience() -> None:
    now = 0.0
    holds = Holds(10.0, lambda: now)
    for due in (1.0, 3.0, 7.0, 10.0):
        holds.hold("Waves", "away")
        assert holds.due == due
        assert holds.long == []
        now = due
    assert holds.long == []  # nobody has tried yet
    holds.hold("Waves", "away")
    assert holds.long == ["Waves"]
    holds.release("Waves")
    assert holds.long == []


def test_without_patience_a_lane_is_tried_a_few_times_all_the_same() -> None:
    holds = Holds(0.0, lambda: 5.0)
    long = []
    for _ in range(4):
        holds.hold("Waves", "away")
        long.append(bool(holds.long))
    assert long == [False, False, False, True]


def test_a_lane_is_tried_in_time_for_whoever_needs_an_answer() -> None:
    now = 100.0
    holds = Holds(60.0, lambda: now)
    holds.hold("Waves", "bad", until=100.5)
    assert holds.due == 100.5
    holds.hold("Waves", "bad", until=99.0)  # that is over
    assert holds.due == 102.0
