"""One daemon a share: locks that the kernel lets go of, however the process ends.

Two locks are held. The one in the state folder (a local disk) keeps out a second daemon on this
machine; the one in the share's work folder also one on another machine, where the network file
system passes locks on. Where it does not, the first must do, and the caller is told.

The lock files stay when the daemon ends: removing them would let two daemons lock two files of one
name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, final

from daemon.errors import AlreadyRunningError, ShareError
from daemon.names import printable

LOCK: Final = "daemon.lock"
"""Name of the lock file in each folder."""

_BUSY: Final = frozenset({errno.EAGAIN, errno.EACCES})
# What a file system without locks answers: NFS without lockd, some FUSE file systems.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
LONGEST_OWNER: Final = 200
"""Bytes of what a lock says of its owner, at most."""

_PATIENCE_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.05


@final
class ShareLock:
    """The right to keep a share, held from `acquire` to `release`.

    Args:
        folders: where the lock files lie: the state folder, the share's work folder. They are
            made if they are missing. At least one of them must be able to hold a lock.
        clock: monotonic seconds.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        *folders: Path,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folders = folders
        self._clock = clock
        self._sleep = sleep
        self._handles: dict[Path, int] = {}

    def acquire(self) -> tuple[Path, ...]:
        """Lock all folders, or none; for a second try again what somebody else holds.

        Whoever only asks whether a daemon runs (`daemon.keeper`) holds a lock for a moment too.

        Returns:
            The folders whose file system knows no locks: nothing guards those.

        Raises:
            AlreadyRunningError: another daemon, or this object already, holds one of them.
            ShareError: a lock file cannot be written, or no folder can hold a lock.
        """
        if self._handles:
            raise AlreadyRunningError("This process keeps the share already.")
        until = self._clock() + _PATIENCE_SECONDS
        while True:
            try:
                return self._lock_all()
            except AlreadyRunningError:
                if self._clock() >= until:
                    raise
            self._sleep(_PAUSE_SECONDS)

    def _lock_all(self) -> tuple[Path, ...]:
        try:
            unguarded = tuple(folder for folder in self._folders if not self._lock(folder))
            self._require_one()
        except BaseException:
            self.release()
            raise
        return unguarded

    def renew(self, folder: Path, handle: int) -> None:
        """Lock one of the folders again that was made anew, or came back on another device.

        A lock that lies there still is kept, and not let go of for a moment.

        Args:
            folder: which.
            handle: of that folder, open. By its name, that of a drive that has gone meanwhile
                would be made.

        Raises:
            AlreadyRunningError: another daemon was quicker.
            ShareError: the lock file cannot be written.
        """
        if folder in self._handles:
            if _is_file_of(self._handles[folder], handle):
                return
            os.close(self._handles.pop(folder))  # it locks a file that nobody sees any more
        self._lock(folder, handle)

    def release(self) -> None:
        """Let go; may be called at any time and more than once."""
        while self._handles:
            os.close(self._handles.popitem()[1])

    def __enter__(self) -> ShareLock:
        """Acquire; use `acquire` itself to learn what is unguarded."""
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release."""
        self.release()

    def _require_one(self) -> None:
        if not self._handles:
            raise ShareError(
                "None of the folders can be locked, and so two programs could paint the same "
                "photo. Set state_dir to a folder on a local disk."
            )

    def _lock(self, folder: Path, within: int | None = None) -> bool:
        handle = _open(folder, within)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            owner = _owner(handle)
            os.close(handle)
            if error.errno in _NO_LOCKS:
                return False
            if error.errno in _BUSY:
                raise _already_running(folder, owner) from None
            raise _cannot_write(folder, error) from error
        self._handles[folder] = handle
        return True


def _is_file_of(lock: int, folder: int) -> bool:
    """Whether an open lock file is the one that is seen in a folder."""
    try:
        seen = os.stat(LOCK, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return os.path.samestat(os.fstat(lock), seen)


def _open(folder: Path, within: int | None) -> int:
    try:
        if within is None:
            folder.mkdir(parents=True, exist_ok=True)
        # Open for writing: NFS turns flock into a lock that needs it.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(folder / LOCK if within is None else LOCK, flags, 0o666, dir_fd=within)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _owner(handle: int) -> tuple[str, str]:
    """Who wrote into the lock file last: process id and machine; empty if that cannot be told."""
    with contextlib.suppress(OSError):
        words = os.pread(handle, LONGEST_OWNER, 0).decode("utf-8", "replace").split()
        if len(words) == 2 and words[0].isdecimal():  # noqa: PLR2004 - a process and a machine
            return words[0], printable(words[1])
    return "", ""


def _already_running(folder: Path, owner: tuple[str, str]) -> AlreadyRunningError:
    process, machine = owner
    if not process:
        who, how = "Another service", "Stop it first"
    elif machine == socket.gethostname():
        who, how = f"Another service (process {process})", f"Stop it first (`kill {process}`)"
    else:
        who, how = f"A service on {machine} (process {process})", "Stop it there first"
    return AlreadyRunningError(
        f"{who} keeps this share already, by its lock in {printable(folder)}. {how}, or give this "
        "one another share."
    )


def _cannot_write(folder: Path, error: OSError) -> ShareError:
    return ShareError(
        f"The lock in {printable(folder)} cannot be written ({error.strerror}). Let the program's "
        "user write in that folder, and remove a lock file there that another user left."
    )
