"""Takes the files of one job out of the inbox, or puts them back.

A claim is a folder of its own, ``work/jobs/<job id>/``. Whoever renamed the photo into it has it:
nobody else can take it, and the person sees that it is being worked on. The folder also remembers
where the files came from (`ORIGIN`), written before the first of them moves; so after a crash at
any moment `put_back` can return what lies there, even if the journal never heard of the job. It
remembers too where its result is about to appear (`daemon.intention`) and where its files are on
their way to (`daemon.departure`), so that the folders alone tell that if the journal is lost.

What cannot be told then: whoever dropped a photo once more, with the same name and bytes, while
the first was in a claim that no journal knows, gets one result for both.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

from daemon import departure, files, halfway, hindrances, keepsakes, notes, orphans, presence
from daemon.claim_content import ORIGIN, content_of, remains
from daemon.claim_folders import claim_folder, guard, ids_in, jobs_folder
from daemon.copying import sync_folder
from daemon.errors import (
    AtelierError,
    ClaimError,
    ClaimHeldError,
    ClaimLostError,
    ClaimStuckError,
    StoppedError,
)
from daemon.handles import held
from daemon.keepsakes import COPIED
from daemon.mounts import mount_of
from daemon.names import printable
from daemon.pairing import Candidate
from daemon.pulse import Tick, unheard
from daemon.removing import remove_tree
from daemon.scanner import Sighting
from daemon.share import Share
from daemon.sightings import LOST, expect, is_other

# What does not let a file be moved, or removed after it was copied.
_HELD: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY})


@dataclass(frozen=True)
class Claim:
    """The files of one job, out of everybody else's reach.

    It can be made again from the journal's paths: ``Claim(job_id, claim_folder(share, job_id),
    content, style, overrides, companions)``.

    Attributes:
        job_id: the job's.
        folder: its folder in the share's work folder.
        content: the photo, in `folder`; for a folder job one level deeper, in the folder taken.
        style: the style picture: in `folder` if it was taken along, else in the styles folder.
        overrides: the job.toml, if there is one.
        companions: what else goes along with the photo, by what it is for.
    """

    job_id: str
    folder: Path
    content: Path
    style: Path
    overrides: Path | None
    companions: Mapping[str, Path] = field(default_factory=dict, hash=False)

    @property
    def taken_folder(self) -> Path | None:
        """For a folder job the folder that was taken whole, inside `folder`; else None."""
        parent = self.content.parent
        return None if parent == self.folder else parent

    @property
    def loose_files(self) -> tuple[Path, ...]:
        """For all other jobs the files that were taken, the photo first."""
        mine = (self.content, self.style, self.overrides, *self.companions.values())
        return tuple(path for path in mine if path is not None and path.parent == self.folder)


Bring = Callable[[Candidate, Path, Path], None]
"""Gets a candidate's files from the inbox (the second) into a claim's folder (the third)."""


def take(
    candidate: Candidate,
    share: Share,
    job_id: str,
    bring: Bring | None = None,
    tick: Tick = unheard,
) -> Claim:
    """Move a candidate's files from the inbox into a claim of its own, by rename.

    All of them are taken or none: whatever goes wrong half-way, what was moved is moved back.
    The note that a failure left beside the photo goes away.

    Args:
        candidate: what `pairing` found and `readiness` let through.
        share: the share.
        job_id: a new one; the caller's.
        bring: another way to get the files there (`daemon.staying`).
        tick: called while something is copied.

    Returns:
        The claim.

    Raises:
        ClaimHeldError: a file may not be moved; all is in the inbox.
        ClaimLostError: a file changed, vanished or became something else since it was seen; all
            is back in the inbox: look again later.
        ClaimStuckError: something went wrong, and not all could be put back: `put_back` is to be
            tried again later.
        ClaimError: the files could not be moved, or the work folder is not there (what is missing
            of it `daemon.workplace` makes) or cannot be trusted; all is in the inbox.
        StoppedError: of the tick; all is in the inbox, or a part of it in the claim, from where the
            next start puts it back.
    """
    folder = claim_folder(share, job_id)
    came_from = _came_from(candidate)
    guard(folder)
    for sighting in candidate.sightings:
        expect(sighting, sighting.path)
    if os.path.lexists(folder):
        raise ClaimError(f"There is a job {printable(job_id)} already, in {printable(folder)}.")
    with _working(folder, candidate):
        # Nothing above it: that would hide the real one, when the work folder's drive has gone.
        folder.mkdir(mode=0o700)
    try:
        with _working(folder, candidate):
            _label(folder, came_from)
        if bring is None:
            copies = candidate.folder is not None and _is_divided(share, came_from)
            _move_in(candidate, share.inbox, folder, tick, copies=copies)
        else:
            bring(candidate, share.inbox, folder)
    except ClaimLostError:
        put_back(share, job_id, tick)
        raise
    except (ClaimError, StoppedError):  # it is not to be trusted, and nothing is in it yet; or
        # what is in it would take as long to put back, and stays.
        with contextlib.suppress(OSError):
            dissolve(folder)
        raise
    except OSError as error:
        back = put_back(share, job_id, tick)
        raise _not_taken(candidate, error, back) from error
    _forget_old_failure(candidate, share)
    return as_taken(candidate, folder, job_id)


def put_back(share: Share, job_id: str, tick: Tick = unheard) -> list[Path]:
    """Return what lies in a claim to the folder of the inbox that it came from, and end the claim.

    May be called again after a crash half-way. A name that is taken meanwhile is numbered. What is
    on its way out, as the claim remembers, goes on there instead (`daemon.orphans`).

    Args:
        share: the share.
        job_id: the claim's; nothing happens if there is no such claim.
        tick: called while something is copied, or compared with what was.

    Returns:
        Where the files are now.

    Raises:
        ClaimStuckError: a file could not be moved, or was changed or added after it was copied, the
            folder cannot be trusted, or the tick wants a stop; what was not moved stays in the
            claim, and the message says where.
    """
    folder = claim_folder(share, job_id)
    try:
        guard(folder)
        # A drive that has gone has not lost the claim: that is no answer, but an error.
        if presence.is_gone(folder, jobs_folder(share)):
            return []
        back = _send_home(folder, share, tick)
        end(folder, share, tick)
        _expect_ended(folder, tick)
    except AtelierError as error:
        raise ClaimStuckError(str(error)) from error
    except OSError as error:
        raise ClaimStuckError(
            f"A photo could not be put back into the inbox ({error.strerror}). It is safe in "
            f"{printable(folder)}; whoever keeps this machine can move it out of there."
        ) from error
    return back


def find_claims(share: Share) -> list[str]:
    """The ids of the jobs that have a claim, sorted; those of a crash among them.

    Raises:
        ClaimError: the folder of claims cannot be trusted or not be read.
    """
    folder = jobs_folder(share)
    try:
        return ids_in(folder)
    except OSError as error:
        raise ClaimError(
            f"The folder {printable(folder)}, where photos wait to be painted, cannot be looked "
            f"into ({error.strerror}). Let the program read and write there, and check the disk."
        ) from error


def end(folder: Path, share: Share, tick: Tick = unheard) -> None:
    """End a claim, once its files are elsewhere; what it knows of a photo that stays is kept.

    Args:
        folder: the claim's; it may be gone already. If something is left in it, it stays: whoever
            ends a job sees to that (`daemon.returns`).
        share: the share.
        tick: called for each folder that is looked at, since all else has left it.

    Raises:
        ClaimError: what it knows cannot be kept (`daemon.keepsakes`).
        OSError: likewise, or as `dissolve`.
        StoppedError: of the tick; to be called again.
    """
    has_left = folder.is_dir() and not remains(folder, tick)
    if not (has_left and keepsakes.keep(folder, share)):
        dissolve(folder)


def dissolve(folder: Path) -> None:
    """Remove a claim's folder, once its files are elsewhere.

    Args:
        folder: the claim's; it may be gone already. If something is left in it, it stays.

    Raises:
        OSError: something that nobody put there by a claim is left, or the permissions.
    """
    if not folder.is_dir() or content_of(folder):
        return
    for path in folder.iterdir():  # what we wrote there ourselves
        remove_tree(path)
    folder.rmdir()


def _expect_ended(folder: Path, tick: Tick) -> None:
    """See that nothing is left in a claim that was put back."""
    if presence.is_there(folder) and remains(folder, tick):
        raise ClaimStuckError(
            f"Something that was changed or added while it was put back into the inbox is still in "
            f"{printable(folder)}; it follows in a moment."
        )


def _send_home(folder: Path, share: Share, tick: Tick) -> list[Path]:
    if not content_of(folder):
        return []
    came_from = _read_origin(folder)
    # First of all: one whose result is out goes on to the originals, whatever it is.
    home = orphans.home_of(folder, came_from, share, tick)
    if home == share.inbox / came_from and _are_needless(folder, home, share):
        for path in content_of(folder):
            remove_tree(path, tick)
        return []
    way = departure.recall(folder, share, tick)
    if way is None:
        # A kill while it was taken may have left the photo in the inbox too, or half of a folder.
        with departure.held_exit(home, share) as here:
            for path in content_of(folder):
                halfway.settle(here / path.name, path, tick)
    content = content_of(folder) if way is None else remains(folder, tick)
    return departure.leave(folder, content, home, share, tick=tick) if content else []


def _are_needless(folder: Path, home: Path, share: Share) -> bool:
    """Whether what lies in a claim are copies of what lies at home."""
    if not presence.is_there(folder / COPIED):
        return False
    return not any(presence.is_gone(home / path.name, share.inbox) for path in content_of(folder))


def _came_from(candidate: Candidate) -> PurePath:
    parent = candidate.relative.parent
    return parent if candidate.folder is None else parent.parent


@contextlib.contextmanager
def _working(folder: Path, candidate: Candidate) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ClaimError(
            f"{printable(candidate.relative)} could not be taken, because the work folder "
            f"{printable(folder.parent.parent)} cannot be used ({error.strerror}). The photo is "
            "still in the inbox; see that the folder is there and can be written to."
        ) from error


def _label(folder: Path, came_from: PurePath) -> None:
    guard(folder)
    files.write_atomically(folder / ORIGIN, os.fsencode(came_from))
    sync_folder(folder.parent)


def _move_in(
    candidate: Candidate, inbox: Path, folder: Path, tick: Tick, *, copies: bool = False
) -> None:
    """Move, then look again: only what lies in the claim can no longer be swapped.

    Args:
        candidate: whose files.
        inbox: the share's.
        folder: the claim's.
        tick: called while something is copied.
        copies: whether the way into the claim, or out of it, is no rename.
    """
    if candidate.folder is None:
        for sighting in candidate.sightings:
            target = folder / sighting.path.name
            with held(sighting.path.parent, inbox) as here:
                files.move_exactly(here / sighting.path.name, target, tick)
            expect(sighting, target)
        return
    target = folder / candidate.folder.name
    with held(candidate.folder.parent, inbox) as here:
        if copies:
            hindrances.expect_readable(here / candidate.folder.name, tick)
        files.move_exactly(here / candidate.folder.name, target, tick)
    if not stat.S_ISDIR(target.lstat().st_mode):  # a link, moved itself, would lead anywhere later
        raise ClaimLostError(f"{printable(candidate.folder)} has changed; look again later.")
    for sighting in candidate.sightings:
        expect(sighting, target / sighting.path.relative_to(candidate.folder))


def _is_divided(share: Share, came_from: PurePath) -> bool:
    """Whether what comes from this folder of the inbox passes folders of more than one mount."""
    tops = (share.inbox, share.originals, share.failed)
    mounts = set[object]()
    for folder in (share.work, *tops, *(top / came_from for top in tops)):
        with contextlib.suppress(OSError):  # one that is away does not keep photos from being taken
            mounts.add(mount_of(folder))
    return len(mounts) > 1


def _not_taken(candidate: Candidate, error: OSError, back: Sequence[Path]) -> ClaimError:
    name = printable(candidate.relative)
    if error.errno in LOST or any(map(is_other, candidate.sightings)):
        return ClaimLostError(f"{name} changed while it was taken; look again later.")
    safe = "was put back into the inbox" if back else "is still in the inbox"
    if error.errno == errno.EBUSY:
        return ClaimHeldError(
            f"{name} cannot be taken just now ({error.strerror}); it {safe}. Close the program "
            "that has it open."
        )
    return (ClaimHeldError if error.errno in _HELD else ClaimError)(
        f"{name} could not be taken ({error.strerror}); it {safe}. Make room on the disk, and "
        f"let the program change the folder {printable(candidate.content.path.parent)}."
    )


def _forget_old_failure(candidate: Candidate, share: Share) -> None:
    """Remove the failure's note that was dragged back together with the photo."""
    below = share.inbox / candidate.relative
    taken = below if candidate.folder is None else below.parent
    # The photo is taken: a note that cannot be removed must not undo that; a sweep tries again.
    with contextlib.suppress(OSError), held(taken.parent, share.inbox) as here:
        notes.remove_if_ours(here / notes.why_name(taken.name))


def as_taken(candidate: Candidate, folder: Path, job_id: str) -> Claim:
    """The claim that a candidate becomes in this folder."""
    top = candidate.content.path.parent if candidate.folder is None else candidate.folder.parent

    def now(sighting: Sighting) -> Path:
        return folder / sighting.path.relative_to(top)

    return Claim(
        job_id=job_id,
        folder=folder,
        content=now(candidate.content),
        style=candidate.style
        if candidate.style_sighting is None
        else now(candidate.style_sighting),
        overrides=None if candidate.overrides is None else now(candidate.overrides),
        companions={role: now(one) for role, one in candidate.companions.items()},
    )


def _read_origin(folder: Path) -> PurePath:
    # Without the record (a crash before it was written) nothing was moved in either.
    with contextlib.suppress(FileNotFoundError):
        return PurePath(os.fsdecode((folder / ORIGIN).read_bytes()))
    return PurePath()
