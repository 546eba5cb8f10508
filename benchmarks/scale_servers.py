"""A clock that goes from one event to the next, and who serves one after the other by it."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from itertools import count

Act = Callable[[], None]
Step = tuple[str, float]
"""What for, and for how long; for the share, others wait as well."""


class Clock:
    """What is to happen, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the beginning."""
        self._agenda: list[tuple[float, int, Act]] = []
        self._numbers = count()

    def after(self, seconds: float, act: Act) -> None:
        """Have something happen after so long."""
        heapq.heappush(self._agenda, (self.now + seconds, next(self._numbers), act))

    def go_on(self) -> None:
        """To what happens next."""
        self.now, _, act = heapq.heappop(self._agenda)
        act()


class Server:
    """Does one thing after the other, those first that came first; knows to what end, and when.

    Args:
        clock: the world's.
        share: whom it asks for what is a step of the name "share"; None: itself.
    """

    def __init__(self, clock: Clock, share: Server | None = None) -> None:
        self._clock, self._share = clock, share
        self._waiting: deque[tuple[deque[Step], Act]] = deque()
        self._doing: Step | None = None
        self._since = 0.0
        self._worked: defaultdict[str, float] = defaultdict(float)

    def enter(self, steps: Iterable[Step], then: Act) -> None:
        """Have it do something, and go on when it is done."""
        self._waiting.append((deque(step for step in steps if step[1]), then))
        if self._doing is None:
            self._next()

    def worked(self) -> dict[str, float]:
        """Seconds until now, by what for."""
        so_far = self._worked.copy()
        if self._doing is not None:
            so_far[self._doing[0]] += self._clock.now - self._since
        return so_far

    def _next(self) -> None:
        steps, _ = self._waiting[0]
        name, seconds = self._doing = steps.popleft() if steps else ("", 0.0)
        self._since = self._clock.now
        if self._share is not None and name == "share":
            self._share.enter([self._doing], self._done)
        else:
            self._clock.after(seconds, self._done)

    def _done(self) -> None:
        if self._doing is not None:
            self._worked[self._doing[0]] += self._clock.now - self._since
        self._doing = None
        steps, then = self._waiting[0]
        if not steps:
            self._waiting.popleft()
            then()
        if self._waiting and self._doing is None:
            self._next()
