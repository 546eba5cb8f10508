"""Style losses of regions: what lies in a region of the photo is compared with that of the style.

Each region has a loss of its own at each tap, for which positions count by their weight in it
(Luan, Paris, Shechtman, Bala 2017, equation 3; Gatys and others 2017, "Controlling Perceptual
Factors", section 4). It counts by the region's share of the photo's area.

What a style loss knows of maps f are sums over the positions: of f f' for a Gram matrix, of f too
for a covariance, of ones in each bin for a histogram. With weights w they are sums of w f f' and so
on, over the sum of w. So whoever makes these sums has to be told the weights; and nobody else: the
gradient at a position is w times what the same loss would give without weights.

Weights are taken over their mean here: then their sum is h w, and a loss divides by that whatever
the region is. They are told as square roots, with which products of channels are symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.gram import products
from engine.losses import Place, TapLoss, cut
from engine.mx import Array, nd
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf

_LEAST_SHARE: Final = 1e-10
"""Of the area, under which a region is not there: a hundredth of a pixel of the largest picture.
Weights are divided by their mean, and float32 has an end."""

_ROUNDING: Final = 1e-5
"""Of weights that are all the same."""

Measured = Callable[[Array, Array | None], Array]
"""Gives sums over the positions of maps (1, C, h, w), each counted by its weight.

The weights come as square roots, (1, 1, h, w), or as None where all are 1.
"""


@dataclass(frozen=True)
class Region:
    """One region at one tap.

    Attributes:
        share: of the picture's area, over 0 to 1: the mean of its weights.
        roots: square roots of its weights over that mean, (1, 1, h, w); None where all are 1.
    """

    share: float
    roots: Array | None = None

    def at(self, place: Place) -> Array | None:
        """The roots of a tile's positions."""
        return None if self.roots is None else cut(self.roots, place)


def regions_at(
    weights: NDArray[np.float32], lay: Callable[[NDArray[np.float32]], Array]
) -> list[Region | None]:
    """The regions at a tap; None for one that has no position there.

    Args:
        weights: (K, h, w).
        lay: lays an array on the device.
    """
    return [_region(each, lay) for each in weights]


def _region(weights: NDArray[np.float32], lay: Callable[[Any], Array]) -> Region | None:
    share = float(weights.mean(dtype=np.float64))
    if share < _LEAST_SHARE:
        return None
    relative = weights / np.float32(share)
    if np.abs(relative - 1).max() < _ROUNDING:
        return Region(share)
    return Region(share, lay(np.sqrt(relative, dtype=np.float32)[np.newaxis, np.newaxis]))


def weighted_products(
    maps: Array, roots: Array | None, shelf: Shelf = NO_SHELF, lying: Shelf = NO_SHELF
) -> Array:
    """What Gram matrices are made of, (C, C): see `engine.gram.products` and `Measured`.

    Args:
        maps: of any type.
        roots: square roots of weights.
        shelf: where to take an array from for maps times these.
        lying: where the maps themselves lie, if they come in the same arrays again and again.
    """
    if roots is None:
        return products(maps, lying)
    seen = _times(maps, roots, shelf)
    found = products(seen)
    shelf.put(seen)
    return found


def _times(maps: Array, plane: Array, shelf: Shelf) -> Array:
    """Maps of any type times a plane, float32; to be put back."""
    return shelf.made(
        maps.shape, np.float32, lambda out: nd.broadcast_mul(raised(maps), plane, out=out)
    )


@dataclass(frozen=True)
class Weighted:
    """The loss of one region.

    Attributes:
        loss: what it would be if all positions were the region's.
        region: at this tap.
        measured: makes the sums that the loss concludes from.
        shelf: where to take arrays from.
    """

    loss: TapLoss
    region: Region
    measured: Measured
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:
        """What the region adds to the sums of the whole: with all regions' it makes them up."""
        return self.measured(maps, self.region.at(place)) * self.region.share

    def conclude(self, measured: Array) -> tuple[Array, Any]:
        """Value (1,) for the whole picture, and the pull."""
        return self.loss.conclude(measured * (1 / self.region.share))

    def pull(self, maps: Array, place: Place, by: Any) -> Array:
        """Gradient on a tile's maps, (1, C, h, w): float32, unless the loss is the whole's."""
        slope, roots = self.loss.pull(maps, place, by), self.region.at(place)
        if roots is None:
            return slope
        pulled = _times(slope, nd.square(roots), self.shelf)
        self.shelf.put(slope)
        return pulled


@dataclass(frozen=True)
class Guided:
    """The losses of all regions at one tap, as one.

    Attributes:
        parts: at least one; what they measure is of one shape.
        shelf: where their arrays are from.
    """

    parts: tuple[TapLoss, ...]
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:
        """What each part has to know, (K, ...)."""
        return nd.stack(*(part.measure(maps, place) for part in self.parts), axis=0)

    def conclude(self, measured: Array) -> tuple[Array, list[Any]]:
        """Value (1,): the sum; and each part's pull."""
        pairs = [part.conclude(each) for part, each in zip(self.parts, measured, strict=True)]
        return nd.add_n(*(value for value, _ in pairs)), [pull for _, pull in pairs]

    def pull(self, maps: Array, place: Place, by: list[Any]) -> Array:
        """Gradient on a tile's maps, (1, C, h, w): the sum."""
        pulls = zip(self.parts, by, strict=True)
        return reduce(self._added, (part.pull(maps, place, pull) for part, pull in pulls))

    def _added(self, one: Array, other: Array) -> Array:
        total = raised(one)
        nd.elemwise_add(total, raised(other), out=total)
        for each in (one, other):
            if each is not total:
                self.shelf.put(each)
        return total


def guided(
    regions: Sequence[Region | None],
    targets: Sequence[Array | None],
    make: Callable[[Array, Region], TapLoss],
    shelf: Shelf = NO_SHELF,
) -> TapLoss | None:
    """The style loss of all regions at one tap.

    A region that has no position here in the photo, or none in the style, has no part in it.

    Args:
        regions: of the photo.
        targets: of the style's regions, what `make` compares with; None for one that is not there.
        make: the loss of one region; it counts by the region's share.
        shelf: where to take arrays from.

    Returns:
        The loss; None if no region is there in both.
    """
    parts = [
        make(target, region)
        for region, target in zip(regions, targets, strict=True)
        if region is not None and target is not None
    ]
    if len(parts) < 2:  # noqa: PLR2004 - one is as good as its sum
        return next(iter(parts), None)
    return Guided(tuple(parts), shelf)
