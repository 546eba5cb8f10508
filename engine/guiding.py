"""What is known of a style by regions, and the style losses of a picture in regions.

Of each kind of loss that can be told weights (see `engine.region_losses`) the same arrays are known
as of a whole style, but of each region, stacked (K, ...); and beside them, at each tap, which share
of the style each region has. One that has none is not there, and its arrays are of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.footprint import elements
from engine.gram import GRAM
from engine.losses import LEAST_ENERGY, Aim, Parts, StyleKind, TapLoss
from engine.mx import Array, nd
from engine.patchwork import Patchwork
from engine.precision import raised
from engine.recipe import Recipe
from engine.region_losses import Region, Weighted, guided, regions_at, weighted_products
from engine.regions import Regions
from engine.shelf import NO_SHELF, Shelf
from engine.stages import Tiling
from engine.style_losses import weighted_kinds
from engine.style_statistics import named, parts_at
from engine.style_store import Statistics
from engine.sums import along_rows
from engine.vgg import Vgg
from engine.wasserstein import WASSERSTEIN

SHARE: Final = "share"
"""What the regions' shares of a style are called."""

AtTaps = Mapping[str, Sequence[Region | None]]
"""The regions of a picture at each tap."""

FLOOR: Final = 0.1
"""Of the mean energy of all regions' targets, the least that a relative loss is divided by. A flat
region, such as a sky, has next to none: divided by that it would pull harder than all others."""


@dataclass(frozen=True)
class _Way:
    """How a kind of loss is made of regions.

    Attributes:
        sums: what has to be known of maps, under weights; with the shelf to take arrays from, and
            that in which the maps lie.
        energy: of a target, as the loss itself counts it.
    """

    sums: Callable[[Array, Array | None, Shelf, Shelf], Array]
    energy: Callable[[Parts], float]


def weighted_moments(
    maps: Array,
    roots: Array | None,
    shelf: Shelf = NO_SHELF,
    lying: Shelf = NO_SHELF,  # noqa: ARG001 - of the same form as `weighted_products`
) -> Array:
    """What means and covariances are made of, (C, C + 1): see `engine.wasserstein`."""
    if roots is None:
        return WASSERSTEIN.measured(maps)
    seen = shelf.made(
        maps.shape, np.float32, lambda out: nd.broadcast_mul(raised(maps), roots, out=out)
    )
    found = weighted_products(seen, None)
    sums = along_rows(nd.broadcast_mul(seen, roots).reshape((maps.shape[1], -1)))
    shelf.put(seen)
    return nd.concat(found, sums, dim=1)


def _energy(parts: Parts) -> float:
    (gram,) = parts.values()
    return max(float(np.mean(np.square(gram, dtype=np.float64))), LEAST_ENERGY)


def _spread(parts: Parts) -> float:
    mean, covariance = parts["mean"].astype(np.float64), parts["covariance"]
    return max(float(np.trace(covariance) + mean @ mean) / len(mean), LEAST_ENERGY)


_WAYS: Final[Mapping[tuple[str, ...], _Way]] = MappingProxyType(
    {
        GRAM.parts: _Way(weighted_products, _energy),
        WASSERSTEIN.parts: _Way(weighted_moments, _spread),
    }
)


def names_by_region(recipe: Recipe, names: Sequence[str]) -> list[str]:
    """All arrays that a recipe asks for of a style in regions."""
    return sorted([*names, *(named(tap, SHARE) for tap in recipe.style_layers)])


def regions_of(
    regions: Mapping[str, NDArray[np.float32]], lay: Callable[[NDArray[np.float32]], Array]
) -> AtTaps:
    """Regions on the device, of weights (K, h, w) at each tap."""
    return {tap: regions_at(weights, lay) for tap, weights in regions.items()}


