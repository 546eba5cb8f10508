"""What all drawings share: coordinates, colours, noise, light on paint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Field = NDArray[np.float32]
"""(H, W) float32, or (H, W, 3) with colours from 0 to 1."""


def coordinates(width: int, height: int) -> tuple[Field, Field]:
    """The pixels' centres, x to the right and y downwards, with the picture's height as unit."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return (x + 0.5) / height, (y + 0.5) / height


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high` (or the other way round), smooth between them."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def rgb(code: str) -> Field:
    """A colour from its code, such as `#1b2a49`: (3,) float32, 0 to 1."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def mix(first: Field, second: Field, share: Field | float) -> Field:
    """Colours: `first` where `share` is 0, `second` where it is 1."""
    weight = np.asarray(share, np.float32)[..., None]
    return np.asarray(first + (second - first) * weight, np.float32)


def ramp(value: Field, stops: Sequence[tuple[float, str]]) -> Field:
    """Colours along a scale: `stops` are positions, rising, and their colours."""
    positions = [position for position, _ in stops]
    colours = np.array([rgb(code) for _, code in stops])
    channels = [np.interp(value, positions, colours[:, i]) for i in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def resize(field: Field, width: int, height: int) -> Field:
    """A (H, W) field at another size, bicubic."""
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def noise(  # noqa: PLR0913 - the first three are one thing: what to fill with what
    rng: np.random.Generator,
    width: int,
    height: int,
    cells: float,
    *,
    octaves: int = 4,
    stretch: float = 1.0,
) -> Field:
    """Smooth fractal noise, about -1 to 1.

    Args:
        rng: where the randomness comes from; the same numbers are drawn at any size.
        width: of the field, pixels.
        height: of the field, pixels.
        cells: bumps of the coarsest octave over the picture's height.
        octaves: each has bumps half as large and half as high as the last one's.
        stretch: how much longer than high the bumps are.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        rows = round(cells * 2**octave) + 1
        columns = round(cells * 2**octave * width / height / stretch) + 1
        bumps = rng.standard_normal((max(rows, 2), max(columns, 2))).astype(np.float32)
        total += resize(bumps, width, height) * 0.5**octave
    return total / np.float32(1.6)


def blur(field: Field, radius: float) -> Field:
    """Gaussian blur of a (H, W) field or of colours; `radius` in pixels."""
    if field.ndim == 3:
        return np.stack([blur(field[..., i], radius) for i in range(field.shape[2])], axis=-1)
    low, high = float(field.min()), float(field.max())
    span = max(high - low, 1e-6)
    steps = 3  # box blurs in a row are nearly a Gaussian, and they work on floats
    for _ in range(steps):
        field = _box(field, radius * np.sqrt(12 / steps) / 2)
    return np.clip(field, low, low + span)


def _box(field: Field, half: float) -> Field:
    size = max(2 * round(half - 0.5) + 1, 1)
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (size // 2 + 1, size // 2)
        total = np.cumsum(np.pad(field, pad, mode="edge"), axis=axis, dtype=np.float64)
        ahead, behind = [slice(None)] * 2, [slice(None)] * 2
        ahead[axis], behind[axis] = slice(size, None), slice(None, -size)
        field = ((total[tuple(ahead)] - total[tuple(behind)]) / size).astype(np.float32)
    return field


def sample(field: Field, x: Field, y: Field, *, wrap: bool = False) -> Field:
    """The field (or picture) at points given in pixels, bilinear; outside, the edge or a repeat."""
    height, width = field.shape[:2]
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    a, b = (x - left).astype(np.float32), (y - top).astype(np.float32)
    if field.ndim == 3:
        a, b = a[..., None], b[..., None]

    def at(column: NDArray[np.int32], row: NDArray[np.int32]) -> Field:
        if wrap:
            return field[row % height, column % width]
        return field[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]

    upper = at(left, top) * (1 - a) + at(left + 1, top) * a
    lower = at(left, top + 1) * (1 - a) + at(left + 1, top + 1) * a
    return np.asarray(upper * (1 - b) + lower * b, np.float32)


def relief(thickness: Field, strength: float, *, angle: float = -2.2) -> Field:
    """Light falling on a surface from the side: about 1 where flat, less in the shade.

    Args:
        thickness: of the paint, the tile, the wood; in pixels.
        strength: of the shading.
        angle: where the light comes from, radians, 0 is the right and -pi/2 the top.
    """
    down, right = np.gradient(thickness)
    facing = np.cos(angle) * right + np.sin(angle) * down
    return np.asarray(1 - strength * facing / np.sqrt(1 + right**2 + down**2), np.float32)


def shrink(picture: Field, factor: int) -> Field:
    """A picture drawn `factor` times too large, averaged down."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    blocks = picture[: height * factor, : width * factor]
    blocks = blocks.reshape(height, factor, width, factor, -1)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def to_image(picture: Field) -> Image.Image:
    """Colours from 0 to 1 as a Pillow picture."""
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def from_image(image: Image.Image) -> Field:
    """A Pillow picture as colours (or one channel) from 0 to 1."""
    return np.asarray(image, np.float32) / 255


def soften(image: Image.Image, radius: float) -> Image.Image:
    """A Pillow picture, blurred."""
    return image.filter(ImageFilter.GaussianBlur(radius))
