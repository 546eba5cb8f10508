"""Brings failed photos back into the inbox, so that they are painted once more.

It is what somebody does who drags a photo back, and works whether a service runs or not: both
folders are people's own. What belongs together is moved together (a photo with its own style, the
folder of a folder job), to the same place and under the same names, and only if nothing has these
names there. The photo goes last: without its style, say, it would be painted in another one.

Between two drives the move is a copy, and a kill may leave what is moved in both folders. The next
call sees that all of it lies in the inbox, byte for byte, and removes it from failed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from daemon import copying, files, halfway, notes, scanner
from daemon.cleaning import Guarded, guarding
from daemon.companions import Role
from daemon.copying import Copied
from daemon.errors import PublishError
from daemon.folders import folder_below
from daemon.handles import held, reading
from daemon.job_files import JobFiles
from daemon.journal import Journal
from daemon.names import printable
from daemon.pairing import Candidate, pair
from daemon.presence import is_there
from daemon.scanner import Sighting
from daemon.share import Share
from daemon.styles import find_styles


@dataclass(frozen=True)
class Parcel:
    """What lies in failed and belongs together.

    Attributes:
        parent: the folder below failed that it lies in.
        names: of what lies there, the photo (or the folder of a folder job) last.
        photo: the photo, below failed.
        styles: the style pictures, wherever they lie; none if nothing says which are meant.
        overrides: the job.toml of a folder, below failed; None if there is none.
        wishes: what the name of its folder asks for.
        beside: what else goes along with the photo.
        fault: why nobody can tell which styles its `job.toml` names; empty if that is not so.
    """

    parent: PurePath
    names: tuple[str, ...]
    photo: PurePath
    styles: tuple[Path, ...] = ()
    overrides: PurePath | None = None
    wishes: Mapping[str, object] = field(default_factory=dict, hash=False)
    beside: Mapping[Role, Path] = field(default_factory=dict, kw_only=True, hash=False)
    fault: str = field(default="", kw_only=True)

    @property
    def place(self) -> PurePath:
        """Of the photo, or of the folder, below failed."""
        return self.parent / self.names[-1]


def find_failed(share: Share, default_style: str | None = None) -> list[Parcel]:
    """What lies in failed, in order of names.

    Args:
        share: the share.
        default_style: as in the settings: the style of what nothing else says one for.

    Raises:
        ShareError: the folder cannot be read.
    """
    seen = scanner.look(share.failed)
    styles: dict[str, Path] = {}
    with contextlib.suppress(OSError):  # without them it is paired as outside of their folders
        styles = find_styles(share.styles)
    found = pair(seen, styles, default_style, JobFiles(share.failed))
    alone = (*found.homeless, *found.waiting, *found.unread, *found.lonely)
    singles = (_single(share, one, found.along.get(one.path, ())) for one in alone)
    parcels = [*(_parcel(share, one) for one in found.candidates), *singles]
    return sorted(parcels, key=lambda parcel: scanner.in_order(parcel.place))


def on_their_way(journal: Journal, since: float) -> Guarded:
    """What a service is putting into failed, or was when it was killed.

    Args:
        journal: of the share.
        since: what came to its end after this moment (seconds since 1970) may have been found half.

    Raises:
        JournalError: it cannot be read.
    """
    # The reason is written down before the first file moves; without it nothing is on its way.
    return guarding(journal.leaving(since))


def send_back(share: Share, parcel: Parcel) -> Path:
    """Move a failed photo, and what belongs to it, back into the inbox; our note about it goes.

    Args:
        share: the share.
        parcel: as it was found.

    Returns:
        Its new path.

    Raises:
        PublishError: a name is taken there by something else, or disk or permissions do not allow
            it. All of it is where it was.
    """
    what = printable(parcel.place)
    with _plainly(what), held(share.failed / parcel.parent, share.failed) as here:
        folder = _folder_in_inbox(share, parcel.parent, what)
        with held(folder, share.inbox) as there:
            found = _found(here, there, parcel)
            names = [name for name in parcel.names if name not in found]
            _expect_free(there, folder, parcel, names)
            _move(here, there, names)
            for name, parts in found.items():
                _settle(here / name, there / name, parts)
        with contextlib.suppress(OSError):  # a service removes it at its next look
            notes.remove_if_ours(here / notes.why_name(parcel.names[-1]))
    return folder / parcel.names[-1]


def _parcel(share: Share, found: Candidate) -> Parcel:
    photo = found.content.path.relative_to(share.failed)
    beside = {role: one.path for role, one in found.companions.items()}
    if found.folder is not None:
        whole, wishes = photo.parent, found.overrides
        below = None if wishes is None else wishes.path.relative_to(share.failed)
        styles, asked = () if found.fault else found.style_files, found.wishes
        return Parcel(
            whole.parent, (whole.name,), photo, styles, below, asked, beside=beside,
            fault=found.fault,
        )  # fmt: skip
    names = tuple(one.path.name for one in found.sightings if one is not found.content)
    return Parcel(
        photo.parent, (*names, photo.name), photo, found.style_files, wishes=found.wishes,
        beside=beside,
    )  # fmt: skip


def _single(share: Share, sighting: Sighting, along: Sequence[Sighting]) -> Parcel:
    photo = sighting.path.relative_to(share.failed)
    names = (*(one.path.name for one in along), photo.name)
    return Parcel(photo.parent, names, photo)


def _folder_in_inbox(share: Share, parent: PurePath, what: str) -> Path:
    wanted = share.inbox / parent
    for folder in (wanted, *wanted.parents[: len(parent.parts)]):
        if folder != share.inbox and os.path.lexists(folder) and not _is_folder(folder):
            raise PublishError(
                f"{what} cannot be brought back: {printable(folder)} is no folder. Move that away "
                "first."
            )
    return folder_below(share.inbox, parent)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _found(here: Path, there: Path, parcel: Parcel) -> dict[str, Sequence[Copied]]:
    """What an earlier call has copied and was killed before it removed it: whole in the inbox."""
    found = dict[str, Sequence[Copied]]()
    for name in parcel.names:
        with contextlib.suppress(OSError):  # it cannot be compared: then the name is taken
            if is_there(there / name):
                parts = halfway.found_in(here / name, there / name)
                if parts is not None:
                    found[name] = parts
    return found


def _settle(source: Path, target: Path, found: Sequence[Copied]) -> None:
    """Remove in failed what lies in the inbox too."""
    for one in found:
        with copying.both_held(one.path, source, target / one.path.relative_to(source), target) as (
            mine,
            theirs,
        ):
            _sync(mine, theirs)
    copying.sync_folder(target.parent)
    halfway.remove_found(source, found)
    if is_there(source):
        raise OSError(errno.EBUSY, "changed while it was moved", str(source))


def _sync(mine: Path, theirs: Path) -> None:
    # Whoever has put it there may not have done it, and a power cut must not take both.
    mode = mine.lstat().st_mode
    if stat.S_ISDIR(mode):
        copying.sync_folder(theirs)
    elif stat.S_ISREG(mode):  # all else, such as a pipe, may have no copy
        with reading(theirs) as handle:
            os.fsync(handle)


def _expect_free(there: Path, folder: Path, parcel: Parcel, names: Collection[str]) -> None:
    is_free = files.free_in(there)
    for name in names:
        if not is_free(name):
            raise PublishError(
                f"{printable(parcel.place)} cannot be brought back: there is a "
                f"{printable(name)} in {printable(folder)} already. Move or rename one of the two."
            )


def _move(here: Path, there: Path, names: Sequence[str]) -> None:
    moved = list[str]()
    try:
        for name in names:
            _move_one(here / name, there / name)
            moved.append(name)
    except OSError:
        for name in moved:
            with contextlib.suppress(OSError):  # it lies in the inbox then, and is not lost
                files.move_exactly(there / name, here / name)
        raise


def _move_one(source: Path, target: Path) -> None:
    try:
        files.move_exactly(source, target)
    except FileExistsError:
        raise
    except OSError:
        # It may have moved all the same, and only its folder not be synced.
        if os.path.lexists(source) or not os.path.lexists(target):
            raise


@contextlib.contextmanager
def _plainly(what: str) -> Iterator[None]:
    """Turn what the operating system says into what a person can act upon."""
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{what} could not be moved back into the inbox ({error.strerror}). See that it still "
            "lies in the folder for failed photos, and that you may move files there and in the "
            "inbox; nothing was lost."
        ) from error
