"""The way out of the house: a job that is painted or has failed is brought to its end.

The journal is told between the steps: what is to be done, then the move, then that it is done. So a
kill at any moment costs nothing: each photo comes to one end, and each result is there once. When a
disk is full or a share is away, the ending waits and is tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from daemon import backoff, intention, presence, publishing
from daemon.checkpoints import Checkpoints
from daemon.claim_folders import claim_folder, guard
from daemon.claims import Claim
from daemon.errors import AtelierError, FaultError, JournalError, PublishError, StoppedError
from daemon.jobs import Intention, Job
from daemon.journal import Journal
from daemon.last_resort import LastResort
from daemon.names import printable
from daemon.once import Once, reason_of
from daemon.pulse import Tick, unheard
from daemon.returns import Returns
from daemon.runners.base import Painted
from daemon.share import Share

_TRIES_OF_A_FAULT: Final = 2  # so often publishing is tried once more before the photo fails
_log: Final = structlog.get_logger()


@dataclass
class _Ending(backoff.Tries):
    """What is still to be done for one job: how often something stood in the way.

    Attributes:
        job: which.
        painted: its picture, until it is published.
        result: where it was published.
        reason: why it fails instead, in plain words.
        doubts: where its picture may have appeared, until that is settled.
        otherwise: what is to be done with the job if it has not.
        is_recorded: whether the journal has the reason.
        why: what stood in the way last.
    """

    job: Job
    painted: Painted | None = None
    result: Path | None = None
    reason: str | None = None
    doubts: tuple[Intention, ...] = ()
    otherwise: Callable[[Job], None] | None = None
    is_recorded: bool = field(default=False, kw_only=True)
    why: str = field(default="", kw_only=True)

    @property
    def is_unpublished(self) -> bool:
        """Whether a picture is to be published, or looked for, and was not yet."""
        return self.result is None and (self.painted is not None or bool(self.doubts))


class Endings:
    """Publishes results, keeps originals, and moves failures; until it has worked.

    Args:
        share: the share.
        journal: told of every step.
        clock: monotonic seconds.
        checkpoints: of jobs that end here, let go then.
        expect: raises while the share's folders are not the ones that they were.
        tick: called while something is copied.
    """

    def __init__(  # noqa: PLR0913 - what it goes by, and who is asked and told
        self,
        share: Share,
        journal: Journal,
        clock: Callable[[], float],
        checkpoints: Checkpoints | None = None,
        expect: Callable[[], None] = lambda: None,
        *,
        tick: Tick = unheard,
    ) -> None:
        self._share = share
        self._journal = journal
        self._clock = clock
        self._checkpoints = checkpoints or Checkpoints(None)
        self._tick = tick
        self.expect = expect
        """Raises while the share's folders are not the ones that they were."""
        self.returns = Returns(share, clock, expect, tick)
        """Puts back what is left when a job is over, and what else belongs to none."""
        self._said, self._last_resort = Once(), LastResort()
        self._pending: list[_Ending] = []
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many jobs have failed since the start."""
        return self._failures

    @property
    def pending(self) -> int:
        """How many jobs wait for a disk or a share that refuses them."""
        return len(self._pending)

    @property
    def why(self) -> str:
        """What stands in the way of the one that waits for longest; empty if nothing does."""
        return self._pending[0].why if self._pending else ""

    @property
    def jobs(self) -> list[str]:
        """The ids of these: nothing else may be done with them."""
        return [ending.job.id for ending in self._pending]

    @property
    def tries(self) -> int:
        """How often each of them was tried at least; 0 if nothing waits."""
        return min((ending.tries for ending in self._pending), default=0)

    @property
    def pictures(self) -> int:
        """How many of them hold a finished picture in memory."""
        return sum(self._pictures().values())

    def crowded(self, pictures: int) -> list[str]:
        """The lanes of which so many finished pictures, or more, wait in memory."""
        return [lane for lane, number in self._pictures().items() if number >= pictures]

    @property
    def due(self) -> float | None:
        """When `retry` has something to do, by the clock; None if nothing waits."""
        return min((ending.until for ending in self._pending), default=None)

    def painted(self, job: Job, painted: Painted) -> None:
        """Publish a job's picture and keep its photo.

        Args:
            job: a running one.
            painted: what the runner delivered.
        """
        self._try(_Ending(job, painted=painted))

    def published(self, job: Job) -> None:
        """Carry on with a job whose result is recorded already, after a restart."""
        self._try(_Ending(job, result=job.result))

    def doubtful(
        self, job: Job, plans: Collection[Intention], otherwise: Callable[[Job], None]
    ) -> None:
        """Carry on with a job whose result was about to appear, if it has; after a restart.

        Args:
            job: it waits or runs, and no result is recorded.
            plans: where the picture may be.
            otherwise: what is to be done with the job if it is at none of them.
        """
        self._try(_Ending(job, doubts=tuple(plans), otherwise=otherwise))

    def failed(self, job: Job, reason: str) -> None:
        """Move a job's photo to failed, with a note.

        Args:
            job: a queued or running one.
            reason: what happened and what to do, in plain words.
        """
        self._try(_Ending(job, reason=reason))

    def forget_all_but(self, jobs: Collection[str]) -> None:
        """Let go of what was saved of all other jobs; after a restart.

        Args:
            jobs: ids of those that are not over.
        """
        self._checkpoints.sweep(jobs)

    def retry(self) -> None:
        """Try again what is due; what takes long is carried on with at the next call."""
        now = self._clock()
        due = [ending for ending in self._pending if ending.until <= now]
        for ending in due:
            if self._clock() >= now + backoff.TURN_SECONDS:
                return
            self._pending.remove(ending)
            self._try(ending)

    def hurry(self) -> None:
        """Try all again at once: what stood in the way has gone."""
        for ending in self._pending:
            ending.until = self._clock()

    def give_back(self) -> None:
        """At the end of the daemon: what could not be brought to its end waits for the next start.

        A picture that was not published is painted again, and its job not blamed for that.
        """
        for ending in self._pending:
            self._leave(ending)

    def _pictures(self) -> Counter[str]:
        return Counter(ending.job.lane for ending in self._pending if ending.painted is not None)

    def _leave(self, ending: _Ending) -> None:
        job = ending.job
        try:
            if ending.reason is not None:
                if not ending.is_recorded:
                    self._journal.given_up(job.id, ending.reason)
            elif ending.painted is not None and ending.result is not None:
                self._journal.published(job.id, ending.result, ending.painted.report)
            elif ending.painted is not None:
                self._journal.requeue(job.id, forgive=True)
        except JournalError as error:  # the next start puts it in order
            _log.error("job.stuck", job=job.id, why=str(error))

    def _try(self, ending: _Ending) -> None:
        try:
            with self._last_resort.over(ending.job.relative):
                self.expect()
                self._carry_out(ending)
        except StoppedError:  # the next start goes on with it
            ending.failed(self._clock())
            self._pending.append(ending)
        except FaultError as error:
            tried = ending.is_unpublished and ending.tries >= _TRIES_OF_A_FAULT
            if tried and not self._may_be_out(ending):
                self.failed(ending.job, str(error))
            else:
                self._wait(ending, error)
        except (AtelierError, OSError) as error:
            self._wait(ending, error)
        else:
            if not self._pending and self._said.is_over():
                _log.info("job.none_is_stuck")

    def _carry_out(self, ending: _Ending) -> None:
        if ending.reason is not None:
            self._fail(ending, ending.reason)
        elif self._is_out(ending):
            self._finish(ending)
        elif ending.otherwise is not None:
            ending.otherwise(ending.job)

    def _wait(self, ending: _Ending, error: Exception) -> None:
        ending.why = str(error)
        pause = ending.failed(self._clock())
        self._pending.append(ending)
        # Many may wait for one disk, and each is tried again and again.
        log = _log.error if self._said.is_new(reason_of(error)) else _log.debug
        log("job.stuck", job=ending.job.id, why=ending.why, again_in_seconds=pause)

    def _expect_share(self) -> None:
        # A photo that is not in its claim counts as moved already, by whoever was killed after it.
        if not presence.is_here(self._share):
            raise PublishError(
                f"The folder {printable(self._share.work)} is not there, or empty. Connect the "
                "drive that it lies on; nothing was lost."
            )

    def _is_out(self, ending: _Ending) -> bool:
        """Whether nothing, or no longer anything, is doubtful about an ending's result."""
        if not ending.doubts:
            return True
        out = [plan.path for plan in ending.doubts if intention.is_out(plan, self._share)]
        if not out:
            for plan in ending.doubts:
                intention.forget_reservation(plan, self._share)
            return False
        self._journal.published(ending.job.id, out[0], ending.job.report or {})
        _log.info("job.was_published", job=ending.job.id, result=printable(out[0]))
        ending.doubts = ()
        return True

    def _may_be_out(self, ending: _Ending) -> bool:
        """Whether the picture of an ending is out all the same, or nobody can say just now."""
        try:
            with self._last_resort.over(ending.job.relative):
                job = self._journal.get(ending.job.id)
                plan = intention.recorded(job, self._share)
                if plan is None or not intention.is_out(plan, self._share):
                    return False
                report = job.report if ending.painted is None else ending.painted.report
                self._journal.published(job.id, plan.path, report or {})
        except FaultError:
            return False
        except (AtelierError, OSError):
            return True
        ending.result, ending.painted, ending.doubts = plan.path, None, ()
        return True

    def _finish(self, ending: _Ending) -> None:
        job, claim = ending.job, claim_of(self._share, ending.job)
        if ending.painted is not None:
            if ending.result is None:
                ending.result = self._publish(job, claim, ending.painted)
            # Apart from that: if this fails, the next try must not publish a second time.
            self._journal.published(job.id, ending.result, ending.painted.report)
            ending.painted = None
        self._expect_share()
        kept = publishing.keep_original(self._share, claim, job.relative, self._tick)
        done = self._journal.finish(job.id, kept)
        self._checkpoints.forget(job.id)
        _log.info(
            "job.finished",
            job=job.id,
            result=printable(done.result or ""),
            original=printable(kept),
            seconds=round((done.finished_at or 0.0) - (done.started_at or 0.0), 3),
            loss=(done.report or {}).get("loss", {}).get("total"),
        )
        self.returns.put_rest_back(job.id, job.relative)

    def _publish(self, job: Job, claim: Claim, painted: Painted) -> Path:
        # An earlier try may have done it and not have been told so, by a server or by a disk.
        plan = intention.recorded(self._journal.get(job.id), self._share)
        if plan is not None and intention.is_out(plan, self._share):
            return plan.path

        def intend(path: Path) -> None:
            plan = intention.intend(path, painted.picture)
            self._copy_into_claim(claim, plan)
            self._journal.intend(job.id, plan, painted.report)

        relative = publishing.result_relative(claim, job.relative)
        return publishing.publish_result(
            self._share, relative, job.style_shown, painted.picture, painted.suffix, intend
        )

    def _copy_into_claim(self, claim: Claim, plan: Intention) -> None:
        # The copy is for the case that the journal is lost: a result need not wait for it.
        try:
            guard(claim.folder)
            intention.remember(claim.folder, plan)
        except (AtelierError, OSError) as error:
            _log.warning("intention.not_copied", job=claim.job_id, why=str(error))

    def _fail(self, ending: _Ending, reason: str) -> None:
        job = ending.job
        if not ending.is_recorded:
            self._journal.given_up(job.id, reason)
            ending.is_recorded = True
        self._expect_share()
        claim = claim_of(self._share, job)
        where = publishing.fail(self._share, claim, job.relative, reason, self._tick)
        shown = where if presence.is_there(where) else job.relative  # of a photo that is gone
        self._journal.fail(job.id, reason, where)
        self._checkpoints.forget(job.id)
        self._failures += 1
        _log.error("job.failed", job=job.id, reason=reason, photo=printable(shown))
        self.returns.put_rest_back(job.id, job.relative)


def claim_of(share: Share, job: Job) -> Claim:
    """The claim of a job, from what the journal knows."""
    folder = claim_folder(share, job.id)
    return Claim(job.id, folder, job.content, job.style, job.overrides, job.companions)
