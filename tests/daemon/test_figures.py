"""Figures as people read them."""

from __future__ import annotations

import pytest

from daemon.figures import amount, countdown, duration, number


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "60 min"), (5400, "1.5 h"),
     (86_400, "24.0 h"), (260_000, "3 days")],
)  # fmt: skip
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(("seconds", "told"), [(0, "0:00"), (72.4, "1:12"), (3723, "1:02:03")])
def test_countdowns(seconds: float, told: str) -> None:
    assert countdown(seconds) == told


@pytest.mark.parametrize(
    ("size", "told"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1500, "1.5 kB"), (3.4e6, "3.4 MB"),
     (2e9, "2.0 GB")],
)  # fmt: skip
def test_amounts(size: float, told: str) -> None:
    assert amount(size) == told


def test_numbers_of_things() -> None:
    assert [number(count, "photo") for count in (0, 1, 2)] == ["0 photos", "1 photo", "2 photos"]
