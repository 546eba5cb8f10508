"""Statistics of styles that were seen before: in memory, and in a folder that outlives us.

A style is computed once for each size, and then found again by other jobs, and after a restart. It
is a cache: whatever is wrong with the folder, the statistics are computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Statistics = dict[str, NDArray[np.float32]]
"""Arrays by their names, which `engine.style_statistics` gives them."""

MOST_BYTES: Final = 256 * 2**20
"""As usual; the Gram matrices of the five usual taps of one style at one size take 2.4 MB."""

HELD_BYTES: Final = 32 * 2**20
"""In memory: what is used less often is read again, in milliseconds."""

_KEY: Final = "key"
_SUFFIX: Final = ".npz"
_LEFT_SECONDS: Final = 3600.0  # what is unfinished for so long, nobody is writing any more


class StyleStore:
    """Statistics by a text that says what they depend on; those used last are kept.

    Args:
        folder: where they are kept for other processes, made if it is missing; None nowhere.
        most_bytes: of the files in the folder.
        held_bytes: of those in memory.
    """

    def __init__(
        self,
        folder: Path | None = None,
        most_bytes: int = MOST_BYTES,
        held_bytes: int = HELD_BYTES,
    ) -> None:
        self._folder = folder
        self._most = most_bytes
        self._most_held = held_bytes
        self._held: OrderedDict[str, Statistics] = OrderedDict()

    def find(self, key: str, names: Collection[str]) -> Statistics | None:
        """Give the statistics that were kept under a key; None if there are none any more.

        Args:
            key: says what they depend on.
            names: of the arrays which there must be, and no others.
        """
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        found = None if self._folder is None else _read(self._file(self._folder, key), key)
        if found is None or found.keys() != set(names):
            return None
        self._hold(key, found)
        return found

    def keep(self, key: str, statistics: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep statistics; those that were not used for longest give way."""
        self._hold(key, dict(statistics))
        if self._folder is None:
            return
        # A folder that is full or closed to us costs some seconds a style, and no picture.
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(self._file(self._folder, key), key, statistics)
            _make_room(self._folder, self._most)

    def _hold(self, key: str, statistics: Statistics) -> None:
        self._held[key] = statistics
        while len(self._held) > 1 and sum(map(_bytes, self._held.values())) > self._most_held:
            self._held.popitem(last=False)

    @staticmethod
    def _file(folder: Path, key: str) -> Path:
        return folder / (hashlib.sha256(key.encode()).hexdigest() + _SUFFIX)


def _bytes(statistics: Statistics) -> int:
    return sum(each.nbytes for each in statistics.values())


def _read(path: Path, key: str) -> Statistics | None:
    try:
        # Opened here: of a damaged file `load` would leave its own one open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if str(file[_KEY]) != key:
                return None
            found = {name: np.asarray(file[name], np.float32) for name in file if name != _KEY}
        os.utime(path)  # used last: goes last
    # Not there, or damaged: it is computed and written again. NotImplementedError and RuntimeError
    # are a flipped bit that reads as another compression, or as encrypted.
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None
    return found if all(np.isfinite(each).all() for each in found.values()) else None


def _write(path: Path, key: str, statistics: Mapping[str, NDArray[np.float32]]) -> None:
    """Write a file that is there whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **{_KEY: np.array(key), **statistics})
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _make_room(folder: Path, most: int) -> None:
    """Remove what was not used for longest, and what a crash has left unfinished.

    Other engines use the folder too: what is young and unfinished one of them is writing, and what
    is gone one of them has removed.
    """
    files, held = list[tuple[os.stat_result, Path]](), 0
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            files.append((path.stat(), path))
    newest = max((status.st_mtime for status, _ in files), default=0.0)
    for status, path in sorted(files, key=lambda one: -one[0].st_mtime_ns):
        held += status.st_size
        is_left = path.suffix != _SUFFIX and newest - status.st_mtime > _LEFT_SECONDS
        if held > most or is_left:
            path.unlink(missing_ok=True)
