"""What keeps a copy from taking the place of what is copied: found before anything is copied.

A large folder takes minutes to copy, and is tried again and again: in vain each time, if one file
in it may not be read, or somebody still writes to it (`daemon.writers`).
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from daemon.handles import held
from daemon.names import printable
from daemon.pulse import Tick, unheard
from daemon.writers import refuse_written


def unreadable_in(folder: Path, tick: Tick = unheard) -> Path | None:
    """A file in a folder that may not be read, and so not be copied; None if there is none.

    Args:
        folder: held by the caller. A folder in it that cannot be listed is such a file too.
        tick: called for each folder in it.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        tick()
        try:
            with held(here, folder) as one:
                modes = _modes_in(one)
                shut = (name for name, mode in modes.items() if _is_shut(one / name, mode))
                if (name := next(shut, None)) is not None:
                    return here / name
        except PermissionError:
            return here
        waiting += _folders_of(here, modes)
    return None


def expect_readable(folder: Path, tick: Tick = unheard) -> None:
    """See that all files in a folder may be read.

    Taken all the same it would be painted, and could then be moved neither on nor back.

    Args:
        folder: held by the caller.
        tick: called for each folder in it.

    Raises:
        PermissionError: one may not.
    """
    shut = unreadable_in(folder, tick)
    if shut is not None:
        name = printable(shut.relative_to(folder.parent))
        raise PermissionError(errno.EACCES, f"{name} may not be read", name)


def refuse_written_in(source: Path, tick: Tick = unheard) -> None:
    """See that nobody has a file open for writing, or one in a folder.

    Args:
        source: a file, a folder or anything else; nobody but us can swap the folder that it is in.
        tick: called for each thing in it.

    Raises:
        OSError: with `EBUSY` somebody has; or something cannot be looked at.
    """
    refuse_written(source)
    waiting = [source] if stat.S_ISDIR(source.lstat().st_mode) else []
    while waiting:
        here = waiting.pop()
        with held(here, source.parent) as one:
            modes = _modes_in(one)
            for name in modes:
                tick()
                refuse_written(one / name)
        waiting += _folders_of(here, modes)


def _modes_in(folder: Path) -> dict[str, int]:
    return {path.name: path.lstat().st_mode for path in folder.iterdir()}


def _folders_of(here: Path, modes: dict[str, int]) -> list[Path]:
    return [here / name for name, mode in modes.items() if stat.S_ISDIR(mode)]


def _is_shut(path: Path, mode: int) -> bool:
    return stat.S_ISREG(mode) and not os.access(path, os.R_OK, effective_ids=True)
