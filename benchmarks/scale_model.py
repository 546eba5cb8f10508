"""How many painters one daemon, one scheduler and one share keep busy: a simulation.

The inspector, the daemon's loop, the scheduler and the share each do one thing at a time, in the
order in which it comes; painters are many, and have one photo each, as the daemon hands out no
more. What one photo and one piece of news cost each of them is measured elsewhere
(`benchmarks.scale`); here it is only put together. The inbox is never empty.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

SHARED: Final = ("inspector", "daemon", "scheduler", "share")
"""What all painters have in common."""


@dataclass(frozen=True)
class Costs:
    """What things take, seconds.

    Attributes:
        painting: of a painter, one photo.
        news: how many pieces of news a painter gives of one photo, at even intervals.
        inspector_photo: of the inspector, one photo.
        daemon_taking: of the daemon's loop, until one photo waits in the journal.
        daemon_photo: of it, from there until its picture is published.
        daemon_news: of it, one piece of news.
        scheduler_photo: of the scheduler, one order and its result.
        scheduler_news: of it, one piece of news.
        share_photo: of the share, what is read (twice) and written for one photo.
    """

    painting: float
    news: int
    inspector_photo: float
    daemon_taking: float
    daemon_photo: float
    daemon_news: float
    scheduler_photo: float
    scheduler_news: float
    share_photo: float


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        painters: how many there were.
        photos_an_hour: that were finished.
        busy: of the time that the painters painted, in the mean, 0 to 1.
        shared: of the time that each of `SHARED` was at work, 0 to 1.
    """

    painters: int
    photos_an_hour: float
    busy: float
    shared: dict[str, float]

    @property
    def tightest(self) -> str:
        """What of the shared ones is the nearest to its end."""
        return max(self.shared, key=lambda name: self.shared[name])


_STOCK: Final = 64
"""Photos that wait in the journal, at the most, so that what comes first is inspected first."""


@dataclass
class _Counter:
    """Serves one after the other, those that came first."""

    free_at: float = 0.0
    worked: float = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """When it is done with what comes now."""
        self.free_at = max(now, self.free_at) + seconds
        self.worked += seconds
        return self.free_at


@dataclass
class _World:
    """The clock, what is to happen, and who serves."""

    costs: Costs
    counters: dict[str, _Counter] = field(
        default_factory=lambda: {name: _Counter() for name in SHARED}
    )
    stock: int = _STOCK
    idle: int = 0
    finished: int = 0
    painted_seconds: float = 0.0
    now: float = 0.0
    _agenda: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def at(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (time, next(self._numbers), act))

    def visit(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        """Have one of the shared ones do something, and go on when it is done."""
        self.at(self.counters[name].serve(self.now, seconds), then)

    def run_until(self, finished: int) -> None:
        while self.finished < finished:
            self.now, _, act = heapq.heappop(self._agenda)
            act()

    # Photos come in, ahead of the painters.

    def _supply(self) -> None:
        """For each photo that was begun another one comes."""
        self.visit("share", self.costs.share_photo / 3, self._inspect)

    def _inspect(self) -> None:
        self.visit("inspector", self.costs.inspector_photo, self._take)

    def _take(self) -> None:
        self.visit("daemon", self.costs.daemon_taking, self._taken)

    def _taken(self) -> None:
        self.stock += 1
        if self.idle:
            self.idle -= 1
            self.begin()

    # The way of one of them, again and again.

    def begin(self) -> None:
        """A painter is free."""
        if not self.stock:
            self.idle += 1
            return
        self.stock -= 1
        self._supply()
        self.visit("daemon", self.costs.daemon_photo / 2, self._read)

    def _read(self) -> None:
        self.visit("share", self.costs.share_photo / 3, self._order)

    def _order(self) -> None:
        self.visit("scheduler", self.costs.scheduler_photo / 2, self._paint)

    def _paint(self) -> None:
        costs = self.costs
        for number in range(1, costs.news + 1):
            self.at(self.now + costs.painting * number / (costs.news + 1), self._tell)
        self.at(self.now + costs.painting, self._painted)

    def _tell(self) -> None:
        self.visit("scheduler", self.costs.scheduler_news, self._hear)

    def _hear(self) -> None:
        self.visit("daemon", self.costs.daemon_news, lambda: None)

    def _painted(self) -> None:
        self.painted_seconds += self.costs.painting
        self.visit("scheduler", self.costs.scheduler_photo / 2, self._publish)

    def _publish(self) -> None:
        self.visit("daemon", self.costs.daemon_photo / 2, self._write)

    def _write(self) -> None:
        self.visit("share", self.costs.share_photo / 3, self._end)

    def _end(self) -> None:
        self.finished += 1
        self.begin()


def simulate(costs: Costs, painters: int, photos_each: int = 6) -> Outcome:
    """Let so many painters paint for a while.

    Args:
        costs: what things take.
        painters: how many there are, at least 1.
        photos_each: how many each paints while it is watched, at least; half as many before that
            are not counted.
    """
    world = _World(costs)
    for number in range(painters):
        # Not all in one moment, as they would never be again.
        world.at(costs.painting * number / painters, world.begin)
    # What waits in the journal at first is used up before, if it is to be.
    world.run_until(max(painters * max(photos_each // 2, 1), 4 * _STOCK))
    began, painted, finished = world.now, world.painted_seconds, world.finished
    worked = {name: counter.worked for name, counter in world.counters.items()}
    world.run_until(finished + max(painters * photos_each, 4 * _STOCK))
    seconds = world.now - began
    return Outcome(
        painters,
        3600 * (world.finished - finished) / seconds,
        min((world.painted_seconds - painted) / (seconds * painters), 1.0),
        {
            name: min((counter.worked - worked[name]) / seconds, 1.0)
            for name, counter in world.counters.items()
        },
    )


def most_painters(costs: Costs, least_busy: float = 0.9, limit: int = 65_536) -> int:
    """The most painters that are busy for such a part of the time in the mean.

    Args:
        costs: what things take.
        least_busy: the part, 0 to 1.
        limit: no more are tried.
    """
    low, high = 0, 1
    while high <= limit and simulate(costs, high, 3).busy >= least_busy:
        low, high = high, 2 * high
    while high - low > max(low // 50, 1):  # to two parts in a hundred
        middle = (low + high) // 2
        if simulate(costs, middle, 3).busy >= least_busy:
            low = middle
        else:
            high = middle
    return low
