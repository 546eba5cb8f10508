"""Which lanes rest because the engine died at their photos, again and again.

A style that takes the engine down must not take the machine too: its lane rests for longer and
longer. The others go on meanwhile, with the engine that is started again at once.
"""

from __future__ import annotations

from collections.abc import Callable

from daemon import backoff


class Relapses:
    """Counts the deaths of each lane, in a row.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._deaths: dict[str, int] = {}
        self._until: dict[str, float] = {}

    @property
    def resting(self) -> list[str]:
        """The lanes that are not to be tried now."""
        now = self._clock()
        return [lane for lane, until in self._until.items() if until > now]

    @property
    def due(self) -> float | None:
        """When the next lane is to be tried again, by the clock; None if none rests."""
        now = self._clock()
        return min((until for until in self._until.values() if until > now), default=None)

    def died(self, lane: str) -> None:
        """Note that the engine died at a photo of a lane; after the first time it does not rest."""
        deaths = self._deaths[lane] = self._deaths.get(lane, 0) + 1
        if deaths > 1:
            self._until[lane] = self._clock() + backoff.pause(deaths - 1)

    def lived(self, lane: str) -> None:
        """Note that the engine brought a photo of a lane to an end, good or bad."""
        self._deaths.pop(lane, None)
        self._until.pop(lane, None)
