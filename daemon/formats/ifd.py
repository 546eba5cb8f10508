"""Directories of TIFF files, which EXIF data is made of too: read within bounds, and written.

Values are kept as the bytes that they are, in the file's own byte order: what is only carried over
need not be understood. Nothing here believes a file: what leads out of it, or is too large, counts
as not there.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MOST_ENTRIES: Final = 512
"""A directory with more is no camera's."""

_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SHORT: Final = 3
_LONG: Final = 4
_LINK: Final = 13
_HEADER: Final = 8
_INLINE: Final = 4  # bytes of a value that stand in the entry itself
_ENTRY: Final = 12
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}


@dataclass(frozen=True)
class Entry:
    """One value of a directory.

    Attributes:
        tag: which.
        kind: TIFF's number for the type of its numbers.
        count: how many of these.
        value: the bytes of all of them, in the byte order of the file.
    """

    tag: int
    kind: int
    count: int
    value: bytes

    def numbers(self, order: str) -> tuple[int, ...]:
        """Its whole numbers; none if it holds anything else."""
        letter = {1: "B", _SHORT: "H", _LONG: "I", _LINK: "I"}.get(self.kind)
        return () if letter is None else struct.unpack(f"{order}{self.count}{letter}", self.value)


def start(data: bytes) -> tuple[str, int] | None:
    """The byte order (``<`` or ``>``) and where the first directory is; None for no such file.

    Args:
        data: a TIFF file, or EXIF data without its ``Exif`` in front. BigTIFF is no such file.
    """
    order = _ORDERS.get(bytes(data[:4]))
    if order is None or len(data) < _HEADER:
        return None
    return order, struct.unpack_from(f"{order}I", data, 4)[0]


def read(
    data: bytes, order: str, place: int, wanted: Collection[int], most: int
) -> dict[int, Entry]:
    """Read a directory.

    Args:
        data: the whole file.
        order: its byte order.
        place: where the directory begins.
        wanted: the tags that are looked for.
        most: bytes of the largest value that is taken.

    Returns:
        What is there of those, by tag; of two with one tag the first.
    """
    if place + 2 > len(data):
        return {}
    number = min(struct.unpack_from(f"{order}H", data, place)[0], MOST_ENTRIES)
    found: dict[int, Entry] = {}
    for at in range(place + 2, min(place + 2 + number * _ENTRY, len(data) - _ENTRY + 1), _ENTRY):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, at)
        if tag not in wanted or tag in found:
            continue
        entry = _entry(data, order, at + 8, (tag, kind, count), most)
        if entry is not None:
            found[tag] = entry
    return found


def following(data: bytes, order: str, place: int) -> int:
    """Where the directory behind another one begins; 0 if there is none.

    Args:
        data: the whole file.
        order: its byte order.
        place: where that other one begins.
    """
    if place + 2 > len(data):
        return 0
    end = place + 2 + struct.unpack_from(f"{order}H", data, place)[0] * _ENTRY
    if end + 4 > len(data):
        return 0
    link: int = struct.unpack_from(f"{order}I", data, end)[0]
    return link


def _entry(
    data: bytes, order: str, place: int, head: tuple[int, int, int], most: int
) -> Entry | None:
    tag, kind, count = head
    size = _SIZES.get(kind, 0) * count
    if not 0 < size <= most:
        return None
    if size > _INLINE:
        place = struct.unpack_from(f"{order}I", data, place)[0]
    value = bytes(data[place : place + size])
    return Entry(tag, kind, count, value) if len(value) == size else None


def short(tag: int, order: str, *values: int) -> Entry:
    """An entry of 16 bit numbers."""
    return Entry(tag, _SHORT, len(values), struct.pack(f"{order}{len(values)}H", *values))


def long(tag: int, order: str, *values: int) -> Entry:
    """An entry of 32 bit numbers."""
    return Entry(tag, _LONG, len(values), struct.pack(f"{order}{len(values)}I", *values))


def header(order: str, place: int) -> bytes:
    """What a file begins with whose first directory is at that place."""
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", place)


def written(order: str, place: int, entries: Iterable[Entry]) -> bytes:
    """A directory and its values, as they stand at a place of a file.

    Args:
        order: byte order.
        place: where it will begin; even.
        entries: no two with one tag.
    """
    each = sorted(entries, key=lambda entry: entry.tag)
    behind = place + 2 + _ENTRY * len(each) + 4
    head, values = struct.pack(f"{order}H", len(each)), b""
    for entry in each:
        head += struct.pack(f"{order}HHI", entry.tag, entry.kind, entry.count)
        if len(entry.value) <= _INLINE:
            head += entry.value.ljust(_INLINE, b"\0")
        else:
            head += struct.pack(f"{order}I", behind + len(values))
            values += entry.value + b"\0" * (len(entry.value) % 2)
    return head + struct.pack(f"{order}I", 0) + values


def tree(
    order: str, place: int, entries: Iterable[Entry], below: Mapping[int, Iterable[Entry]]
) -> tuple[int, bytes]:
    """A directory with others below it.

    Args:
        order: byte order.
        place: where the bytes will begin; even.
        entries: of the directory.
        below: the entries of those that it leads to, by the tag that does; empty ones are left out.

    Returns:
        Where the directory itself begins, and the bytes of all.
    """
    data, links = b"", []
    for tag, inner in below.items():
        if each := tuple(inner):
            links.append(long(tag, order, place + len(data)))
            data += written(order, place + len(data), each)
    return place + len(data), data + written(order, place + len(data), [*entries, *links])
