"""Keeps the runner busy: whose turn it is goes in, and what comes out is acted upon.

A job is the runner's from `submit` until the event that ends it; all the while the journal says
`running`. A job whose engine died is tried again, a few times. While no engine can be started at
all, the share is out of reach, or somebody replaces a style, jobs wait in the queue and nobody is
blamed. A lane at whose photos the engine dies again and again rests, and no other. When people's
patience is over, what waits for a style fails; and so does a job of which a file of its own cannot
be read, although the share is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from daemon.backoff import TURN_SECONDS
from daemon.endings import Endings
from daemon.errors import FaultError
from daemon.holds import Holds
from daemon.jobs import Job, JobState
from daemon.journal import Journal
from daemon.last_resort import LastResort
from daemon.loading import Fault, Unreachable, advice_on_style, load, parts_now
from daemon.outlet import Outlet
from daemon.patience import Patience
from daemon.presence import is_movable
from daemon.ready import stamp_of
from daemon.relapses import Relapses
from daemon.runners.base import (
    Cancelled,
    End,
    EngineAside,
    EngineNews,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    News,
    Painted,
    Runner,
)
from daemon.runners.request import PaintRequest
from daemon.settings import Settings
from daemon.share import Share
from daemon.sizes import Sizes
from daemon.telling import Telling, tell_of_detail, tell_of_engine
from daemon.unchanged import Seen, is_changed, seen

_MOST_STUCK: Final = 8  # finished pictures in memory that no disk takes; then painting waits
_MOST_STUCK_OF_A_LANE: Final = 3  # then this lane waits, and leaves room for the others
_RETRY_SECONDS: Final = 30.0
_CHANGED: Final = (
    "The photo was changed while it was being painted, by somebody who had opened it before. "
    "Try again: it is painted as it is now."
)
_log: Final = structlog.get_logger()


class Dispatcher:
    """Hands jobs to a runner and brings them to the end that its events name.

    Args:
        share: where the jobs' files lie.
        settings: all of them.
        journal: of the share.
        endings: publishes, keeps and fails.
        runner: who paints.
        clock: monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - whoever hands over what others made needs them all
        self,
        share: Share,
        settings: Settings,
        journal: Journal,
        endings: Endings,
        runner: Runner,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._share = share
        self._settings = settings
        self._journal = journal
        self._endings = endings
        self._runner = runner
        self._clock = clock
        self._ready, self._closed, self._last_resort = False, False, LastResort()
        self._running: dict[str, Job] = {}
        self._leaving: set[str] = set()  # the runner's still, and nobody waits for them
        self._seen: dict[str, Seen] = {}  # the photo of each of them
        self._telling = Telling(journal, clock)
        self._outlet = Outlet(share, clock)
        self._sizes = Sizes(self._outlet.lacks, settings.watch.patience_seconds, clock)
        self._holds = Holds(settings.watch.patience_seconds, clock)
        self._held_jobs = Holds(settings.watch.patience_seconds, clock, "job")
        self._relapses = Relapses(clock)
        self._more_at: float | None = None
        self._patience = Patience(settings.watch.patience_seconds, clock)
        self._returning: list[tuple[Job, bool]] = []
        self._unavailable: EngineUnavailable | None = None
        self._start_at: float | None = None

    @property
    def expecting(self) -> bool:
        """Whether a job is being painted, or waits for nothing but its turn.

        Raises:
            JournalError: the journal cannot be used.
        """
        if self._running or self._returning:
            return True
        hopeless = [*self._holds.long, *self._endings.crowded(_MOST_STUCK_OF_A_LANE)]
        jobs = [*self._held_jobs.long, *self._endings.jobs]
        waiting = self._journal.next_queued(hopeless, jobs, self._sizes.long)
        shut = self._outlet.is_shut or self._endings.pictures >= _MOST_STUCK
        return waiting is not None and not shut

    @property
    def unavailable(self) -> EngineUnavailable | None:
        """Why no engine can be started, if so."""
        return self._unavailable

    @property
    def due(self) -> float | None:
        """When `fill` has something to do by itself, by the clock."""
        holds = (self._holds.due, self._held_jobs.due, self._relapses.due)
        times = (*holds, self._outlet.due, self._sizes.due, self._start_at, self._more_at)
        return min((time for time in times if time is not None), default=None)

    @property
    def trouble(self) -> str:
        """Why jobs wait for the outbox or for their files; empty if none does."""
        return self._outlet.trouble or self._holds.why or self._held_jobs.why or self._sizes.why

    def use(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._settings, patience = settings, settings.watch.patience_seconds
        self._holds.patience = self._held_jobs.patience = self._patience.seconds = patience
        self._sizes.use(patience)

    def start(self) -> None:
        """Let the runner load an engine."""
        self._runner.start()

    def fill(self) -> None:
        """Start a given-up engine again when it is time, and hand over as many jobs as fit.

        What takes long is carried on with at the next call, which is `due` at once then.

        Raises:
            JournalError: the journal cannot be used.
        """
        if self._start_at is not None and self._clock() >= self._start_at:
            self._start_at = None
            self._runner.start()
        self._return()
        self._forget_lanes()
        self._more_at, until = None, self._clock() + TURN_SECONDS
        while self._clock() < until:
            job = self._next() if self._ready and self._has_room() else None
            if job is None or not self._outlet.takes():
                return
            if self._sizes.has_room(job):
                self._try(job)
        self._more_at = self._clock()

    def handle(self, event: Event) -> None:
        """Act upon what the runner says.

        Raises:
            JournalError: the journal cannot be used.
        """
        if isinstance(event, EngineNews):
            self._engine_changed(event)
            return
        job = self._running.get(event.job_id)
        if job is None:  # given up before; its runner did not know yet
            if isinstance(event, End):
                self._leaving.discard(event.job_id)
            return
        try:
            with self._last_resort.over(job.relative):
                self._hear(job, event)
        except FaultError as error:
            if job.id not in self._running:  # else it is being painted all the same
                self._give_up(job, str(error))
        except OSError:  # the machine's memory, say: what is not being painted begins again
            if job.id not in [*self._running, *self._endings.jobs]:
                self._unbegun(job)
            raise

    def _hear(self, job: Job, event: News | End) -> None:
        if isinstance(event, End):
            del self._running[job.id]
            self._telling.forget(job.id)
            self._ended(job, event, self._seen.pop(job.id))
        else:
            self._telling.tell(job, event)

    def cancel(self, job: Job, why: str) -> None:
        """Give a job up that waits or is being painted, and put its photo into failed.

        Raises:
            JournalError: the journal cannot be used.
        """
        if self._running.pop(job.id, None):
            self._leaving.add(job.id)
            self._telling.forget(job.id)
            del self._seen[job.id]
            self._runner.cancel(job.id)
        self._returning = [each for each in self._returning if each[0].id != job.id]
        self._give_up(job, why)

    def close(self, timeout: float) -> None:
        """End the runner. What it delivered before is still to be handled, then `give_back`.

        Args:
            timeout: seconds until the engine is ended by force.
        """
        self._ready, self._closed = False, True
        self._runner.close(timeout)

    def give_back(self) -> None:
        """Queue again what the runner had, as if it had never been begun.

        Raises:
            JournalError: the journal cannot be used.
        """
        self._returning += [(job, True) for job in self._running.values()]
        self._running.clear()
        self._seen.clear()
        self._return()

    def _return(self) -> None:
        # What the journal does not take now stays in the list: `fill` comes by again.
        while self._returning:
            job, forgive = self._returning[0]
            if self._journal.get(job.id).state is JobState.RUNNING:
                self._journal.requeue(job.id, forgive=forgive)
            else:  # it would stand in the way of all others
                _log.error("job.stuck", job=job.id, why="it does not run any more")
            del self._returning[0]

    def _forget_lanes(self) -> None:
        """Let go of lanes on hold of which no job is left."""
        if self._holds.names:
            running = (job.lane for job in self._running.values())
            self._holds.release_all_but({*self._journal.waiting(), *running})

    def _has_room(self) -> bool:
        free = len(self._running) + len(self._leaving) < self._runner.capacity
        return free and self._endings.pictures < _MOST_STUCK

    def _next(self) -> Job | None:
        return self._journal.next_queued(
            without=self._lanes_on_hold(),
            without_jobs=[*self._held_jobs.resting, *self._endings.jobs],
            smaller_than=self._sizes.resting,
        )

    def _lanes_on_hold(self) -> list[str]:
        resting = [*self._holds.resting, *self._relapses.resting]
        return [*resting, *self._endings.crowded(_MOST_STUCK_OF_A_LANE)]

    def _try(self, job: Job) -> None:
        try:
            with self._last_resort.over(job.relative):
                self._hand_over(job)
        except FaultError as error:
            self._running.pop(job.id, None)
            self._seen.pop(job.id, None)
            self._give_up(job, str(error))
        except OSError:  # the machine's memory, say: the job was not handed over
            self._seen.pop(job.id, None)
            if self._running.pop(job.id, None):
                self._unbegun(job)
            raise

    def _hand_over(self, job: Job) -> None:
        job = self._with_its_styles(job)
        stamp = stamp_of(job.content)
        # Read before an attempt is counted: a disk that is out of reach is not the photo's fault.
        request = load(job, self._share, self._settings)
        if isinstance(request, Unreachable):
            self._wait(job, request)
        elif not isinstance(request, Fault):
            self._submit(job, request, seen(job.content, stamp, request.content))
        elif not (request.in_styles and self._waits_for_style(job, request.message)):
            self._give_up(job, request.message)

    def _with_its_styles(self, job: Job) -> Job:
        try:
            parts = parts_now(job, self._share)
        except OSError:  # `load` says what that means
            return job
        if parts == job.parts:
            return job
        self._patience.forget(*job.style_files)
        return self._journal.restyle(job.id, parts)

    def _wait(self, job: Job, trouble: Unreachable) -> None:
        if not trouble.alone:
            self._holds.hold(job.lane, trouble.message)
            return
        self._held_jobs.hold(job.id, trouble.message)
        hopeless = trouble.verdict and job.id in self._held_jobs.long
        if hopeless and is_movable(job.content.parent, self._share.failed):
            self._give_up(job, trouble.verdict)

    def _give_up(self, job: Job, why: str) -> None:
        self._held_jobs.release(job.id)
        self._endings.failed(job, why)
        self._forget_style(job)

    def _forget_style(self, job: Job) -> None:
        """Let patience with a job's style begin anew, if all who waited for it were told."""
        others = [lane for lane in self._journal.waiting() if lane != job.lane]
        # Of those that wait some may have been told already, and only wait to be moved.
        if self._journal.next_queued(others, self._endings.jobs) is None:
            self._patience.forget(*job.style_files)

    def _submit(self, job: Job, request: PaintRequest, photo: Seen) -> None:
        self._running[job.id], self._seen[job.id] = self._journal.start(job.id), photo
        self._held_jobs.release(job.id)
        self._patience.seen_whole(*job.style_files)
        if not self._patience.doubts(*job.style_files):  # else its lane waits until it is painted
            self._holds.release(job.lane)
        self._runner.submit(request)

    def _waits_for_style(self, job: Job, why: str) -> bool:
        """Hold the lane of a job whose style, in the styles folder, is of no use just now."""
        if self._patience.is_over(*job.style_files):
            self._holds.release(job.lane)  # the lane's other jobs are told the same at once
            return False
        self._holds.hold(job.lane, why, self._patience.ends(*job.style_files))
        return True

    def _again(self, job: Job, why: str) -> None:
        if job.attempts >= self._settings.engine.max_attempts:
            tries = f"It was tried {job.attempts} times."
            self._endings.failed(job, f"{why.rstrip('.')}. {tries}")
            return
        _log.warning("job.requeued", job=job.id, attempts=job.attempts, why=why)
        self._returning.append((job, False))
        self._return()

    def _engine_changed(self, event: EngineNews) -> None:
        tell_of_engine(event, was_none=self._unavailable is not None)
        if isinstance(event, EngineReady):
            self._ready, self._unavailable = True, None
        elif isinstance(event, EngineUnavailable):
            self._ready = False
            self._engine_unavailable(event)
        elif not isinstance(event, EngineAside):
            self._ready = event.others > 0

    def _engine_unavailable(self, event: EngineUnavailable) -> None:
        self._start_at = self._clock() + _RETRY_SECONDS
        if event != self._unavailable:
            _log.error("engine.unavailable", blame=event.blame, why=event.message)
        self._unavailable = event
        if not self._closed:  # a closed runner has cancelled them, and takes no orders any more
            for job_id in self._running:
                self._runner.cancel(job_id)
        self.give_back()

    def _ended(self, job: Job, event: End, photo: Seen) -> None:
        if isinstance(event, Painted):
            self._relapses.lived(job.lane)
            self._patience.forget(*job.style_files)
            self._holds.release(job.lane)
            if is_changed(photo, self._settings.watch.max_bytes):
                self._endings.failed(job, _CHANGED)
            else:
                self._endings.painted(job, event)
        elif isinstance(event, Cancelled):
            self._unbegun(job)
        elif event.blame == "lost":
            self._relapses.died(job.lane)
            self._again(job, event.message)
        else:
            self._relapses.lived(job.lane)
            self._failed(job, event)

    def _failed(self, job: Job, event: Failed) -> None:
        in_styles = event.blame == "style" and not job.has_own_style
        if in_styles and self._waits_for_style(job, event.message):
            self._unbegun(job)
        else:
            tell_of_detail(job, event)
            advice = f" {advice_on_style(job, self._share)}" if in_styles else ""
            self._endings.failed(job, event.message + advice)
            if in_styles:
                self._forget_style(job)

    def _unbegun(self, job: Job) -> None:
        self._returning.append((job, True))
        self._return()
