"""Two kinds of rename by which people know for certain what they have done."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

_NO_REPLACE: Final = 1  # linux/fs.h
_EXCHANGE: Final = 2
_AT_FDCWD: Final = -100


def move(source: Path, target: Path) -> None:
    """Rename, if nothing has the new name."""
    _rename(source, target, _NO_REPLACE)


def exchange(one: Path, other: Path) -> None:
    """Let two files swap their names in one step."""
    _rename(one, other, _EXCHANGE)


def _rename(source: Path, target: Path, flags: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).renameat2
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(source), None, str(target))
