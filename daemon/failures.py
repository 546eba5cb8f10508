"""Which failures are not put right yet: those whose photo lies in failed still.

Whoever drags a photo back has it painted, or fail, anew. What came of it the first time concerns
nobody then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Final

from daemon.jobs import Job
from daemon.names import numbered
from daemon.presence import is_there
from daemon.share import Share

_MORE: Final = 10  # others of that name may have lain there, and been put right


def not_put_right(jobs: Iterable[Job], share: Share) -> Iterator[Job]:
    """Those of the failed jobs whose photo lies in failed still, or may.

    Which of several photos of one name is still there nobody remembers: the latest are told.

    Args:
        jobs: failed ones, the latest first.
        share: the share; nothing in it is changed.
    """
    jobs = list(jobs)
    if not _may_be_there(share.failed):  # away: nobody can say what lies there
        yield from jobs
        return
    places = [place_of(job) for job in jobs]
    times = Counter(places)
    left = {place: _photos(share.failed / place, most) for place, most in times.items()}
    for job, place in zip(jobs, places, strict=True):
        if left[place] > 0:
            left[place] -= 1
            yield job


def place_of(job: Job) -> PurePath:
    """Where a job's photo, or for a folder job its folder, lay below the inbox.

    It lies at the same place below failed, but for a number.
    """
    return job.relative if job.is_loose else job.relative.parent


def _photos(path: Path, most: int) -> int:
    """How many of these there are: under the name itself, or a numbered one."""
    numbers = range(1, most + _MORE)
    names = (path.with_name(numbered(path.name, number)) for number in numbers)
    return sum(map(_may_be_there, names))


def _may_be_there(path: Path) -> bool:
    try:
        return is_there(path)
    except OSError:  # the disk does not say
        return True
