"""Fair times: the things that are compared take turns, so that a drift of the machine hits all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """How long one thing took, seconds.

    Attributes:
        median: over the rounds.
        least: the quickest round.
        most: the slowest.
        each: all of them, in order.
    """

    median: float
    least: float
    most: float
    each: tuple[float, ...]

    def __str__(self) -> str:
        """Median and spread."""
        return f"{self.median:.3f} ({self.least:.3f} to {self.most:.3f})"


def interleaved(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Times]:
    """Time several things in turns, A B A B ..., after one round that does not count.

    Args:
        work: what to time, by name; each call does the whole of it.
        rounds: how often each is timed.
    """
    taken: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, call in work.items():
            began = time.perf_counter()
            call()
            if number:
                taken[name].append(time.perf_counter() - began)
    return {
        name: Times(statistics.median(each), min(each), max(each), tuple(each))
        for name, each in taken.items()
    }
