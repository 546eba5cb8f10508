"""A painting as people see it, on its way and in the end: in range, with the colours it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.averages import Plane
from engine.colours import under_colours
from engine.ground import Ground
from engine.margins import canvas_size, without_margin
from engine.mx import Array
from engine.pyramid import Picture, resized, size_of

Planes = Callable[[int], NDArray[np.float32]]
"""Gives red, green or blue by its number."""


def glimpse(image: Array, ground: Ground) -> NDArray[np.uint8]:
    """An image on the device, (1, 3, H, W), for people who look on: (H, W, 3).

    Args:
        image: the canvas as it is painted, at one of the scales.
        ground: what it is painted after.
    """
    margin = ground.recipe.margin
    size = canvas_size(image.shape[2:], -margin)
    shown = np.empty((*size, 3), np.uint8)

    # One at a time: all of a large picture would take 150 MB more.
    def painted(colour: int) -> NDArray[np.float32]:
        return without_margin(image[0, colour].asnumpy(), margin)

    for colour, plane in enumerate(_seen(painted, size, ground)):
        np.clip(plane, 0, 255, out=plane)
        shown[:, :, colour] = np.rint(plane, out=plane)
    return shown


def finished(result: Picture, ground: Ground) -> Picture:
    """What was painted as it is handed out, not rounded.

    Args:
        result: what a scale came to; stays as it is.
        ground: what that was painted after.
    """
    shown = np.empty_like(result)
    for colour, plane in enumerate(_seen(lambda n: result[:, :, n], size_of(result), ground)):
        np.clip(plane, 0, 255, out=shown[:, :, colour])
    return shown


def _seen(painted: Planes, size: tuple[int, int], ground: Ground) -> Iterator[NDArray[np.float32]]:
    """Its three planes: what `painted` gives, or others."""
    luminance, shares = ground.recipe.colors == "luminance", ground.guides.shares(size)
    if not luminance and shares is None:
        return map(painted, range(3))
    photo = _photo(ground, size)
    planes = under_colours(photo, painted) if luminance else map(painted, range(3))
    return planes if shares is None else _kept(planes, photo, shares)


def _kept(
    planes: Iterable[NDArray[np.float32]], photo: NDArray[Any], shares: Plane
) -> Iterator[NDArray[np.float32]]:
    """Planes with those of the photo in their places where a mask keeps it."""
    for colour, plane in enumerate(planes):
        # In range first: what is hardly seen may be far out of it.
        yield shares * np.clip(plane, 0, 255) + (1 - shares) * photo[:, :, colour]


def _photo(ground: Ground, size: tuple[int, int]) -> NDArray[Any]:
    """The photo in its colours; of its full size it is not copied, and may be of bytes."""
    is_whole = size_of(ground.content) == size
    return ground.content if is_whole else resized(ground.content, size)
