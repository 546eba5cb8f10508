"""What a move that was cut off has left under two names: put right, at one name or the other.

A rename is one step, but not every file system has the kind that never overwrites, and between
devices there is none (see `daemon.files`). A kill in the middle may leave

- one file under both names, where a hard link was made and the first name not yet removed;
- the whole at its old name, and an empty file or folder at the new one, which was to reserve it;
- the whole at the new name, and all or a part of it at the old one, after a copy.

Which of these it is can be told by what lies there. What goes then is what was compared, and that
alone: people may put something into a folder of theirs at any moment, a link too. Each folder is
held (`daemon.handles`) while something in it is looked at or read: no such link leads elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from daemon import copying, files
from daemon.copying import Copied, sync_folder
from daemon.handles import reading
from daemon.presence import is_there
from daemon.pulse import Tick, unheard

_BLOCK: Final = 1 << 20


def settle(source: Path, target: Path, tick: Tick = unheard) -> None:
    """Bring a move to one of its two ends, if it was cut off in the middle.

    Only for a target that was chosen and written down, so that what lies there is most likely
    ours: it stays if anything else is in it than what the source has, or nothing at all.

    Args:
        source: what was to be moved.
        target: where to, exactly.
        tick: called for each thing, and each megabyte that is compared.

    Raises:
        OSError: the disk or the permissions do not allow it; what is there once stays.
        StoppedError: of the tick; likewise.
    """
    if not (is_there(source) and is_there(target)):
        return
    if _is_linked(source, target):
        # Also while somebody writes to it: by its other name they still do.
        source.unlink()
        sync_folder(source.parent)
        return
    is_reserved = _is_empty(target) and not _is_empty(source)
    found = None if is_reserved else found_in(source, target, tick)
    if found is not None:
        sync_folder(target.parent)  # its name there may be a moment old, and no disk know it
        remove_found(source, found, tick)
    elif _is_empty(target):
        _remove_empty(target)
        sync_folder(target.parent)


def found_in(part: Path, whole: Path, tick: Tick = unheard) -> Sequence[Copied] | None:
    """What lies here, if all of it lies there too, byte for byte; None if not.

    What no copy can have need not lie there: pipes, sockets and devices, and links if there are
    none on that file system.

    Args:
        part: a file, a link or a folder.
        whole: another one, which may hold more.
        tick: called for each thing, and each megabyte of it.

    Returns:
        For `remove_found`: each thing as it was before it was compared, a folder after its content.

    Raises:
        OSError: one of them cannot be read, or a folder became a link meanwhile.
    """
    found: list[Copied] = []
    waiting = [(part, whole)]
    while waiting:
        here, there = waiting.pop()
        tick()
        with copying.both_held(here, part, there, whole) as (mine, theirs):
            found.append(replace(copying.seen(mine), path=here))
            mode = mine.lstat().st_mode
            if not is_there(theirs):
                if here == part or not _may_be_missing(mode, whole.parent):
                    return None
            elif not _is_alike(mine, theirs, tick):
                return None
            if stat.S_ISDIR(mode):
                waiting += [(here / name, there / name) for name in copying.names_in(mine)]
    return found[::-1]


def remove_found(part: Path, found: Sequence[Copied], tick: Tick = unheard) -> None:
    """Remove what was found elsewhere too; what came or changed since then stays, with its folder.

    Args:
        part: what was looked for.
        found: what `found_in` gave for it.
        tick: called for each thing.

    Raises:
        OSError: the disk or the permissions do not allow it.
        StoppedError: of the tick; all of it, or a part, is there still.
    """
    copying.open_folders(part, found, tick)
    copying.remove_copied(part, found, tick)


def _is_linked(source: Path, target: Path) -> bool:
    """Whether these are two names of one thing; folders have but one."""
    one = source.lstat()
    return not stat.S_ISDIR(one.st_mode) and os.path.samestat(one, target.lstat())


def _may_be_missing(mode: int, folder: Path) -> bool:
    """Whether something of this mode may be missing in a copy that lies in a folder."""
    if stat.S_ISLNK(mode):
        return not _takes_links(folder)
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _takes_links(folder: Path) -> bool:
    """Whether there are links on a folder's file system, as far as can be seen."""
    path = files.temporary_name(folder)
    try:
        path.symlink_to("nowhere")
    except OSError as error:
        return error.errno not in copying.LACKS
    path.unlink(missing_ok=True)
    return True


def _remove_empty(path: Path) -> None:
    if stat.S_ISDIR(path.lstat().st_mode):
        try:
            path.rmdir()
        except OSError as error:  # somebody has put something there since
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
    else:
        path.unlink()


def _is_alike(here: Path, there: Path, tick: Tick) -> bool:
    one, other = here.lstat(), there.lstat()
    if os.path.samestat(one, other):
        return True
    if stat.S_IFMT(one.st_mode) != stat.S_IFMT(other.st_mode):
        return False
    if stat.S_ISLNK(one.st_mode):
        return here.readlink() == there.readlink()
    if stat.S_ISREG(one.st_mode):
        return one.st_size == other.st_size and _has_same_bytes(here, there, tick)
    return stat.S_ISDIR(one.st_mode)


def _has_same_bytes(here: Path, there: Path, tick: Tick) -> bool:
    with reading(here) as one, reading(there) as other:
        while True:
            tick()
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
        return not copying.names_in(path)
    return stat.S_ISREG(status.st_mode) and status.st_size == 0
