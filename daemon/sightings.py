"""Whether a file is still the one that was seen: by its kind, number, size and time."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from daemon.errors import ClaimLostError
from daemon.names import printable
from daemon.scanner import Sighting

LOST: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})
"""What is said of a file that vanished, whose folder is none, or whose server forgot it."""


def expect(sighting: Sighting, now_at: Path) -> None:
    """See that a file is the one that was seen.

    Args:
        sighting: of the file.
        now_at: where it is now.

    Raises:
        ClaimLostError: it is gone, or has changed.
        OSError: the disk does not say.
    """
    try:
        now = now_at.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise ClaimLostError(f"{printable(sighting.path)} is gone; look again later.") from None
    if not _is_same(sighting, now, moved=now_at != sighting.path):
        raise ClaimLostError(f"{printable(sighting.path)} has changed; look again later.")


def is_other(sighting: Sighting) -> bool:
    """Whether a file where one was seen is gone, or of another size or time."""
    try:
        now = sighting.path.lstat()
    except OSError as error:
        return error.errno in LOST
    # Not by its number: whoever copied it and put it back has given it another one.
    return (sighting.size, sighting.mtime_ns) != (now.st_size, now.st_mtime_ns)


def _is_same(sighting: Sighting, now: os.stat_result, *, moved: bool) -> bool:
    # A file that moved between devices is a copy: it has the time and size, not the inode.
    inodes = {sighting.inode, now.st_ino} if moved else {sighting.inode}
    same = (sighting.size, sighting.mtime_ns) == (now.st_size, now.st_mtime_ns)
    return stat.S_ISREG(now.st_mode) and same and now.st_ino in inodes
