"""A painting as the numbers of a file: its size, its depth, and its alpha channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from daemon.formats import colour

_FULL: Final = 255
Retouch = Callable[[int, NDArray[np.float32]], NDArray[np.float32]]
"""Makes a plane, of red, green or blue by its number, another one; it may be written over."""

_KINDS: Final[dict[int, Any]] = {8: np.uint8, 16: np.uint16}


def channels(
    picture: NDArray[np.float32],
    size: tuple[int, int],
    alpha: NDArray[np.uint8] | None,
    depth: int,
    retouch: Retouch | None = None,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Bring a painting to its size, and to whole numbers.

    One colour is worked upon after the other: of a picture of 200 megapixels one as floats takes
    800 MB.

    Args:
        picture: (H, W, 3), 0 to 255; what lies outside is clipped.
        size: width and height; another one than the picture's is resampled to (Lanczos).
        alpha: of any size; brought to this one.
        depth: bits, 8 or 16.
        retouch: what is done to each plane in its size.

    Returns:
        (height, width, 3), or 4 with alpha.
    """
    kind, width, height = _KINDS[depth], *size
    many = np.iinfo(kind).max // _FULL
    made: NDArray[Any] = np.empty((height, width, 3 if alpha is None else 4), kind)
    clear = None if alpha is None else _resized_alpha(alpha, size)
    for number in range(3):
        plane = _resized(picture[:, :, number], size)
        plane = plane if retouch is None else retouch(number, plane)
        plane = plane if clear is None else colour.lifted(plane, clear)
        made[:, :, number] = np.rint(np.clip(plane, 0, _FULL) * many)
    if clear is not None:
        made[:, :, 3] = clear.astype(kind) * many
    return made


def _resized(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A copy of one plane in another size."""
    plane = np.array(plane, np.float32, order="C")
    if plane.shape[::-1] == size:
        return plane
    return np.array(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS))


def _resized_alpha(alpha: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """As the engine resamples the photo that lies under it (`engine.pyramid`)."""
    if alpha.shape[::-1] == size:
        return alpha
    shrinks = size[1] < alpha.shape[0]
    method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(alpha).resize(size, method))
