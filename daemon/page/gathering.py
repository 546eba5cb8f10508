"""Gathers what the page shows: from the journal, the small pictures and what the service knows.

It is asked every few seconds while a photo is painted, beside a queue of any length: so each
question to the journal is about a few jobs, and the share is asked about files only where jobs have
ended, or now and then, since people put their pictures away.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, get_args
from urllib.parse import quote

from daemon.failures import not_put_right, place_of
from daemon.glimpses import Glimpses, Of
from daemon.inbox_note import Asked
from daemon.jobs import Job, JobState
from daemon.journal import Journal
from daemon.names import is_picture
from daemon.obstacles import Aside, Obstacle
from daemon.page.asking import asking, bad_styles, lonely, nearly_named
from daemon.page.board import (
    MOST_FAILURES,
    MOST_RESULTS,
    MOST_WAITING,
    Board,
    Failure,
    Now,
    Places,
    Result,
    Waiting,
)
from daemon.page.course import Courses
from daemon.page.failing import failure
from daemon.page.whereabouts import Whereabouts, seen_from
from daemon.presence import is_gone, is_there
from daemon.runners.base import Event, Glimpse
from daemon.share import Share

KEPT: Final = 24
"""Of so many of the last results the small pictures are kept."""

LOOK_SECONDS: Final = 10.0
"""After so long the share is asked again what has become of results and failures."""

_LOOKED_AT: Final = 4 * MOST_FAILURES  # of the last failures, for those that nobody has put right


@dataclass(frozen=True)
class Asks:
    """What the service knows, asked for at each time.

    Attributes:
        styles: the names of all styles, in order.
        obstacles: what keeps photos from being taken, painted or moved.
        is_loading: whether the engine is being started.
        asked: what people are asked for in the inbox.
        bad_styles: the style pictures that cannot be used, and why.
        aside: which of several painters are of no use, while others go on.
    """

    styles: Callable[[], tuple[str, ...]]
    obstacles: Callable[[], tuple[Obstacle, ...]]
    is_loading: Callable[[], bool]
    asked: Callable[[], Asked] = Asked
    bad_styles: Callable[[], Mapping[Path, str]] = dict
    aside: Callable[[], tuple[Aside, ...]] = tuple


@dataclass(frozen=True)
class _Past:
    """What came of the last jobs, and the numbers by which it is told that there is more of it."""

    numbers: tuple[int, int]
    until: float
    results: tuple[Result, ...]
    failures: tuple[Failure, ...]


class Gathering:
    """Gathers for one share.

    Args:
        share: its folders; nothing in them is changed.
        journal: its jobs.
        glimpses: their small pictures; those that are shown no more are let go here.
        asks: what the service knows.
        now: seconds since 1970.
        clock: monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - it gathers from all of these
        self,
        share: Share,
        journal: Journal,
        glimpses: Glimpses,
        asks: Asks,
        *,
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._share = share
        self._journal = journal
        self._glimpses = glimpses
        self._asks = asks
        self._now = now
        self._clock = clock
        self._courses = Courses()
        self._past: _Past | None = None
        self._places, self._whereabouts = places_of(share), Whereabouts.of(share)

    def heard(self, event: Event) -> None:
        """Take note of what the runner says."""
        self._courses.heard(event)
        if isinstance(event, Glimpse):
            self._glimpses.keep(event)

    def news(self) -> tuple[Any, ...]:
        """Something cheap that is another one as soon as the board may be."""
        asks = self._asks
        told = asks.obstacles(), asks.styles(), asks.is_loading(), asks.asked(), asks.bad_styles()
        return self._journal.changes, *told, asks.aside()

    def board(self) -> Board:
        """Everything that is to be shown now.

        Raises:
            JournalError: the journal cannot be used.
        """
        counts, running = self._journal.counts(), list(self._journal.having(JobState.RUNNING))
        done, failed = counts[JobState.DONE], counts[JobState.FAILED]
        past = self._look_back((done, failed), [job.id for job in running])
        asked, bad = self._asks.asked(), self._asks.bad_styles()
        return Board(
            places=self._places,
            made=self._now(),
            styles=self._asks.styles(),
            now=tuple(map(self._painting, running)),
            waiting=tuple(self._waiting()),
            waiting_in_all=counts[JobState.QUEUED],
            results=past.results,
            painted_in_all=done,
            failures=past.failures,
            failed_in_all=failed,
            trouble=self._asks.obstacles(),
            aside=self._asks.aside(),
            loading=self._asks.is_loading(),
            homeless=asking(asked.homeless),
            slips=nearly_named(asked.slips),
            halves=asking(asked.halves),
            lonely=lonely(asked.lonely),
            lonely_in_all=asked.lonely.in_all,
            closed=asking(asked.closed),
            bad_styles=bad_styles(bad),
            bad_styles_in_all=len(bad),
            whereabouts=self._whereabouts,
        )

    def last(self, board: Board) -> Board:
        """What is to be shown after the end, if no more is known than before."""
        return replace(board, made=self._now(), running=False, now=(), loading=False, aside=())

    def forget(self) -> None:
        """Let go of all small pictures: there is no page that shows them."""
        self._past = None
        self._glimpses.sweep(())

    def _look_back(self, numbers: tuple[int, int], running: list[str]) -> _Past:
        past = self._past
        if past is None or past.numbers != numbers or self._clock() >= past.until:
            done = self._journal.recent(JobState.DONE, KEPT)
            self._glimpses.sweep({*running, *(job.id for job in done)})
            self._let_go_of_gone(done[MOST_RESULTS:])  # the others are looked at as they are told
            results = tuple(map(self._result, done[:MOST_RESULTS]))
            failures = tuple(map(self._failure, islice(self._failures(), MOST_FAILURES)))
            past = _Past(numbers, self._clock() + LOOK_SECONDS, results, failures)
        self._past = past
        return past

    def _painting(self, job: Job) -> Now:
        course = self._courses.of(job.id)
        known = course.last
        now = Now(
            job=job.id,
            name=_name(job),
            style=job.look_shown,
            step=job.iteration or 0,
            total=job.total or 0,
            attempt=job.attempts,
            painter=course.painter,
            seconds_left=job.eta_seconds,
            preview=self._glimpses.read(job.id, "painting"),
            photo=self._glimpses.read(job.id, "photo"),
            points=course.points,
        )
        if known is None:
            return now
        return replace(
            now,
            step=known.iteration,
            total=known.total,
            scale=known.scale,
            scales=known.scales,
            width=known.width,
            height=known.height,
            seconds_left=known.eta_seconds,
        )

    def _waiting(self) -> Iterator[Waiting]:
        for place, job in enumerate(self._journal.upcoming(MOST_WAITING), start=1):
            yield Waiting(_name(job), job.look_shown, place, job.queued_at)

    def _result(self, job: Job) -> Result:
        report = job.report or {}
        return Result(
            job=job.id,
            name=_name(job) if job.result is None else job.result.name,
            style=job.look_shown,
            link=self._link(job.result),
            original=self._link(_shown_as_picture(_photo(job))),
            width=report.get("width", 0),
            height=report.get("height", 0),
            seconds=report.get("seconds", 0.0),
            finished=job.finished_at or 0.0,
            before=self._small(job, "photo"),
            after=self._small(job, "painting"),
        )

    def _let_go_of_gone(self, jobs: list[Job]) -> None:
        for job in jobs:
            for of in get_args(Of):
                self._small(job, of)

    def _small(self, job: Job, of: Of) -> bytes | None:
        """A small picture of a painted job, while the large one is there; else it is let go.

        Whoever removes a photo wants no picture of it left.
        """
        share = self._share
        path, folder = {
            "photo": (_photo(job), share.originals),
            "painting": (job.result, share.outbox),
        }[of]
        try:
            gone = path is None or is_gone(path, folder)
        except OSError:  # nobody can say: the share may be away
            return None
        if gone:
            self._glimpses.let_go(job.id, of)
            return None
        return self._glimpses.read(job.id, of)

    def _failures(self) -> Iterator[Job]:
        jobs = self._journal.recent(JobState.FAILED, _LOOKED_AT)
        return not_put_right([job for job in jobs if _may_lie_there(job)], self._share)

    def _failure(self, job: Job) -> Failure:
        return failure(job, self._share.inbox.name, self._link(job.kept))

    def _link(self, path: Path | None) -> str | None:
        return None if path is None else link_to(path, self._share.root)


