"""A file that somebody writes piece by piece, by one handle, whatever becomes of its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.daemon.stories import renames
from tests.daemon.stories.ledger import Ledger, Version, gives, takes_back

PIECES = 4


@dataclass
class Writing:
    """One such file.

    Attributes:
        handle: to write by.
        path: where it was when it was opened.
        version: what is being written.
        final: the name that it gets once it is whole, if it has another one before.
        before: what is being written over.
        far: whether it may be copied away, instead of moved.
        is_deleted: whether somebody has deleted it meanwhile.
        written: how many bytes of it are.
    """

    handle: int
    path: Path
    version: Version
    final: Path | None
    before: Version | None = None
    far: bool = False
    is_deleted: bool = False
    written: int = 0

    def size(self) -> None:
        """Take all the room at first, as some systems do: what was not written yet is zeros."""
        os.ftruncate(self.handle, len(self.version.data))

    def overwrite(self, *, truncate: bool) -> None:
        """Begin to write over what is there."""
        assert self.before is not None
        takes_back(self.before, far=self.far)
        self.before.ghosts += 1  # it may be painted already, or be read just now
        if truncate:
            os.ftruncate(self.handle, 0)
        self.go_on()

    def go_on(self) -> None:
        """Write one more piece."""
        self._write(max(len(self.version.data) // PIECES, 1))

    def finish(self) -> None:
        """Write the rest; from now on it is owed."""
        self._write(len(self.version.data))
        os.ftruncate(self.handle, len(self.version.data))
        self._give(self.version)
        self.close()

    def rename(self) -> None:
        """Give it its last name, if it has another one until it is whole."""
        if self.final is not None:
            renames.move(self.path, self.final)

    def break_off(self, ledger: Ledger) -> None:
        """Leave it as it is."""
        data = os.pread(self.handle, 1 << 24, 0)
        self._give(ledger.other(data, f"{len(data)} bytes of {self.version.name}"))
        self.close()

    def is_same(self, status: os.stat_result) -> bool:
        """Whether this is of the same file."""
        return os.path.samestat(status, os.fstat(self.handle))

    def close(self) -> None:
        """Let go of the file."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def _write(self, size: int) -> None:
        end = min(self.written + size, len(self.version.data))
        while self.written < end:  # a full disk takes a part
            data = self.version.data[self.written : end]
            self.written += os.pwrite(self.handle, data, self.written)

    def _give(self, version: Version) -> None:
        if self.is_deleted:
            return
        if os.fstat(self.handle).st_nlink == 0:  # the daemon has a copy, of whatever was there
            version.high += 1
            return
        gives(version)
