"""A painting as a photo seen through colour maps: one affine map a place, smooth but for edges.

The last step of Deep Photo Style Transfer (Luan, Paris, Shechtman, Bala 2017, after their equation
5, in their published program): for each pixel the affine map of colours that makes the painting of
the photo in the 3x3 pixels around it; these maps smoothed by a filter that keeps to the photo's
edges; and the photo seen through them. What the painting has of its own within a few pixels, noise,
dots and bent edges, goes; its colours stay. Maps know no size, so those of a small painting are
good for the photo in its own.

A map is held as what it differs by from the one that is the best for the whole picture. A window of
one colour says nothing about how colours there differ; the ridge then leaves it at the whole's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.averages import neighbours
from engine.guided import Guide, box_radius
from engine.pyramid import size_of
from engine.windows import Means, Planes

_Side = tuple[NDArray[np.intp], NDArray[np.float32]]
"""Positions of an axis, and the share of each."""

RIDGE: Final = 1e-3
"""Luan's, on the sum over a window's 9 pixels, for colours of 0 to 1."""

RADIUS: Final = 15
"""Luan's, of the windows over which maps are smoothed, in pixels of the painting."""

CONTRAST: Final = 0.02
"""What differs by much more is another surface's, for colours of 0 to 1. Luan's sigma_colour is
0.01, of another filter. More lets through less noise, and more colour across edges."""

_LIKENESS: Final = 0.1
"""The same where a map is chosen for a pixel of a larger photo. That has detail of its own, which
is to decide between two sides of an edge and no more."""

_BAND: Final = 2**14
"""Pixels of a large photo that are worked on at a time: about 250 bytes each while that lasts."""


