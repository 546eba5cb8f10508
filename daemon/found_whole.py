"""Remembers which style pictures were found whole: each is decoded once, not once for every photo.

Only what is in order is remembered, and only as long as the file is the same one, unchanged, and
may be opened as before. A picture that cannot be read is looked at again each time: it may be on
its way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

MOST: Final = 1000
"""So many pictures are remembered; then the oldest is forgotten."""

Version = tuple[int, ...]
"""A file by its device and number, with its size, rights and times: the last tells of the rest."""


def version_of(path: Path) -> Version | None:
    """The version of a file that is there now; None if that cannot be told."""
    try:
        seen = path.lstat()
    except OSError:
        return None
    # Many kernels count times in steps of milliseconds, and see no change of rights within one.
    rights = seen.st_mode, seen.st_uid, seen.st_gid
    times = seen.st_mtime_ns, seen.st_ctime_ns
    return seen.st_dev, seen.st_ino, seen.st_size, *rights, *times


class FoundWhole:
    """The versions of files that were found whole under some limits."""

    def __init__(self) -> None:
        self._limits: dict[Version, object] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._limits)

    def knows(self, version: Version | None, limits: object) -> bool:
        """Whether this version was found whole under these limits."""
        return version is not None and self._limits.get(version) == limits

    def add(self, path: Path, version: Version | None, limits: object) -> None:
        """Remember that a file is whole.

        Args:
            path: of the file.
            version: before it was looked at; if it is another one by now, nothing was learned.
            limits: under which it was looked at.
        """
        if version is None or version != version_of(path):
            return
        self._limits[version] = limits
        if len(self._limits) > MOST:
            del self._limits[next(iter(self._limits))]
