"""Cancels photos that wait or are being painted, because somebody asked for that.

Such a photo goes to failed with a note, like any other that was not painted: nothing is lost, and
nobody has to look for it at a place of its own. Back in the inbox it would be taken again at once.
What is being put where it belongs already comes to that end first, and the request is late.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

import structlog

from daemon.endings import Endings
from daemon.jobs import Job, JobState
from daemon.journal import Journal
from daemon.names import printable
from daemon.reasons import CANCELLED
from daemon.recovery import intentions
from daemon.requests import Requests
from daemon.share import Share

OVER: Final = (JobState.DONE, JobState.FAILED)
"""The states of jobs of which nothing can be cancelled any more."""

_log: Final = structlog.get_logger()


class Cancels(Protocol):
    """Who has the jobs that are not over; `daemon.dispatch.Dispatcher` in a service."""

    def cancel(self, job: Job, why: str) -> None:
        """Give a job up, wherever it is, and have its photo put into failed."""


class Ends(Protocol):
    """What is to be known of `daemon.endings.Endings`."""

    @property
    def jobs(self) -> list[str]:
        """The ids of jobs that are being brought to their end."""


class Cancelling:
    """Heeds the requests to one service.

    Args:
        requests: as they come in.
        journal: of the share.
        endings: knows which jobs are on their way out.
        dispatcher: has the others.
    """

    def __init__(
        self, requests: Requests, journal: Journal, endings: Ends, dispatcher: Cancels
    ) -> None:
        self._requests = requests
        self._journal = journal
        self._endings = endings
        self._dispatcher = dispatcher

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where requests appear, to be watched; none if that folder cannot be made."""
        folder = self._requests.offer()
        return () if folder is None else (folder,)

    def heed(self) -> None:
        """Do what was asked for; to be called at each turn, once everything is in order.

        Raises:
            JournalError: the journal cannot be used. All requests stay.
        """
        for job_id in self._requests.waiting():
            if self._is_settled(job_id):
                self._requests.heeded(job_id)

    def _is_settled(self, job_id: str) -> bool:
        """Cancel a job if that can be done; whether the journal has what came of the request."""
        job = self._journal.find(job_id)
        if job is None or _is_given_up(job):
            return True
        if job.state in OVER:
            _log.info("job.not_cancelled", job=job.id, photo=printable(job.relative))
            return True
        if job.result is not None or job.id in self._endings.jobs:
            return False
        _log.info("job.cancelled", job=job.id, photo=printable(job.relative))
        self._dispatcher.cancel(job, CANCELLED)
        # With a disk that takes nothing the ending waits, and the request with it.
        return _is_given_up(self._journal.get(job_id))


def _is_given_up(job: Job) -> bool:
    return job.error is not None


def cancel_without_service(share: Share, endings: Endings, job: Job) -> None:
    """Cancel a job of a share that no service keeps; or end it as it was about to be ended.

    Args:
        share: locked by this process.
        endings: of its own.
        job: one that is not over.
    """
    if job.result is not None:
        endings.published(job)
    elif job.error is not None:
        endings.failed(job, job.error)
    elif plans := intentions(share, job):
        endings.doubtful(job, plans, lambda job: endings.failed(job, CANCELLED))
    else:
        endings.failed(job, CANCELLED)
