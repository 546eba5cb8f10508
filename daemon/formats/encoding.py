"""A painted picture's file, in each format that results have: tagged as sRGB, with what is noted.

Pillow writes those of eight bits; it has no picture of three colours with 16 bits each. PNG and
TIFF of 16 bits are therefore written here (`deep_png`, `tiff_file`): both are short, and a library
for them would bring either a slow writer or dozens of codecs that nobody asked for.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from daemon.formats import colour, deep_png, exif, tiff_file

Format = Literal["jpeg", "png", "webp", "tiff"]
Channels = NDArray[np.uint8] | NDArray[np.uint16]

HOLDS_ALPHA: Final = frozenset({"png", "webp", "tiff"})
HOLDS_DEPTH: Final = frozenset({"png", "tiff"})
"""Formats that have room for 16 bits."""

LONGEST_SIDE: Final = {"jpeg": 65_500, "webp": 16_383, "png": 2**31 - 1, "tiff": 2**31 - 1}
"""Pixels, as far as the formats count."""

XMP_KEYWORD: Final = "XML:com.adobe.xmp"


@dataclass(frozen=True)
class Notes:
    """What a file says besides its picture.

    Attributes:
        exif: of the photo.
        xmp: a packet; empty for none.
    """

    exif: exif.Exif | None = None
    xmp: bytes = b""


def encoded(
    channels: Channels, format_: Format, quality: int, *, lossless: bool, notes: Notes
) -> bytes:
    """Encode.

    Args:
        channels: (H, W, 3), or 4 with alpha; of 16 bits for PNG and TIFF only.
        format_: of the file. JPEG takes no alpha, and keeps full colour resolution (4:4:4).
        quality: 1 to 100; of JPEG, and of WebP that is not lossless.
        lossless: WebP keeps every value.
        notes: what the file says besides.

    Returns:
        The file; the same picture and notes give the same bytes.
    """
    tag = colour.srgb_tag()
    if format_ == "tiff":
        return tiff_file.encoded(channels, tag, notes.exif, notes.xmp)
    if channels.dtype == np.uint16:
        return deep_png.encoded(
            channels.astype(np.uint16, copy=False), tag, exif.block(notes.exif), notes.xmp
        )
    options: dict[str, Any] = {"icc_profile": tag, "exif": exif.block(notes.exif)}
    if format_ == "jpeg":
        options |= {"quality": quality, "subsampling": 0, "xmp": notes.xmp}
    elif format_ == "webp":
        options |= {"quality": quality, "lossless": lossless, "exact": True, "xmp": notes.xmp}
    else:
        options["pnginfo"] = _text(notes.xmp)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(channels)).save(file, format_.upper(), **options)
    return file.getvalue()


def _text(packet: bytes) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if packet:
        info.add_itxt(XMP_KEYWORD, packet.decode())
    return info
