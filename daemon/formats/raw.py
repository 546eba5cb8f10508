"""Tells cameras' raw files from pictures, before a decoder takes the preview in one for the photo.

Most are TIFF files: what a sensor has measured stands in a directory behind or below the first,
and in the first a small picture for the camera's own display. The others begin with letters of
their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from daemon.formats import ifd

_KIND, _OLD_KIND, _PHOTOMETRIC, _BELOW, _DNG_VERSION = 254, 255, 262, 330, 50706
_TAGS: Final = frozenset({_KIND, _OLD_KIND, _PHOTOMETRIC, _BELOW, _DNG_VERSION})
_OF_SENSORS: Final = frozenset({32803, 34892})  # a mosaic of colours; the same, filled in
_REDUCED: Final = 1  # a bit of the one tag
_OLD_REDUCED: Final = 2  # a number of the other
_MOST_DIRECTORIES: Final = 64
_MOST_VALUE: Final = 4 * _MOST_DIRECTORIES
_BEGINNINGS: Final = re.compile(
    rb"IIU\0|IIR[OS]|MMOR|FUJIFILMCCD-RAW|\0MRM|FOVb"  # Panasonic, Olympus, Fuji, Minolta, Sigma
    rb"|II\*\0\x10\0\0\0CR|II\x1a\0\0\0HEAPCCDR|....ftypcrx "  # Canon: CR2, CRW, CR3
    rb"|II\*\0....IIII.waR|MM\0\*....MMMMRaw",  # Phase One
    re.DOTALL,
)


def is_raw(data: bytes) -> bool:
    """Whether a file is a camera's raw file.

    Args:
        data: the file.
    """
    return _BEGINNINGS.match(data) is not None or any(
        _DNG_VERSION in each or not _OF_SENSORS.isdisjoint(each.get(_PHOTOMETRIC, ()))
        for each in _directories(data)
    )


def begins_with_a_preview(data: bytes) -> bool:
    """Whether a TIFF file says that its first picture is another one of its pictures, made smaller.

    Args:
        data: the file.
    """
    first = next(_directories(data), {})
    kind, old_kind = first.get(_KIND, ()), first.get(_OLD_KIND, ())
    return any(each & _REDUCED for each in kind) or _OLD_REDUCED in old_kind


def _directories(data: bytes) -> Iterator[dict[int, tuple[int, ...]]]:
    """The numbers in a TIFF file's directories, by tag; the first one first."""
    began = ifd.start(data)
    if began is None:
        return
    order, first = began
    waiting, seen = [first], {0}
    while waiting and len(seen) <= _MOST_DIRECTORIES:
        place = waiting.pop(0)
        if place in seen:
            continue
        seen.add(place)
        entries = ifd.read(data, order, place, _TAGS, _MOST_VALUE)
        found = {tag: entry.numbers(order) for tag, entry in entries.items()}
        yield found
        waiting += [*found.get(_BELOW, ()), ifd.following(data, order, place)]
