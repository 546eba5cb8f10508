"""The end of a painting that stays a photograph: the photo, seen through the maps of its colours.

What the optimiser leaves is near to a photograph, and no further step brings it all the way: dots
and bent edges stay that are small. So people get none of its pixels. They get their photo, each
place of it through the change of colours that the painting has there (`engine.colour_maps`). Maps
know no size: in the photo's own size the picture has all of the photo's detail, without one step
more, however large that is.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import pyramid
from engine.colour_maps import ColourMaps
from engine.guides import NOTHING, Guides
from engine.own_size import as_it_came, largest
from engine.recipe import Recipe
from engine.sources import Sources

if TYPE_CHECKING:
    from engine.painter import Painter

_MAPS: Final = 320
"""Bytes for each pixel of the painting while its maps are made, smoothed and looked up, at most."""

_FLOATS: Final = 3 * 4
_KEPT: Final = 17
"""Bytes for each pixel of the picture where a mask keeps some of it: shares, and a copy."""

_BESIDE: Final = 8 * 2**20
"""Bytes for the rows of a large photo that are worked on at a time."""

_TOLD: Final = (
    "To see the photo's own size of {1}x{0} pixels in its new colours takes more memory than there "
    "is (engine.max_memory may allow more): it was {2}."
)
_SMALLER: Final = "done at {1}x{0}, and enlarged from there"
NO_MEMORY: Final = (
    "The picture was not made of the photo in its own size, but enlarged to it. The memory did not "
    "suffice."
)


def own_size(painter: Painter, sources: Sources, recipe: Recipe) -> tuple[NDArray[Any] | None, str]:
    """The photo in its own size, kept for the end.

    Args:
        painter: who paints.
        sources: what from.
        recipe: how.

    Returns:
        The photo as large as there is memory for; None if that is no larger than the painting. And,
        if memory was lacking, what is done for want of it.
    """
    whole = pyramid.size_of(sources.content)
    painted = pyramid.fitted(whole, recipe.size)

    def attempt(size: pyramid.Size) -> NDArray[Any] | None:
        kept = 0 if sources.mask is None else _KEPT * prod(size)
        fits = _takes(size, painted, sources.content) + kept <= painter.left()
        return as_it_came(sources.content, size) if fits else None

    return largest(whole, painted, prod(whole), attempt, _TOLD, _SMALLER)


def _takes(size: pyramid.Size, painted: pyramid.Size, photo: NDArray[Any]) -> int:
    """Bytes: the photo, which lies there all the while, and at the end the maps and the picture."""
    as_came = photo.dtype.itemsize * 3 if pyramid.size_of(photo) == size else _FLOATS
    return (as_came + _FLOATS) * prod(size) + _MAPS * prod(painted) + _BESIDE


def seen(
    painting: pyramid.Picture,
    photo: NDArray[Any],
    larger: NDArray[Any] | None = None,
    guides: Guides = NOTHING,
) -> pyramid.Picture:
    """The photo in the painting's colours.

    Args:
        painting: as it would be handed out otherwise, (h, w, 3).
        photo: in the same size.
        larger: the photo in the size that the picture is to have; None for the painting's.
        guides: where a mask keeps the photo as a whole, its colours stay as they are.

    Returns:
        0 to 255, not rounded.
    """
    maps = ColourMaps.between(photo, painting).smoothed()
    own = photo if larger is None else larger
    return guides.carried(np.asarray(maps.seen(own, rounded=False)), own)
