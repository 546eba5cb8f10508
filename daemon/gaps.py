"""Signs that a part in the middle of a file is not written yet, though it may be decoded.

Some programs copy in several streams at a time, or out of order. What is not written yet reads as
zeros, and decoders make grey of it. A file may hold such a part for good: so it is a reason to
wait, and none to refuse the file.
"""

from __future__ import annotations

import os
from typing import Final

_BLOCK: Final = 4096  # a page: what is not written yet is made of whole ones
_ZEROS: Final = bytes(_BLOCK)
_COMPRESSED: Final = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",  # its bare stream
)


def has_hole(handle: int, size: int) -> bool:
    """Whether the disk knows of a part that was never written.

    Args:
        handle: of the open file; it is at its beginning afterwards.
        size: bytes of the file.
    """
    try:
        return os.lseek(handle, 0, os.SEEK_HOLE) < size
    except OSError:  # the file is empty, or its disk knows nothing of holes
        return False
    finally:
        os.lseek(handle, 0, os.SEEK_SET)


def has_zeros(data: bytes) -> bool:
    """Whether compressed data holds a whole block of zeros; of other formats nothing is said.

    Args:
        data: the whole file.
    """
    if not _is_compressed(data):
        return False
    places = range(0, len(data) - _BLOCK + 1, _BLOCK)
    return any(not data[place] and data[place : place + _BLOCK] == _ZEROS for place in places)


def _is_compressed(data: bytes) -> bool:
    # HEIC and AVIF begin with a box of that name, WebP is a kind of RIFF: with a length before it.
    return data.startswith(_COMPRESSED) or data[4:8] == b"ftyp" or data[8:12] == b"WEBP"
