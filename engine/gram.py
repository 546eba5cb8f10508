"""Products of channels, which Gram matrices are made of (Gatys, Ecker, Bethge 2016, equation 3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.mx import Array, autograd, nd
from engine.operators import invoked
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf


def products(maps: Array, shelf: Shelf = NO_SHELF) -> Array:
    """F F' of feature maps F (1, C, h, w), as (C, C) float32: over C h w their Gram matrix.

    Those of a picture's tiles add up.

    Args:
        maps: after the ReLU, float32 or bfloat16.
        shelf: where to take arrays from. Maps that are from one which keeps them come in the same
            arrays step after step, and that saves half of the work.
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
