"""The last step in the child: a painting becomes the file that people get.

The photo's file is at hand until then. What of it goes into the result (its alpha channel, its
EXIF data, its size) is read from it again at the end, so that nothing as large as a photo has to be
kept while it is painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from daemon import pictures, record
from daemon.formats import xmp
from daemon.formats.encoding import LONGEST_SIDE, Format, Notes
from daemon.rations import ration_for, rationed
from daemon.runners.base import PaintRequest
from engine import Painting

_SUFFIXES: Final[dict[Format, str]] = {
    "jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif",
}  # fmt: skip
_DEEP: Final = 16


@dataclass(frozen=True)
class Finished:
    """The file of a painting.

    Attributes:
        data: the file.
        suffix: of its name, with the dot.
        size: its picture's width and height.
    """

    data: bytes
    suffix: str
    size: tuple[int, int]


def finished(painting: Painting, request: PaintRequest) -> Finished:
    """Make the file.

    Args:
        painting: what was painted.
        request: for what.
    """
    photo = _about(request)
    height, width = painting.picture.shape[:2]
    size = photo.size if request.size == "original" else (width, height)
    format_ = _format(request, size, clear=photo.alpha is not None)
    data = pictures.encode(
        painting.picture,
        format_,
        request.quality,
        size=size,
        alpha=photo.alpha,
        depth=request.depth,
        lossless=request.lossless,
        notes=Notes(photo.exif, _packet(painting, photo, request)),
    )
    return Finished(data, _SUFFIXES[format_], size)


def _about(request: PaintRequest) -> pictures.About:
    ration = ration_for(request.max_pixels, len(request.content))
    with rationed(ration):
        return pictures.about(
            request.content, max_pixels=ration.pixels, location=request.keep_location
        )


def _format(request: PaintRequest, size: tuple[int, int], *, clear: bool) -> Format:
    """What is asked for; else JPEG, or PNG for what a JPEG has no room for, as for large ones."""
    wanted = request.format
    if wanted == "auto":
        wanted = "png" if clear or request.depth == _DEEP else "jpeg"
    return wanted if max(size) <= LONGEST_SIDE[wanted] else "png"


def _packet(painting: Painting, photo: pictures.About, request: PaintRequest) -> bytes:
    made = record.Record(
        program=record.program(),
        recipe=request.recipe,
        size=request.size,
        content=record.source(request.content_name, request.content),
        style=record.source(request.style_name, request.style),
        weights_sha256=painting.weights_sha256,
        device=painting.device.name,
        precision=painting.device.precision,
    )
    found = xmp.Found(photo.creators, photo.rights, made.model_dump_json())
    return xmp.packet(found, f"atelierd {made.program}")
