"""The ReLU, on maps that are nobody else's: it writes over what it is given.

What comes out of a convolution is read by its ReLU alone, and the gradient that arrives there goes
on changed. Written over, neither needs a second place as large as the maps, which would be new from
the system each time and has to be cleared by it.
"""

from __future__ import annotations

import ctypes
from typing import Final

from engine.mx import Array, mx, nd

_BACK: Final = b"_backward_Activation"


def rectify(maps: Array) -> Array:
    """Set what is negative to zero.

    Args:
        maps: of any shape and type; written over.

    Returns:
        The same.
    """
    # Activation, not relu: it stays in oneDNN's blocked layout, relu would leave it.
    return nd.Activation(maps, act_type="relu", out=maps)


def let_through(gradient: Array, maps: Array) -> Array:
    """The way back: a gradient where something was let through, elsewhere zero.

    Args:
        gradient: d loss / d maps; written over.
        maps: as `rectify` has left them, of the same shape and type.

    Returns:
        The same gradient.
    """
    # MXNet has this operator, but no name for it in Python.
    handle = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.NNGetOpHandle(_BACK, ctypes.byref(handle)))  # noqa: SLF001
    invoke = mx.ndarray.register._imperative_invoke  # noqa: SLF001
    return invoke(handle.value, [gradient, maps], ["act_type"], ["relu"], gradient, False, False)
