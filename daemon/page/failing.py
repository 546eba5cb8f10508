"""How a job that failed is told: what it is that lies in failed, and what can be done with it."""

from __future__ import annotations

from daemon.failures import place_of
from daemon.jobs import Job
from daemon.names import is_picture
from daemon.page.board import Failure, FailureKind
from daemon.reasons import NO_PICTURE, NOT_READ


def failure(job: Job, inbox: str, link: str | None) -> Failure:
    """A job that failed.

    Args:
        job: which.
        inbox: name of that folder.
        link: to what lies in failed; None if there is none. It is not passed on of a file that is
            not called a picture: a browser might run it, as one that lies on the reader's disk.
    """
    place = place_of(job)
    return Failure(
        job=job.id,
        name=place.name,
        style=job.look_shown,
        reason=job.error or "",
        link=link if not job.is_loose or is_picture(job.relative.name) else None,
        finished=job.finished_at or 0.0,
        kind=kind_of(job),
        back_to=" > ".join((inbox, *place.parent.parts)),  # as in the note beside it
    )


def kind_of(job: Job) -> FailureKind:
    """What a job's files are to people."""
    if not job.is_loose:
        return "folder"
    others = len(job.companions) + job.has_own_style  # they lay beside the photo
    if others:
        return "pair" if others == 1 else "group"
    if job.error in {NO_PICTURE, NOT_READ}:
        return "no_picture"
    return "photo" if is_picture(job.relative.name) else "file"
