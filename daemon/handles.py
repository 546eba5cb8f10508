"""Handles of folders: what is looked at twice is the same then; a name may come to mean another.

Whoever may write to the share can put a link in the place of a folder between two looks at it. So
what is done below one of the share's folders is done through a handle: the way down to it passes
through no link, and from then on the handle means that folder, whatever becomes of its name.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Final

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a folder is opened, and nothing else, nor through a link."""

_TOP: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # the configured one: its links count
ON_THE_WAY: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a folder is opened only to go on from there: people may close it to readers."""

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_HANDLES: Final = Path("/proc/self/fd")
_OPENAT2: Final = 437  # asm-generic/unistd.h, and so on all machines that matter
_NO_LINKS_NOT_OUT: Final = 0x02 | 0x04 | 0x08  # linux/openat2.h: RESOLVE_NO_MAGICLINKS and so on
# Kernels before 5.6, and sandboxes that do not know the call.
_UNKNOWN: Final = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG})


@contextmanager
def opened(folder: Path | str, above: int | None = None) -> Iterator[int]:
    """Hold a folder open.

    Args:
        folder: its path, or its name in the folder above.
        above: a handle of that one.

    Yields:
        A handle.

    Raises:
        OSError: it is not there, is no folder, or cannot be opened.
    """
    handle = os.open(folder, FOLDER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def held(folder: Path, top: Path) -> Iterator[Path]:
    """Hold a folder of the share open, and name it in a way that means this very folder.

    Args:
        folder: `top` or a folder below it.
        top: a folder that nobody but us can swap for another: a configured one, or a held one.

    Yields:
        A path for everything that takes paths, of use as long as this lasts.

    Raises:
        OSError: it is not there, or a part of the way down to it is a link.
    """
    handle = _open_below(top, folder.relative_to(top))
    try:
        yield named(handle)
    finally:
        os.close(handle)


def named(handle: int) -> Path:
    """A path that leads to the folder of a handle, wherever that lies now."""
    return _HANDLES / str(handle)


def open_file(path: Path, top: Path | None = None) -> int:
    """Open a file for reading, neither through a link nor waiting for a pipe or a device.

    Args:
        path: of the file.
        top: a folder above it from which on no part of the way may be a link; None asks only
            that the file itself is none.

    Returns:
        A handle, of whatever lies there: the caller looks at its kind.

    Raises:
        OSError: it is not there or not readable; with `ELOOP` it is a link; with `EBUSY` another
            program keeps it for itself (a lease to write).
    """
    try:
        if top is None:
            return os.open(path, _FILE)
        with held(path.parent, top) as folder:
            return os.open(folder / path.name, _FILE)
    except BlockingIOError as error:
        # The kernel has asked for it; whoever does not wait is told to try again.
        raise OSError(errno.EBUSY, "another program has it open", str(path)) from error


@contextmanager
def reading(path: Path, top: Path | None = None) -> Iterator[int]:
    """Hold a regular file open for reading, and nothing else, nor through a link.

    Args:
        path: of the file.
        top: see `open_file`.

    Yields:
        A handle.

    Raises:
        OSError: it cannot be opened; with `EINVAL` it is no regular file.
    """
    handle = open_file(path, top)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "neither a file nor a folder", str(path))
        yield handle
    finally:
        os.close(handle)


def read_file(path: Path, most: int) -> bytes | None:
    """Read a small file whole.

    Args:
        path: of the file; a link is not followed.
        most: bytes.

    Returns:
        Its content; None if it is no regular file, or larger.

    Raises:
        OSError: it is not there, not readable, or a link.
    """
    handle = open_file(path)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(most + 1)
    finally:
        os.close(handle)
    return data if len(data) <= most else None


def _open_below(top: Path, relative: PurePath) -> int:
    handle = os.open(top, _TOP)
    if not relative.parts:
        return handle
    try:
        below = _by_kernel(handle, relative)
        return _step_by_step(handle, relative.parts) if below is None else below
    finally:
        os.close(handle)


def _step_by_step(handle: int, parts: tuple[str, ...]) -> int:
    here = os.dup(handle)
    try:
        for part in parts[:-1]:
            there = os.open(part, ON_THE_WAY, dir_fd=here)
            os.close(here)
            here = there
        return os.open(parts[-1], FOLDER, dir_fd=here)
    finally:
        os.close(here)


def _by_kernel(handle: int, relative: PurePath) -> int | None:
    """The same in one call, where the kernel has it."""
    openat2 = _openat2()
    return None if openat2 is None else openat2(handle, os.fsencode(relative))


class _How(ctypes.Structure):
    """`struct open_how` of linux/openat2.h."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


@cache
def _openat2() -> Any:
    """The kernel's call as a function, or None where there is none."""
    how = _How(FOLDER, 0, _NO_LINKS_NOT_OUT)
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long

    def openat2(handle: int, relative: bytes) -> int:
        arguments = (ctypes.c_long(_OPENAT2), ctypes.c_int(handle), ctypes.c_char_p(relative))
        found = call(*arguments, ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how)))
        if found < 0:
            number = ctypes.get_errno()
            # A link on the way is no folder: the word of the other way for it.
            number = errno.ENOTDIR if number == errno.ELOOP else number
            raise OSError(number, os.strerror(number), os.fsdecode(relative))
        return int(found)

    try:
        with opened("/") as root:
            os.close(openat2(root, b"."))
    except OSError as error:
        if error.errno in _UNKNOWN:
            return None
        raise
    return openat2
