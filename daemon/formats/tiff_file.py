"""TIFF files of 8 or 16 bits a channel, packed without loss (Deflate), with EXIF data and XMP."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.formats import exif as exif_data
from daemon.formats import ifd

_STRIP_BYTES: Final = 1 << 20  # before they are compressed
_DEFLATE: Final = 8
_RGB: Final = 2
_DIFFERENCES: Final = 2  # the predictor: each value less the one before it in its row
_UNASSOCIATED: Final = 2
_UNDEFINED: Final = 7
_BYTE: Final = 1
_COLOURS: Final = 3

# TIFF 6.0, and Adobe's for the last two.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _ROWS, _SIZES = 273, 274, 277, 278, 279
_PLANAR, _PREDICTOR, _EXTRA, _XMP, _PROFILE = 284, 317, 338, 700, 34675


def encoded(
    channels: NDArray[np.uint8] | NDArray[np.uint16],
    profile: bytes,
    exif: exif_data.Exif | None,
    xmp: bytes,
) -> bytes:
    """Encode a picture.

    Args:
        channels: (H, W, 3), or 4 with alpha.
        profile: ICC.
        exif: of the photo; decides the byte order of the file.
        xmp: a packet; empty for none.
    """
    order = "<" if exif is None else exif.order
    main, below = ((), {}) if exif is None else exif_data.directories(exif)
    rows = max(1, _STRIP_BYTES // channels[0].nbytes)
    strips = [_strip(channels[top : top + rows], order) for top in range(0, len(channels), rows)]
    places = [8]
    for strip in strips:
        places.append(places[-1] + len(strip))
    entries = [*_described(channels, order), *main]
    entries.append(ifd.long(_STRIPS, order, *places[:-1]))
    entries.append(ifd.long(_SIZES, order, *map(len, strips)))
    entries.append(ifd.long(_ROWS, order, rows))
    entries.append(ifd.Entry(_PROFILE, _UNDEFINED, len(profile), profile))
    if xmp:
        entries.append(ifd.Entry(_XMP, _BYTE, len(xmp), xmp))
    place, directories = ifd.tree(order, places[-1], entries, below)
    return b"".join([ifd.header(order, place), *strips, directories])


def _described(channels: NDArray[np.uint8] | NDArray[np.uint16], order: str) -> list[ifd.Entry]:
    height, width, number = channels.shape
    entries = [
        ifd.long(_WIDTH, order, width),
        ifd.long(_HEIGHT, order, height),
        ifd.short(_BITS, order, *[channels.itemsize * 8] * number),
        ifd.short(_COMPRESSION, order, _DEFLATE),
        ifd.short(_PHOTOMETRIC, order, _RGB),
        ifd.short(_ORIENTATION, order, 1),
        ifd.short(_SAMPLES, order, number),
        ifd.short(_PLANAR, order, 1),
        ifd.short(_PREDICTOR, order, _DIFFERENCES),
    ]
    if number > _COLOURS:
        entries.append(ifd.short(_EXTRA, order, _UNASSOCIATED))
    return entries


def _strip(rows: NDArray[np.uint8] | NDArray[np.uint16], order: str) -> bytes:
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]  # of unsigned numbers, so modulo, as it has to be
    data = zlib.compress(differences.astype(f"{order}u{differences.itemsize}").tobytes())
    return data + b"\0" * (len(data) % 2)  # directories begin at even places
