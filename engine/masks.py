"""Masks: what of a photo is painted, and what stays as it is.

White is painted, black keeps the photo, and grey gives so much of the one and the rest of the
other.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.averages import Plane, Size, resized, spread
from engine.errors import PictureError

_FLAT: Final = 0.9
"""Of the most that is seen further off, what is seen beside a hard edge at the least."""
_INWARDS: Final = 4
"""Power of the painted part by which a position counts. With 0 the painted side of a hard edge is
fringed with single pixels of pure green and magenta."""

_TINY: Final = float(np.finfo(np.float32).tiny)

_WHITE: Final = 254.99
"""What is above is white: averages of white are so but for rounding."""

_NOISE: Final = 8
"""Grey levels from black, and from white, that are meant to be that: JPEG has such noise."""


def painted(mask: NDArray[np.uint8], size: Size | None = None) -> Plane:
    """What of each pixel is painted, 0 to 1.

    A mask may be as large as a camera's photo: until it has the size of the picture it stays bytes.

    Args:
        mask: (H, W) or (H, W, 3), uint8; of colours the luma counts.
        size: height and width of the picture that it is laid over; unset, its own.

    Raises:
        PictureError: nothing at all.
    """
    levels = (np.arange(256) - _NOISE) / (255 - 2 * _NOISE)
    shares = np.asarray(np.rint(255 * levels.clip(0, 1)).astype(np.uint8)[luma(mask)])
    if not shares.any():
        raise PictureError(
            "The mask is black all over, so nothing would be painted. Paint white what is to be "
            "painted, and leave black what is to stay as it is."
        )
    at_size = resized(shares, size or (shares.shape[0], shares.shape[1]))
    at_size[at_size > _WHITE] = 255
    return np.asarray((at_size / 255).clip(0, 1))


def luma(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How light each pixel is, (H, W), of memory of its own."""
    return np.array(Image.fromarray(np.ascontiguousarray(mask)).convert("L"))


def inwards(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of regions under a mask, moved to where the most is painted; the shares stay.

    What sees the edge sees what cannot be painted too. A loss that counts there as it does
    elsewhere has that made up for by the pixels beside it, in glaring colours.

    Args:
        weights: (K, h, w), which add up to what is painted.
    """
    part = weights.sum(axis=0)
    moved = weights * (part / max(float(part.max()), _TINY)) ** _INWARDS
    before, left = (each.mean(axis=(1, 2), keepdims=True) for each in (weights, moved))
    return np.asarray(moved * (before / np.maximum(left, _TINY)), np.float32)


def composed(
    painting: NDArray[np.float32], photo: NDArray[Any], shares: Plane
) -> NDArray[np.float32]:
    """The painting where it is to be seen, and the photo elsewhere.

    Where the mask is white that is the painting to the last bit, and the photo where it is black.

    Args:
        painting: (H, W, 3).
        photo: in the same size.
        shares: what of each pixel is painted, (H, W).
    """
    seen = shares[:, :, np.newaxis]
    return np.asarray(seen * painting + (1 - seen) * photo, np.float32)


def restored(
    painting: NDArray[np.float32], photo: NDArray[Any], shares: Plane
) -> NDArray[np.float32]:
    """The painting wherever any of it is seen, and the photo where none is.

    Unlike what is `composed` it can be painted on: where half of it is seen it is not halved. But
    a pixel of which a quarter is seen was painted four times too bright, say, in pure colours; and
    in a larger size a hard edge lets some of what becomes of it be seen whole. So at such an edge,
    as far as it is seen less than others near it, what these are is put in its place.

    Args:
        painting: (H, W, 3).
        photo: in the same size.
        shares: what of each pixel is painted, (H, W).
    """
    most = _most_near(shares)
    own = shares / np.maximum(most, _TINY)
    found = np.where(shares[:, :, np.newaxis] > 0, painting, photo)
    loose = (own > 0) & (own < 1) & _is_hard(shares, most)
    weights = np.asarray(shares**_INWARDS, np.float32)
    summed = np.maximum(spread(spread(weights))[loose], _TINY)
    for number in range(found.shape[2]):
        near = spread(spread(weights * painting[:, :, number]))[loose] / summed
        found[loose, number] += (1 - own[loose]) * (near - found[loose, number])
    return found


def _is_hard(shares: Plane, most: Plane) -> NDArray[np.bool_]:
    """Where nothing is seen near a pixel, and beside that as much as there is further off.

    Along a soft edge there is more of it further off.
    """
    nothing = _most_near(np.asarray(shares <= 0, np.float32)) > 0
    return np.asarray(nothing & (most >= _FLAT * _most_near(most)))


def _most_near(shares: Plane) -> Plane:
    """The most of the 5x5 around each pixel."""
    return _most_around(_most_around(shares))


def _most_around(shares: Plane) -> Plane:
    """The most of the 3x3 around each pixel."""
    wide = np.pad(shares, 1)
    rows = np.maximum(np.maximum(wide[:-2], wide[1:-1]), wide[2:])
    return np.asarray(np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]))
