"""A way through layers that leaves traces in place of maps: one bit a value, where there were 32.

Nobody asks for gradients of the weights. So the way back through a convolution needs its weights
alone; through a ReLU, where it let something through; through an average pooling, nothing at all.
A picture that is worked through in pieces has to know its Gram matrices before the first gradient
can be told, and has no room to keep the maps of all pieces until then. It has room for their
traces, and with them the layers need not be gone through a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.mx import Array, nd
from engine.operators import Layer
from engine.precision import Carried, Precision
from engine.relu import let_through, rectify


class Signs:
    """Where the ReLU let something through, one bit a value, in the machine's own memory.

    Args:
        maps: after the ReLU, float32 of any shape.
    """

    def __init__(self, maps: Array) -> None:
        self._shape = maps.shape
        self._bits: NDArray[np.uint8] = np.packbits(maps.asnumpy().reshape(-1) > 0)

    def laid(self, context: Any) -> Array:
        """One where something was let through, else zero: float32, shaped as the maps."""
        bits = np.unpackbits(self._bits, count=prod(self._shape)).reshape(self._shape)
        return nd.cast(nd.array(bits, ctx=context, dtype=np.uint8), "float32")


@dataclass(frozen=True)
class _Trace:
    """What one layer leaves behind for the way back.

    Attributes:
        layer: itself.
        size: height and width of what went in.
        signs: of a convolution that is no tap.
        maps: of a tap, whose gradient hangs on them.
    """

    layer: Layer
    size: tuple[int, int]
    signs: Signs | None
    maps: Array | None


class Traces:
    """One way through some layers, to be gone forth and, if it left traces, back.

    Args:
        layers: in the network's order.
        wanted: names of those whose results are asked for.
        precision: of the layers.
    """

    def __init__(
        self, layers: Sequence[Layer], wanted: Collection[str], precision: Precision
    ) -> None:
        self._layers = layers
        self._wanted = wanted
        self._precision = precision
        self._left: list[_Trace] = []

    def forth(self, source: Array, *, record: bool) -> Iterator[tuple[str, Array]]:
        """Run the layers, and give the results that are wanted as soon as they are there.

        Args:
            source: what goes into the first layer, (1, C, h, w) float32.
            record: whether to leave traces.

        Yields:
            Name and (1, C, h, w) float32, for convolutions after the ReLU.
        """
        current = self._precision.lowered(self._precision.entering(source))
        for layer in self._layers:
            size = current.shape[2:]
            current = layer.forth(current)
            if layer.rectified:
                rectify(current)
            if record:
                self._left.append(self._trace(layer, size, current))
            if layer.name in self._wanted:
                yield layer.name, self._precision.laid_out(current)

    def _trace(self, layer: Layer, size: tuple[int, int], result: Array) -> _Trace:
        if not layer.rectified:
            return _Trace(layer, size, None, None)
        if layer.name in self._wanted:
            return _Trace(layer, size, None, result)
        return _Trace(layer, size, Signs(self._precision.raised(result)), None)

    def back(self, gradient_at: Callable[[str, Array | None], Array]) -> Array:
        """Carry gradients to what went in; each trace is let go on the way.

        Args:
            gradient_at: gives d loss / d maps of a wanted layer, shaped as its maps, which it is
                given (those of a pooling are not kept: None). What it gives is written over.

        Returns:
            d loss / d source, shaped as it, float32.
        """
        gradient = Carried(self._precision)
        while self._left:
            trace = self._left.pop()
            if trace.layer.name in self._wanted:
                gradient.add(self._own(trace, gradient_at))
            gradient.pass_on(self._through(trace, gradient.values))
        return gradient.arrived()

    def _own(self, trace: _Trace, gradient_at: Callable[[str, Array | None], Array]) -> Array:
        maps = None if trace.maps is None else self._precision.read(trace.maps)
        return gradient_at(trace.layer.name, maps)

    def _through(self, trace: _Trace, gradient: Array) -> Array:
        """A gradient, which is written over, on its way back through one layer."""
        if trace.maps is not None:
            let_through(gradient, trace.maps)
        elif trace.signs is not None:
            let, low = trace.signs.laid(gradient.context), self._precision
            gradient = low.lowered(nd.elemwise_mul(low.raised(gradient), let))
            del let
        return trace.layer.back(gradient, trace.size)