@dataclass(frozen=True)
class ColourMaps:
    """One affine map of colours for each pixel of a photo at the painting's size.

    Attributes:
        photo: (h, w, 3) float32, 0 to 1.
        whole: (3, 4) float64: the map of the whole picture; row is the colour that comes out, the
            last column is added.
        own: (3, 4, h, w) float32: what each pixel's map has more.
    """

    photo: NDArray[np.float32]
    whole: NDArray[np.float64]
    own: NDArray[np.float32]

    @classmethod
    def between(
        cls, photo: NDArray[Any], painted: NDArray[Any], ridge: float = RIDGE
    ) -> ColourMaps:
        """The maps that make a painting of a photo, pixel by pixel.

        Args:
            photo: (h, w, 3), 0 to 255.
            painted: likewise, of the same size.
            ridge: how much the maps are held to the whole picture's; must be over 0.
        """
        before, after = (each.astype(np.float32) / np.float32(255) for each in (photo, painted))
        whole = _fitted(before.reshape(-1, 3), after.reshape(-1, 3))
        colours = before.transpose(2, 0, 1)
        rest = after.transpose(2, 0, 1) - _seen(whole, colours)
        return cls(before, whole, _regressed(colours, rest, Means(size_of(before), 1), ridge / 9))

    def smoothed(self, radius: int = RADIUS, contrast: float = CONTRAST) -> ColourMaps:
        """The maps, each the mean of those around it that belong to the same surface of the photo.

        By a guided filter, where Luan has a bilateral one. Its windows are such that it reaches as
        far as that does with a sigma_space of a third of the radius; it takes the same time at
        every radius; and where a photo has grain, so that hardly two pixels are of one colour, it
        still averages, since it takes the maps of a surface for a function of its colours.

        Args:
            radius: three times the filter's sigma, pixels.
            contrast: what differs by much more belongs to another surface, 0 to 1.
        """
        colours = np.ascontiguousarray(self.photo.transpose(2, 0, 1))
        means = Means(size_of(self.photo), box_radius(radius / 3))
        guide = Guide(colours, means, contrast**2)
        own = np.empty_like(self.own)
        for out, numbers in zip(own, self.own, strict=True):
            for kept, plane in zip(out, numbers, strict=True):
                kept[...] = guide.filtered(plane)
        return replace(self, own=own)

    def seen(self, photo: NDArray[Any], *, rounded: bool = True) -> NDArray[Any]:
        """The photo through the maps.

        Args:
            photo: (H, W, 3), 0 to 255: at the painting's size or any other, in its own for one.
            rounded: whether bytes become bytes; else they become floats, too.

        Returns:
            Shaped as the photo, 0 to 255: uint8, rounded, if that is what it was, else float32.
        """
        bytes_ = rounded and photo.dtype == np.uint8
        found = np.empty(photo.shape, np.uint8 if bytes_ else np.float32)
        for rows, colours in self._bands(photo):
            levels = (255 * colours).clip(0, 255)
            found[rows] = np.rint(levels) if bytes_ else levels
        return found

    def _bands(self, photo: NDArray[Any]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows of a photo, and their colours through the maps, 0 to 1 and beyond."""
        height, width = size_of(self.photo)
        numbers = np.ascontiguousarray(self.own.transpose(2, 3, 0, 1).reshape(-1, 12))
        across = _sides(np.arange(photo.shape[1]), photo.shape[1], width)
        step = max(_BAND // photo.shape[1], 1)
        for first in range(0, len(photo), step):
            rows = slice(first, min(first + step, len(photo)))
            colours = photo[rows].astype(np.float32)
            colours /= 255
            down = _sides(np.arange(rows.start, rows.stop), len(photo), height)
            yield rows, self._through(colours, numbers, down, across)

    def _through(
        self,
        colours: NDArray[np.float32],
        numbers: NDArray[np.float32],
        down: list[_Side],
        across: list[_Side],
    ) -> NDArray[np.float32]:
        """Colours of some rows through the mean of the four maps around each, by place and colour.

        Joint bilateral upsampling (Kopf, Cohen, Lischinski, Uyttendaele 2007). A mean of maps, so
        however far a colour is from all that the maps were made of, it goes through no map that is
        more extreme than theirs.
        """
        total = np.zeros(colours.shape[:2], np.float32)
        mixed = np.zeros((*total.shape, 12), np.float32)
        for (rows, row_shares), (columns, column_shares) in product(down, across):
            place = np.add.outer(rows * self.photo.shape[1], columns)
            shares = _likeness(colours, self.photo.reshape(-1, 3).take(place, axis=0))
            shares *= np.outer(row_shares, column_shares)
            total += shares
            maps = numbers.take(place, axis=0)
            maps *= shares[:, :, np.newaxis]
            mixed += maps
        mixed /= total[:, :, np.newaxis]
        mixed += self.whole.astype(np.float32).ravel()
        matrices = mixed.reshape(*total.shape, 3, 4)
        found = np.einsum("rwij,rwj->rwi", matrices[..., :3], colours)
        found += matrices[..., 3]
        return np.asarray(found)


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 for colours that are alike, near 0 for those of two sides of an edge; (rows, W)."""
    difference = one - other
    found = np.einsum("rwc,rwc->rw", difference, difference)
    found *= np.float32(1 / _LIKENESS**2)
    found += 1
    # Not a Gaussian: of four that are all far off, one has to be the nearest.
    return np.asarray(1 / np.square(found), np.float32)


def _sides(places: NDArray[np.intp], length: int, others: int) -> list[_Side]:
    """The one or two neighbours of some positions (see `averages.neighbours`), and their shares."""
    before, behind, share = neighbours(places, length, others)
    found = [(before, 1 - share), (behind, share)]
    return [side for side in found if side[1].any()]


def _regressed(colours: Planes, after: Planes, means: Means, ridge: float) -> NDArray[np.float32]:
    """The affine map that is best in each window, (3, 4, h, w)."""
    guide = Guide(colours, means, ridge)
    found = np.empty((3, 4, *colours.shape[1:]), np.float32)
    for out, plane in zip(found, after, strict=True):
        out[:3], out[3] = guide.regressed(plane)
    return found


def _fitted(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float64]:
    """The affine map that is best for all pixels, (3, 4).

    It leaves colours as they are in so far as the photo does not say what becomes of them: whether
    a grey photo's red would have changed.

    Args:
        before: (n, 3).
        after: (n, 3).
    """
    middle, target = (each.mean(axis=0, dtype=np.float64) for each in (before, after))
    centred = before - middle
    change = (after - target) - centred
    slopes = change.T @ centred @ np.linalg.pinv(centred.T @ centred, 1e-8, hermitian=True)
    slopes += np.eye(3)
    return np.column_stack([slopes, target - slopes @ middle])


def _seen(whole: NDArray[np.float64], colours: Planes) -> Planes:
    """Colours (3, h, w) through one map."""
    matrix = whole.astype(np.float32)
    added = matrix[:, 3, np.newaxis, np.newaxis]
    return np.asarray(np.tensordot(matrix[:, :3], colours, 1) + added)
