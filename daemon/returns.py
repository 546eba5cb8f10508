"""Claims that no job needs, and in which something lies all the same: put where it belongs.

When a share goes away in the very moment in which a photo is taken, the photo lies in the work
folder and nobody but us knows of it: the journal has no job for it, and people do not see it. So it
is with what somebody changed or added after it had been copied from a claim to another device: its
job is over (`daemon.claim_content`). What cannot be moved now is kept in mind, and tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import structlog

from daemon import backoff, claims, presence
from daemon.claim_content import remains
from daemon.claim_folders import claim_folder, guard
from daemon.errors import AtelierError
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
        expect: raises while the share's folders are not the ones that they were. It is asked before
            each claim: of many, the drive may go after the first.
        tick: called while something is copied, compared or looked for.
    """

    def __init__(
        self,
        share: Share,
        clock: Callable[[], float],
        expect: Callable[[], None] = lambda: None,
        tick: Tick = unheard,
    ) -> None:
        self._share = share
        self._clock, self._tick = clock, tick
        self.expect = expect
        """Raises while the share's folders are not the ones that they were."""
        self._stuck: dict[str, _Stuck] = {}
        self._said, self._last_resort = Once(), LastResort()
        self.is_news = False
        """Whether what was left of a job came back since the last look at the inbox, which is for
        whoever looks to say."""

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
        return self._put_back(job_id, is_told=job_id in self._stuck)

    def put_rest_back(self, job_id: str, photo: PurePath) -> None:
        """Put away what is left in the claim of a job that is over, if anything is.

        Args:
            job_id: the job's.
            photo: its path below the inbox, for the log.
        """
        try:
            with self._last_resort.over(photo):
                folder = claim_folder(self._share, job_id)
                guard(folder)
                is_gone = presence.is_gone_from_claim(folder, folder, self._share)
                rest = [] if is_gone else remains(folder, self._tick)
        except (AtelierError, OSError) as error:  # whoever tries again later sees whether any is
            self.keep(job_id, error)
            return
        if rest:
            names = [printable(path.name) for path in rest]
            _log.warning("claim.left_over", job=job_id, photo=printable(photo), files=names)
            self.is_news = self._put_back(job_id, is_told=True) or self.is_news

    def _put_back(self, job_id: str, *, is_told: bool) -> bool:
        try:
            with self._last_resort.over(job_id):
                self.expect()
                back = claims.put_back(self._share, job_id, self._tick)
        except (AtelierError, OSError) as error:
            self.keep(job_id, error)
            return False
        if self._stuck.pop(job_id, None) is not None and not self._stuck:
            self._said.is_over()
        if back and is_told:
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
        """Try again what is due; what takes long is carried on with at the next call.

        Raises:
            ShareError: a folder is not the one that it was; what is due stays so.
        """
        now = self._clock()
        due = [job_id for job_id, stuck in self._stuck.items() if stuck.until <= now]
        # Who waited longest first: else the same ones would be tried in every turn.
        for job_id in sorted(due, key=lambda job_id: self._stuck[job_id].until):
            if self._clock() >= now + backoff.TURN_SECONDS:
                return
            self.expect()
            self.put_back(job_id)
