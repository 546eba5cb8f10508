"""``atelierd cancel NAME``: take a photo out of the queue, or stop painting it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path, PurePath
from typing import Final

import click

from daemon import logs
from daemon.cancelling import OVER, cancel_without_service
from daemon.checkpoints import FOLDER, Checkpoints
from daemon.cli.completing import complete_waiting
from daemon.cli.naming import Named, meant
from daemon.cli.options import settings_options
from daemon.cli.owning import expect_owner
from daemon.configuration import Resolved, state_folder
from daemon.endings import Endings
from daemon.errors import AlreadyRunningError, ExitCode, RequestError
from daemon.failures import place_of
from daemon.jobs import Job, JobState
from daemon.journal import JOURNAL, Journal
from daemon.keeper import keeping
from daemon.locking import ShareLock
from daemon.marks import Marks, expect_folders
from daemon.names import printable
from daemon.not_taken import lying
from daemon.reasons import ALL_CANCELLED
from daemon.requests import Requests
from daemon.share import Share, open_share

_UNKNOWN: Final = (
    "No photo called {} waits or is being painted, and none of that name was seen in the inbox. "
    "Is it spelt as it is there?"
)
_NOT_TAKEN: Final = (
    "{} lies in the inbox: it neither waits in the queue nor is being painted, so there is nothing "
    "to cancel. Take it out of there by hand if it is not to be painted."
)
_PATIENCE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.2


@click.command()
@click.argument(
    "names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_waiting
)
@settings_options("state_dir", "share", without=["share.contact_sheet"])
def command(resolved: Resolved, *, names: tuple[str, ...]) -> ExitCode:
    """Cancel photos that wait or are being painted: each is put into the folder Failed.

    NAME is a photo's file name, or its place in the inbox (Waves/photo.jpg); of a folder that is
    one job, the folder's. Nothing is lost: `atelierd retry` has it painted after all. The service
    may run or not. Exit status: 1 if one was over before it could be cancelled.
    """
    share = open_share(resolved.settings.share)
    state = state_folder(resolved.settings, share, os.environ)
    logs.be_silent()
    kept = keeping(share, state)
    if kept.remark:
        raise RequestError(kept.remark)
    jobs = _find(share, state, names)
    after = _ask(state, jobs) if kept.running else _do(share, state, jobs)
    for job in after:
        click.echo(_outcome(job, share))
    return ExitCode.FAILED if any(map(_is_late, after)) else ExitCode.OK


def _find(share: Share, state: Path, names: Sequence[str]) -> list[Job]:
    jobs = list[Job]()
    if (state / JOURNAL).exists():
        with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
            jobs = [*journal.having(JobState.RUNNING), *journal.having(JobState.QUEUED)]
    things = list(map(_named, jobs))
    told = partial(_said_of_lying, share)
    found = (meant(name, things, [share.inbox], _UNKNOWN, told) for name in names)
    return list({job.id: job for job in found}.values())


def _named(job: Job) -> Named[Job]:
    return Named(job, place_of(job), (job.relative,), job.id, is_folder=not job.is_loose)


def _said_of_lying(share: Share, path: PurePath) -> str:
    place = lying(share, path)
    return "" if place is None else _NOT_TAKEN.format(printable(share.inbox / place))


def _ask(
    state: Path,
    jobs: Sequence[Job],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Job]:
    """Have the service cancel jobs, and wait a while for it; the jobs as they are then."""
    requests = Requests(state)
    for job in jobs:
        requests.cancel(job.id)
    end = clock() + _PATIENCE_SECONDS
    with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
        while True:
            after = [journal.get(job.id) for job in jobs]
            if all(job.state in OVER for job in after) or clock() >= end:
                return after
            sleep(_PAUSE_SECONDS)


def _do(share: Share, state: Path, jobs: Sequence[Job]) -> list[Job]:
    """Cancel jobs of a share that no service keeps; the jobs as they are then."""
    expect_owner(state, "cancel")
    expect_folders(share, state)
    try:
        with (
            ShareLock(state, share.work),
            closing(Journal(state / JOURNAL, time.time)) as journal,
        ):
            checkpoints = Checkpoints(state / FOLDER)
            expect = Marks(share, state).expect
            endings = Endings(share, journal, time.monotonic, checkpoints, expect)
            for job in map(journal.get, [job.id for job in jobs]):
                if job.state not in OVER:
                    cancel_without_service(share, endings, job)
            endings.give_back()
            return [journal.get(job.id) for job in jobs]
    except AlreadyRunningError:  # one was started in this moment
        return _ask(state, jobs)


def _is_late(job: Job) -> bool:
    return job.state in OVER and job.error not in ALL_CANCELLED


def _outcome(job: Job, share: Share) -> str:
    name, what = printable(place_of(job)), "photo" if job.is_loose else "folder"
    if job.error in ALL_CANCELLED and job.state is JobState.FAILED:
        folder = share.failed / place_of(job).parent
        return f"Cancelled: {name}. The {what} lies in {printable(folder)}."
    if job.error in ALL_CANCELLED:
        return (
            f"Cancelled: {name}. The {what} is put into {printable(share.failed)} when it can be."
        )
    if job.state is JobState.DONE:
        return f"Too late: {name} is painted, {printable(job.result or '')}."
    if job.state is JobState.FAILED:
        return f"Too late: {name} could not be painted. {printable(job.error or '')}"
    return f"The service is asked to cancel {name}, and does so as soon as it can."
