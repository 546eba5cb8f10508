"""Puts a share in order at the start: whatever the last daemon left, however it ended.

What lies in the work folder and what the journal says are compared, and nothing is thrown away:

- a claim that the journal never heard of goes back into the inbox, or on where it was on its way to
  (`daemon.orphans`): the journal may be a new one; if it is a copy whose result is out, the journal
  is told of it (`daemon.adoption`);
- so it is of jobs that are over and whose photos stay in the inbox (`daemon.keepsakes`);
- a job whose picture was published, or that was given up, is brought to that end;
- so is one whose picture was about to be published, if it is found where it was to appear; it is
  told by its content. While the outbox is out of reach, that waits;
- a job that was running is queued again; the attempt counts, so that a photo that takes the whole
  machine down is not tried for ever;
- a job whose photo is gone has failed; one whose photo is out of reach waits.

The explanation of the folders is written anew if the share speaks another language now.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from daemon import adoption, claims, intention, notes, presence
from daemon.claim_folders import claim_folder, guard
from daemon.endings import Endings
from daemon.errors import AtelierError, ClaimError, FaultError
from daemon.jobs import Intention, Job, JobState
from daemon.journal import Journal
from daemon.last_resort import LastResort
from daemon.names import printable
from daemon.pulse import Tick, heeding
from daemon.share import Share

_WORN_OUT: Final = (
    "The program stopped {} times while it painted this photo, and it will not be tried again by "
    "itself. A smaller photo may work."
)
_log: Final = structlog.get_logger()


def recover(
    share: Share,
    journal: Journal,
    endings: Endings,
    max_attempts: int,
    is_stopping: Callable[[], bool],
) -> dict[str, AtelierError]:
    """Compare work folder and journal, and repair what a kill left half-done.

    May be called again when the journal could not be used.

    Args:
        share: locked by this process.
        journal: of the share.
        endings: brings to an end what can be.
        max_attempts: a job that was begun so often and never ended has failed.
        is_stopping: asked before each move, which a share may be slow to make, and while a large
            file is copied: the rest is left to the next start then.

    Returns:
        The claims that could not be put back and what stood in the way, for somebody to try again.

    Raises:
        ClaimError: nobody can say which claims there are, or which photos were painted already;
            it is to be repeated before anything else is done.
        ShareError: a folder is not the one that it was; likewise. That is asked before each claim:
            of many, the drive may go after the first.
        JournalError: the journal cannot be used.
    """
    _renew_how_to(share)
    found = claims.find_claims(share)
    unfinished = [*journal.having(JobState.RUNNING), *journal.having(JobState.QUEUED)]
    known, waiting = {job.id for job in unfinished}, set(endings.jobs)
    endings.forget_all_but(known)
    stuck: dict[str, AtelierError] = {}
    last_resort = LastResort()
    for job_id in found:
        if job_id not in known and not is_stopping():
            endings.expect()
            try:
                with last_resort.over(job_id):
                    _return(share, journal, endings, job_id, heeding(is_stopping))
            except (ClaimError, FaultError) as error:
                stuck[job_id] = error
    adoption.adopt_kept(share, journal, is_stopping)
    for job in unfinished:
        if job.id not in waiting and not is_stopping():
            endings.expect()
            try:
                with last_resort.over(job.relative):
                    _recover(share, journal, endings, job, max_attempts)
            except FaultError as error:
                endings.failed(job, str(error))
    return stuck


def _renew_how_to(share: Share) -> None:
    """Write the explanation anew if the share's language is another one now."""
    try:
        if notes.renew_how_to(share):
            _log.info("note.renewed", note=notes.HOW_TO, language=share.language)
    except OSError as error:
        _log.warning("note.failed", note=notes.HOW_TO, why=error.strerror)


def _return(share: Share, journal: Journal, endings: Endings, job_id: str, tick: Tick) -> None:
    # Of a folder that is out of reach more is said when the claim cannot be put back.
    with contextlib.suppress(ClaimError, OSError):
        job = adoption.adopt(share, journal, job_id)
        if job is not None:
            endings.published(job)
            return
    back = claims.put_back(share, job_id, tick)
    _log.warning("claim.returned", job=job_id, photos=[printable(path) for path in back])


def _recover(share: Share, journal: Journal, endings: Endings, job: Job, most: int) -> None:
    if job.result is not None:
        endings.published(job)
    elif job.error is not None:
        endings.failed(job, job.error)
    elif plans := intentions(share, job):
        endings.doubtful(job, plans, lambda job: _unpublished(share, journal, endings, job, most))
    else:
        _unpublished(share, journal, endings, job, most)


def intentions(share: Share, job: Job) -> set[Intention]:
    """Where a job's result was about to appear: as the journal says, and the copy in its claim.

    Such a job may be painted although the journal does not know it.

    Either may be the newer one: a journal may have lost its last lines in a power cut and not know
    it; the copy is left out when it cannot be written.
    """
    plans = {intention.recorded(job, share)}
    with contextlib.suppress(ClaimError, OSError):
        folder = claim_folder(share, job.id)
        guard(folder)
        plans.add(intention.recall(folder, share))
    return {plan for plan in plans if plan is not None}


def _unpublished(share: Share, journal: Journal, endings: Endings, job: Job, most: int) -> None:
    """Deal with a job of which nothing was published."""
    if _is_gone(share, job):
        endings.failed(job, presence.GONE)
    elif job.state is JobState.RUNNING and job.attempts >= most:
        endings.failed(job, _WORN_OUT.format(job.attempts))
    elif job.state is JobState.RUNNING:
        journal.requeue(job.id)
        photo = printable(job.relative)  # nothing was said of it since the start
        why = "the service stopped"
        _log.warning("job.requeued", job=job.id, photo=photo, attempts=job.attempts, why=why)


def _is_gone(share: Share, job: Job) -> bool:
    """Whether the photo of a job is gone, and not only out of reach.

    Should it fail wrongly, nothing is lost: its claim goes back into the inbox once it is seen.
    """
    try:
        folder = claim_folder(share, job.id)
        return presence.is_gone_from_claim(job.content, folder, share)
    except OSError:
        return False
