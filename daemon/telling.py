"""Tells the log, and those who read the journal along, how far a job has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from daemon.errors import JournalError
from daemon.jobs import Job, NewJob
from daemon.journal import Journal
from daemon.names import printable
from daemon.obstacles import Aside
from daemon.once import Once
from daemon.runners.base import (
    CheckpointTrouble,
    EngineAside,
    EngineGone,
    EngineLost,
    EngineNews,
    EngineReady,
    Failed,
    GlimpseTrouble,
    News,
    NotesTrouble,
    NotRefined,
    Progressed,
    Resumed,
    Started,
)
from engine import Progress

_SECONDS: Final = 1.0
_SHARE: Final = 0.05
_IN_THE_LOG_SECONDS: Final = 30.0
_log: Final = structlog.get_logger()


class Telling:
    """Tells as much as somebody can read: once a second, or each twentieth of a job.

    The log stays, and is for those who do not look on: there only the start, each new scale and a
    step in half a minute are news; the rest is for who looks for a fault (level ``debug``).

    Args:
        journal: where it is noted.
        clock: monotonic seconds.
    """

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._clock = clock
        self._said = Once()
        self._told: dict[str, tuple[float, float]] = {}  # when, and at which share of the job
        self._logged: dict[str, tuple[float, int]] = {}  # when, and at which scale, as news
        self._notes_progress = True

    def tell(self, job: Job, event: News) -> None:
        """Tell what a runner says of a job that it paints."""
        if isinstance(event, Progressed):
            self._progressed(job, event.progress)
        elif isinstance(event, Resumed):
            self._resumed(job, event)
        elif isinstance(event, CheckpointTrouble):
            # Each minute the same, while a disk is full.
            log = _log.warning if self._said.is_new(f"{job.id}: {event.message}") else _log.debug
            log("job.checkpoint", job=job.id, why=event.message)
        elif isinstance(event, GlimpseTrouble):
            _log.warning("job.not_shown", job=job.id, why=event.message)
        elif isinstance(event, NotRefined):
            _log.warning("job.not_refined", job=job.id, why=event.message)
        elif isinstance(event, NotesTrouble):
            _log.warning("job.without_notes", job=job.id, why=event.message, detail=event.detail)
        elif isinstance(event, Started):
            self._started(job)

    def forget(self, job_id: str) -> None:
        """A job has ended."""
        self._told.pop(job_id, None)
        self._logged.pop(job_id, None)
        if not self._told:
            self._said.is_over()

    def _started(self, job: Job) -> None:
        self.forget(job.id)  # of an attempt that was given back
        tell_of_job("job.started", job, attempt=job.attempts)

    def _resumed(self, job: Job, event: Resumed) -> None:
        _log.info("job.resumed", job=job.id, iteration=event.iteration, total=event.total)
        if event.total:  # people are not to read that it has just begun
            self._note(job, event.iteration, event.total, None)

    def _progressed(self, job: Job, progress: Progress) -> None:
        now, share = self._clock(), progress.iteration / progress.total
        told_at, told_share = self._told.get(job.id, (float("-inf"), 0.0))
        is_last = progress.iteration == progress.total
        if now - told_at < _SECONDS and share - told_share < _SHARE and not is_last:
            return
        self._told[job.id] = now, share
        self._note(job, progress.iteration, progress.total, progress.eta_seconds)
        log = _log.info if self._is_news(job, progress.scale, now) else _log.debug
        log(
            "job.progress",
            job=job.id,
            iteration=progress.iteration,
            total=progress.total,
            scale=progress.scale,
            scales=progress.scales,
            loss=progress.loss,
            eta_seconds=round(progress.eta_seconds, 1),
        )

    def _is_news(self, job: Job, scale: int, now: float) -> bool:
        at, before = self._logged.get(job.id, (float("-inf"), 0))
        if scale == before and now - at < _IN_THE_LOG_SECONDS:
            return False
        self._logged[job.id] = now, scale
        return True

    def _note(self, job: Job, iteration: int, total: int, eta_seconds: float | None) -> None:
        # Only for those who read along: while it cannot be done, all else goes on.
        try:
            self._journal.progress(job.id, iteration, total, eta_seconds)
        except JournalError as error:
            if self._notes_progress:
                _log.warning("progress.not_noted", why=str(error))
            self._notes_progress = False
        else:
            self._notes_progress = True


def tell_of_job(event: str, job: NewJob, **more: object) -> None:
    """Name a job's photo and its style in the log; the events to come name the job alone."""
    photo, style, own = printable(job.relative), printable(job.style_name), job.has_own_style
    if job.has_unknown_style:
        style, own = "", False
    _log.info(event, job=job.id, photo=photo, style=style, own_style=own, **more)


def tell_of_detail(job: Job, failed: Failed) -> None:
    """What a failure means to whoever looks for a fault, if it is known."""
    if failed.detail:
        _log.warning("job.detail", job=job.id, unexpected=failed.unexpected, detail=failed.detail)


def tell_of_engine(event: EngineNews, *, was_none: bool = False) -> None:
    """Tell the log where an engine that is ready paints, and which ones are so no more.

    That there is none at all is told by whoever knows whether it was told before.

    Args:
        event: what a runner says.
        was_none: whether it was told that there is none.
    """
    if isinstance(event, EngineReady):
        if was_none:
            _log.info("engine.available")
        _tell_where(event)
    elif isinstance(event, EngineLost):
        _log.warning("engine.lost", exit_status=event.exit_status, **_which(event.engine))
    elif isinstance(event, EngineAside):
        aside = Aside.of(event.engine, event.message)
        _log.error("engine.aside", engine=printable(aside.name), why=f"{aside.why}.")
    elif isinstance(event, EngineGone):
        _log.info("engine.gone", engine=printable(event.engine))


def _which(engine: str) -> dict[str, str]:
    """Names one of several; one that is alone has no name."""
    return {"engine": printable(engine)} if engine else {}


def _tell_where(event: EngineReady) -> None:
    _log.info(
        "engine.ready",
        device=event.device.name,
        precision=event.device.precision,
        threads=event.device.threads,
        reason=event.device.reason,
        weights=event.weights_sha256,
        seconds=round(event.seconds, 3),
        **_which(event.engine),
    )
