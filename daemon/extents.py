"""What of a file was written, as its disk knows it: not what reads as zeros because nobody has.

A disk may give a file its place before anything is written there; and once somebody has read such
a part, `os.SEEK_HOLE` takes it for data. So where what was written is to be known for certain, the
disk is asked for the extents themselves (``FS_IOC_FIEMAP``, Documentation/filesystems/fiemap.rst of
Linux). ext4, XFS and Btrfs answer; of a disk that does not, or leaves something open, nothing is
known. Zeros that a program has written to make room for what is to come count as written.
"""

from __future__ import annotations

import struct
from fcntl import ioctl
from typing import Final

_ASK: Final = 0xC020660B
_HEAD: Final = struct.Struct("=QQLLLL")  # where, how long, flags, extents found, room for them
_EXTENT: Final = struct.Struct("=QQQ16xL12x")  # where in the file, where on disk, length, flags
_ROOM: Final = 64  # extents
_SYNC: Final = 1  # what is still in memory is written first, and so counts
_HARMLESS: Final = 0x1 | 0x8 | 0x100 | 0x1000 | 0x2000
"""Last, compressed, not aligned, merged, shared: flags of what was written all the same."""


def is_written(handle: int, begin: int, end: int) -> bool:
    """Whether a disk of this machine is certain that a part of a file was written.

    Args:
        handle: of the open file.
        begin: of the part, bytes.
        end: behind it.
    """
    asked = bytearray(_HEAD.pack(begin, end - begin, _SYNC, 0, _ROOM, 0))
    asked += bytes(_ROOM * _EXTENT.size)
    try:
        ioctl(handle, _ASK, asked)
    except OSError:
        return False
    found, at = _HEAD.unpack_from(asked)[3], begin
    for number in range(min(found, _ROOM)):
        where, _, length, flags = _EXTENT.unpack_from(asked, _HEAD.size + number * _EXTENT.size)
        if where > at or flags & ~_HARMLESS:
            return False
        at = max(at, where + length)
    return at >= end
