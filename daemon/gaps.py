"""Signs that a part of a file is not written yet, though it may be decoded.

Some programs copy in several streams at a time, or out of order, or give the file its full size
first. What is not written yet reads as zeros, of which decoders make grey or black. A file may hold
such a part for good: so it is a reason to wait, and none to refuse the file.
"""

from __future__ import annotations

import os
import zlib
from typing import Final

from daemon.handles import named
from daemon.mounts import silent_file_system

_BLOCK: Final = 4096  # a page: what is not written yet is made of whole ones
_ZEROS: Final = bytes(_BLOCK)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COMPRESSED: Final = (
    b"\xff\xd8\xff",  # JPEG
    _PNG,
    b"GIF8",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",  # its bare stream
)
_UNCOMPRESSED: Final = (
    b"BM",
    b"II*\x00",  # TIFF, which may be compressed all the same, and the large kind of it
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    *(b"P%d" % kind for kind in range(1, 8)),
)
"""The formats whose end nothing marks."""

_TAIL: Final = 1 << 16
_PART_OF_IT: Final = 10  # of a small file that tail would be too much to ask for
_STATED: Final = 512  # bytes, of which st_blocks counts, whatever the disk's own blocks are


def has_hole(handle: int, size: int) -> bool:
    """Whether the disk knows of a part that was never written.

    Args:
        handle: of the open file; it is at its beginning afterwards.
        size: bytes of the file.
    """
    try:
        if os.lseek(handle, 0, os.SEEK_HOLE) < size:
            return True
    except OSError:  # the file is empty, or its disk knows nothing of holes
        pass
    finally:
        os.lseek(handle, 0, os.SEEK_SET)
    return _lacks_blocks(handle, size)


def _lacks_blocks(handle: int, size: int) -> bool:
    """Whether another machine's disk holds far less than the file's size.

    Those of this machine are not asked: they know their holes, and what they have compressed, or
    not yet put into place, takes fewer blocks too. None at all says nothing, and stands for all
    files of some file systems.
    """
    held = os.fstat(handle).st_blocks * _STATED
    return 0 < held < size - size // 8 and silent_file_system(named(handle)) is not None


def has_zeros(data: bytes) -> bool:
    """Whether compressed data holds a whole block of zeros, or another picture ends in many.

    Args:
        data: the whole file.
    """
    if data.startswith(_UNCOMPRESSED):
        return _ends_in_zeros(data)
    if not _is_compressed(data):
        return False
    places = range(0, len(data) - _BLOCK + 1, _BLOCK)
    found = any(not data[place] and data[place : place + _BLOCK] == _ZEROS for place in places)
    # Of much black, as in a mask, PNG makes nothing but zeros; but it can be asked.
    return found and not _is_whole_png(data)


def _is_whole_png(data: bytes) -> bool:
    """Whether something is a PNG all parts of which have the checksums that they say."""
    place, view = len(_PNG), memoryview(data)
    while data.startswith(_PNG) and (end := place + 8 + _number(view[place : place + 4])) < len(
        data
    ):
        if zlib.crc32(view[place + 4 : end]) != _number(view[end : end + 4]):
            return False
        if data[place + 4 : place + 8] == b"IEND":
            return True
        place = end + 4
    return False


def _number(four: memoryview) -> int:
    return int.from_bytes(four, "big")


def _ends_in_zeros(data: bytes) -> bool:
    length = min(_TAIL, -(-len(data) // _PART_OF_IT))
    return not any(data[-length:])


def _is_compressed(data: bytes) -> bool:
    # HEIC and AVIF begin with a box of that name, WebP is a kind of RIFF: with a length before it.
    return data.startswith(_COMPRESSED) or data[4:8] == b"ftyp" or data[8:12] == b"WEBP"
