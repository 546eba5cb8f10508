"""What losses are, and what they share: each gives its value and its gradient in closed form.

Each is in a module of its own: `content_loss`, `gram`, `wasserstein`, `histogram`, `variation`.

All are mean squares in place of sums, so that a weight means the same at every size. With the
`relative` normalisation each loss is further divided by the energy of its target, so that a weight
means the same at every depth too: with average pooling the raw activations shrink so fast with
depth that the raw Gram loss of conv5_1 is a 30,000th of conv4_1's, and the large shapes of a style
would never appear.

Values are (1,) float32 arrays on the device. Scalars of gradients are folded into the smallest
factor at hand, never multiplied onto whole feature maps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.mx import Array, autograd, nd
from engine.shelf import NO_SHELF, Shelf
from engine.sums import total

Place = tuple[slice, slice]
"""Rows and columns of the whole picture's maps where a tile's lie."""

Parts = Mapping[str, NDArray[np.float32]]
"""What is known of a style at one tap, for one kind of loss: arrays by the names of its parts."""

LEAST_ENERGY: Final = 1e-12
"""Of a blank target, so that nothing is divided by 0."""

AS_OF_PRODUCTS: Final = 4
"""What makes a relative square distance between values as large as one between their products: of
values that are t times as large the one is (t - 1)^2 and the other (t^2 - 1)^2, which near 1 is
four times that. With it the gradients of the losses of values are as long as that of Gram matrices
(measured on two pictures: 12 % longer with means and covariances, 5 % shorter with histograms)."""


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


def shifted(maps: Array, shift: Array, out: Array | None = None) -> Array:
    """Maps (1, C, h, w) with a number for each channel added, in the layout that they have.

    As a convolution of each channel by itself: the bias of the way back of one, and a sum that
    broadcasts, take fifty times as long in bfloat16.

    Args:
        maps: of any type.
        shift: (C,) float32.
        out: where to write it, if that is to be an array which is there, and other than the maps.
    """
    channels = maps.shape[1]
    unit = nd.ones((channels, 1, 1, 1), ctx=maps.context)
    kernel, bias = (_like(maps, each) for each in (unit, shift))
    with autograd.train_mode():  # see `engine.operators`
        return nd.Convolution(
            maps, kernel, bias, kernel=(1, 1), num_filter=channels, num_group=channels, out=out
        )


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
    return max(mean, LEAST_ENERGY)


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
class Aim:
    """What is asked of a style loss at one tap, whatever its kind.

    Attributes:
        weight: of the loss.
        relative: whether it is divided by the energy of its target.
        size: elements of the whole picture's maps, C h w.
        lay: lays an array on the device.
        shelf: where to take arrays from for gradients.
        raw: whether maps come as they are in the network, in the arrays in which they lie there.
    """

    weight: float
    relative: bool
    size: int
    lay: Callable[[NDArray[np.float32]], Array]
    shelf: Shelf = NO_SHELF
    raw: bool = False

    def factor(self, energy: float) -> float:
        """What the plain loss is multiplied with, for the energy of a target."""
        return self.weight / energy if self.relative else self.weight


@dataclass(frozen=True)
class StyleKind:
    """One way to compare maps with those of a style, of which statistics alone are known.

    Attributes:
        parts: what the statistics at one tap are called.
        measured: what has to be known of maps (1, C, h, w), which adds up over tiles.
        statistics: the parts, in their order, from that of all tiles and from C h w.
        loss: with these statistics as its target.
        measures_narrow: whether maps are measured as they are, of less than float32 too.
        pulls_narrow: whether gradients are of the type of the maps; else they are float32.
        passing: arrays like a gradient, from the shelf, that are there only while it is made.
    """

    parts: tuple[str, ...]
    measured: Callable[[Array], Array]
    statistics: Callable[[Array, int], tuple[NDArray[np.float32], ...]]
    loss: Callable[[Parts, Aim], TapLoss]
    measures_narrow: bool = False
    pulls_narrow: bool = False
    passing: int = 0
