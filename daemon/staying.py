"""Photos that cannot be taken out of the inbox: painted once, from a copy, and then remembered.

A folder that the service may not write to, a file that nobody may move, one that another program
holds: such a photo is tried for as long as people have patience. Then a copy of it goes the usual
way, to the originals or to failed, and the photo itself stays where it is. It is known by its path,
size and time: whoever changes it, or moves it into another style's folder, has it painted again.
The journal remembers it, in the line of the job that the copy became.

When it can be moved at last, it is: into the originals, or away if the copy lies there unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from daemon import backoff, claims, copying, halfway, publishing
from daemon.claims import COPIED, Claim
from daemon.errors import AtelierError, ClaimLostError
from daemon.handles import held
from daemon.jobs import Job, JobState, Stay
from daemon.journal import Journal
from daemon.names import numbered, printable
from daemon.pairing import Candidate
from daemon.presence import is_there
from daemon.returns import Returns
from daemon.scanner import Sighting
from daemon.share import Share

_ENDED: Final = frozenset({JobState.DONE, JobState.FAILED})
_log: Final = structlog.get_logger()


def copy_in(candidate: Candidate, inbox: Path, folder: Path) -> None:
    """Copy a candidate's files into a claim, instead of moving them (`claims.take`).

    Args:
        candidate: what is wanted.
        inbox: of the share.
        folder: the claim's.

    Raises:
        ClaimLostError: a file has changed since it was seen.
        OSError: it cannot be read, or there is no room.
    """
    (folder / COPIED).touch()
    sources = (
        [sighting.path for sighting in candidate.sightings]
        if candidate.folder is None
        else [candidate.folder]
    )
    for source in sources:
        with held(source.parent, inbox) as here:
            copied = copying.copy_whole(here / source.name, folder / source.name)
        seen = {(one.size, one.mtime_ns) for one in copied}
        mine = [each for each in candidate.sightings if each.path.is_relative_to(source)]
        if not all((each.size, each.mtime_ns) in seen for each in mine):
            raise ClaimLostError(f"{printable(source)} has changed; look again later.")
    copying.sync_folder(folder)


def is_copy(claim: Claim) -> bool:
    """Whether what lies in a claim are copies, and the inbox has the files still."""
    return is_there(claim.folder / COPIED)


def stays_of(candidate: Candidate, inbox: Path) -> tuple[Stay, ...]:
    """What is to be remembered of a candidate whose files stay in the inbox."""
    return tuple(_stay(sighting, inbox) for sighting in candidate.sightings)


class Staying:
    """Remembers such photos, and moves them when that can be done.

    Args:
        share: the share.
        journal: where they are remembered.
        returns: puts a claim back that cannot go on.
        make_id: a new id at each call.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        share: Share,
        journal: Journal,
        returns: Returns,
        *,
        make_id: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._share = share
        self._journal = journal
        self._returns = returns
        self._make_id = make_id
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._owners: dict[Stay, str] = {}
        for job in journal.staying():
            self._know(job)
        self._tries: dict[Path, int] = {}
        self._until: dict[Path, float] = {}

    def __len__(self) -> int:
        """How many jobs there are whose photos are in the inbox still."""
        return len(self._jobs)

    @property
    def photos(self) -> list[Path]:
        """Where these are."""
        return [self._share.inbox / job.relative for job in self._jobs.values()]

    def add(self, job: Job) -> None:
        """Remember a job whose files stay in the inbox."""
        self._know(job)
        photo = printable(job.relative)
        _log.warning(
            "photo.stays", job=job.id, photo=photo, means="it is painted from a copy, once"
        )

    def knows(self, candidate: Candidate) -> bool:
        """Whether a candidate was taken as a copy already, and has not changed since."""
        return self._job_of(candidate) is not None

    def update(self, files: Iterable[Sighting], candidates: Collection[Candidate]) -> None:
        """Forget those that are gone or have changed, and move those that can be moved.

        Args:
            files: all that is in the inbox.
            candidates: all that could be taken.

        Raises:
            JournalError: the journal cannot be used.
        """
        here = {_stay(sighting, self._share.inbox) for sighting in files}
        for gone in [job for job in self._jobs.values() if not here.intersection(job.stays)]:
            self._forget(gone)
        for candidate in candidates:
            job = self._job_of(candidate)
            if job is not None and self._is_due(candidate):
                self._move(job, candidate)

    def _job_of(self, candidate: Candidate) -> Job | None:
        if not self._jobs:
            return None
        owners = {self._owners.get(stay) for stay in stays_of(candidate, self._share.inbox)}
        owner = owners.pop()
        return self._jobs[owner] if owner is not None and not owners else None

    def _is_due(self, candidate: Candidate) -> bool:
        # Of many in one closed folder one is tried, for all.
        folder = candidate.content.path.parent
        if self._clock() < self._until.get(folder, 0.0):
            return False
        return os.access(folder, os.W_OK | os.X_OK)

    def _move(self, job: Job, candidate: Candidate) -> None:
        if self._journal.get(job.id).state not in _ENDED:
            return
        folder = candidate.content.path.parent
        try:
            claim = claims.take(candidate, self._share, self._make_id())
        except (AtelierError, OSError):
            self._tries[folder] = self._tries.get(folder, 0) + 1
            self._until[folder] = self._clock() + backoff.pause(self._tries[folder])
            return
        self._tries.pop(folder, None)
        try:
            where = _put_away(claim, candidate, self._share)
        except (AtelierError, OSError) as error:
            _log.warning("photo.not_moved", photo=printable(candidate.relative), why=str(error))
            self._until[folder] = self._clock() + backoff.pause(1)
            self._returns.put_back(claim.job_id)
            return
        self._forget(job)
        photo = printable(candidate.relative)
        _log.info("photo.moved", job=job.id, photo=photo, original=printable(where))

    def _know(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._owners |= dict.fromkeys(job.stays, job.id)

    def _forget(self, job: Job) -> None:
        self._journal.left(job.id)
        del self._jobs[job.id]
        self._owners = {stay: owner for stay, owner in self._owners.items() if owner != job.id}


def _stay(sighting: Sighting, inbox: Path) -> Stay:
    return Stay(sighting.path.relative_to(inbox), sighting.size, sighting.mtime_ns)


def _put_away(claim: Claim, candidate: Candidate, share: Share) -> Path:
    """Move what was taken at last to the originals, or remove it if its copy is there."""
    whole = claim.taken_folder or claim.content
    above = candidate.content.path if candidate.folder is None else candidate.folder
    below = above.parent.relative_to(share.inbox)
    for top in (share.originals, share.failed):
        kept = _same(whole, top / below)
        if kept is not None:
            for path in [whole] if claim.taken_folder else claim.loose_files:
                copying.remove_tree(path)
            claims.dissolve(claim.folder)
            return kept
    return publishing.keep_original(share, claim, candidate.relative)


def _same(path: Path, folder: Path) -> Path | None:
    """The file or folder that has the same name, numbered or not, and the same content."""
    for number in count(1):
        there = folder / numbered(path.name, number)
        if not os.path.lexists(there):
            return None
        if halfway.is_within(path, there):
            return there
    raise AssertionError("numbers do not end")
