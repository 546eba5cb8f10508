"""Has Pillow read HEIC files, the photos of phones, where the library for that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from daemon.formats.ends import boxes

FORMAT: Final = "HEIF"
"""What Pillow calls it then."""

_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_ITEM: Final = b"infe"
_PLAIN: Final = bytes(range(128)) + b"?" * 128
_THREADS: Final = 1  # the other cores paint; and the ration counts the time of all threads


@cache
def can_read() -> bool:
    """Let Pillow read HEIC from now on; say whether it does."""
    try:
        import pi_heif  # noqa: PLC0415 - it may be missing, and is for children alone
    except ImportError:  # no wheel for this machine: all other formats are read all the same
        return False
    pi_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=_THREADS
    )
    return True


def harmless(data: bytes) -> bytes:
    """A HEIC file in which no kind of item has letters that are none: pi-heif 1.4 crashes at these.

    Items are what a file holds: pictures, EXIF data, packets. One with such a kind is none that
    anybody knows, and it is passed over when its letters are others.

    Args:
        data: the file.
    """
    patched = bytearray(data)
    for kind, begin, end in boxes(data):
        if kind == b"meta":
            for place, behind in _items(data, begin, min(end, len(data))):
                patched[place:behind] = patched[place:behind].translate(_PLAIN)
    return bytes(patched)


def _items(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the kinds and names of items stand (ISO/IEC 14496-12, 8.11.6).

    Their boxes are looked for by name: so one that a library finds in its own way is found too.
    """
    place = data.find(_ITEM, begin, end)
    while place >= 0:
        size = int.from_bytes(data[place - 4 : place], "big")
        number = 4 if data[place + 4 : place + 5] == b"\3" else 2  # bytes of the item's number
        yield place + 8 + number + 2, min(place - 4 + size, end)
        place = data.find(_ITEM, place + 1, end)


def is_heic(data: bytes) -> bool:
    """Whether a file says that it is one."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS
