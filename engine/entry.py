"""The picture on its way into the first layer, and its gradient on the way out."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.mx import Array, autograd, nd
from engine.operators import slope
from engine.precision import Precision
from engine.weights import Convention

COLOURS: Final = 3

Edge = Literal["edge", "reflect"]
"""As numpy and MXNet call it."""


class Entry:
    """Maps RGB in 0 to 255 to what the weights were trained on, a convolution of 1x1.

    Args:
        convention: of the weights' input.
        channels: that the first layer takes; those beyond the colours are zero.
        context: MXNet context to live on.
        precision: of the layers.
        edge: what is put once around the picture: its edge again, or what lies before that as in a
            mirror; the first layer then pads no zeros. Nothing, if it is not given.
    """

    def __init__(
        self,
        convention: Convention,
        channels: int,
        context: Any,
        precision: Precision,
        *,
        edge: Edge | None = None,
    ) -> None:
        factor, shift = _input_map(convention)
        kernel = np.zeros((channels, COLOURS, 1, 1), np.float32)
        kernel[range(COLOURS), range(COLOURS), 0, 0] = factor
        bias = np.pad(shift, (0, channels - COLOURS))
        self._kernel = nd.array(kernel, ctx=context)
        # Maps are in the precision's unit; gradients are told in the picture's (see `Carried`).
        self._scaled = [precision.entering(nd.array(each, ctx=context)) for each in (kernel, bias)]
        self._precision = precision
        self._edge = edge

    def forth(self, picture: Array) -> Array:
        """What goes into the first layer, (1, channels, h, w), of the precision.

        Args:
            picture: (1, 3, H, W) float32, RGB, 0 to 255.
        """
        wide = picture if self._edge is None else self._edged(picture)
        channels = self._kernel.shape[0]
        with autograd.train_mode():  # see `engine.operators`
            mapped = nd.Convolution(wide, *self._scaled, kernel=(1, 1), num_filter=channels)
        return self._precision.lowered(mapped)

    def back(self, gradient: Array, picture: Array) -> Array:
        """Gradient of the picture, (1, 3, H, W) float32.

        Args:
            gradient: of what went into the first layer, float32.
            picture: what went in.
        """
        found = nd.Deconvolution(
            gradient, self._kernel, kernel=(1, 1), num_filter=COLOURS, no_bias=True
        )
        return found if self._edge is None else slope(self._edged, picture, found)

    def _edged(self, picture: Array) -> Array:
        return nd.pad(picture, mode=self._edge, pad_width=(0, 0, 0, 0, 1, 1, 1, 1))


def _input_map(convention: Convention) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor and shift, (3,), for red, green and blue."""
    flip = slice(None, None, -1) if convention.order == "BGR" else slice(None)
    mean = np.asarray(convention.mean, np.float64)[flip]
    scale = np.asarray(convention.scale, np.float64)[flip]
    factor = convention.range / 255.0 / scale
    return factor.astype(np.float32), (-mean / scale).astype(np.float32)
