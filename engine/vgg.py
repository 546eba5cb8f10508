"""VGG-19 as a chain of layers: feature maps at the taps forward, the image's gradient backward.

The network is column E of table 1 in Simonyan and Zisserman 2015, without its three fully
connected layers: style transfer reads feature maps, and no gradient ever comes from behind the
deepest tap. Pooling is the average by default (Gatys, Ecker, Bethge 2016, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.entry import COLOURS, Edge, Entry
from engine.layers import is_pooling
from engine.mx import Array, nd
from engine.operators import Convolution, Layer, Pooling
from engine.passage import Passage
from engine.precision import FLOAT32, Precision
from engine.recipe import CONVOLUTIONS, Recipe
from engine.shelf import NO_SHELF, Shelf
from engine.traces import Traces
from engine.weights import Weights

_WIDE: Final = 16
_EDGES: Final[Mapping[str, Edge | None]] = MappingProxyType(
    {"zeros": None, "reflect": "reflect", "replicate": "edge"}
)
"""What the entry puts around the picture for each padding of a recipe."""


class Vgg:
    """The convolutions of VGG-19 with trained weights, resident on a device.

    Args:
        weights: trained weights, (out, in, 3, 3) float32 a layer, and their input convention.
        context: MXNet context to live on.
        precision: of the maps inside; what goes in and comes out is float32 whatever it is.

    Attributes:
        precision: the same.
        entering: channels that go into the first layer: the colours, and what they are widened by.
    """

    def __init__(self, weights: Weights, context: Any, precision: Precision = FLOAT32) -> None:
        self._context = context
        self.precision = precision
        self._parameters = {
            name: self._laid_in_low(*_rgb_first(name, pair, weights))
            for name, pair in weights.layers.items()
        }
        self._kernels_back: dict[str, Array] = {}
        self.entering = self._parameters[CONVOLUTIONS[0]][0].shape[1]
        self._entries = {
            padding: Entry(weights.convention, self.entering, context, precision, edge=edge)
            for padding, edge in _EDGES.items()
        }

    def passage(
        self, layers: Sequence[str], wanted: Iterable[str], recipe: Recipe, shelf: Shelf = NO_SHELF
    ) -> Passage:
        """One way through some layers, to be gone forth and, if it was recorded, back.

        Args:
            layers: in the network's order, such as `engine.layers.chain_to` gives.
            wanted: layers whose results (for convolutions after the ReLU) are asked for.
            recipe: says the pooling (average or maximum of 2x2, stride 2, an odd last row or column
                left out) and the padding of the first convolution.
            shelf: where arrays of one step wait for the next.
        """
        chain = [self._layer(name, recipe) for name in layers]
        entry = self._entries[recipe.padding] if layers[0] == CONVOLUTIONS[0] else None
        return Passage(chain, set(wanted), entry, self.precision, shelf)

    def traces(self, layers: Sequence[str], wanted: Iterable[str], recipe: Recipe) -> Traces:
        """The same for any layers but the first, with traces; poolings by the average alone.

        Args:
            layers: see `passage`; without `conv1_1`, which knows paddings and pictures.
            wanted: likewise.
            recipe: likewise.

        Raises:
            ValueError: the recipe pools by the maximum, of which traces would not be enough; or
                `conv1_1` is among the layers.
        """
        if recipe.pooling != "avg":
            raise ValueError("the way back through a maximum needs what went in")
        if CONVOLUTIONS[0] in layers:
            raise ValueError("the first convolution leaves no traces: it is what knows of paddings")
        return Traces([self._layer(name, recipe) for name in layers], set(wanted), self.precision)

    def _layer(self, name: str, recipe: Recipe) -> Layer:
        if is_pooling(name):
            return Pooling(name, recipe.pooling)
        edged = name == CONVOLUTIONS[0] and _EDGES[recipe.padding] is not None  # see `Entry`
        kernel_back = partial(self._kernel_back, name)
        return Convolution(name, *self._parameters[name], kernel_back, pad=0 if edged else 1)

    def _kernel_back(self, name: str) -> Array:
        """A kernel of the way back, made when it is first asked for: styles go forth alone."""
        kernel = self._parameters[name][0]
        if self._context.device_type == "gpu":
            return kernel  # nothing is laid out in blocks there
        if name not in self._kernels_back:
            kernel = kernel.copy()
            kernel.wait_to_read()
            self._kernels_back[name] = kernel
        return self._kernels_back[name]

    def _laid_in_low(
        self, kernel: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> tuple[Array, Array]:
        # Cast on the device from float32: numpy has no bfloat16 to make arrays of.
        low = self.precision
        kernel = _widened(kernel, low)
        kernel, bias = (nd.array(each, ctx=self._context) for each in (kernel, bias))
        return low.lowered(kernel), low.lowered(low.entering(bias))

    def to_device(self, picture: np.ndarray[Any, Any]) -> Array:
        """Lay a picture (H, W, 3), RGB, 0 to 255, on the device as (1, 3, H, W) float32."""
        return self.laid(np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], np.float32))

    def laid(self, values: NDArray[np.float32]) -> Array:
        """Lay an array on the device as it is."""
        return nd.array(values, ctx=self._context, dtype=np.float32)


def _widened(kernel: NDArray[np.float32], precision: Precision) -> NDArray[np.float32]:
    """The first kernel, for bfloat16, with channels of the picture that are always zero.

    oneDNN has no kernel in bfloat16 for three channels: it would multiply matrices, and give maps
    in a layout that has to be changed for each of the layers that read them. For sixteen it has.
    """
    if precision.name != "bfloat16" or kernel.shape[1] != COLOURS:
        return kernel
    return np.pad(kernel, ((0, 0), (0, _WIDE - COLOURS), (0, 0), (0, 0)))


def _rgb_first(name: str, pair: Any, weights: Weights) -> Any:
    """Turn the first convolution's input axis to RGB, so that the image need not be turned."""
    kernel, bias = pair
    if name == CONVOLUTIONS[0] and weights.convention.order == "BGR":
        kernel = np.ascontiguousarray(kernel[:, ::-1])
    return kernel, bias
