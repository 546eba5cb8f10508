"""Style losses of regions: what lies in a region of the photo is compared with that of the style.

Each region has a loss of its own at each tap, on maps whose positions count by their weight in it
(Luan, Paris, Shechtman, Bala 2017, equation 3; Gatys and others 2017, "Controlling Perceptual
Factors", section 4). A Gram matrix of maps times the square roots of weights w is the sum of w f f'
over the positions; over C times the sum of w it is the mean that a Gram matrix is. The loss of a
region counts by its share of the photo's area.

Weights are taken over their mean here. A loss on maps (C, h, w) then divides by C h w whatever the
region is, and need not know of it: one of all the picture has weights of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.losses import Place, TapLoss, cut
from engine.mx import Array, nd
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf


@dataclass(frozen=True)
class Region:
    """One region at one tap.

    Attributes:
        share: of the picture's area, over 0 to 1: the mean of its weights.
        roots: square roots of its weights over that mean, (1, 1, h, w); None where all are 1.
    """

    share: float
    roots: Array | None = None


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
    if share == 0:
        return None
    relative = weights / share
    if np.abs(relative - 1).max() < 1e-5:  # noqa: PLR2004 - what is left of 1 by rounding
        return Region(share)
    return Region(share, lay(np.sqrt(relative, dtype=np.float32)[np.newaxis, np.newaxis]))


def weighted(maps: Array, region: Region, place: Place, shelf: Shelf = NO_SHELF) -> Array:
    """Maps (1, C, h, w) of a tile times the roots of their positions' weights, float32.

    Args:
        maps: of any type.
        region: which one.
        place: of the tile.
        shelf: where to take the array from; it has to be put back.
    """
    if region.roots is None:
        return raised(maps)
    return _times(maps, cut(region.roots, place), shelf)


def _times(maps: Array, plane: Array, shelf: Shelf) -> Array:
    return shelf.made(
        maps.shape, np.float32, lambda out: nd.broadcast_mul(raised(maps), plane, out=out)
    )


@dataclass(frozen=True)
class Weighted:
    """A loss on the maps of one region, for losses that know maps by products of channels alone.

    The gradient of such a loss is linear in the maps, position by position: so the roots come in
    once in the measure, and the weights once in the pull.

    Attributes:
        loss: on maps as weighted; its `measure` is linear in the weights.
        region: at this tap.
        shelf: where to take arrays from.
    """

    loss: TapLoss
    region: Region
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:
        """What the region adds to the same of the whole: with all regions' it makes that up."""
        seen = weighted(maps, self.region, place, self.shelf)
        measured = self.loss.measure(seen, place) * self.region.share
        self.shelf.put(seen)
        return measured

    def conclude(self, measured: Array) -> tuple[Array, Any]:
        """Value (1,) for the whole picture, and the pull."""
        return self.loss.conclude(measured * (1 / self.region.share))

    def pull(self, maps: Array, place: Place, by: Any) -> Array:
        """Gradient on a tile's maps, (1, C, h, w) float32."""
        slope = self.loss.pull(maps, place, by)
        if self.region.roots is None:
            return slope
        pulled = _times(slope, nd.square(cut(self.region.roots, place)), self.shelf)
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
