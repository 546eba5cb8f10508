"""Whether somebody still has a file open for writing, as far as this machine can tell.

A rename takes a file along together with those who write to it. A copy does not: what they write
after it goes into the file that was copied. So that one may not be removed before they are done.

The kernel grants a read lease only on a file that nobody has open for writing, to its owner or to
whoever has `CAP_LEASE`. It is given back at once: as long as it is held, others wait to open the
file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import signal
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from daemon.handles import held, named, reading
from daemon.mounts import silent_file_system
from daemon.pulse import Tick, unheard

# Whoever opens the file meanwhile has the kernel send us a signal. The usual one would end us; this
# one is ignored.
_HARMLESS: Final = signal.SIGURG


def is_being_written(handle: int) -> bool:
    """Whether somebody has a file open for writing, by another handle.

    Args:
        handle: of a regular file, opened for reading alone.

    Returns:
        False too where that cannot be found out: the file is somebody else's, or its file system
        lies with other machines, of which some answer that it is being written to each time.
    """
    try:
        fcntl.fcntl(handle, fcntl.F_SETSIG, _HARMLESS)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN and silent_file_system(named(handle)) is None
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def refuse_written(path: Path) -> None:
    """See that nobody has a file open for writing; what is no file, or not readable, passes.

    Raises:
        OSError: with `EBUSY` somebody has; or it cannot be looked at.
    """
    _refuse(path, path)


def refuse_written_of(paths: Iterable[Path], top: Path, tick: Tick = unheard) -> None:
    """See that nobody has any of these open for writing.

    Args:
        paths: of files, and of what else lies between them; what has gone is passed over.
        top: a folder above them, from which on no part of the way may be a link.
        tick: called for each.

    Raises:
        OSError: with `EBUSY`, somebody has; or the disk does not say.
    """
    for path in paths:
        tick()
        with (
            contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError),
            held(path.parent, top) as here,
        ):
            _refuse(here / path.name, path)


def _refuse(file: Path, path: Path) -> None:
    """Refuse a file that is found at one path, and goes by another."""
    if not stat.S_ISREG(file.lstat().st_mode):
        return
    # Whose writers cannot be seen, since it may not be read, counts as written by nobody.
    with contextlib.suppress(PermissionError), reading(file) as handle:
        if is_being_written(handle):
            raise OSError(errno.EBUSY, "somebody is still writing to it", str(path))
