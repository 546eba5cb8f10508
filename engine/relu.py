"""The ReLU, on maps that are nobody else's: it writes over what it is given.

What comes out of a convolution is read by its ReLU alone, and the gradient that arrives there goes
on changed. Written over, neither needs a second place of ours as large as the maps.
"""

from __future__ import annotations

from engine.mx import Array, nd
from engine.operators import invoked


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
    return invoked("_backward_Activation", [gradient, maps], {"act_type": "relu"}, gradient)
