"""A network that paints in one go: adaptive instance normalisation, for a first look.

Huang and Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance
Normalization". The photo's maps at relu4_1 are given the mean and the standard deviation that those
of the style have in each channel (equation 8), and a decoder that was trained for it makes a
picture of them. It computes on the processor in float32, whatever a painting is computed on.

As in its training, pooling is by the maximum and keeps an odd last row or column, all that is seen
beyond an edge is the picture as in a mirror, and variances are those of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from engine.blending import blended
from engine.errors import PictureError
from engine.layers import SMALLEST_SIDE, block_of
from engine.mx import Array, mx, nd
from engine.pyramid import Picture, size_of
from engine.relu import rectify
from engine.weights.adain import DECODER, ENCODER, ENTRY, AdainWeights

_LEAST: Final = 1e-5
"""Added to each variance, as in its training: nothing is divided by zero."""

_ENLARGED: Final = (DECODER[0], DECODER[4], DECODER[6])
"""Convolutions of the decoder after which maps become twice as large."""

_RANGE: Final = 255.0
_HALVES: Final = (2, 2)


class Adain:
    """The network, on the processor.

    Args:
        weights: of its convolutions.
    """

    def __init__(self, weights: AdainWeights) -> None:
        self._layers = {
            name: tuple(nd.array(part, ctx=mx.cpu()) for part in pair)
            for name, pair in weights.layers.items()
        }

    def painted(
        self, photo: Picture, styles: Sequence[tuple[float, Picture]], alpha: float = 1.0
    ) -> Picture:
        """A photo in a style, or in a blend of several.

        Args:
            photo: (H, W, 3) float32, RGB, 0 to 255, of any size from 32x32 on.
            styles: the share of each and its picture, likewise; the shares add up to 1
                (equation 15; what it is made of is linear in means and deviations).
            alpha: 0 to 1, how much of the style there is (equation 14).

        Returns:
            (H, W, 3) float32, of the photo's size; it may leave 0 to 255 by a little.

        Raises:
            PictureError: one of them is too small.
        """
        _check([photo, *(picture for _, picture in styles)])
        wanted = blended([(share, self._statistics(picture)) for share, picture in styles])
        maps = self._encoded(photo)
        changed = _renormalised(maps, wanted)
        mixed = changed if alpha == 1 else alpha * changed + (1 - alpha) * maps
        return _picture(self._decoded(mixed), size_of(photo))

    def _statistics(self, picture: Picture) -> dict[str, Array]:
        mean, deviation = _moments(self._encoded(picture))
        return {"mean": mean, "deviation": deviation}

    def _encoded(self, picture: Picture) -> Array:
        """Its maps at relu4_1."""
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], np.float32)
        maps = self._convolved(ENTRY, nd.array(planes / _RANGE, ctx=mx.cpu()))
        for before, name in pairwise(("", *ENCODER)):
            if before and block_of(before) != block_of(name):
                maps = _pooled(maps)
            maps = rectify(self._convolved(name, _mirrored(maps)))
        return maps

    def _decoded(self, maps: Array) -> Array:
        """The picture, (1, 3, H, W), that such maps are of: H and W are multiples of 8."""
        for name in DECODER:
            maps = self._convolved(name, _mirrored(maps))
            if name != DECODER[-1]:
                rectify(maps)
            if name in _ENLARGED:
                maps = nd.UpSampling(maps, scale=2, sample_type="nearest")
        return maps

    def _convolved(self, name: str, maps: Array) -> Array:
        kernel, bias = self._layers[name]
        return nd.Convolution(
            maps, kernel, bias, num_filter=kernel.shape[0], kernel=kernel.shape[2:]
        )


def _check(pictures: Sequence[Picture]) -> None:
    for picture in pictures:
        if min(size_of(picture)) < SMALLEST_SIDE:
            height, width = size_of(picture)
            raise PictureError(
                f"A picture of {width}x{height} pixels is too small for a first look: each side "
                f"needs {SMALLEST_SIDE}."
            )


def _mirrored(maps: Array) -> Array:
    return nd.pad(maps, mode="reflect", pad_width=(0, 0, 0, 0, 1, 1, 1, 1))


def _pooled(maps: Array) -> Array:
    # The convention "full" keeps a window that reaches over the edge.
    return nd.Pooling(
        maps, kernel=_HALVES, stride=_HALVES, pool_type="max", pooling_convention="full"
    )


def _moments(maps: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each channel, (1, C, 1, 1)."""
    positions = maps.shape[2] * maps.shape[3]
    mean = nd.mean(maps, axis=(2, 3), keepdims=True)
    squares = nd.sum(nd.square(nd.broadcast_sub(maps, mean)), axis=(2, 3), keepdims=True)
    return mean, nd.sqrt(squares / (positions - 1) + _LEAST)


def _renormalised(maps: Array, wanted: dict[str, Any]) -> Array:
    """Equation 8."""
    mean, deviation = _moments(maps)
    factor = wanted["deviation"] / deviation
    return nd.broadcast_add(nd.broadcast_mul(nd.broadcast_sub(maps, mean), factor), wanted["mean"])


def _picture(planes: Array, size: tuple[int, int]) -> Picture:
    """As a picture, without what was added so that the sides could be halved three times."""
    height, width = size
    picture: Picture = planes[0].asnumpy().transpose(1, 2, 0)[:height, :width] * np.float32(_RANGE)
    return np.ascontiguousarray(picture)
