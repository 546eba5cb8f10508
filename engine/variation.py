"""The total variation loss: how rough a picture is, from each pixel to the next.

As d2l's chapter on style transfer has it: ``0.5 * (mean |right - left| + mean |below - above|)``,
in units of the full range (255). With the other norm squares take the place of amounts, in units of
the range's square: differences are then spread over many pixels, where amounts keep an edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.mx import Array, nd
from engine.sums import total

_RANGE: Final = 255
_ROUNDNESS: Final = 1.0
"""Grey levels below which an amount is rounded off, so that it has a gradient at 0."""


@dataclass(frozen=True)
class TotalVariation:
    """Mean amount, or mean square, of differences of neighbouring pixels.

    Attributes:
        factor: weight of the loss.
        squared: whether squares are meant. Amounts are rounded off under one grey level
            (sqrt(d^2 + 1)).
    """

    factor: float
    squared: bool = False

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
        if self.squared:
            scale = 0.5 * self.factor / _RANGE**2 / difference.size
            return total(nd.square(difference)) * scale, difference * (2 * scale)
        length = nd.sqrt(nd.square(difference) + _ROUNDNESS**2)
        scale = 0.5 * self.factor / _RANGE / difference.size
        return total(length) * scale, difference / length * scale
