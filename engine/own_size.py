"""The photo's own size, or for want of memory a smaller one, to which a painting is brought."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod, sqrt
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import pyramid
from engine.ground import own

_Found = TypeVar("_Found")

_SHARES: Final = (1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25)
"""Of the sides of the largest size that is worth its time, tried in turn for want of memory."""

_NOT: Final = "only enlarged to that"


def largest(  # noqa: PLR0913, PLR0917 - what is tried, and how it is told
    whole: pyramid.Size,
    painted: pyramid.Size,
    most: int,
    attempt: Callable[[pyramid.Size], _Found | None],
    told: str,
    smaller: str,
) -> tuple[_Found | None, str]:
    """What comes of the largest size that there is memory for, and larger than the painting.

    Args:
        whole: the photo's own.
        painted: the painting's.
        most: pixels of the largest size that is worth its time.
        attempt: gives what comes of a size; None if there is no memory for it.
        told: says that memory was lacking, with places for height and width of the photo, and for
            what was done.
        smaller: says what was done in a smaller size, with places for its height and width.

    Returns:
        It, or None; and, if memory was lacking, what was done for want of it.
    """
    lacking = False
    for size in sizes(whole, most):
        if max(size) <= max(painted):
            break
        found = attempt(size)
        if found is not None:
            return found, told.format(*whole, smaller.format(*size)) if lacking else ""
        lacking = True
    return None, told.format(*whole, _NOT) if lacking else ""


def sizes(whole: pyramid.Size, most: int) -> Iterator[pyramid.Size]:
    """In which it may be done, the largest first: the photo's own, if that is not too large.

    Args:
        whole: the photo's own.
        most: pixels.
    """
    longest = max(whole)
    if prod(whole) > most:
        longest = int(longest * sqrt(most / prod(whole)))
    while prod(pyramid.fitted(whole, longest)) > most and longest > 1:
        longest -= 1  # the other side was rounded up
    return (pyramid.fitted(whole, round(longest * share)) for share in _SHARES)


def as_it_came(picture: NDArray[Any], size: pyramid.Size) -> NDArray[Any]:
    """A picture in a size: if it has that, as it came.

    Bytes are a quarter of floats, and they are kept while all is painted.
    """
    if pyramid.size_of(picture) != size:
        return own(pyramid.resized(picture, size), picture)
    return own(np.ascontiguousarray(picture), picture)
