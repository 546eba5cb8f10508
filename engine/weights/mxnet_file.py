"""MXNet's own file format, written with MXNet, and read without it.

Its reader allocates whatever a damaged file says.

A file is a list of arrays, then a list of their names; all numbers are little-endian. An array is

- a magic number, which tells the version; in the oldest version it is missing,
- from version 2 on the kind of storage (0: dense),
- the number of axes (int32) and the length of each (int64; uint32 in the oldest version),
- the device it was on (two int32) and its type (int32), then its values.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = (0x112).to_bytes(8, "little")
"""How these files begin."""

_VERSION_1: Final = 0xF993FAC8
_WITH_STORAGE: Final = (0xF993FAC9, 0xF993FACA)
_MOST_AXES: Final = 32
_TYPES: Final = MappingProxyType(
    {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8", 7: "?", 8: "<i2"}
)


def read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """Read the named arrays of a `.params` file.

    Args:
        data: the whole file.

    Returns:
        Arrays by name; they are read-only views of `data`.

    Raises:
        ValueError: the file is damaged, cut off, of another format, or its arrays have no names.
    """
    if not data.startswith(MAGIC):
        raise ValueError("not a file of this format")
    cursor = _Cursor(data, 2 * len(MAGIC))
    try:
        arrays = [_array(cursor) for _ in range(cursor.count())]
        names = [cursor.bytes(cursor.count()).decode() for _ in range(cursor.count())]
    except struct.error as error:
        raise ValueError("the file ends too early") from error
    if len(names) != len(arrays) or len(set(names)) != len(names):
        raise ValueError("the arrays have no names, or two have the same")
    return dict(zip(names, arrays, strict=True))


def write_pairs(pairs: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], path: Path) -> None:
    """Save kernel and bias of convolutions, and read them back: MXNet notices no full disk.

    Args:
        pairs: by convolution, float32.
        path: of the file.

    Raises:
        ValueError: it could not be written, or reads back as something else.
        OSError: likewise.
    """
    from engine.mx import mx, nd  # noqa: PLC0415 - who only reads needs no MXNet

    named = {
        stored: array
        for name, pair in pairs.items()
        for stored, array in zip(stored_as(name), pair, strict=True)
    }
    try:
        nd.save(str(path), {name: nd.array(each, ctx=mx.cpu()) for name, each in named.items()})
    except mx.MXNetError as error:
        raise ValueError(error) from error
    again = read_arrays(path.read_bytes())
    if again.keys() != named.keys() or not all(
        np.array_equal(array, again[name]) for name, array in named.items()
    ):
        raise ValueError("what was written reads back differently")


def stored_as(convolution: str) -> tuple[str, str]:
    """The names of a convolution's kernel and bias in such a file."""
    return f"{convolution}_weight", f"{convolution}_bias"


class _Cursor:
    """Takes one thing after the other out of a file."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{form}", self._data, self._position)
        self._position += struct.calcsize(f"<{form}")
        return found

    def count(self) -> int:
        """How many things follow: at most one a byte."""
        (count,) = self.take("Q")
        if count > len(self._data) - self._position:
            raise ValueError("the file ends too early")
        return int(count)

    def bytes(self, length: int) -> bytes:
        start = self._skip(length)
        return self._data[start : start + length]

    def values(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        count = int(np.prod(shape, dtype=object))
        start = self._skip(count * dtype.itemsize)
        return np.frombuffer(self._data, dtype, count, start).reshape(shape)

    def _skip(self, length: int) -> int:
        start = self._position
        if length > len(self._data) - start:
            raise ValueError("the file ends too early")
        self._position += length
        return start


def _array(cursor: _Cursor) -> NDArray[Any]:
    shape = _shape(cursor)
    if not shape:  # nothing was ever written into it
        return np.empty(0, np.float32)
    _device, _number, kind = cursor.take("3i")
    if kind not in _TYPES:
        raise ValueError(f"type {kind} is unknown")
    return cursor.values(np.dtype(_TYPES[kind]), shape)


def _shape(cursor: _Cursor) -> tuple[int, ...]:
    (magic,) = cursor.take("I")
    length = "q"
    if magic in _WITH_STORAGE:
        (storage,) = cursor.take("i")
        if storage != 0:
            raise ValueError("the array is sparse")
        (axes,) = cursor.take("i")
    elif magic == _VERSION_1:
        (axes,) = cursor.take("i")
    else:
        axes, length = magic, "I"
    if not 0 <= axes <= _MOST_AXES:
        raise ValueError(f"an array of {axes} axes")
    shape = cursor.take(f"{axes}{length}")
    if shape and min(shape) < 1:
        raise ValueError(f"an array of shape {shape}")
    return shape