def statistics_by_region(
    network: Vgg,
    style: Array,
    recipe: Recipe,
    regions: Regions,
    tiling: Tiling | None = None,
) -> Statistics:
    """Statistics of each region of a style picture (1, 3, H, W) at the recipe's style taps.

    Raises:
        PictureError: a side is too small for the network.
    """
    size = style.shape[2:]
    weights = regions.at_taps(size, recipe.style_layers, recipe.padding)
    at_taps = regions_of(weights, network.laid)
    kinds = [kind for kind, _ in weighted_kinds(recipe)]
    work = Patchwork(network, style, recipe.style_layers, recipe, tiling or Tiling())
    sums: dict[tuple[str, int, int], Array] = {}
    for tap, maps, place in work.forward():
        for number, region in enumerate(at_taps[tap]):
            if region is None:
                continue
            for which, kind in enumerate(kinds):
                found = _WAYS[kind.parts].sums(maps, region.at(place), NO_SHELF, NO_SHELF)
                key = tap, which, number
                sums[key] = sums[key] + found if key in sums else found
    known: Statistics = {}
    for tap, each in at_taps.items():
        shares = [0.0 if region is None else region.share for region in each]
        known[named(tap, SHARE)] = np.array(shares, np.float32)
        count = round(elements(tap, size))
        for which, kind in enumerate(kinds):
            of_regions = [
                kind.statistics(sums[tap, which, number], count) if share else None
                for number, share in enumerate(shares)
            ]
            known |= _stacked(tap, kind, of_regions)
    return known


def _stacked(
    tap: str, kind: StyleKind, of_regions: Sequence[tuple[NDArray[np.float32], ...] | None]
) -> Statistics:
    """Arrays of all regions; one at least is there."""
    like = next(each for each in of_regions if each is not None)
    return {
        named(tap, part): np.stack(
            [np.zeros_like(like[number]) if each is None else each[number] for each in of_regions]
        )
        for number, part in enumerate(kind.parts)
    }


def of_whole(statistics: Statistics, count: int) -> Statistics:
    """A style without regions: it counts for each of the photo's as a whole."""
    known = {name: np.stack([array] * count) for name, array in statistics.items()}
    taps = {name.partition(" ")[0] for name in statistics}
    return known | {named(tap, SHARE): np.ones(count, np.float32) for tap in taps}


def blended_by_region(parts: Sequence[tuple[float, Statistics]]) -> Statistics:
    """The statistics of a blend: for each region the weighted mean over the styles that have it.

    Args:
        parts: the share of each style, and its statistics by region.
    """
    if len(parts) == 1:
        return dict(parts[0][1])
    return {name: _mean_of(name, parts) for name in parts[0][1]}


def _mean_of(name: str, parts: Sequence[tuple[float, Statistics]]) -> NDArray[np.float32]:
    tap = name.partition(" ")[0]
    there = np.stack([known[named(tap, SHARE)] > 0 for _, known in parts])
    weights = there * np.array([share for share, _ in parts])[:, np.newaxis]
    weights /= np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    arrays = np.stack([known[name] for _, known in parts])
    mean = np.einsum("sk,sk...->k...", weights, arrays)
    return np.asarray(mean, np.float32)


def region_losses(
    statistics: Statistics, tap: str, kind: StyleKind, regions: Sequence[Region | None], aim: Aim
) -> TapLoss | None:
    """The style loss of one kind at one tap, guided by regions.

    Args:
        statistics: of the style, by region.
        tap: a convolution.
        kind: of the loss.
        regions: of the photo, at the tap.
        aim: what is asked of the loss of the whole.

    Returns:
        The loss; None if no region is there in photo and style.
    """
    way, shares = _WAYS[kind.parts], statistics[named(tap, SHARE)]
    stacked = parts_at(statistics, tap, kind)
    targets = [
        {part: array[number] for part, array in stacked.items()} if share > 0 else None
        for number, share in enumerate(shares)
    ]
    least = FLOOR * _mean_energy(way, regions, targets)
    lying = aim.shelf if aim.raw else NO_SHELF

    def sums(maps: Array, roots: Array | None) -> Array:
        return way.sums(maps, roots, aim.shelf, lying)

    def make(target: Parts, region: Region) -> TapLoss:
        energy = way.energy(target)
        # So it is divided by the least energy in place of its own.
        less = energy / least if aim.relative and energy < least else 1.0
        own = replace(aim, weight=aim.weight * region.share * less)
        return Weighted(kind.loss(target, own), region, sums, aim.shelf)

    return guided(regions, targets, make, aim.shelf)


def _mean_energy(
    way: _Way, regions: Sequence[Region | None], targets: Sequence[Parts | None]
) -> float:
    """Of the targets, each by its region's share of the photo."""
    pairs = [
        (region.share, way.energy(target))
        for region, target in zip(regions, targets, strict=True)
        if region is not None and target is not None
    ]
    return fsum(share * energy for share, energy in pairs) / (fsum(s for s, _ in pairs) or 1.0)
