"""Averages of planes: in another size, and as a network's layers see what goes into them.

A plane is (H, W), shares of something at each position. All of it is linear with weights that add
up to 1: so planes that add up to 1 everywhere still do, but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.layers import chain_to, deepest, is_pooling
from engine.recipe import CONVOLUTIONS

Plane = NDArray[np.float32]
Size = tuple[int, int]
Padding = Literal["zeros", "reflect", "replicate"]

_COLUMNS: Final = 512
"""That are worked on at a time, where a plane is made smaller."""


def resized(plane: NDArray[Any], size: Size) -> Plane:
    """A plane in another height and width.

    An axis that shrinks is averaged over exactly the stretch that each new position covers, so that
    areas stay true; one that grows is interpolated between the centres of its positions.

    Args:
        plane: of floats, bytes or booleans.
        size: the new one.
    """
    across = _along_rows(_along_rows(plane, size[0]).T, size[1])
    return np.ascontiguousarray(across.T)


def _along_rows(plane: NDArray[Any], length: int) -> Plane:
    before = plane.shape[0]
    if length == before:
        return plane.astype(np.float32, copy=False)
    return (_shrunk if length < before else _grown)(plane, length)


def _shrunk(plane: NDArray[Any], length: int) -> Plane:
    # Some columns at a time: what is of bytes is made floats on the way.
    parts = (plane[:, left : left + _COLUMNS] for left in range(0, plane.shape[1], _COLUMNS))
    return np.concatenate([_shrunk_part(part, length) for part in parts], axis=1)


def _shrunk_part(plane: NDArray[Any], length: int) -> Plane:
    before = plane.shape[0]
    # In whole numbers, so that an edge that falls between two rows does so exactly.
    edges, rest = np.divmod(np.arange(length) * before, length)
    summed = np.add.reduceat(plane, edges, axis=0, dtype=np.float32)
    # A row across an edge was counted for the later one alone.
    early = plane[edges[1:]] * (rest[1:] / length).astype(np.float32)[:, np.newaxis]
    summed[1:] -= early
    summed[:-1] += early
    summed *= np.float32(length / before)
    return summed


def _grown(plane: NDArray[Any], length: int) -> Plane:
    low, high, part = neighbours(np.arange(length), length, plane.shape[0])
    part = part[:, np.newaxis]
    plane = plane.astype(np.float32, copy=False)
    return np.asarray(plane[low] * (1 - part) + plane[high] * part)


def neighbours(
    places: NDArray[np.intp], length: int, others: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """What lies before and what behind some positions of an axis, on another of the same extent.

    Centres lie over centres; beyond the first and the last of the others it is as at these.

    Args:
        places: the positions.
        length: how many the axis has.
        others: how many the other has.

    Returns:
        The positions of the other before and behind each, and the linear share of the latter.
    """
    exact = np.clip((places + 0.5) * others / length - 0.5, 0, others - 1)
    before = exact.astype(np.intp)
    return before, np.minimum(before + 1, others - 1), (exact - before).astype(np.float32)


def down(plane: Plane, taps: Collection[str], padding: Padding) -> Iterator[tuple[str, Plane]]:
    """Take a plane the way that a picture takes through the network.

    At each convolution every position gets the average of the 3x3 that the convolution sees there,
    at each pooling that of the 2x2. So a position's share is how much of what its values were made
    of belongs to the plane, and soft edges are as wide as the network sees (Luan, Paris, Shechtman,
    Bala 2017, in the authors' program).

    Args:
        plane: as large as the picture.
        taps: convolutions at which it is wanted.
        padding: of the first convolution. The others see zeros beyond the edge, which are nobody's:
            there the average is that of the positions that exist.

    Yields:
        Names of the taps in the network's order, and the planes there.
    """
    for name in chain_to(deepest(taps)):
        if is_pooling(name):
            plane = halved(plane)
        else:
            plane = spread(plane, padding if name == CONVOLUTIONS[0] else "zeros")
        if name in taps:
            yield name, plane


def halved(plane: Plane) -> Plane:
    """Averages over 2x2; an odd last row or column has no part in it, as in the network."""
    height, width = (side // 2 for side in plane.shape)
    windows = plane[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return np.asarray(windows.mean(axis=(1, 3)), np.float32)


def spread(plane: Plane, padding: Padding = "zeros") -> Plane:
    """Averages over the 3x3 around each position.

    Args:
        plane: any; one to be reflected is at least two positions high and wide.
        padding: what lies beyond the edge; zeros are left out of the average.
    """
    across = _of_three(_of_three(plane, padding).T, padding)
    return np.ascontiguousarray(across.T)


def _of_three(plane: Plane, padding: Padding) -> Plane:
    """Each row with those above and below it."""
    summed = plane.copy()
    summed[1:] += plane[:-1]
    summed[:-1] += plane[1:]
    counts = np.full(plane.shape[0], 3, np.float32)
    if padding == "zeros":
        counts[0] -= 1
        counts[-1] -= 1
    else:
        first, last = _BEYOND[padding](plane)
        summed[0] += first
        summed[-1] += last
    summed /= counts[:, np.newaxis]
    return summed


_BEYOND: dict[str, Callable[[Plane], tuple[Plane, Plane]]] = {
    "replicate": lambda plane: (plane[0], plane[-1]),
    "reflect": lambda plane: (plane[1], plane[-2]),
}
"""The row before the first one, and that after the last one."""
