"""Which files have come to rest: unchanged for long enough, in enough looks.

No single look can tell a finished file from one that is being copied (Windows sets the full size
before the first byte). So a file is compared with itself, over time of this machine's own
monotonic clock: times on a share come from another clock. Whether the file is also whole is not
asked here: `daemon.inspector` decodes it once it is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daemon.pairing import Candidate
from daemon.scanner import Sighting
from daemon.settings import WatchSettings


@dataclass(frozen=True)
class _Rest:
    """Since when a file has looked as it does.

    Attributes:
        since: by the clock, seconds.
        look: the number of the look that saw it so first.
    """

    since: float
    look: int


class Readiness:
    """Remembers how long each file in the inbox has not changed.

    Args:
        settings: how long, and in how many looks, a file must stay the same; the attribute may be
            changed.
        clock: seconds of a clock that never goes back, such as `time.monotonic`.
    """

    def __init__(self, settings: WatchSettings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._clock = clock
        self._rests: dict[Sighting, _Rest] = {}
        self._look = 0
        self._restless = False

    def settled(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Take in what one look found, and give those candidates whose files all are settled.

        A file counts as another one when its inode is another one. An empty file never settles:
        its bytes may still come; `unchanged_for` tells when that is not to be hoped for. Call it
        once a look: files that are in no candidate any more are forgotten.

        Args:
            candidates: all of this look.
        """
        found = list(candidates)
        self._look += 1
        now, before = self._clock(), self._rests
        new = _Rest(now, self._look)
        self._rests = {
            sighting: before.get(sighting, new)
            for candidate in found
            for sighting in candidate.sightings
        }
        self._restless = any(not self._is_at_rest(rest, now) for rest in self._rests.values())
        return [c for c in found if all(self._is_settled(s, now) for s in c.sightings)]

    def unchanged_for(self, candidate: Candidate) -> float:
        """Give the seconds since the candidate last changed; 0 for an unknown one."""
        now = self._clock()
        rests = [self._rests.get(sighting) for sighting in candidate.sightings]
        return min(now - rest.since if rest is not None else 0.0 for rest in rests)

    @property
    def restless(self) -> bool:
        """Whether some file may still be changing, so that it is worth looking again soon."""
        return self._restless

    def _is_settled(self, sighting: Sighting, now: float) -> bool:
        return sighting.size > 0 and self._is_at_rest(self._rests[sighting], now)

    def _is_at_rest(self, rest: _Rest, now: float) -> bool:
        long_enough = now - rest.since >= self.settings.settle_seconds
        looks = self._look - rest.look + 1
        return long_enough and looks >= self.settings.settle_scans
