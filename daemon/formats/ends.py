"""Whether a picture's file is whole, by the ends of its containers; its pixels are not looked at.

Decoders are too forgiving for a folder into which files are still being copied: they load a picture
whose tail is missing, or has not been written yet and is zeros, without a word.

What cannot be told apart from a dark picture is let through: the uncompressed formats (BMP, PPM,
some TIFF) have no end mark. There the watcher waits for quiet, and for longer where what is there
ends in zeros (`daemon.gaps`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from daemon.formats import ifd

_ZEROS: Final = 256  # so many zeros at the end of compressed data are a tail not written yet
_COMPRESSED: Final = frozenset({"GIF", "JPEG2000"})
_WEBP_PICTURE: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANMF"})
_BOXES: Final = frozenset({"HEIF", "AVIF"})
# Stuffing and restarts are left out. Not \xff+: whoever writes a million of them has us look at
# each of the million again from each of the million.
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_JPEG_START: Final = b"\xff\xd8"
_JPEG_END: Final = 0xD9
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"\x00\x00\x00\x00IEND\xaeB`\x82"  # length 0, name, CRC: always the same
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length
_BOX_HEADER: Final = 8
_MOST_BOXES: Final = 1000
_COMPRESSION: Final = 259
_PLACES: Final = {273: 279, 324: 325}  # tags of a TIFF's strips and tiles: where, how long
_PACKED: Final = frozenset({5, 7, 8, 32946, 34925, 50000})  # fax machines may pad with zeros
_PART_ZEROS: Final = 16  # more than one of these parts ends in
_MOST_PARTS: Final = 4 << 20  # bytes of a list of strips or tiles


def is_whole(data: bytes, format_: str) -> bool:
    """Whether nothing says that the end of a picture's file is missing.

    Args:
        data: the file.
        format_: its format, as Pillow calls it.
    """
    if data.startswith(_JPEG_START):
        return _jpeg_is_whole(data)
    if data.startswith(_PNG_START):
        return _png_is_whole(data)
    if format_ in _BOXES:
        return _boxes_are_whole(data)
    if format_ == "WEBP":
        return _webp_is_whole(data)
    if format_ == "TIFF":
        return _tiff_is_whole(data)
    return format_ not in _COMPRESSED or any(data[-_ZEROS:])


def _jpeg_is_whole(data: bytes) -> bool:
    """Whether the picture's own end marker is there, that of an embedded preview not counted.

    Cameras and phones put more after the end (second pictures, short films): it is not looked at.
    """
    place = len(_JPEG_START)
    while marker := _JPEG_MARKER.search(data, place):
        code, place = marker[1][0], marker.end()
        if code == _JPEG_END:
            return True
        if code not in _ALONE:
            # The scan's data follows its header; the search runs over it, as it holds no marker.
            place += int.from_bytes(data[place : place + 2], "big")
    return False


def _png_is_whole(data: bytes) -> bool:
    place = len(_PNG_START)
    while place + 12 <= len(data):
        if data.startswith(_PNG_END, place):
            return True
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return False


def _webp_is_whole(data: bytes) -> bool:
    """Whether all chunks are there, and none of the picture's ends in zeros; notes may."""
    place = len(b"RIFF....WEBP")
    if place - 4 + int.from_bytes(data[4:8], "little") > len(data):
        return False
    while place + 8 <= len(data):
        kind, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        begin, end = place + 8, place + 8 + size
        if kind in _WEBP_PICTURE and not any(data[max(begin, end - _ZEROS) : end]):
            return False
        place = end + size % 2
    return True


def _boxes_are_whole(data: bytes) -> bool:
    """HEIC and AVIF: whether the boxes that a picture needs end within the file, and not in zeros.

    What phones put behind these boxes may be anything, and is not looked at.
    """
    for kind, begin, end in _boxes(data):
        if kind in {b"meta", b"mdat"} and end > len(data):
            return False
        if kind == b"mdat" and not any(data[max(begin, end - _ZEROS) : end]):
            return False
    return any(data[-_ZEROS:]) or b"mdat" in data


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The outermost boxes: kind, where their content begins, where it ends (ISO/IEC 14496-12, 4.2).

    Yields:
        One that has the rest of the file for its content ends with the file.
    """
    place = 0
    for _ in range(_MOST_BOXES):
        if place + _BOX_HEADER > len(data):
            return
        size, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        begin = place + _BOX_HEADER
        if size == 1:
            size = int.from_bytes(data[begin : begin + 8], "big")
            begin += 8
        end = len(data) if size == 0 else max(place + size, begin)
        yield kind, begin, end
        place = end


def _tiff_is_whole(data: bytes) -> bool:
    """Whether all strips or tiles of the first picture are there, and packed ones no mere zeros."""
    began = ifd.start(data)
    if began is None:  # a large TIFF: the decoder knows more
        return True
    order, place = began
    wanted = {_COMPRESSION, *_PLACES, *_PLACES.values()}
    found = ifd.read(data, order, place, wanted, _MOST_PARTS)
    packed = _COMPRESSION in found and set(found[_COMPRESSION].numbers(order)) <= _PACKED
    for where, how_long in _PLACES.items():
        if where in found and how_long in found:
            starts, sizes = found[where].numbers(order), found[how_long].numbers(order)
            parts = zip(starts, sizes, strict=False)
            if not all(_part_is_whole(data, *part, packed=packed) for part in parts):
                return False
    return True


def _part_is_whole(data: bytes, begin: int, size: int, *, packed: bool) -> bool:
    end = begin + size
    if not size or end > len(data):
        return not size
    return not packed or any(data[max(begin, end - _PART_ZEROS) : end])
