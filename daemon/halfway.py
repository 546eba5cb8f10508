"""What a move that was cut off has left under two names: put right, at one name or the other.

A rename is one step, but not every file system has the kind that never overwrites, and between
devices there is none (see `daemon.files`). A kill in the middle may leave

- one file under both names, where a hard link was made and the first name not yet removed;
- the whole at its old name, and an empty file or folder at the new one, which was to reserve it;
- the whole at the new name, and all or a part of it at the old one, after a copy.

Which of these it is can be told by what lies there.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from daemon import copying
from daemon.copying import sync_folder
from daemon.handles import reading
from daemon.presence import is_there

_BLOCK: Final = 1 << 20


def settle(source: Path, target: Path) -> None:
    """Bring a move to one of its two ends, if it was cut off in the middle.

    Only for a target that was chosen and written down, so that what lies there is most likely
    ours: it stays if anything else is in it than what the source has, or nothing at all.

    Args:
        source: what was to be moved.
        target: where to, exactly.

    Raises:
        OSError: the disk or the permissions do not allow it; what is there once stays.
    """
    if not (is_there(source) and is_there(target)):
        return
    is_reserved = _is_empty(target) and not _is_empty(source)
    if is_within(source, target) and not is_reserved:
        copying.remove_tree(source)
        sync_folder(source.parent)
    elif _is_empty(target):
        copying.remove_tree(target)
        sync_folder(target.parent)


def is_within(part: Path, whole: Path) -> bool:
    """Whether all that lies here lies there too, byte for byte.

    What `copying` may leave out of a folder need not lie there.

    Args:
        part: a file, a link or a folder.
        whole: another one, which may hold more.

    Raises:
        OSError: one of them cannot be read.
    """
    waiting = [(part, whole)]
    while waiting:
        here, there = waiting.pop()
        if not is_there(there):
            if here == part or not copying.may_be_left_out(here):
                return False
        elif not _is_alike(here, there):
            return False
        if stat.S_ISDIR(here.lstat().st_mode):
            waiting += [(entry, there / entry.name) for entry in here.iterdir()]
    return True


def _is_alike(here: Path, there: Path) -> bool:
    one, other = here.lstat(), there.lstat()
    if os.path.samestat(one, other):
        return True
    if stat.S_IFMT(one.st_mode) != stat.S_IFMT(other.st_mode):
        return False
    if stat.S_ISLNK(one.st_mode):
        return here.readlink() == there.readlink()
    if stat.S_ISREG(one.st_mode):
        return one.st_size == other.st_size and _has_same_bytes(here, there)
    return stat.S_ISDIR(one.st_mode)


def _has_same_bytes(here: Path, there: Path) -> bool:
    with reading(here) as one, reading(there) as other:
        while True:
            block = os.read(one, _BLOCK)
            if block != _read_as_much(other, len(block)):
                return False
            if not block:
                return True


def _read_as_much(handle: int, size: int) -> bytes:
    """Read so many bytes, or up to the end; at least one is asked for, to see the end."""
    parts: list[bytes] = []
    left = max(size, 1)
    while left and (part := os.read(handle, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _is_empty(path: Path) -> bool:
    status = path.lstat()
    if stat.S_ISDIR(status.st_mode):
        return not any(path.iterdir())
    return stat.S_ISREG(status.st_mode) and status.st_size == 0
