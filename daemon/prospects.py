"""Which failed photos are sure to fail again: asked of the one who inspects photos in the inbox.

What is read is what lies there now: a photo that somebody has mended in its place has its chance,
and so has one that was too large for settings of before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

from daemon.cancelling import CANCELLED
from daemon.errors import OverridesError
from daemon.inspector import Inspected, Inspector, limits_of
from daemon.jobs import JobState
from daemon.journal import Journal
from daemon.retrying import LATEST, Parcel
from daemon.settings import WatchSettings
from daemon.share import Share
from daemon.wishes import wishes_in


def verdicts(
    parcels: Sequence[Parcel], share: Share, settings: WatchSettings
) -> Iterator[tuple[Parcel, str]]:
    """What would come of some of them.

    Args:
        parcels: as they were found.
        share: the share.
        settings: how large files and pictures may be.

    Yields:
        Each in its turn, as soon as it was read: why it would come back to failed at once, in plain
        words; empty if nothing is known against it.
    """
    answers: SimpleQueue[Inspected] = SimpleQueue()
    limits = limits_of(settings, share.failed, share.styles)
    with closing(Inspector(settings, answers.put, limits=limits)) as inspector:
        for number, one in enumerate(parcels):
            inspector.submit(str(number), share.failed / one.photo, one.style)
        for one in parcels:  # it answers in this order
            answer = answers.get()
            yield one, _wrong_wishes(one, share) or answer.message


def cancelled(journal: Journal) -> set[Path]:
    """Where photos lie that came to failed because somebody cancelled them.

    Raises:
        JournalError: it cannot be read.
    """
    last: Mapping[Path | None, str | None] = {
        job.kept: job.error for job in reversed(journal.recent(JobState.FAILED, LATEST))
    }
    return {path for path, error in last.items() if path is not None and error == CANCELLED}


def _wrong_wishes(parcel: Parcel, share: Share) -> str:
    try:
        if parcel.overrides is not None:
            wishes_in(share.failed / parcel.overrides)
    except OverridesError as error:
        return str(error)
    except OSError:  # gone, or out of reach for a while
        return ""
    return ""
