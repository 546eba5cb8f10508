"""Where a painting stands between two of its steps, on disk: enough to go on from there.

A snapshot is an uncompressed zip archive, as numpy's `.npz` is: one array a file, each under the
archive's checksum (CRC-32), and a header that says what the arrays are and what they depend on. It
is written and read array by array: the memory of an optimiser may be many times as large as what
the work itself may take.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from engine.errors import SnapshotError

VERSION: Final = 3
"""Changed whenever what is in a snapshot comes to mean something else."""

PART: Final = ".part"
"""End of the name of a snapshot that is not whole yet."""

_HEADER: Final = "header.json"
_ARRAY: Final = ".npy"
# NotImplementedError and RuntimeError are a flipped bit that reads as another compression, or as
# encrypted.
_DAMAGED: Final = (
    OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class State:
    """A part of what decides the steps to come.

    Attributes:
        numbers: what JSON can hold, with all digits.
        arrays: by name; on the device, or numpy's, or still on disk. Nothing is copied before it
            is asked for.
    """

    numbers: dict[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Any] = field(default_factory=dict)

    def within(self, name: str) -> State:
        """This as a part of a larger one, to which it is known by a name."""
        arrays = {f"{name}/{key}": array for key, array in self.arrays.items()}
        return State({name: self.numbers}, arrays)

    def part(self, name: str) -> State:
        """What was put `within` this under a name."""
        start = f"{name}/"
        return State(self.numbers[name], _Below(self.arrays, start))

    def __or__(self, other: State) -> State:
        """Both together."""
        return State({**self.numbers, **other.numbers}, {**self.arrays, **other.arrays})


def write(path: Path, identity: str, state: State) -> None:
    """Write a snapshot: the whole of it takes the place of what was there, or nothing does.

    It is not waited for the disk: a snapshot that a power cut leaves unfinished is found out by its
    checksums, and costs the steps since the start.

    Args:
        path: its file, in a folder that exists.
        identity: what it depends on.
        state: what it holds.

    Raises:
        OSError: the disk is full, or closed to us; what was there stays.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            _write(file, identity, state)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


class Snapshot:
    """A snapshot on disk; its file is open until it is closed.

    Args:
        path: its file.

    Attributes:
        identity: what it depends on.
        state: what it holds; arrays are read when they are asked for.

    Raises:
        SnapshotError: it is damaged, or another version of the program has written it.
        FileNotFoundError: there is none.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise
        except NotADirectoryError as error:  # what should be its folder is a file
            raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
        except _DAMAGED as error:
            raise _damaged(error) from error
        try:
            self.identity, self.state = self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close its file: what was not asked for by then cannot be any more."""
        self._archive.close()

    def _read(self) -> tuple[str, State]:
        try:
            if self._archive.testzip() is not None:
                raise ValueError("a checksum is wrong")
            header = json.loads(self._archive.read(_HEADER))
            if header["version"] != VERSION:
                raise SnapshotError("it was written by another version of the program")
            arrays = _OnDisk(self._archive)
            if list(arrays) != header["arrays"]:  # names have no checksum
                raise ValueError("an array has another name")
            return str(header["identity"]), State(header["numbers"], arrays)
        except _DAMAGED as error:
            raise _damaged(error) from error


def _damaged(error: Exception) -> SnapshotError:
    return SnapshotError(f"its file is damaged ({error})")


def _write(file: Any, identity: str, state: State) -> None:
    header = {
        "version": VERSION,
        "identity": identity,
        "numbers": state.numbers,
        "arrays": list(state.arrays),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_HEADER, json.dumps(header))
        for name in state.arrays:
            with archive.open(name + _ARRAY, "w", force_zip64=True) as member:
                values = _on_host(state.arrays[name])
                npy.write_array(member, values, allow_pickle=False)  # type: ignore[no-untyped-call]


def _on_host(array: Any) -> NDArray[Any]:
    return array if isinstance(array, np.ndarray) else np.asarray(array.asnumpy())


class _OnDisk(Mapping[str, NDArray[Any]]):
    """The arrays of an archive, read one by one."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = [each.removesuffix(_ARRAY) for each in archive.namelist() if each != _HEADER]

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        with self._archive.open(name + _ARRAY) as member:
            found = npy.read_array(member, allow_pickle=False)  # type: ignore[no-untyped-call]
        return np.asarray(found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Below(Mapping[str, Any]):
    """Those of many arrays whose names start alike, without that start."""

    def __init__(self, arrays: Mapping[str, Any], start: str) -> None:
        self._arrays = arrays
        self._start = start

    def __getitem__(self, name: str) -> Any:
        return self._arrays[self._start + name]

    def __iter__(self) -> Iterator[str]:
        names = (name for name in self._arrays if name.startswith(self._start))
        return (name.removeprefix(self._start) for name in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)
