"""A margin around the canvas that is painted too, and cut off in the end.

What lies at the edge of a picture is seen by fewer positions of the deep layers than the rest, so
content has less say there, and a line of pixels in glaring tones is left all around. Here that line
falls into a margin that nobody gets to see. It is the picture mirrored at its edges; one that may
not be painted would only move the line.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.tiles import Size

_Kind = TypeVar("_Kind", bound=np.generic)


def canvas_size(size: Size, margin: int) -> Size:
    """Height and width of the canvas of a picture.

    Args:
        size: height and width of the picture.
        margin: pixels on each side.
    """
    return size[0] + 2 * margin, size[1] + 2 * margin


def with_margin(picture: NDArray[_Kind], margin: int) -> NDArray[_Kind]:
    """A picture (H, W) or (H, W, 3), mirrored around itself: (H + 2 margin, W + 2 margin, ...)."""
    if not margin:
        return picture
    sides = [(margin, margin), (margin, margin), (0, 0)][: picture.ndim]
    return np.pad(picture, sides, mode="symmetric")


def without_margin(canvas: NDArray[Any], margin: int) -> NDArray[Any]:
    """The picture (H, W) or (H, W, 3) on a canvas; shares its memory."""
    height, width = canvas.shape[:2]
    return canvas[margin : height - margin, margin : width - margin]
