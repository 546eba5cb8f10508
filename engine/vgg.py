"""VGG-19 as a chain of layers: feature maps at the taps forward, the image's gradient backward.

The network is column E of table 1 in Simonyan and Zisserman 2015, without its three fully
connected layers: style transfer reads feature maps, and no gradient ever comes from behind the
deepest tap. Pooling is the average by default (Gatys, Ecker, Bethge 2016, section 2).

Each layer is recorded alone and the chain rule between layers is done here. Against one recorded
graph this costs nothing in time, gives every tap's gradient a place to be added, and lets each
activation go as soon as the backward pass has used it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.layers import inputs_of, is_pooling
from engine.mx import Array, autograd, nd
from engine.precision import FLOAT32, Carried, Precision
from engine.recipe import CONVOLUTIONS, Recipe
from engine.relu import let_through, rectify
from engine.traces import TracedLayer, Traces, turned
from engine.weights import Convention, Weights

_COLOURS: Final = 3
_WIDE: Final = 16


@dataclass
class _Recorded:
    """What one layer leaves behind for the backward pass."""

    name: str
    source: Array
    result: Array


class Vgg:
    """The convolutions of VGG-19 with trained weights, resident on a device.

    Args:
        weights: trained weights, (out, in, 3, 3) float32 a layer, and their input convention.
        context: MXNet context to live on.
        precision: of the maps inside; what goes in and comes out is float32 whatever it is.

    Attributes:
        precision: the same.
    """

    def __init__(self, weights: Weights, context: Any, precision: Precision = FLOAT32) -> None:
        self._context = context
        self.precision = precision
        self._factor, self._shift = _input_map(weights.convention, context)
        self._parameters = {
            name: self._laid_in_low(*_rgb_first(name, pair, weights))
            for name, pair in weights.layers.items()
        }
        self._turned: dict[str, Array] = {}

    def passage(self, layers: Sequence[str], wanted: Iterable[str], recipe: Recipe) -> Passage:
        """One way through some layers, to be gone forth and, if it was recorded, back.

        Args:
            layers: in the network's order, such as `engine.layers.chain_to` gives.
            wanted: layers whose results (for convolutions after the ReLU) are asked for.
            recipe: says the pooling (average or maximum of 2x2, stride 2, an odd last row or column
                left out) and the padding of the first convolution.
        """
        chain = [(name, self._layer(name, recipe)) for name in layers]
        entry = (self._factor, self._shift) if layers[0] == CONVOLUTIONS[0] else None
        return Passage(chain, set(wanted), entry, self.precision)

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
        chain = [TracedLayer(name, self._layer(name, recipe), self._back(name)) for name in layers]
        return Traces(chain, set(wanted), self.precision)

    def _back(self, name: str) -> Array | None:
        """Kernel of the way back, made when it is first asked for: most pictures need none."""
        if not is_pooling(name) and name not in self._turned:
            low = self.precision
            kernel = low.lowered(turned(low.raised(self._parameters[name][0])))
            kernel.wait_to_read()  # kept only once it is there: a card may have had no room for it
            self._turned[name] = kernel
        return self._turned.get(name)

    def _laid_in_low(
        self, kernel: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> tuple[Array, Array]:
        # Cast on the device from float32: numpy has no bfloat16 to make arrays of.
        low = self.precision
        kernel = _widened(kernel, low)
        kernel, bias = (nd.array(each, ctx=self._context) for each in (kernel, bias))
        return low.lowered(kernel), low.lowered(low.entering(bias))

    def _layer(self, name: str, recipe: Recipe) -> Callable[[Array], Array]:
        """One layer, a convolution without its ReLU.

        To the first of a passage float32 is given, and the cast is a part of it.
        """
        lowered = self.precision.lowered
        if is_pooling(name):
            return lambda x: nd.Pooling(
                lowered(x), kernel=(2, 2), stride=(2, 2), pool_type=recipe.pooling
            )
        kernel, bias = self._parameters[name]
        missing = kernel.shape[1] - inputs_of(name)  # see `_widened`
        replicates = name == CONVOLUTIONS[0] and recipe.padding == "replicate"

        def convolve(x: Array) -> Array:
            if replicates:  # before the cast: MXNet pads no bfloat16
                x = nd.pad(x, mode="edge", pad_width=(0, 0, 0, 0, 1, 1, 1, 1))
            pad = (0, 0) if replicates else (1, 1)
            if missing:
                nothing = nd.zeros((1, missing, *x.shape[2:]), ctx=x.context)
                x = nd.concat(x, nothing, dim=1)
            # Recording leaves a mark on what goes in, which the way back wipes off: of parameters
            # that two passages shared, the first to go back would spoil the other's.
            own = kernel.detach(), bias.detach()
            return nd.Convolution(
                lowered(x), *own, kernel=(3, 3), pad=pad, num_filter=kernel.shape[0]
            )

        return convolve

    def to_device(self, picture: np.ndarray[Any, Any]) -> Array:
        """Lay a picture (H, W, 3), RGB, 0 to 255, on the device as (1, 3, H, W) float32."""
        return self.laid(np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], np.float32))

    def laid(self, values: NDArray[np.float32]) -> Array:
        """Lay an array on the device as it is."""
        return nd.array(values, ctx=self._context, dtype=np.float32)


class Passage:
    """One way through some layers.

    Args:
        chain: the layers, each with its name.
        wanted: names of those whose results are asked for.
        entry: factor and shift of a picture that goes in; None if the maps of a layer do.
        precision: of the layers.
    """

    def __init__(
        self,
        chain: Sequence[tuple[str, Callable[[Array], Array]]],
        wanted: Collection[str],
        entry: tuple[Array, Array] | None,
        precision: Precision,
    ) -> None:
        self._chain = chain
        self._wanted = wanted
        self._entry = entry
        self._precision = precision
        self._recorded: list[_Recorded] = []

    def forth(self, source: Array, *, record: bool) -> Iterator[tuple[str, Array]]:
        """Run the layers, and give the results that are wanted as soon as they are there.

        What is made of them at once costs the least memory: little else is held by then.

        Args:
            source: what goes into the first layer: for `conv1_1` a picture (1, 3, H, W), RGB, 0 to
                255, else the result of the layer before; float32 on the network's device.
            record: whether to keep what the way back needs.

        Yields:
            Name and (1, C, h, w) float32, for convolutions after the ReLU.
        """
        for name, maps in self._run(source, record=record):
            if name in self._wanted:
                yield name, self._precision.laid_out(maps.detach())

    def again(self, source: Array) -> None:
        """Run the layers for the way back alone: what the maps are good for was seen to before.

        Args:
            source: as for `forth`.
        """
        deque(self._run(source, record=True), maxlen=0)

    def _run(self, source: Array, *, record: bool) -> Iterator[tuple[str, Array]]:
        current = source
        if self._entry is not None:
            factor, shift = self._entry
            current = nd.broadcast_add(nd.broadcast_mul(source, factor), shift)
        current = self._precision.entering(current)
        for name, layer in self._chain:
            current = self._keep(name, current, layer) if record else layer(current)
            if not is_pooling(name):  # not recorded: the way back through it is known
                rectify(current)
            yield name, current

    def _keep(self, name: str, source: Array, layer: Callable[[Array], Array]) -> Array:
        source = source.detach()
        # `grad` makes room for the gradient when it is computed; a buffer given here would take
        # its memory from now on.
        autograd.mark_variables([source], [nd.zeros((1,), ctx=source.context)])
        with autograd.record():
            result = layer(source)
        self._recorded.append(_Recorded(name, source, result))
        return result

    def back(self, gradient_at: Callable[[str, Array], Array], *, raw: bool = False) -> Array:
        """Carry gradients to what went in; each layer's memory is let go on the way.

        Args:
            gradient_at: gives d loss / d maps of a wanted layer, shaped as its maps, which it is
                given; it is asked when the way back comes to the layer, so that no gradient has to
                wait. What it gives is written over.
            raw: whether it takes maps, and may give gradients, of the layers' own type where that
                has float32's range and unit.

        Returns:
            d loss / d source, shaped as it; for a picture for RGB in 0 to 255.
        """
        gradient = Carried(self._precision)
        while self._recorded:
            layer = self._recorded.pop()
            if layer.name in self._wanted:
                gradient.add(gradient_at(layer.name, self._given(layer.result.detach(), raw=raw)))
            if not is_pooling(layer.name):
                let_through(gradient.values, layer.result.detach())
            # Under no name here, which would keep it beside the sum at the next tap.
            gradient.pass_on(
                *autograd.grad(layer.result, [layer.source], head_grads=gradient.values)
            )
        found = gradient.arrived()
        return found if self._entry is None else nd.broadcast_mul(found, self._entry[0])

    def _given(self, maps: Array, *, raw: bool) -> Array:
        return maps if raw and self._precision.has_range else self._precision.read(maps)


def _input_map(convention: Convention, context: Any) -> tuple[Array, Array]:
    """Factor and shift, (1, 3, 1, 1), from RGB in 0 to 255 to what the weights were trained on."""
    flip = slice(None, None, -1) if convention.order == "BGR" else slice(None)
    mean = np.asarray(convention.mean, np.float64)[flip]
    scale = np.asarray(convention.scale, np.float64)[flip]
    factor = convention.range / 255.0 / scale

    def laid(values: NDArray[np.float64]) -> Array:
        return nd.array(values.reshape(1, 3, 1, 1).astype(np.float32), ctx=context)

    return laid(factor), laid(-mean / scale)


def _widened(kernel: NDArray[np.float32], precision: Precision) -> NDArray[np.float32]:
    """The first kernel, for bfloat16, with channels of the picture that are always zero.

    oneDNN has no kernel in bfloat16 for three channels: it would multiply matrices, and give maps
    in a layout that has to be changed for each of the layers that read them. For sixteen it has.
    """
    if precision.name != "bfloat16" or kernel.shape[1] != _COLOURS:
        return kernel
    return np.pad(kernel, ((0, 0), (0, _WIDE - _COLOURS), (0, 0), (0, 0)))


def _rgb_first(name: str, pair: Any, weights: Weights) -> Any:
    """Turn the first convolution's input axis to RGB, so that the image need not be turned."""
    kernel, bias = pair
    if name == CONVOLUTIONS[0] and weights.convention.order == "BGR":
        kernel = np.ascontiguousarray(kernel[:, ::-1])
    return kernel, bias
