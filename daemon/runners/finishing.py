"""The last step in the child: a painting becomes the file that people get.

The photo's file is at hand until then. What of it goes into the result (its alpha channel, its
EXIF data, its size) is read from it again at the end, so that nothing as large as a photo has to be
kept while it is painted. If it cannot be read now the painting is saved all the same, without.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Final

from daemon import pictures, record, version
from daemon.formats import xmp
from daemon.formats.encoding import LONGEST_SIDE, Format, Notes
from daemon.formats.scaling import Retouch
from daemon.rations import ration_for, rationed
from daemon.runners.keeping import keeping
from daemon.runners.request import PaintRequest
from engine import Painting

_SUFFIXES: Final[dict[Format, str]] = {
    "jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif",
}  # fmt: skip
_DEEP: Final = 16
_WITHOUT: Final = (
    "The photo could not be read again. What it says of itself and its transparent parts are "
    "missing from the result, and where it was to be as large as the photo it is as painted."
)
_COARSE: Final = (
    "The photo or its mask could not be read again. Where the mask keeps the photo it is only as "
    "fine as the painting."
)


@dataclass(frozen=True)
class Finished:
    """The file of a painting.

    Attributes:
        data: the file.
        suffix: of its name, with the dot.
        size: its picture's width and height.
        trouble: what of the photo is missing from it, and why; empty if nothing is.
        detail: of that, for the log.
    """

    data: bytes
    suffix: str
    size: tuple[int, int]
    trouble: str = ""
    detail: str = ""


def finished(painting: Painting, request: PaintRequest) -> Finished:
    """Make the file.

    Args:
        painting: what was painted.
        request: for what.
    """
    height, width = painting.picture.shape[:2]
    photo, trouble, detail = _about_if_readable(request, (width, height))
    size = photo.size if request.size == "original" else (width, height)
    retouch, lacking, why = _kept_if_readable(request, (width, height), size)
    trouble, detail = trouble or lacking, detail or why
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
        retouch=retouch,
    )
    return Finished(data, _SUFFIXES[format_], size, trouble, detail)


def _about_if_readable(
    request: PaintRequest, size: tuple[int, int]
) -> tuple[pictures.About, str, str]:
    """What the photo says, or that it has the painting's size; what is wrong with it, and where."""
    try:
        return _about(request), "", ""
    except Exception as error:  # noqa: BLE001 - hours of painting are worth more than any note
        return pictures.About(size), f"{_WITHOUT} ({error})", traceback.format_exc()


def _kept_if_readable(
    request: PaintRequest, painted: tuple[int, int], size: tuple[int, int]
) -> tuple[Retouch | None, str, str]:
    """What puts the photo back where a mask keeps it, once a painting is enlarged."""
    if not request.mask or painted == size:
        return None, "", ""
    try:
        return keeping(request, painted), "", ""
    except Exception as error:  # noqa: BLE001 - hours of painting are worth more than fine detail
        return None, f"{_COARSE} ({error})", traceback.format_exc()


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
        program=version.program(),
        recipe=request.recipe,
        size=request.size,
        refine=request.refine if painting.refined or painting.carried else 0,
        content=record.source(request.content_name, request.content),
        styles=tuple(
            record.style(one.name, one.data, one.weight, _source(one.regions_name, one.regions))
            for one in request.styles
        ),
        start=_source(request.start_name, request.start),
        mask=_source(request.mask_name, request.mask),
        regions=_source(request.regions_name, request.regions),
        weights_sha256=painting.weights_sha256,
        device=painting.device.name,
        precision=painting.device.precision,
    )
    found = xmp.Found(photo.creators, photo.rights, made.model_dump_json())
    return xmp.packet(found, f"atelierd {made.program}")


def _source(name: str, data: bytes) -> record.Source | None:
    """What is noted of a file that need not be there."""
    return record.source(name, data) if data else None
