"""One look at a tree of folders: what is there now, as the file system says.

The look is the truth; events are only a reason to look. Links are never followed, nor is a folder
that was swapped for one a moment ago (`daemon.handles`), so that nobody who may write to the share
can make the service look at another folder of this machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from daemon.errors import ShareError
from daemon.handles import held
from daemon.names import is_junk, printable


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


def look(root: Path) -> Look:
    """Look at everything below a folder.

    What vanishes during the look was never there; what cannot be read is named and passed over.

    Raises:
        ShareError: `root` itself cannot be read (it is gone, or the network drive is).
    """
    files: list[Sighting] = []
    folders: list[str] = []
    unreadable: list[str] = []
    try:
        waiting = _look_into(root, root, files, unreadable)
    except OSError as error:
        raise ShareError(
            f"The folder {printable(root)} cannot be read ({error.strerror}). "
            "Check that it is there and that the drive it lies on is connected."
        ) from error
    while waiting:
        folder = waiting.pop()
        try:
            waiting += _look_into(root, Path(folder), files, unreadable)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            unreadable.append(folder)
        folders.append(folder)
    return Look(
        root,
        tuple(sorted(files, key=lambda sighting: sighting.path.parts)),
        tuple(sorted(map(Path, folders))),
        tuple(sorted(map(Path, unreadable))),
    )


def _look_into(root: Path, folder: Path, files: list[Sighting], unreadable: list[str]) -> list[str]:
    """Add one folder's files to `files`, and return the folders in it."""
    with held(folder, root) as here, os.scandir(here) as entries:
        seen = [entry for entry in entries if not is_junk(entry.name)]
        paths = ((entry, os.path.join(folder, entry.name)) for entry in seen)  # noqa: PTH118 - many
        return [path for entry, path in paths if _is_folder(entry, path, files, unreadable)]


def _is_folder(
    entry: os.DirEntry[str], path: str, files: list[Sighting], unreadable: list[str]
) -> bool:
    try:
        if entry.is_dir(follow_symlinks=False):
            return True
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            files.append(Sighting(Path(path), status.st_size, status.st_mtime_ns, status.st_ino))
    except FileNotFoundError:
        return False
    except OSError:
        unreadable.append(path)
    return False