def link_to(path: Path, root: Path) -> str | None:
    """A link from a page in a folder to a file below that; None if it is not there.

    Args:
        path: of the file. Names that are no UTF-8 keep their bytes.
        root: the folder.
    """
    try:
        relative = path.relative_to(root)
        there = is_there(path)
    except (ValueError, OSError):  # elsewhere; or the disk does not say
        return None
    # A colon too, or what stands before the first one would be taken for a protocol.
    return quote(os.fsencode(relative), safe="/") if there else None


def places_of(share: Share) -> Places:
    """The share's folders as people see them who look into its root."""
    names = {name: folder for name, folder in share.folders() if name != "work"}
    return Places(**{name: str(seen_from(share.root, folder)) for name, folder in names.items()})


def _name(job: Job) -> str:
    """What people call it: as its photo, or for a folder job as the folder that they made."""
    return place_of(job).name


def _photo(job: Job) -> Path | None:
    """Where its photo lies in the end, if that was noted."""
    if job.kept is None or job.is_loose:
        return job.kept
    return job.kept / job.content.name


def _shown_as_picture(path: Path | None) -> Path | None:
    """The same, if a browser takes it for a picture: it goes by the name, whatever is inside."""
    return path if path is not None and is_picture(path.name) else None


def _may_lie_there(job: Job) -> bool:
    """Whether the photo of a failed job lies where it was moved to, as far as can be told."""
    try:
        return job.kept is None or is_there(job.kept)
    except OSError:
        return True
