"""Content, style and total variation losses: each gives its value and its gradient in closed form.

Gatys, Ecker, Bethge 2016, equations 1 to 6, with mean squares in place of sums, so that a weight
means the same at every size. With the `relative` normalisation each loss is further divided by the
energy of its target, so that a weight means the same at every depth too: with average pooling the
raw activations shrink so fast with depth that the raw style loss of conv5_1 is a 30,000th of
conv4_1's, and the large shapes of a style would never appear.

Values are (1,) float32 arrays on the device. Scalars of gradients are folded into the smallest
factor at hand, never multiplied onto whole feature maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.mx import Array, nd

_ROUNDNESS: Final = 1.0
"""Grey levels below which the total variation is rounded off, so that it has a gradient at 0."""


def gram(maps: Array) -> Array:
    """Gram matrix F F' / (C h w) of feature maps (1, C, h, w), as (C, C) (equation 3)."""
    flat = maps.reshape((maps.shape[1], -1))
    return nd.dot(flat, flat, transpose_b=True) / flat.size


def energy(target: Array) -> float:
    """Mean square of a target; a blank one has a tiny energy, so that nothing is divided by 0."""
    return max(float(nd.mean(nd.square(target)).asscalar()), 1e-12)


@dataclass(frozen=True)
class ContentLoss:
    """Mean square between feature maps and the content's (equation 1).

    Attributes:
        target: maps of the content, (1, C, h, w).
        factor: weight of the loss over the energy of the target (or over 1).
    """

    target: Array
    factor: float

    def __call__(self, maps: Array) -> tuple[Array, Array]:
        """Return value (1,) and gradient (1, C, h, w) (equation 2)."""
        difference = nd.elemwise_sub(maps, self.target)
        value = nd.mean(nd.square(difference)) * self.factor
        return value, difference * (2 * self.factor / maps.size)


@dataclass(frozen=True)
class StyleLoss:
    """Mean square between Gram matrices of the maps and of the style (equation 4).

    Attributes:
        target: Gram matrix of the style, (C, C).
        factor: weight of the loss over the energy of the target (or over 1).
    """

    target: Array
    factor: float

    def __call__(self, maps: Array) -> tuple[Array, Array]:
        """Return value (1,) and gradient (1, C, h, w) (equation 6)."""
        difference = gram(maps) - self.target
        value = nd.mean(nd.square(difference)) * self.factor
        # d G / d F gives twice (the Gram matrix is symmetric), the square gives the other two.
        small = difference * (4 * self.factor / difference.size / maps.size)
        return value, nd.dot(small, maps.reshape((maps.shape[1], -1))).reshape(maps.shape)


@dataclass(frozen=True)
class TotalVariation:
    """Mean absolute difference of neighbouring pixels, as d2l's chapter on style transfer has it.

    ``0.5 * (mean |right - left| + mean |below - above|)``, in units of the full range (255), each
    absolute value rounded off under one grey level (sqrt(d^2 + 1)).

    Attributes:
        factor: weight of the loss.
    """

    factor: float

    def __call__(self, image: Array) -> tuple[Array, Array]:
        """Return value (1,) and gradient (1, 3, H, W) for an image in 0 to 255."""
        value, gradient = 0, nd.zeros_like(image)
        for axis in (2, 3):
            part, slope = self._along(image, axis)
            edge = nd.zeros_like(nd.slice_axis(image, axis=axis, begin=0, end=1))
            gradient = (
                gradient + nd.concat(edge, slope, dim=axis) - nd.concat(slope, edge, dim=axis)
            )
            value = part + value
        return value, gradient

    def _along(self, image: Array, axis: int) -> tuple[Array, Array]:
        ahead = nd.slice_axis(image, axis=axis, begin=1, end=None)
        behind = nd.slice_axis(image, axis=axis, begin=0, end=-1)
        difference = ahead - behind
        length = nd.sqrt(nd.square(difference) + _ROUNDNESS**2)
        scale = 0.5 * self.factor / 255
        return nd.mean(length) * scale, difference / length * (scale / difference.size)
