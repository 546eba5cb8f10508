"""What a mask keeps of a photo, in a painting that is enlarged to the photo's own size.

In the size in which it was painted the photo is there already where the mask keeps it, made smaller
and then enlarged with the rest. What it has lost by that is put back: all of it where the mask is
black, half of it where that is grey. So what is kept is the photo to the last bit.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from daemon import pictures
from daemon.formats.scaling import Retouch
from daemon.rations import ration_for, rationed
from daemon.runners.request import PaintRequest
from engine.masks import painted

_LANCZOS: Final = Image.Resampling.LANCZOS
_ROWS: Final = 64
"""That are worked at together, so that no more planes of a large photo lie beside one another."""


def keeping(request: PaintRequest, painting: tuple[int, int]) -> Retouch:
    """What puts back the photo's detail, plane by plane.

    Args:
        request: has the photo and a mask.
        painting: width and height of the painting, before it is enlarged.

    Raises:
        PictureUnreadableError: one of them cannot be read any more.
    """
    photo = _decoded(request.content, request)
    size = photo.shape[0], photo.shape[1]
    shares = painted(_decoded(request.mask, request), size)

    def kept(number: int, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        own = photo[:, :, number]
        wide = _there_and_back(own, painting)
        for top in range(0, size[0], _ROWS):
            rows = slice(top, top + _ROWS)
            keep = 1 - shares[rows]
            plane[rows] += keep * (own[rows] - wide[rows])
            np.copyto(plane[rows], own[rows], where=shares[rows] == 0)
        return plane

    return kept


def _decoded(data: bytes, request: PaintRequest) -> NDArray[np.uint8]:
    ration = ration_for(request.max_pixels, len(data))
    with rationed(ration):
        return pictures.decode(data, max_pixels=ration.pixels)


def _there_and_back(plane: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    """A plane as it is once it was made small as for painting, and enlarged as a painting is."""
    small = np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(size, _LANCZOS))
    wide = Image.fromarray(small.astype(np.float32))
    return np.asarray(wide.resize((plane.shape[1], plane.shape[0]), _LANCZOS))
