"""Has Pillow read HEIC files, the photos of phones, where the library for that is installed."""

from __future__ import annotations

from functools import cache
from typing import Final

FORMAT: Final = "HEIF"
"""What Pillow calls it then."""

_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
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


def is_heic(data: bytes) -> bool:
    """Whether a file says that it is one."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS
