"""In which numbers the network computes: what changes between float32 and the maps of its layers.

Pictures, losses and whatever passes between the network's stages are float32 always. Only the maps
inside the chain of layers may be of a smaller type, the gradients on their way back among them:
that halves what is moved and lets processors and cards use their fastest arithmetic.

- bfloat16 has float32's range and 8 bits of precision: nothing has to be scaled. The Gram matrices
  of a step in one piece are rounded to it too (see `engine.gram`); those of the style, and those of
  tiles, are not, nor is what other style losses compare.
- float16 has 11 bits, and ends at 65504. The original weights reach 20 000 on photos (with maximum
  pooling at `conv3_4` and `conv4_2`; 48 000 on noise that leaves 0 to 255), so the maps are scaled
  down. Convolution, ReLU and either pooling are positively homogeneous: with picture and biases
  times a factor all maps are times that factor, and are divided by it where they are read. A step's
  gradients are so small that they would vanish (a mean over a million elements has gradients of a
  millionth): see `Carried`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from engine.mx import Array, nd
from engine.shelf import NO_SHELF, Shelf

Name = Literal["float32", "bfloat16", "float16"]

_PEAK: Final = 16.0
"""Largest element of a gradient that is brought into float16's range. From one layer to the picture
it grows up to 210 times (from conv3_4), which is far from the end of the range, and shrinks down to
a 3000th on the way (conv5_4 to conv3_4), which is far from its beginning: both measured."""

_LEAST: Final = 1e-30  # under it a gradient is as good as none, and is not to be divided by


def raised(values: Array) -> Array:
    """Values of any type as float32."""
    return values if values.dtype == np.float32 else nd.amp_cast(values, dtype="float32")


def laid_plain(maps: Array, out: Array | None = None) -> Array:
    """Maps of any type as float32 in the plain layout, and as a copy.

    Args:
        maps: in any layout.
        out: where to write it, if it is to be written at all.
    """
    if maps.dtype != np.float32:
        return nd.amp_cast(maps, dtype="float32", out=out)
    # The same shape: it is done for the layout.
    return nd.reshape(maps, shape=(0, 0, 0, 0), out=out)


@dataclass(frozen=True)
class Precision:
    """A type of numbers for the maps, and how values get into it and out of it.

    Attributes:
        name: as it is reported.
        dtype: what MXNet understands by it.
        width: bytes of a value.
        scale: what maps are multiplied with, a power of two: that changes no digit.
        narrow: whether its range is too narrow for gradients as they come.
    """

    name: str
    dtype: Any
    width: int
    scale: float = 1.0
    narrow: bool = False

    def lowered(self, values: Array) -> Array:
        """From float32 into this type; what is of it already stays as it is."""
        if self._same_as_float32 or values.dtype != np.float32:
            return values
        return nd.amp_cast(values, dtype=self.dtype)

    def raised(self, values: Array) -> Array:
        """From this type to float32."""
        return raised(values)

    def read(self, maps: Array) -> Array:
        """Maps as the losses want them: float32, in the weights' own unit."""
        plain = self.raised(maps)
        return plain if self.scale == 1 else plain * (1 / self.scale)

    def laid_out(self, maps: Array, out: Array | None = None) -> Array:
        """What `read` gives, in the plain layout and as a copy, if maps are in oneDNN's blocks.

        Whoever reads them as a matrix, or against plain ones, would otherwise lay them out and copy
        them once more. On cards the layout is plain.

        Args:
            maps: of this precision.
            out: where to write it, if it is to be written at all.
        """
        if maps.context.device_type == "gpu" or self.scale != 1:
            return self.read(maps)
        return laid_plain(maps, out)

    def entering(self, maps: Array) -> Array:
        """Maps that were read, on their way into a later layer, in the unit of this precision."""
        return maps if self.scale == 1 else maps * self.scale

    @property
    def has_range(self) -> bool:
        """Whether it holds maps and gradients as they are, if with fewer digits."""
        return self.scale == 1 and not self.narrow

    @property
    def has_own_range(self) -> bool:
        """Whether it does so, and is another type than float32."""
        return self.has_range and not self._same_as_float32

    @property
    def _same_as_float32(self) -> bool:
        return bool(self.dtype == FLOAT32.dtype)


FLOAT32: Final = Precision("float32", "float32", 4)

# Not the string: `amp_cast` does not know it (MXNet 1.9.1, contrib/amp/amp.py, has it so too).
BFLOAT16: Final = Precision("bfloat16", np.dtype([("bfloat16", np.uint16)]), 2)

FLOAT16: Final = Precision("float16", "float16", 2, scale=2.0**-3, narrow=True)


class Carried:
    """A gradient on its way back through the layers, in the numbers of a precision.

    The way back is linear in it, so in a narrow range it is carried in a unit of its own, chosen
    anew wherever a tap adds its gradient. The unit is computed on the device: nothing waits for it.

    The scale of the maps plays no part: maps are divided by it where they are read, and so would
    their gradients be; the picture's gradient would be multiplied with it again.

    Args:
        precision: of the layers.
        shelf: takes what it held before.
    """

    def __init__(self, precision: Precision, shelf: Shelf = NO_SHELF) -> None:
        self._precision = precision
        self._shelf = shelf
        self._values: Array | None = None
        self._unit: Array | None = None  # (1,) float32; None is 1

    @property
    def values(self) -> Array:
        """The gradient in its unit, as the next layer takes it."""
        return self._values

    def add(self, own: Array) -> None:
        """Add the gradient of a tap, float32."""
        if self._precision.narrow:
            self._add_in_a_new_unit(own)
            return
        given, own = own, self._precision.lowered(own)
        if own is not given:
            self._shelf.put(given)
        if self._values is None:
            self._values = own
            return
        # elemwise_add and never `+`, which broadcasts and is many times slower.
        nd.elemwise_add(self._values, own, out=self._values)
        self._shelf.put(own)

    def pass_on(self, values: Array) -> None:
        """Take what a layer has made of it."""
        self._shelf.put(self._values)
        self._values = values

    def arrived(self) -> Array:
        """The gradient itself, float32."""
        values = self._precision.raised(self._values)
        return values if self._unit is None else nd.broadcast_mul(values, self._unit)

    def _add_in_a_new_unit(self, own: Array) -> None:
        total = own if self._values is None else nd.elemwise_add(self.arrived(), own)
        largest = nd.max(nd.abs(total)).reshape((1, 1, 1, 1))
        self._unit = nd.maximum(largest, _LEAST) * (1 / _PEAK)
        self._values = self._precision.lowered(nd.broadcast_div(total, self._unit))
