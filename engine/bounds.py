"""Pictures end at black and white: what an optimiser may do with a pixel that is there.

Without bounds pixels are painted far beyond both, most of all in dark places, and the picture that
is shown, which is cut off there, is not the one whose loss was minimised: it can have blots of
dots in pure colours. Cut off at each step alone, quasi-Newton steps come to rest short of the
minimum: a step turned by the curvature leads uphill once it is cut (Bertsekas 1982, "Projected
Newton methods for optimization problems with simple constraints"). So a pixel that is at a bound,
and would be moved over it, has no part in the step. Its gradient is left out, and it stays where it
is, wherever the curvature of its neighbours would carry it: away from the bound it leads uphill.
"""

from __future__ import annotations

from typing import Final

from engine.mx import Array, nd

DARKEST: Final = 0.0
LIGHTEST: Final = 255.0


def within(image: Array) -> Array:
    """The image with what is beyond black or white brought back to it."""
    return nd.clip(image, DARKEST, LIGHTEST)


def inward(gradient: Array, image: Array) -> Array:
    """The gradient without what leads out of the bounds.

    Args:
        gradient: of the loss, which falls against it.
        image: within the bounds, of the same shape.
    """
    darker = nd.elemwise_mul(image > DARKEST, nd.maximum(gradient, 0.0))
    lighter = nd.elemwise_mul(image < LIGHTEST, nd.minimum(gradient, 0.0))
    return nd.elemwise_add(darker, lighter)


def stepped(image: Array, gradient: Array, moved: Array) -> Array:
    """Where a step leads within the bounds: a pixel without a gradient stays.

    Args:
        image: before the step, within the bounds.
        gradient: there, without what leads out of them.
        moved: what an optimiser has made of the two.
    """
    return nd.where(gradient != 0, within(moved), image)
