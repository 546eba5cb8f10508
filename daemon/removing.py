"""Removes what is ours as a whole: files and folders of which nobody was told, or that are over.

Among them what somebody who was killed has left under a temporary name. But one who lives may be
writing there: `atelierd retry` copies a folder to another drive while a service starts and looks
for leftovers. So whoever fills a folder under such a name holds a lock on it (`guarded`) until it
has its own name; and what is locked is left alone (`remove_abandoned`). The lock is the kernel's:
it goes with whoever is killed. Another machine does not see it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.handles import FOLDER, opened
from daemon.pulse import Tick, unheard

_HELD: Final = frozenset({errno.EAGAIN, errno.EACCES})


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Fill a folder while no `remove_abandoned`, of this process or another one, removes it.

    Args:
        folder: a new one, in which nothing is yet. It may get another name meanwhile.

    Raises:
        OSError: with `EBUSY`, it is being removed already; it is not there, or cannot be opened.
    """
    with opened(folder) as handle:
        _lock(handle, fcntl.LOCK_SH, folder)
        yield


def remove_abandoned(path: Path, tick: Tick = unheard) -> None:
    """Remove what has a temporary name, if nobody writes to it any more; else it stays.

    Args:
        path: a file, a link or a folder.
        tick: called for each thing in it.

    Raises:
        OSError: with `EBUSY`, somebody does; or the disk or the permissions do not allow it.
        StoppedError: of the tick.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()  # by its name: one that has got its own has none here any more
            return
        with opened(path) as handle:
            _lock(handle, fcntl.LOCK_EX, path)
            # Only now nobody can give it a name any more: it may have one since it was opened.
            if os.path.samestat(os.fstat(handle), path.lstat()):
                _remove_folder(path, handle, tick)


def remove_tree(path: Path, tick: Tick = unheard) -> None:
    """Remove a file, a link or a folder with all that is in it, if it is there.

    Links that somebody puts into the folder meanwhile lead nowhere else.

    Args:
        path: what is to go.
        tick: called for each thing in it.

    Raises:
        OSError: the disk or the permissions do not allow it.
        StoppedError: of the tick.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
            return
        with opened(path) as handle:
            _remove_folder(path, handle, tick)


def _lock(folder: int, kind: int, path: Path) -> None:
    try:
        fcntl.flock(folder, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise OSError(errno.EBUSY, "somebody else has it in hand", str(path)) from error
        # A file system without locks: the copy is compared before its source goes (`across`).


def _remove_folder(path: Path, folder: int, tick: Tick) -> None:
    here = os.dup(folder)
    trail: list[tuple[os.stat_result, str, list[str]]] = []
    try:
        folders = _remove_files(here, tick)
        while folders or trail:
            if folders:
                name = folders.pop()
                trail.append((os.fstat(here), name, folders))
                here = _step(here, name)
                folders = _remove_files(here, tick)
            else:
                above, name, folders = trail.pop()
                here = _step(here, "..")
                if not os.path.samestat(os.fstat(here), above):
                    raise OSError(errno.EBUSY, "moved while it was removed", str(path))
                os.rmdir(name, dir_fd=here)
    finally:
        os.close(here)
    path.rmdir()


def _step(here: int, name: str) -> int:
    there = os.open(name, FOLDER, dir_fd=here)
    os.close(here)
    return there


def _remove_files(folder: int, tick: Tick) -> list[str]:
    """Remove what is no folder, and give the names of the folders."""
    # The copy of a folder that is closed to writers is closed too. Not all file systems have modes.
    with contextlib.suppress(OSError):
        os.fchmod(folder, stat.S_IRWXU)
    with os.scandir(folder) as entries:
        seen = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    for name, is_folder in seen.items():
        tick()
        if not is_folder:
            os.unlink(name, dir_fd=folder)
    return [name for name, is_folder in seen.items() if is_folder]
