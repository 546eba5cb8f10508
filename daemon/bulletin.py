"""What stands in the way of the service, in one line, for those who ask beside it.

The line lies in a small file beside the journal, which keeps its size and is written over in place:
so it can be changed while that disk has no room, which is when it has something to say.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from daemon.names import printable

FILE: Final = "trouble.txt"
"""Name of the file beside the journal."""

_BYTES: Final = 2048
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Bulletin:
    """A line of one service: by itself, what stands in its way.

    Args:
        state: the folder beside the journal; None: nobody is told.
        file: name of the file in it.
        size: of that, bytes. What is longer is cut off.
    """

    def __init__(self, state: Path | None, file: str = FILE, size: int = _BYTES) -> None:
        self._state, self._size = state, size
        self._path = None if state is None else state / file
        self._told: str | None = None

    def beside(self, file: str, size: int) -> Bulletin:
        """Another one, for something else of the same service."""
        return Bulletin(self._state, file, size)

    def say(self, line: str) -> None:
        """Say how it is; nothing, if there is nothing to say. To be called at each turn.

        Where it cannot be written nobody hears it here: the log and systemd are told too.
        """
        if self._path is None or line == self._told:
            return
        data = printable(" ".join(line.split())).encode("utf-8", "backslashreplace")
        try:
            handle = os.open(self._path, _FLAGS, 0o644)
            try:
                os.pwrite(handle, data[: self._size].ljust(self._size), 0)
            finally:
                os.close(handle)
        except OSError:
            return
        self._told = line


def read(state: Path, file: str = FILE, size: int = _BYTES) -> str:
    """What the last service said; empty if that was nothing, or cannot be read.

    Args:
        state: the folder beside the journal.
        file: name of the file in it.
        size: of that, at most.
    """
    try:
        return (state / file).read_bytes()[:size].decode("utf-8", "replace").strip()
    except OSError:
        return ""
