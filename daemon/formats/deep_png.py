"""PNG files of 16 bits a channel."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

_START: Final = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES: Final = {3: 2, 4: 6}  # by the number of channels
_BAND: Final = 64  # rows that are filtered at a time
_LEVEL: Final = 6


def encoded(channels: NDArray[np.uint16], profile: bytes, exif: bytes, xmp: bytes) -> bytes:
    """Encode a picture (PNG, third edition).

    Args:
        channels: (H, W, 3), or 4 with alpha.
        profile: ICC.
        exif: data, with its ``Exif`` in front; empty for none.
        xmp: a packet; empty for none.
    """
    height, width, number = channels.shape
    head = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[number], 0, 0, 0)
    parts = [_START, _chunk(b"IHDR", head)]
    parts.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    if exif:
        parts.append(_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if xmp:
        parts.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    parts += [_chunk(b"IDAT", data) for data in _compressed(channels)]
    return b"".join([*parts, _chunk(b"IEND", b"")])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _compressed(channels: NDArray[np.uint16]) -> Iterator[bytes]:
    press = zlib.compressobj(_LEVEL)
    height, width, number = channels.shape
    above = np.zeros((1, width * number * 2), np.uint8)
    for top in range(0, height, _BAND):
        band = np.ascontiguousarray(channels[top : top + _BAND].astype(">u2"))
        rows = band.view(np.uint8).reshape(len(band), -1)
        upper = np.concatenate([above, rows[:-1]])
        above = rows[-1:]
        if data := press.compress(_filtered(rows, upper, number * 2).tobytes()):
            yield data
    yield press.flush()


def _filtered(rows: NDArray[np.uint8], upper: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Each row by the filter after which its bytes are smallest, with that filter's number."""
    left, corner = _shifted(rows, step), _shifted(upper, step)
    average = ((left.astype(np.uint16) + upper) // 2).astype(np.uint8)
    guesses = np.stack([np.zeros_like(rows), left, upper, average, _paeth(left, upper, corner)])
    differences = rows - guesses  # of bytes, so modulo 256, as it has to be
    sizes = np.abs(differences.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    best = sizes.argmin(axis=0)
    chosen = differences[best, np.arange(len(rows))]
    return np.concatenate([best[:, None].astype(np.uint8), chosen], axis=1)


def _shifted(rows: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    return np.concatenate([np.zeros((len(rows), step), np.uint8), rows[:, :-step]], axis=1)


def _paeth(
    left: NDArray[np.uint8], upper: NDArray[np.uint8], corner: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Of the three neighbours the one that is nearest to left + upper - corner."""
    a, b, c = (each.astype(np.int16) for each in (left, upper, corner))
    to_left, to_upper, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    by_left = (to_left <= to_upper) & (to_left <= to_corner)
    return np.where(by_left, left, np.where(to_upper <= to_corner, upper, corner))
