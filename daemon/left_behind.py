"""Photos that wait in a work folder that the settings do not name any more.

They were moved there, the journal knows them by where they lie, and only the service knows of them.
A service with another work folder would not find them: they would wait for ever, or fail as if
somebody had taken them away. So it does not start.

Other folders may change between two starts. What is to go into the outbox, originals or failed goes
into those of today, also what was on its way; what waits for a style has it where it was, or is
given the one of its name in the styles folder of today. Another root is another share, with a
journal of its own, and photos that wait in the old one wait until it is named again.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Final

from daemon.claim_folders import jobs_folder
from daemon.errors import ShareError
from daemon.jobs import Job, JobState
from daemon.journal import Journal
from daemon.names import printable
from daemon.share import Share

_MOVED: Final = (
    "share.work is {new} by now, but {waiting} in {old}, which it was before. Set share.work back "
    "to that, and change it once all are painted. If they are not there any more, or lie in {new} "
    "by now, move the journal {journal} away instead: what lies in {new} goes back into the inbox "
    "then."
)


def refuse_left_behind(share: Share, journal: Journal, path: Path) -> None:
    """See that no photo waits in another work folder.

    Args:
        share: the share.
        journal: of the share.
        path: the journal's file.

    Raises:
        ShareError: some do.
        JournalError: the journal cannot be used.
    """
    unfinished = chain(journal.having(JobState.RUNNING), journal.having(JobState.QUEUED))
    folder = jobs_folder(share)
    behind = Counter(_work_of(job) for job in unfinished if not job.content.is_relative_to(folder))
    if not behind:
        return
    old, number = behind.most_common(1)[0]
    raise ShareError(
        _MOVED.format(
            new=printable(share.work),
            waiting="1 photo waits" if number == 1 else f"{number} photos wait",
            old=printable(old),
            journal=printable(path),
        )
    )


def _work_of(job: Job) -> Path:
    claims = (above.parent for above in job.content.parents if above.name == job.id)
    return next(claims, job.content.parent).parent
