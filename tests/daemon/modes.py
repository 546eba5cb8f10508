"""Folders that are closed to their owner: also for the superuser, who may pass all of them by."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_VERSION = 0x20080522  # linux/capability.h
_PASS_BY = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Head(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """This thread, and those that it starts, may only do what the modes of files allow."""
    library, head, sets = ctypes.CDLL(None, use_errno=True), _Head(_VERSION, 0), (_Sets * 2)()
    if library.capget(ctypes.byref(head), sets) != 0:
        pytest.skip("this system does not tell what its superuser may do")
    before = sets[0].effective
    sets[0].effective = before & ~_PASS_BY
    library.capset(ctypes.byref(head), sets)
    try:
        yield
    finally:
        sets[0].effective = before
        library.capset(ctypes.byref(head), sets)


@contextmanager
def shut(folder: Path, mode: int = 0o555) -> Iterator[None]:
    """A folder has this mode, and it binds; at the end it is open again."""
    folder.chmod(mode)
    try:
        with bound_by_modes():
            if os.access(folder, os.R_OK | os.X_OK) and mode & 0o222 == 0:
                try:
                    (folder / "probe").touch()
                except PermissionError:
                    pass
                else:
                    (folder / "probe").unlink()
                    pytest.skip("modes do not bind here")
            yield
    finally:
        folder.chmod(0o755)
