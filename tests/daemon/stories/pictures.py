"""Photos that are told apart by their bytes, and by the colour of what is painted of them.

The stand-in for the engine paints a picture of one colour: the photo's mean and the style's, mixed.
So the red of a result says which style was taken, and green and blue say which photo. A photo is
noisy enough to be some kilobytes long, and half of it has another colour than the whole.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from PIL import Image

Kind = Literal["jpg", "png"]
FINE: Final = tuple(range(100, 254, 8))
"""The reds of styles that are painted with at once; that of a slow or a deadly one is its grey."""

_RED: Final = 128  # of every photo
_FIRST: Final = 32  # green and blue of the photo 0
_STEP: Final = 8  # a JPEG's colours are off by one or two
_EACH: Final = 25  # so many greens
_SIZE: Final = (48, 64)
_NOISE: Final = 9.0
NEAR: Final = 3.5
"""A colour is off by less than this."""

_FORMATS: Final = {"jpg": "JPEG", "png": "PNG"}


@dataclass(frozen=True)
class Painted:
    """What a result is of: the photo's number and the style's red, nearly."""

    number: int
    red: float


def photo(number: int, kind: Kind) -> bytes:
    """The file of a photo; another number gives another one."""
    row, column = divmod(number, _EACH)
    colour = (_RED, _FIRST + _STEP * column, _FIRST + _STEP * row)
    noise = np.random.default_rng(number).normal(0.0, _NOISE, (*_SIZE, 1))
    noise -= noise.mean()
    pixels = np.rint(np.clip(noise + colour, 0, 255)).astype(np.uint8)
    return _file(pixels, kind)


def style(red: int) -> bytes:
    """The file of a style."""
    return _file(np.full((*_SIZE, 3), (red, 0, 0), np.uint8), "png")


def what_is_painted(data: bytes) -> Painted | None:
    """What a result is of; None if it is of nothing that was ever made here."""
    try:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float64)
    except OSError:
        return None
    colour = pixels.mean(axis=(0, 1)) * 2.0
    column, row = (round((value - _FIRST) / _STEP) for value in colour[1:])
    nearest = np.array([_FIRST + _STEP * column, _FIRST + _STEP * row])
    if np.abs(colour[1:] - nearest).max() > NEAR:
        return None
    return Painted(row * _EACH + column, float(colour[0]) - _RED)


def _file(pixels: np.ndarray, kind: Kind) -> bytes:
    file = io.BytesIO()
    how = {"quality": 95, "subsampling": 0} if kind == "jpg" else {}
    Image.fromarray(pixels).save(file, _FORMATS[kind], **how)
    return file.getvalue()
