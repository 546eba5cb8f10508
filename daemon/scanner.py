"""One look at a tree of folders: what is there now, as the file system says.

The look is the truth; events are only a reason to look. Links are never followed, nor is a folder
that was swapped for one a moment ago (`daemon.handles`), so that nobody who may write to the share
can make the service look at another folder of this machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol, TypeVar

from daemon.errors import ShareError
from daemon.handles import held
from daemon.names import is_junk, printable

T = TypeVar("T")


@dataclass(frozen=True)
class Sighting:
    """A regular file, as it was at one moment.

    Attributes:
        path: absolute.
        size: bytes.
        mtime_ns: time of the last change by the file server's clock, nanoseconds; to be compared
            with itself alone.
        inode: the file's number: another file under the same name has another one.
    """

    path: Path
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True)
class Look:
    """What one look saw; everything is sorted by path, and junk is left out.

    Attributes:
        root: the folder that was looked at; not in `folders`.
        files: all regular files below it.
        folders: all folders below it.
        unreadable: files and folders that are there but could not be looked at.
    """

    root: Path
    files: tuple[Sighting, ...]
    folders: tuple[Path, ...]
    unreadable: tuple[Path, ...] = ()


class Guard(Protocol):
    """Takes the step over one folder, or passes it over; as `FaultyFolders.over`."""

    def __call__(self, folder: Path, step: Callable[[], T], /) -> T | None:
        """None if it passes the folder over."""


def unguarded(_folder: Path, step: Callable[[], T], /) -> T | None:
    """Pass over no folder."""
    return step()


def look(root: Path, before: Look | None = None, guard: Guard = unguarded) -> Look:
    """Look at everything below a folder.

    What vanishes during the look was never there; what cannot be read is named and passed over.

    Args:
        root: the folder.
        before: an earlier look at it. What still is as it was then is the same object: of ten
            thousand photos that wait, few have changed since the last look.
        guard: folders that it passes over are `unreadable`; never the root.

    Raises:
        ShareError: `root` itself cannot be read (it is gone, or the network drive is).
    """
    finds = _Finds({} if before is None else {str(seen.path): seen for seen in before.files})
    folders: list[Path] = []
    try:
        waiting = _look_into(root, root, finds)
    except OSError as error:
        raise ShareError(
            f"The folder {printable(root)} cannot be read ({error.strerror}). "
            "Check that it is there and that the drive it lies on is connected."
        ) from error
    while waiting:
        folder = Path(waiting.pop())
        try:
            waiting += _guarded(root, folder, finds, guard)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            finds.unreadable.append(str(folder))
        folders.append(folder)
    return Look(
        root,
        tuple(sorted(finds.files, key=lambda sighting: in_order(sighting.path))),
        tuple(sorted(folders, key=in_order)),
        tuple(sorted(map(Path, finds.unreadable))),
    )


def in_order(path: PurePath) -> str:
    """What paths are sorted by: as by their parts, in a fraction of the time."""
    return str(path).replace("/", "\0")


class _Finds:
    """What was found until now.

    Args:
        known: files of an earlier look by their paths.
    """

    def __init__(self, known: Mapping[str, Sighting]) -> None:
        self.files: list[Sighting] = []
        self.unreadable: list[str] = []
        self._known = known

    def add(self, path: str, status: os.stat_result) -> None:
        """Add a file."""
        known, looks = self._known.get(path), (status.st_size, status.st_mtime_ns, status.st_ino)
        if known is None or (known.size, known.mtime_ns, known.inode) != looks:
            known = Sighting(Path(path), *looks)
        self.files.append(known)


def _guarded(root: Path, folder: Path, finds: _Finds, guard: Guard) -> list[str]:
    before = len(finds.files)
    inner = guard(folder, lambda: _look_into(root, folder, finds))
    if inner is None:
        finds.unreadable.append(str(folder))
        del finds.files[before:]  # half of a folder is not what somebody has put there
    return inner or []


def _look_into(root: Path, folder: Path, finds: _Finds) -> list[str]:
    """Add one folder's files to the finds, and return the folders in it."""
    with held(folder, root) as here, os.scandir(here) as entries:
        seen = [entry for entry in entries if not is_junk(entry.name)]
        paths = ((entry, os.path.join(folder, entry.name)) for entry in seen)  # noqa: PTH118 - many
        return [path for entry, path in paths if _is_folder(entry, path, finds)]


def _is_folder(entry: os.DirEntry[str], path: str, finds: _Finds) -> bool:
    try:
        if entry.is_dir(follow_symlinks=False):
            return True
        if entry.is_file(follow_symlinks=False):
            finds.add(path, entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
    except OSError:
        finds.unreadable.append(path)
    return False
