"""The work folder while the service runs: whether it is there, and made again if it was removed.

It is hidden, and so somebody who tidies up may remove it. Or it lies on a drive that has gone; then
a new folder in its place would hide the real one, with the photos in it. So would all that is put
into the empty folder that lies where a drive was connected, if the work folder is the top of one.

Three things tell these apart. The folder itself is known by its number, or by a mark that was left
in it, since a drive that comes back may be another device to the kernel. A folder is made again
only in the very one that held it before; and not at all if it was the top of a drive.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from daemon import files
from daemon.errors import ShareError
from daemon.handles import opened
from daemon.names import printable

JOBS: Final = "jobs"
"""Name of the folder in the work folder in which all claims lie."""
MARK: Final = "daemon.mark"
"""Name of the file by which a running service knows its work folder again."""

_PRIVATE: Final = 0o700  # as `daemon.share` makes it at the start
_MARK_BYTES: Final = 16
_PROBE_BYTES: Final = 4096
_FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_log: Final = structlog.get_logger()

_Identity = tuple[int, int]


class Workplace:
    """Looks after one work folder.

    Args:
        work: the folder; it is there now, or else it will not be used.
        lock: given a handle of the folder when it is another than before, so that the lock of this
            process lies there too; what it raises, `ensure` does, until it has worked.
    """

    def __init__(self, work: Path, lock: Callable[[int], None] = lambda _handle: None) -> None:
        self._work = work
        self._lock = lock
        self._is_locked = True  # by whoever started us
        self._mark = secrets.token_bytes(_MARK_BYTES)
        self._is_marked = False
        self._itself: _Identity | None = None
        self._home: _Identity | None = None
        with contextlib.suppress(OSError):
            self._itself = _identity(work.lstat())
            self._home = _identity(work.parent.stat())

    def ensure(self) -> None:
        """See that the folder is there, with the folder of claims in it.

        Raises:
            ShareError: it is not, and it is not for us to make it; or it cannot be locked.
            AlreadyRunningError: another daemon has locked it since it was made again.
            OSError: the disk does not say, or has no room.
        """
        try:
            with opened(self._work) as handle:
                # By the handle: between two looks by name a drive may have gone.
                self._recognise(handle)
                self._settle_in(handle)
        except (FileNotFoundError, NotADirectoryError):
            self._make_again()

    def try_out(self) -> None:
        """See that a file can be put there, before many photos are inspected to be taken.

        Raises:
            ShareError: none can.
        """
        try:
            files.try_out(self._work / JOBS, _PROBE_BYTES)
        except OSError as error:
            raise ShareError(
                f"The work folder {printable(self._work)} takes no files ({error.strerror}), and "
                "photos stay in the inbox. Make room on its disk, and let the program write there."
            ) from error

    def _recognise(self, handle: int) -> None:
        found, mark = _identity(os.fstat(handle)), _mark_in(handle)
        if found != self._itself:
            if mark != self._mark:
                raise self._gone()
            self._itself, self._is_locked = found, False
            _log.info("work.came_back", folder=printable(self._work))
        elif self._is_marked and mark != self._mark:
            # A disk gives the number of what was removed to what is made next.
            if mark:
                raise self._gone()
            self._is_locked = self._is_marked = False
            _log.warning("work.emptied", folder=printable(self._work))
        # Each time: the folder above may be another one, though this one has its number still.
        self._home = _identity(os.stat(os.pardir, dir_fd=handle))

    def _settle_in(self, handle: int) -> None:
        if not self._is_locked:  # a service on another machine would see a share that nobody keeps
            self._lock(handle)
            self._is_locked = True
        self._furnish(handle)

    def _furnish(self, handle: int) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(JOBS, _PRIVATE, dir_fd=handle)
        with contextlib.suppress(OSError):  # without it the folder is known by its number alone
            if _read_mark(handle) != self._mark:
                _write_mark(handle, self._mark)
            self._is_marked = True

    def _make_again(self) -> None:
        try:
            with opened(self._work.parent) as home:
                if not self._may_make(home):
                    raise self._gone()
                os.mkdir(self._work.name, _PRIVATE, dir_fd=home)
                with opened(self._work.name, home) as handle:
                    self._itself = _identity(os.fstat(handle))
                    self._is_locked = self._is_marked = False
                    _log.warning(
                        "work.made_again", folder=printable(self._work), why="somebody removed it"
                    )
                    self._settle_in(handle)
        except (FileNotFoundError, NotADirectoryError, FileExistsError):
            raise self._gone() from None

    def _may_make(self, home: int) -> bool:
        if self._itself is None or self._home is None:
            return False
        # The place where a drive was connected may go with it, and be made again with it.
        was_drive = self._itself[0] != self._home[0]
        return _identity(os.fstat(home)) == self._home and not was_drive

    def _gone(self) -> ShareError:
        return ShareError(
            f"The work folder {printable(self._work)} is gone, and photos stay in the inbox. "
            "Connect the drive that it lies on, or start the program again to make a new one."
        )


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _read_mark(folder: int) -> bytes | None:
    try:
        handle = os.open(MARK, os.O_RDONLY | _FILE, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        return os.read(handle, 2 * _MARK_BYTES)
    finally:
        os.close(handle)


def _mark_in(folder: int) -> bytes | None:
    """The same, where one that nobody can read is as good as none."""
    try:
        return _read_mark(folder)
    except OSError:
        return None


def _write_mark(folder: int, mark: bytes) -> None:
    handle = os.open(MARK, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FILE, 0o600, dir_fd=folder)
    try:
        os.write(handle, mark)
    finally:
        os.close(handle)
