"""Gram matrices, the products of channels that they are made of, and the loss that compares them.

Gatys, Ecker, Bethge 2016, equations 3 to 6, with mean squares in place of sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.losses import Aim, Parts, Place, StyleKind, energy, mixed
from engine.mx import Array, autograd, nd
from engine.operators import invoked
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf
from engine.sums import total

_GRAM: Final = "gram"


@dataclass(frozen=True)
class GramLoss:
    """Mean square between Gram matrices of the maps and of the style (equation 4).

    Attributes:
        target: Gram matrix of the style, (C, C).
        factor: weight of the loss over the energy of the target (or over 1).
        size: elements of the whole picture's maps, C h w.
        shelf: where to take arrays from for gradients.
        raw: whether maps come as they are in the network (see `products`).
    """

    target: Array
    factor: float
    size: int
    shelf: Shelf = NO_SHELF
    raw: bool = False

    def measure(self, maps: Array, place: Place) -> Array:  # noqa: ARG002 - no place is special
        """Products of channels, (C, C)."""
        return products(maps, self.shelf if self.raw else NO_SHELF)

    def conclude(self, measured: Array) -> tuple[Array, Array]:
        """Value (1,), and the matrix (C, C) that pulls the maps (equation 6)."""
        difference = measured / self.size - self.target
        value = total(nd.square(difference)) * (self.factor / difference.size)
        # d G / d F gives twice (the Gram matrix is symmetric), the square gives the other two.
        return value, difference * (4 * self.factor / difference.size / self.size)

    def pull(self, maps: Array, place: Place, by: Array) -> Array:  # noqa: ARG002 - as in measure
        """Gradient, (1, C, h, w) (equation 6)."""
        return self.shelf.made(maps.shape, maps.dtype, lambda out: mixed(maps, by, out))


def products(maps: Array, shelf: Shelf = NO_SHELF) -> Array:
    """F F' of feature maps F (1, C, h, w), as (C, C) float32: over C h w their Gram matrix.

    Those of a picture's tiles add up.

    Args:
        maps: after the ReLU, float32 or bfloat16.
        shelf: where to take arrays from, for maps that lie in some of it. If it keeps them they
            come in the same arrays step after step, and that saves half of the work.
    """
    if shelf.keeps:
        return shelf.beside(maps, lambda: _Recorded(maps, shelf))()
    if maps.dtype == np.float32:
        # syrk, not dot: the matrix is symmetric, and half of it is enough.
        return nd.linalg.syrk(maps.reshape((maps.shape[1], -1)))
    return _by_the_way_back(maps)


def _by_the_way_back(maps: Array) -> Array:
    """As the gradient of a kernel of 1x1, for maps that are both what went in and what came back.

    oneDNN then reads maps as they lie, in its blocks and in bfloat16, and adds up in float32; only
    the sums are rounded to bfloat16. As a product they would have to be laid out in float32 before,
    four bytes a value, and for few channels that product is slow. The gradient of what went in
    comes with it, and is nobody's.
    """
    kernel = nd.zeros(_kernel_shape(maps), ctx=maps.context, dtype=maps.dtype)
    found = nd.empty(kernel.shape, ctx=maps.context, dtype=maps.dtype)
    nobodys = nd.empty(maps.shape, ctx=maps.context, dtype=maps.dtype)
    invoked("_backward_Convolution", [maps, maps, kernel], _options(maps), [nobodys, found])
    return _as_matrix(found)


class _Recorded:
    """The same for one array, again and again, without that gradient: MXNet records it once.

    What went forth for that is of no use, and is written into an array of the shelf's.

    Args:
        maps: an array of the shelf's.
        shelf: the same.
    """

    def __init__(self, maps: Array, shelf: Shelf) -> None:
        self._maps = maps
        self._found = nd.empty(_kernel_shape(maps), ctx=maps.context, dtype=maps.dtype)
        kernel = nd.zeros_like(self._found)
        autograd.mark_variables([kernel], [self._found])
        shelf.put(shelf.made(maps.shape, maps.dtype, lambda out: self._forth(kernel, out)))

    def _forth(self, kernel: Array, out: Array) -> Array:
        # Detached: what the record hangs on are names of its own for the shelf's arrays.
        source, self._result = self._maps.detach(), out.detach()
        with autograd.record():
            nd.Convolution(source, kernel, **_options(self._maps), out=self._result)
        return out

    def __call__(self) -> Array:
        """The products for what is in the array now."""
        autograd.backward([self._result], [self._maps], retain_graph=True)
        return _as_matrix(self._found)


def _kernel_shape(maps: Array) -> tuple[int, int, int, int]:
    return maps.shape[1], maps.shape[1], 1, 1


def _options(maps: Array) -> dict[str, Any]:
    return {"kernel": (1, 1), "num_filter": maps.shape[1], "no_bias": True}


def _as_matrix(found: Array) -> Array:
    # A copy: what it was written into is written over at the next step.
    return raised(found).reshape(found.shape[:2]).copy()


def _statistics(measured: Array, size: int) -> tuple[NDArray[np.float32], ...]:
    return ((measured / size).asnumpy(),)


def _loss(parts: Parts, aim: Aim) -> GramLoss:
    target = aim.lay(parts[_GRAM])
    return GramLoss(target, aim.factor(energy(target)), aim.size, aim.shelf, aim.raw)


GRAM: Final = StyleKind(
    (_GRAM,), products, _statistics, _loss, measures_narrow=True, pulls_narrow=True
)
"""Which channels go together, means included."""
