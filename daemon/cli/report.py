"""What is to be told about one share, read beside its service: nothing is made or changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePath
from typing import Final

from daemon import bulletin, easels, not_taken
from daemon.failures import not_put_right
from daemon.jobs import Job, JobState
from daemon.journal import JOURNAL, Journal
from daemon.keeper import Keeping, keeping
from daemon.not_taken import NotTaken
from daemon.share import Share, is_there

_LAST: Final = 5
_NEXT: Final = 10
_LOOKED_AT: Final = 100  # of the last failures, for those that nobody has put right
_PAUSE_SECONDS: Final = 5.0  # between two looks at the inbox
_SHARE: Final = 0.05  # of the time, at most, goes into these


@dataclass(frozen=True)
class Report:
    """What is to be told about one share.

    Attributes:
        share: its folders.
        kept: whether a service keeps it now, and whether its journal could be read.
        trouble: what stands in the way of that service; empty if nothing does.
        counts: jobs in each state.
        waiting: jobs that wait in each lane, the next lane first.
        upcoming: the first of them, in the order in which they come if nothing stands in the way.
        running: jobs that are being painted; of a service that has ended, those that it was at.
        painters: who paints them, by job, where there are several.
        done: the last that were painted, the latest first.
        failed: the last that failed and whose photo is in failed still, the latest first.
        not_taken: what lies in the inbox; None if it was not looked at, or cannot be.
    """

    share: Share
    kept: Keeping
    trouble: str = ""
    counts: dict[JobState, int] = field(default_factory=lambda: dict.fromkeys(JobState, 0))
    waiting: dict[str, int] = field(default_factory=dict)
    upcoming: list[Job] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)
    painters: dict[str, str] = field(default_factory=dict)
    done: list[Job] = field(default_factory=list)
    failed: list[Job] = field(default_factory=list)
    not_taken: NotTaken | None = None

    @property
    def painting(self) -> list[Job]:
        """The jobs that are being painted now."""
        return [] if self.kept.running is False else self.running

    @property
    def interrupted(self) -> list[Job]:
        """The jobs that were being painted when the service was ended by force."""
        return self.running if self.kept.running is False else []

    def numbers(self) -> dict[str, int]:
        """How many jobs there are of each kind; `interrupted` is left out while a service runs."""
        numbers = {state.value: number for state, number in self.counts.items()}
        if self.interrupted:
            numbers["running"] -= len(self.interrupted)
            numbers["interrupted"] = len(self.interrupted)
        return numbers


def read(share: Share, state: Path) -> Report:
    """Read a share's journal.

    Args:
        share: the share.
        state: its state folder.

    Raises:
        JournalError: the journal cannot be read, or another version wrote it.
    """
    kept = keeping(share, state)
    trouble = bulletin.read(state) if kept.running else ""
    if kept.remark or not (state / JOURNAL).exists():
        return Report(share, kept, trouble)
    with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
        failed = journal.recent(JobState.FAILED, _LOOKED_AT)
        return Report(
            share,
            kept,
            trouble,
            journal.counts(),
            journal.waiting(),
            journal.upcoming(_NEXT),
            list(journal.having(JobState.RUNNING)),
            easels.read(state) if kept.running else {},
            journal.recent(JobState.DONE, _LAST),
            list(islice(not_put_right(failed, share), _LAST)),
        )


class Reader:
    """Reads a share's journal again and again, and now and then looks at its inbox.

    Args:
        share: the share.
        state: its state folder.
        default_style: as in the settings.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        share: Share,
        state: Path,
        default_style: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = share
        self._state = state
        self._default_style = default_style
        self._clock = clock
        self._not_taken: NotTaken | None = None
        self._look_at = float("-inf")

    def read(self) -> Report:
        """Read it.

        Raises:
            JournalError: the journal cannot be read, or another version wrote it.
        """
        report = read(self._share, self._state)
        if (began := self._clock()) >= self._look_at:
            self._not_taken = self._look()
            ended = self._clock()
            self._look_at = ended + max(_PAUSE_SECONDS, (ended - began) / _SHARE)
        return replace(report, not_taken=self._not_taken)

    def _look(self) -> NotTaken | None:
        if not is_there(self._share):
            return None
        return not_taken.look(self._share, self._default_style, _staying(self._state), self._clock)


def _staying(state: Path) -> set[PurePath]:
    """The photos that stay in the inbox although they were taken, below it."""
    if not (state / JOURNAL).exists():
        return set()
    with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
        return {stay.path for job in journal.staying() for stay in job.stays}
