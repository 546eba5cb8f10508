"""Which of a photo's EXIF data goes into the picture that is painted of it, and how it gets there.

What is known to be harmless is carried over: the camera and how it was set, the dates, the author
and the rights. All else stays behind: the place (unless it is asked for), what makers write in
their own way, which may hold the place again, serial numbers, previews of the photo, the sides and
the orientation that it had. The values are not understood, only copied; so no odd one can do harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from daemon.formats import ifd

_NAME: Final = b"Exif\0\0"
_MOST_A_VALUE: Final = 1024
_MOST: Final = 24_000  # bytes of all values; a JPEG has room for 65,000
_EXIF: Final = 0x8769
_GPS: Final = 0x8825
_COLOUR_SPACE: Final = 0xA001
_SRGB: Final = 1

# EXIF 2.32, tables 4 to 8.
_MAIN_TAGS: Final = frozenset({0x010F, 0x0110, 0x0132, 0x013B, 0x8298})  # make to copyright
_EXIF_TAGS: Final = frozenset(
    [
        *(0x829A, 0x829D, 0x8822, 0x8827, *range(0x8830, 0x8836)),  # exposure, sensitivity
        *(0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292),  # version, dates
        *range(0x9201, 0x920B),  # shutter, aperture, distance, metering, light, flash, focal length
        *(0xA217, *range(0xA402, 0xA40B), 0xA40C),  # modes, zoom, scene
        *(0xA432, 0xA433, 0xA434),  # the lens
    ]
)
_GPS_TAGS: Final = frozenset(range(32))


@dataclass(frozen=True)
class Exif:
    """What is carried over.

    Attributes:
        order: byte order of the values, ``<`` or ``>``.
        main: entries of the first directory.
        below: entries of those below it, by the tag that leads to them.
    """

    order: str
    main: tuple[ifd.Entry, ...]
    below: dict[int, tuple[ifd.Entry, ...]]


def kept(data: bytes, *, location: bool) -> Exif | None:
    """What of a photo's EXIF data is carried over.

    Args:
        data: that data, or a whole TIFF file, which holds its own. Anything may be wrong with it.
        location: whether the place where the photo was taken is kept.

    Returns:
        None if there is nothing.
    """
    data = data.removeprefix(_NAME)
    began = ifd.start(data)
    if began is None:
        return None
    order, place = began
    wanted = {*_MAIN_TAGS, _EXIF, _GPS}
    main = ifd.read(data, order, place, wanted, _MOST_A_VALUE)
    below = {_EXIF: _below(data, order, main.pop(_EXIF, None), _EXIF_TAGS)}
    gps = main.pop(_GPS, None)
    if location:
        below[_GPS] = _below(data, order, gps, _GPS_TAGS)
    found = _bounded(order, tuple(main.values()), below)
    return found if found.main or any(found.below.values()) else None


def _below(
    data: bytes, order: str, link: ifd.Entry | None, wanted: frozenset[int]
) -> tuple[ifd.Entry, ...]:
    places = () if link is None else link.numbers(order)
    if len(places) != 1:
        return ()
    return tuple(ifd.read(data, order, places[0], wanted, _MOST_A_VALUE).values())


def _bounded(
    order: str, main: tuple[ifd.Entry, ...], below: dict[int, tuple[ifd.Entry, ...]]
) -> Exif:
    """As many of them as there is room for, in this order."""
    left = _MOST

    def fitting(entries: tuple[ifd.Entry, ...]) -> tuple[ifd.Entry, ...]:
        nonlocal left
        chosen = []
        for entry in entries:
            left -= len(entry.value) + 16
            if left >= 0:
                chosen.append(entry)
        return tuple(chosen)

    return Exif(order, fitting(main), {tag: fitting(entries) for tag, entries in below.items()})


def directories(exif: Exif) -> tuple[tuple[ifd.Entry, ...], dict[int, tuple[ifd.Entry, ...]]]:
    """The entries of the first directory, and of those below it, as they are to be written."""
    srgb = ifd.short(_COLOUR_SPACE, exif.order, _SRGB)
    return exif.main, {**exif.below, _EXIF: (*exif.below.get(_EXIF, ()), srgb)}


def block(exif: Exif | None) -> bytes:
    """The data as JPEG, PNG and WebP files hold it; empty for nothing."""
    if exif is None:
        return b""
    place, data = ifd.tree(exif.order, 8, *directories(exif))
    return _NAME + ifd.header(exif.order, place) + data
