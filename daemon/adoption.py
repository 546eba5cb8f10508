"""Photos that stay in the inbox and are painted already, though the journal does not know it.

When the journal is lost, a copy whose result is out goes on to the originals (`daemon.orphans`).
But the photo itself lies in the inbox still and would be painted again. So the claim of a copy has,
in `COPIED`, what the journal needs to know, and the new one is told. So it is of those whose copies
have gone where they belong: what their claims knew was kept (`daemon.keepsakes`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from daemon import departure, intention, keepsakes, presence
from daemon.claim_folders import claim_folder, guard
from daemon.errors import JournalError
from daemon.jobs import (
    Job,
    NewJob,
    coded,
    companions_in,
    decoded,
    stays_in,
    styles_in,
    written,
    written_companions,
    written_styles,
)
from daemon.journal import Journal
from daemon.keepsakes import COPIED
from daemon.names import printable
from daemon.share import Share

_PATHS: Final = ("relative", "content", "style")
_NAMES: Final = ("lane", "style_name")
_FAILED: Final = "It could not be painted. The note beside it in the folder {} says why."
_log: Final = structlog.get_logger()


def record(job: NewJob) -> bytes:
    """What `COPIED` says of a job whose photo stays.

    Args:
        job: its recipe is left out: it is not needed any more when this is read.
    """
    kept: dict[str, object] = {name: coded(getattr(job, name)) for name in (*_NAMES, *_PATHS)}
    kept["overrides"] = None if job.overrides is None else coded(job.overrides)
    kept["stays"] = written(job.stays)
    kept["styles"] = written_styles(job.styles)
    kept["companions"] = written_companions(job.companions)
    return json.dumps(kept).encode("ascii")


def adopt(share: Share, journal: Journal, job_id: str) -> Job | None:
    """Tell the journal of a job whose photo stays and whose result is out, if a claim is one's.

    Args:
        share: the share.
        journal: knows no job of this id that is not over.
        job_id: the claim's.

    Returns:
        The job, which has to be brought to its end; None if the claim is none of that kind.

    Raises:
        ClaimError: the claim cannot be trusted.
        JournalError: the journal cannot be used.
        OSError: nobody can say: a folder is out of reach.
    """
    folder = claim_folder(share, job_id)
    guard(folder)
    plan = intention.recall(folder, share)
    if plan is None or not presence.is_there(folder / COPIED):
        return None
    job = _recorded(folder, job_id)
    if job is None or _known(journal, job_id) or not intention.is_out(plan, share):
        return None
    journal.add(job)
    journal.published(job_id, plan.path, {})
    return journal.get(job_id)


def adopt_kept(share: Share, journal: Journal, is_stopping: Callable[[], bool]) -> None:
    """Tell the journal of jobs that are over and whose photos stay, if it does not know them.

    What is kept of photos that have left the inbox, as the journal knows, is removed.

    Args:
        share: the share.
        journal: of the share.
        is_stopping: asked before each: the rest is left to the next start then.

    Raises:
        ClaimError: nobody can say which there are.
        JournalError: the journal cannot be used.
    """
    for job_id in keepsakes.find_kept(share):
        if is_stopping():
            return
        known = _known(journal, job_id)
        if known is None:
            _adopt_kept(share, journal, job_id)
        elif not known.stays:
            keepsakes.forget(share, job_id)


def _adopt_kept(share: Share, journal: Journal, job_id: str) -> None:
    folder = keepsakes.keepsake(share, job_id)
    try:
        job = _recorded(folder, job_id)
        plan, way = intention.recall(folder, share), departure.recorded(folder, share)
    except FileNotFoundError:  # half of it was removed
        job = None
    except OSError as error:
        raise keepsakes.unreadable(folder, error) from error
    if job is None:
        keepsakes.forget(share, job_id)
        return
    has_failed = way is not None and departure.top_of(way.folder, share) == share.failed
    why = _FAILED.format(printable(share.failed.name)) if has_failed else None
    journal.adopt(job, None if has_failed or plan is None else plan.path, why)
    _log.info("photo.is_known", job=job_id, photo=printable(job.relative))


def _recorded(folder: Path, job_id: str) -> NewJob | None:
    try:
        kept = json.loads((folder / COPIED).read_bytes())
        names = {name: decoded(kept[name]) for name in _NAMES}
        paths = {name: Path(decoded(kept[name])) for name in _PATHS}
        overrides = None if kept["overrides"] is None else Path(decoded(kept["overrides"]))
        stays = stays_in(kept["stays"])
        styles = styles_in(kept.get("styles"))  # older versions wrote down neither these
        companions = companions_in(kept.get("companions"))  # nor these
    except (ValueError, TypeError, KeyError):  # nobody but us writes there: a disk has lost it
        return None
    return NewJob(
        job_id,
        names["lane"],
        names["style_name"],
        paths["relative"],
        paths["content"],
        paths["style"],
        overrides,
        "{}",
        stays=stays,
        styles=styles,
        companions=companions,
    )


def _known(journal: Journal, job_id: str) -> Job | None:
    try:
        return journal.get(job_id)
    except JournalError:  # if it is of no use at all, the next call says so
        return None
