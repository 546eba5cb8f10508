"""Photos that cannot be taken out of the inbox: painted once, from a copy, and then remembered.

A folder that the service may not write to, a file that nobody may move, one that another program
holds: such a photo is tried for as long as people have patience. Then a copy of it goes the usual
way, to the originals or to failed, and the photo itself stays where it is. It is known by its path,
size and time: whoever changes it, or moves it into another style's folder, has it painted again.
The journal remembers it, in the line of the job that the copy became; and so does the work folder,
in case that the journal is lost (`daemon.keepsakes`).

When it can be moved at last, it is: into the originals, or away if the copy lies there unchanged.
So it goes if the copy failed and lies in failed; if it does not any more, it is a new photo.

What is forgotten is painted again. So a photo is forgotten only after two looks in a row missed it,
in folders that could be read, and never while a claim waits to be put back: it may lie in there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import structlog

from daemon import (
    adoption,
    backoff,
    claims,
    copying,
    files,
    keepsakes,
    presence,
)
from daemon.claims import Claim
from daemon.copying import Copied
from daemon.errors import AtelierError, ClaimLostError, ClaimStuckError, FaultError
from daemon.handles import held
from daemon.jobs import JobState, NewJob, Stay, new_job
from daemon.journal import Journal
from daemon.keepsakes import COPIED
from daemon.last_resort import LastResort
from daemon.names import printable
from daemon.once import Once, reason_of
from daemon.pairing import Candidate
from daemon.pulse import Tick, unheard
from daemon.putting_away import put_away
from daemon.returns import Returns
from daemon.scanner import Look, Sighting
from daemon.share import Share

_ENDED: Final = frozenset({JobState.DONE, JobState.FAILED})
_log: Final = structlog.get_logger()


def copy_in(candidate: Candidate, inbox: Path, folder: Path, tick: Tick = unheard) -> None:
    """Copy a candidate's files into a claim, instead of moving them (`claims.take`).

    Args:
        candidate: what is wanted.
        inbox: of the share.
        folder: the claim's.
        tick: called while it is copied.

    Raises:
        ClaimLostError: a file has changed since it was seen.
        OSError: it cannot be read, or there is no room.
        StoppedError: of the tick.
    """
    claim = claims.as_taken(candidate, folder, folder.name)
    job = new_job(candidate, claim, "", stays_of(candidate, inbox))
    files.write_atomically(folder / COPIED, adoption.record(job))
    sources = (
        [sighting.path for sighting in candidate.sightings]
        if candidate.folder is None
        else [candidate.folder]
    )
    for source in sources:
        with held(source.parent, inbox) as here:
            copied = _copy(here / source.name, folder / source.name, tick)
        _expect_copied(candidate, source, copied)
    copying.sync_folder(folder)


def _expect_copied(candidate: Candidate, source: Path, copied: Sequence[Copied]) -> None:
    seen = {(one.size, one.mtime_ns) for one in copied}
    whole = {(one.size, one.mtime_ns) for one in copied if not one.is_left_out}
    mine = [each for each in candidate.sightings if each.path.is_relative_to(source)]
    if not all((each.size, each.mtime_ns) in seen for each in mine):
        raise ClaimLostError(f"{printable(source)} has changed; look again later.")
    for each in mine:  # without the rest of a folder it can be painted, without these it cannot
        if each not in candidate.others and (each.size, each.mtime_ns) not in whole:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(each.path))


def _copy(source: Path, target: Path, tick: Tick) -> list[Copied]:
    # Half a copy, of a full disk or a kill, has no name: nobody takes it for the photo.
    temporary = files.temporary_name(target.parent)
    copied = copying.copy_whole(source, temporary, unread=True, tick=tick)
    for one in copied:
        if not one.is_left_out:
            _open_up(temporary / one.path.relative_to(source), target.parent)
    temporary.rename(target)
    copying.say_left_out(source, copied)
    return copied


def _open_up(path: Path, claim: Path) -> None:
    # The copy of a folder that is closed to writers could not be moved on either.
    with contextlib.suppress(PermissionError), held(path.parent, claim) as here:
        mode = (here / path.name).lstat().st_mode
        if stat.S_ISDIR(mode):
            (here / path.name).chmod(stat.S_IMODE(mode) | stat.S_IRWXU)


def is_copy(claim: Claim) -> bool:
    """Whether what lies in a claim are copies, and the inbox has the files still."""
    return presence.is_there(claim.folder / COPIED)


def stays_of(candidate: Candidate, inbox: Path) -> tuple[Stay, ...]:
    """What is to be remembered of a candidate whose files stay in the inbox."""
    return tuple(_stay(sighting, inbox) for sighting in candidate.sightings)


class Staying:
    """Remembers such photos, and moves them when that can be done.

    Args:
        share: the share.
        journal: where they are remembered.
        returns: puts a claim back that cannot go on, and knows whether a drive is away.
        make_id: a new id at each call.
        clock: monotonic seconds.
        tick: called while something is copied or compared.
    """

    def __init__(  # noqa: PLR0913 - what it goes by, and how
        self,
        share: Share,
        journal: Journal,
        returns: Returns,
        *,
        make_id: Callable[[], str],
        clock: Callable[[], float],
        tick: Tick = unheard,
    ) -> None:
        self._share = share
        self._journal = journal
        self._returns = returns
        self._make_id = make_id
        self._clock, self._tick = clock, tick
        self._jobs: dict[str, NewJob] = {}
        self._owners: dict[Stay, str] = {}
        self._is_fresh = True
        self._missing: set[str] = set()
        self._failed = Counter[str]()
        self._folders: dict[Path, backoff.Tries] = {}  # in which nothing could be moved
        self._said, self._last_resort = Once(), LastResort()
        self.restless = False
        """Whether there was more to be done at the last look than one turn allows."""

    def __len__(self) -> int:
        """How many jobs there are whose photos are in the inbox still."""
        return len(self._jobs)

    @property
    def photos(self) -> list[Path]:
        """Where these are."""
        return [self._share.inbox / job.relative for job in self._jobs.values()]

    def add(self, job: NewJob) -> None:
        """Remember a job whose files stay in the inbox."""
        self._know(job)
        photo = printable(job.relative)
        _log.warning(
            "photo.stays", job=job.id, photo=photo, means="it is painted from a copy, once"
        )

    @property
    def in_doubt(self) -> bool:
        """Whether a look has missed one, so that the next one is to tell whether it has gone."""
        return bool(self._missing)

    def knows(self, candidate: Candidate) -> bool:
        """Whether a candidate was taken as a copy already, and has not changed since."""
        return self._job_of(candidate) is not None

    def update(self, seen: Look, candidates: Collection[Candidate]) -> None:
        """Forget those that are gone or have changed, and move those that can be moved.

        What takes long is carried on with at the next look (`restless`).

        Args:
            seen: all that is in the inbox.
            candidates: all that could be taken.

        Raises:
            JournalError: the journal cannot be used.
            ShareError: a folder is not the one that it was.
        """
        # Not before: what is put in order at the start may tell the journal of some.
        if self._is_fresh:
            self._read()
            self._is_fresh = False
        if not self._jobs:
            return
        until = self._clock() + backoff.TURN_SECONDS
        self.restless = not (
            self._forget_missing(seen, until) and self._move_all(candidates, until)
        )

    def _move_all(self, candidates: Collection[Candidate], until: float) -> bool:
        """Move what can be moved; whether all was tried in time."""
        known = [(job, one) for one in candidates if (job := self._job_of(one)) is not None]
        self._forget_folders({one.content.path.parent for _, one in known})
        # One that may never be moved must not be the one that is tried for all, each time.
        for job, candidate in sorted(known, key=lambda pair: self._failed[pair[0].id]):
            if self._clock() >= until:
                return False
            if self._is_due(candidate):
                self._returns.expect()
                self._move(job, candidate)
        return True

    def _forget_folders(self, here: Collection[Path]) -> None:
        """Let go of the pauses of folders in which nothing stays any more."""
        self._folders = {one: tries for one, tries in self._folders.items() if one in here}

    def _forget_missing(self, seen: Look, until: float) -> bool:
        """Forget those that two looks in a row have missed; whether that was done in time."""
        # It is painted again if it was not gone for good: one look at a share proves nothing.
        here = {_stay(sighting, self._share.inbox) for sighting in seen.files}
        missing = {
            job.id
            for job in self._jobs.values()
            if not here.intersection(job.stays) and not self._may_be_there(job, seen.unreadable)
        }
        for job_id in missing & self._missing:
            if self._clock() >= until:
                break
            self._forget(self._jobs[job_id])
        done = not missing & self._missing & self._jobs.keys()
        self._missing = missing & self._jobs.keys()
        return done

    def _may_be_there(self, job: NewJob, unreadable: Sequence[Path]) -> bool:
        # Which photo lies in a claim that waits to be put back, nobody knows after a restart.
        if self._returns.pending:
            return True
        paths = [self._share.inbox / stay.path for stay in job.stays]
        return any(path.is_relative_to(shut) for shut in unreadable for path in paths)

    def _job_of(self, candidate: Candidate) -> NewJob | None:
        if not self._jobs:
            return None
        owners = {self._owners.get(stay) for stay in stays_of(candidate, self._share.inbox)}
        owner = owners.pop()
        return self._jobs[owner] if owner is not None and not owners else None

    def _is_due(self, candidate: Candidate) -> bool:
        # Of many in one closed folder one is tried, for all.
        folder = candidate.content.path.parent
        tries = self._folders.get(folder)
        if tries is not None and self._clock() < tries.until:
            return False
        return os.access(folder, os.W_OK | os.X_OK)

    def _move(self, job: NewJob, candidate: Candidate) -> None:
        state = self._journal.get(job.id).state
        if state not in _ENDED:
            return
        claim_id = self._make_id()
        try:
            with self._last_resort.over(candidate.relative):
                claim = claims.take(candidate, self._share, claim_id, None, self._tick)
        except (ClaimStuckError, FaultError) as error:
            self._returns.keep(claim_id, error)
            self._wait(job, candidate)
        except OSError:  # of no memory, say: half of it may lie in the claim
            self._returns.put_back(claim_id)
            self._wait(job, candidate)
        except AtelierError:  # the usual case: it may not be moved
            self._wait(job, candidate)
        else:
            self._end(job, state, claim, candidate)

    def _end(self, job: NewJob, state: JobState, claim: Claim, candidate: Candidate) -> None:
        try:
            with self._last_resort.over(candidate.relative):
                self._returns.expect()  # again: what was taken by a copy may have taken long
                where = put_away(claim, candidate, self._share, state, self._tick)
        except (AtelierError, OSError) as error:
            pause = self._wait(job, candidate)
            log = _log.warning if self._said.is_new(reason_of(error)) else _log.debug
            photo = printable(candidate.relative)
            log("photo.not_moved", photo=photo, why=str(error), again_in_seconds=pause)
            self._returns.put_back(claim.job_id)
            return
        if where is not None:
            self._returns.put_rest_back(claim.job_id, candidate.relative)
        elif not self._returns.put_back(claim.job_id):
            self._wait(job, candidate)
            return
        self._works(candidate)
        self._forget_files(job, candidate)
        _log.info(
            "photo.is_new_again" if where is None else "photo.moved",
            job=job.id,
            photo=printable(candidate.relative),
            kept=printable(where or ""),
        )

    def _wait(self, job: NewJob, candidate: Candidate) -> float:
        self._failed[job.id] += 1
        tries = self._folders.setdefault(candidate.content.path.parent, backoff.Tries())
        return tries.failed(self._clock())

    def _works(self, candidate: Candidate) -> None:
        self._folders.pop(candidate.content.path.parent, None)
        if not self._folders:
            self._said.is_over()

    def _read(self) -> None:
        for job in self._journal.staying():
            self._know(job)

    def _know(self, job: NewJob) -> None:
        self._jobs[job.id] = job
        self._owners |= dict.fromkeys(job.stays, job.id)

    def _forget_files(self, job: NewJob, candidate: Candidate) -> None:
        """Forget the files of a candidate, and with the last of them the job.

        Files that were one job may have become several candidates since.
        """
        gone = set(stays_of(candidate, self._share.inbox))
        left = [stay for stay in job.stays if stay not in gone and stay in self._owners]
        if not left:
            self._forget(job)
            return
        for stay in gone:
            self._owners.pop(stay, None)

    def _forget(self, job: NewJob) -> None:
        # First: dropped again, as it was, it must not be taken for this one.
        keepsakes.forget(self._share, job.id)
        self._journal.left(job.id)
        del self._jobs[job.id]
        del self._failed[job.id]
        for stay in job.stays:
            if self._owners.get(stay) == job.id:
                del self._owners[stay]


def _stay(sighting: Sighting, inbox: Path) -> Stay:
    return Stay(sighting.path.relative_to(inbox), sighting.size, sighting.mtime_ns)
