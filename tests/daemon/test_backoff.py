"""Pauses grow, and have an end."""

from __future__ import annotations

from itertools import pairwise

from daemon.backoff import Tries, pause


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause(failures) for failures in (1, 2, 3, 7, 50, 100_000)] == [1, 2, 4, 60, 60, 60]
    pauses = [pause(failures) for failures in range(1, 40)]
    assert all(first <= second for first, second in pairwise(pauses))


def test_what_failed_again_waits_longer_from_now_on() -> None:
    tries = Tries()
    assert (tries.failed(10.0), tries.until, tries.tries) == (1.0, 11.0, 1)
    assert (tries.failed(20.0), tries.until, tries.tries) == (2.0, 22.0, 2)
