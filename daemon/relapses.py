"""Which lanes rest because the engine died at their photos, again and again.

A style that takes the engine down must not take the machine too: its lane rests for longer and
longer. The others go on meanwhile, with the engine that is started again at once.
"""

from __future__ import annotations

from collections.abc import Callable

from daemon.backoff import Tries


class Relapses:
    """Counts the deaths of each lane, in a row.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._relapses: dict[str, Tries] = {}

    @property
    def resting(self) -> list[str]:
        """The lanes that are not to be tried now."""
        now = self._clock()
        return [lane for lane, tries in self._relapses.items() if tries.until > now]

    @property
    def due(self) -> float | None:
        """When the next lane is to be tried again, by the clock; None if none rests."""
        now = self._clock()
        ends = (tries.until for tries in self._relapses.values())
        return min((end for end in ends if end > now), default=None)

    def died(self, lane: str) -> None:
        """Note that the engine died at a photo of a lane; after the first time it does not rest."""
        if lane in self._relapses:
            self._relapses[lane].failed(self._clock())
        else:
            self._relapses[lane] = Tries()

    def lived(self, lane: str) -> None:
        """Note that the engine brought a photo of a lane to an end, good or bad."""
        self._relapses.pop(lane, None)
