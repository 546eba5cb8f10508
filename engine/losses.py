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
from typing import Any, Final, Protocol

import numpy as np

from engine.gram import products
from engine.mx import Array, nd
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf
from engine.sums import total

Place = tuple[slice, slice]
"""Rows and columns of the whole picture's maps where a tile's lie."""

_ROUNDNESS: Final = 1.0
"""Grey levels below which the total variation is rounded off, so that it has a gradient at 0."""


def mixed(maps: Array, matrix: Array, out: Array | None = None) -> Array:
    """Channels mixed by a matrix (C, C): M F for maps F (1, C, h, w), shaped as these.

    As the way back of a convolution of 1x1, which leaves the maps in oneDNN's blocked layout. A
    product would not, and the way forth has another layout of its own, in which this gradient could
    not be added to that of the layers behind. Maps of bfloat16 stay of that type: to bring them to
    float32 and back takes longer than the work itself.

    Args:
        maps: of any type.
        matrix: float32.
        out: where to write it, if that is to be an array which is there.
    """
    channels = maps.shape[1]
    matrix = nd.transpose(matrix.reshape((channels, channels, 1, 1)), axes=(1, 0, 2, 3))
    kernel = _like(maps, matrix)
    return nd.Deconvolution(maps, kernel, kernel=(1, 1), num_filter=channels, no_bias=True, out=out)


def _like(maps: Array, values: Array) -> Array:
    """Values of the type of maps."""
    same = values.dtype == maps.dtype
    # numpy's type, not MXNet's name of it, which `amp_cast` does not know for bfloat16.
    return values if same else nd.amp_cast(values, dtype=np.dtype(maps.dtype))


def cut(maps: Array, place: Place) -> Array:
    """The maps of one place; the whole is not copied."""
    shape = tuple(each.stop - each.start for each in place)
    return maps if shape == maps.shape[2:] else maps[:, :, place[0], place[1]]


def energy(target: Array) -> float:
    """Mean square of a target; a blank one has a tiny energy, so that nothing is divided by 0."""
    mean = float(total(nd.square(target)).asscalar()) / int(target.size)
    return max(mean, 1e-12)


class TapLoss(Protocol):
    """A loss on the maps of one tap, in three parts, so that the maps may come tile by tile.

    What `measure` gives for the tiles of a picture adds up to what it gives for the whole. From the
    sum `conclude` makes the loss, and what `pull` needs to give its gradient, tile by tile.
    """

    def measure(self, maps: Array, place: Place) -> Array:
        """What the loss has to know of a tile's maps."""
        ...

    def conclude(self, measured: Array) -> tuple[Array, Any]:
        """Value (1,) for the whole picture, and the pull."""
        ...

    def pull(self, maps: Array, place: Place, by: Any) -> Array:
        """Gradient on a tile's maps, shaped as they are; of their type or float32."""
        ...


@dataclass(frozen=True)
class ContentLoss:
    """Mean square between feature maps and the content's (equation 1).

    Attributes:
        target: maps of the content, (1, C, h, w), of the whole picture.
        factor: weight of the loss over the energy of the target (or over 1).
        shelf: where to take arrays from for differences.
    """

    target: Array
    factor: float
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:
        """Sum of squared differences, (1,)."""
        difference = self._difference(maps, place)
        measured = total(nd.square(difference))
        self.shelf.put(difference)
        return measured

    def conclude(self, measured: Array) -> tuple[Array, None]:
        """Value (1,); the pull is the same at every value (equation 2)."""
        return measured * (self.factor / self.target.size), None

    def pull(self, maps: Array, place: Place, by: None) -> Array:  # noqa: ARG002 - see conclude
        """Gradient, (1, C, h, w) (equation 2)."""
        difference = self._difference(maps, place)
        difference *= 2 * self.factor / self.target.size
        return difference

    def _difference(self, maps: Array, place: Place) -> Array:
        target = cut(self.target, place)
        return self.shelf.made(
            target.shape,
            np.float32,
            lambda out: nd.elemwise_sub(raised(maps), target, out=out),
        )


@dataclass(frozen=True)
class StyleLoss:
    """Mean square between Gram matrices of the maps and of the style (equation 4).

    Attributes:
        target: Gram matrix of the style, (C, C).
        factor: weight of the loss over the energy of the target (or over 1).
        size: elements of the whole picture's maps, C h w.
        shelf: where to take arrays from for gradients.
    """

    target: Array
    factor: float
    size: int
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:  # noqa: ARG002 - no place is special
        """Products of channels, (C, C)."""
        return products(maps, self.shelf)

    def conclude(self, measured: Array) -> tuple[Array, Array]:
        """Value (1,), and the matrix (C, C) that pulls the maps (equation 6)."""
        difference = measured / self.size - self.target
        value = total(nd.square(difference)) * (self.factor / difference.size)
        # d G / d F gives twice (the Gram matrix is symmetric), the square gives the other two.
        return value, difference * (4 * self.factor / difference.size / self.size)

    def pull(self, maps: Array, place: Place, by: Array) -> Array:  # noqa: ARG002 - as in measure
        """Gradient, (1, C, h, w) (equation 6)."""
        return self.shelf.made(maps.shape, maps.dtype, lambda out: mixed(maps, by, out))


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
        scale = 0.5 * self.factor / 255 / difference.size
        return total(length) * scale, difference / length * scale
