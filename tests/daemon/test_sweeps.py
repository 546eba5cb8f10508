"""Notes that are told no more are looked for now and then, and not all the time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon import publishing
from daemon.settings import ShareSettings
from daemon.share import open_share
from daemon.sweeps import Sweeps
from tests.daemon.standins import Clock


def sweeps_that_take(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Sweeps, Clock, list[float]]:
    clock, times = Clock(), list[float]()

    def slow(_share: Any, _stop: Callable[[], bool]) -> list[Path]:
        times.append(clock.now)
        clock.now += seconds
        return []

    monkeypatch.setattr(publishing, "sweep_notes", slow)
    share = open_share(ShareSettings(root=tmp_path))
    return Sweeps(share, clock, lambda: False), clock, times


def test_once_a_minute_where_nobody_asks_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps, clock, times = sweeps_that_take(0.0, tmp_path, monkeypatch)
    began = clock.now
    while clock.now < began + 150:
        sweeps.sweep_if_due()
        clock.now += 1
    assert [time - began for time in times] == [0, 60, 120]


def test_looking_for_such_notes_takes_little_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps, clock, times = sweeps_that_take(3.0, tmp_path, monkeypatch)
    end = clock.now + 600
    while clock.now < end:
        sweeps.sweep_if_due()
        sweeps.soon()
        clock.now += 1
    assert 5 <= len(times) <= 0.05 * 600 / 3 + 1


def test_one_such_search_that_was_held_up_does_not_end_them_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps, clock, times = sweeps_that_take(3600.0, tmp_path, monkeypatch)
    began = clock.now
    while len(times) < 2:
        assert clock.now < began + 5000
        sweeps.sweep_if_due()
        clock.now += 1
    assert [time - began for time in times] == [0.0, 4200.0]
