"""The sizes that a picture goes through, and the way from one to the next.

Sizes are (height, width) in pixels; pictures are (H, W, 3) float32, RGB, 0 to 255, on the host.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import PictureError
from engine.layers import SMALLEST_SIDE
from engine.recipe import Recipe

Picture = NDArray[np.float32]
Size = tuple[int, int]


def size_of(picture: NDArray[Any]) -> Size:
    """Height and width of a picture."""
    return picture.shape[0], picture.shape[1]


def check(array: NDArray[Any], name: str) -> None:
    """See that an array is a picture: (H, W, 3), uint8 or floats that are all finite.

    Raises:
        PictureError: wrong shape or dtype, or a value that is not finite.
    """
    shape = array.shape
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:  # noqa: PLR2004 - height, width, three colours
        raise PictureError(f"The {name} picture must be (height, width, 3), not {array.shape}.")
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise PictureError(f"The {name} picture must be uint8 or float in 0 to 255.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise PictureError(f"The {name} picture holds values that are not finite.")


def fitted(size: Size, long_side: int) -> Size:
    """The size with these proportions whose long side is `long_side`, each side at least 1."""
    height, width = size
    scale = long_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def style_size(size: Size, long_side: int) -> Size:
    """The size of a style beside a content of this long side.

    A narrow style is made wider rather than refused: a Gram matrix knows no proportions.
    """
    height, width = fitted(size, long_side)
    return max(height, SMALLEST_SIDE), max(width, SMALLEST_SIDE)


def trimmed(picture: NDArray[Any], share: float) -> NDArray[Any]:
    """Leave out a share of a picture's height and width, under a half, at each of its edges."""
    down, across = (int(side * share) for side in size_of(picture))
    return picture[down : picture.shape[0] - down, across : picture.shape[1] - across]


def plan(content: Size, recipe: Recipe) -> list[tuple[Size, int]]:
    """Sizes and step counts to work through, coarse to fine.

    A scale at which a side would be under the smallest that the network can read is left out, and
    its steps are done on the next one.

    Raises:
        PictureError: even the last scale is too small or too narrow.
    """
    steps, planned = 0, []
    for fraction, iterations in zip(recipe.scales, recipe.iterations, strict=True):
        steps += iterations
        size = fitted(content, max(1, round(recipe.size * fraction)))
        if min(size) >= SMALLEST_SIDE:
            planned.append((size, steps))
            steps = 0
    if not planned:
        height, width = fitted(content, recipe.size)
        raise PictureError(
            f"At a long side of {recipe.size} pixels this picture is {width}x{height}, too small "
            f"or too narrow to paint: each side needs {SMALLEST_SIDE} pixels. Use a larger size or "
            "a picture that is less narrow."
        )
    return planned


def resized(picture: NDArray[Any], size: Size) -> Picture:
    """Resample a picture, free of aliasing when it shrinks (Lanczos) and smooth when it grows.

    Floats that are of this size already are not copied. Bytes stay bytes on the way: a photo of 200
    megapixels as floats would take 2.4 GB.
    """
    if picture.dtype == np.float32 and picture.shape[:2] == size:
        return np.ascontiguousarray(picture)
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(_resampled(picture, size), dtype=np.float32)
    planes = [_plane(picture[:, :, colour], size) for colour in range(picture.shape[2])]
    stacked: Picture = np.stack(planes, axis=2)
    return stacked


def _plane(plane: NDArray[Any], size: Size) -> NDArray[np.float32]:
    return _resampled(plane.astype(np.float32, copy=False), size)


def _resampled(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """One plane of floats, or three of bytes."""
    if values.shape[:2] == size:
        return np.ascontiguousarray(values)
    shrinks = size[0] < values.shape[0]
    method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(values)).resize(size[::-1], method))


def carried(result: Picture, before: Picture, content: Picture) -> Picture:
    """Start of the next scale: the enlarged result and the detail of the content that it lacks.

    Args:
        result: what the last scale painted.
        before: the content at the last scale.
        content: the content at the next one.
    """
    size = size_of(content)
    return resized(result, size) + (content - resized(before, size))


def first(content: Picture, recipe: Recipe) -> Picture:
    """Start of the first scale: the content, noise, or a blend, by the recipe's seed."""
    if recipe.init == "content":
        return content
    noise = np.random.default_rng(recipe.seed).uniform(0, 255, content.shape).astype(np.float32)
    share = 1.0 if recipe.init == "noise" else recipe.init_noise
    mixed: Picture = (share * noise + (1 - share) * content).astype(np.float32)
    return mixed
