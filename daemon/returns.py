"""Claims that could not be put back into the inbox: kept in mind, and tried again.

When a share goes away in the very moment in which a photo is taken, the photo lies in the work
folder and nobody but us knows of it: the journal has no job for it, and people do not see it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from daemon import backoff, claims
from daemon.errors import AtelierError, ClaimError, FaultError
from daemon.last_resort import LastResort
from daemon.names import printable
from daemon.once import Once, reason_of
from daemon.pulse import Tick, unheard
from daemon.share import Share

_log: Final = structlog.get_logger()


@dataclass
class _Stuck(backoff.Tries):
    """A claim that should be in the inbox again: how often putting it back failed.

    Attributes:
        why: what stood in the way last.
    """

    why: str = ""


class Returns:
    """Puts claims back into the inbox; until it has worked.

    Args:
        share: the share.
        clock: monotonic seconds.
        tick: called while something is copied.
    """

    def __init__(self, share: Share, clock: Callable[[], float], tick: Tick = unheard) -> None:
        self._share = share
        self._clock, self._tick = clock, tick
        self._stuck: dict[str, _Stuck] = {}
        self._said, self._last_resort = Once(), LastResort()

    @property
    def pending(self) -> int:
        """How many claims wait to be put back."""
        return len(self._stuck)

    @property
    def tries(self) -> int:
        """How often the freshest of them was tried; 0 if there is none."""
        return min((stuck.tries for stuck in self._stuck.values()), default=0)

    @property
    def why(self) -> str:
        """What stands in the way of the one that waits for longest; empty if none waits."""
        return next((stuck.why for stuck in self._stuck.values()), "")

    def put_back(self, job_id: str) -> bool:
        """Put a claim back now or, if that does not work, later.

        Args:
            job_id: the claim's.

        Returns:
            Whether it is back.
        """
        try:
            with self._last_resort.over(job_id):
                back = claims.put_back(self._share, job_id, self._tick)
        except (ClaimError, FaultError, OSError) as error:
            self.keep(job_id, error)
            return False
        if self._stuck.pop(job_id, None) is not None:
            if not self._stuck:
                self._said.is_over()
            _log.warning("claim.returned", job=job_id, photos=[printable(path) for path in back])
        return True

    def keep(self, job_id: str, error: AtelierError | OSError) -> None:
        """Put a claim back later: somebody tried already.

        Args:
            job_id: the claim's.
            error: what stood in the way.
        """
        stuck = self._stuck.setdefault(job_id, _Stuck())
        stuck.why = str(error)
        pause = stuck.failed(self._clock())
        log = _log.error if self._said.is_new(reason_of(error)) else _log.debug
        log("claim.stuck", job=job_id, why=str(error), again_in_seconds=pause)

    def retry(self) -> None:
        """Try again what is due; what takes long is carried on with at the next call."""
        now = self._clock()
        due = [job_id for job_id, stuck in self._stuck.items() if stuck.until <= now]
        # Who waited longest first: else the same ones would be tried in every turn.
        for job_id in sorted(due, key=lambda job_id: self._stuck[job_id].until):
            if self._clock() >= now + backoff.TURN_SECONDS:
                return
            self.put_back(job_id)
