"""Products of channels, which Gram matrices are made of (Gatys, Ecker, Bethge 2016, equation 3)."""

from __future__ import annotations

import numpy as np

from engine.mx import Array, nd
from engine.operators import invoked
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf


def products(maps: Array, shelf: Shelf = NO_SHELF) -> Array:
    """F F' of feature maps F (1, C, h, w), as (C, C) float32: over C h w their Gram matrix.

    Those of a picture's tiles add up.

    Args:
        maps: after the ReLU, float32 or bfloat16.
        shelf: where to take arrays from.
    """
    if maps.dtype == np.float32:
        # syrk, not dot: the matrix is symmetric, and half of it is enough.
        return nd.linalg.syrk(maps.reshape((maps.shape[1], -1)))
    return _by_the_way_back(maps, shelf)


def _by_the_way_back(maps: Array, shelf: Shelf) -> Array:
    """As the gradient of a kernel of 1x1, for maps that are both what went in and what came back.

    oneDNN then reads maps as they lie, in its blocks and in bfloat16, and adds up in float32; only
    the sums are rounded to bfloat16. As a product they would have to be laid out in float32 before,
    four bytes a value, and for few channels that product is slow. The gradient of what went in
    comes with it, and is nobody's.
    """
    channels = maps.shape[1]
    kernel = nd.zeros((channels, channels, 1, 1), ctx=maps.context, dtype=maps.dtype)
    found = nd.empty(kernel.shape, ctx=maps.context, dtype=maps.dtype)
    options = {"kernel": (1, 1), "num_filter": channels, "no_bias": True}

    def write(out: Array | None) -> Array:
        if out is None:
            out = nd.empty(maps.shape, ctx=maps.context, dtype=maps.dtype)
        invoked("_backward_Convolution", [maps, maps, kernel], options, [out, found])
        return out

    shelf.put(shelf.made(maps.shape, maps.dtype, write))
    return raised(found).reshape((channels, channels))
