"""Regions of a photo, each of which is painted after the region of the same colour in a style.

A region is told by weights: how much of each position belongs to it. At every size, and at every
tap of the network, the weights of all regions add up to 1, or to what a mask lets of the position
be painted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.averages import Padding, Plane, Size, down, resized
from engine.errors import PictureError
from engine.labels import APART, Colour, Labels, distance
from engine.margins import with_margin

Weights = NDArray[np.float32]
"""(K, h, w): one plane a region."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Which region each pixel of a picture is in.

    Attributes:
        numbers: (H, W) uint8, of any size and proportions: it is laid over the whole picture.
        count: how many regions there are. A style may lack some of them.
    """

    numbers: NDArray[np.uint8]
    count: int

    @cached_property
    def digest(self) -> str:
        """What it is told from others by."""
        shape = f"{self.count} {self.numbers.shape}"
        return hashlib.sha256(self.numbers.tobytes() + shape.encode()).hexdigest()

    def weights(self, size: Size) -> Weights:
        """Weights for the picture in some height and width."""
        return np.stack([self._plane(number, size) for number in range(self.count)])

    def at_taps(
        self,
        size: Size,
        taps: Collection[str],
        padding: Padding,
        painted: Plane | None = None,
        margin: int = 0,
    ) -> dict[str, Weights]:
        """Weights for the maps of some taps.

        Args:
            size: height and width of the picture.
            taps: convolutions.
            padding: of the first one.
            painted: what of each pixel a mask lets be painted, in that size; without it all.
            margin: around the picture (see `engine.margins`).
        """
        found: dict[str, list[Plane]] = {tap: [] for tap in taps}
        for number in range(self.count):
            plane = self._plane(number, size)
            plane = plane if painted is None else plane * painted
            for tap, at_tap in down(with_margin(plane, margin), taps, padding):
                found[tap].append(at_tap)
        return {tap: np.stack(planes) for tap, planes in found.items()}

    def _plane(self, number: int, size: Size) -> Plane:
        return resized(self.numbers == number, size)


@dataclass(frozen=True)
class Merged:
    """A label without a partner, and what it became.

    Attributes:
        style: number of the style that had it; None for the photo.
        colour: of the label.
        into: colour of the label, in the same picture, to which it was added.
    """

    style: int | None
    colour: Colour
    into: Colour


@dataclass(frozen=True, eq=False)
class Matched:
    """Photo and styles in common regions.

    Attributes:
        content: of the photo; it has all of them.
        styles: of each style; None for one that has no labels, and counts for each region whole.
        colours: of the regions, as they are in the photo.
        merged: what was added to other regions.
    """

    content: Regions
    styles: tuple[Regions | None, ...]
    colours: tuple[Colour, ...]
    merged: tuple[Merged, ...]


def matched(content: Labels, styles: Sequence[Labels | None]) -> Matched:
    """Find each region of a photo again in its styles, by colour.

    A label of the photo that no style has, and one of a style that the photo lacks, is added to the
    nearest in colour, in the same picture, of those that have a partner. What one style lacks may
    stand in another one.

    Args:
        content: the photo's labels.
        styles: those of each style, as far as it has any.

    Raises:
        PictureError: a style has no colour in common with the photo.
    """
    names = ["style"] if len(styles) == 1 else [f"style {n}" for n in range(1, len(styles) + 1)]
    pairs = [
        None if each is None else _paired(content.colours, each.colours, name)
        for each, name in zip(styles, names, strict=True)
    ]
    wanted = {number for each in pairs for number in _partners(each, len(content.colours))}
    kept = sorted(wanted)
    place = {number: region for region, number in enumerate(kept)}
    regions, merged = _joined(content, place, len(kept), None)
    found: list[Regions | None] = []
    for style, (labels, pair) in enumerate(zip(styles, pairs, strict=True)):
        if labels is None or pair is None:
            found.append(None)
            continue
        places = {own: place[number] for own, number in pair.items()}
        in_common, more = _joined(labels, places, len(kept), style)
        found.append(in_common)
        merged += more
    colours = tuple(content.colours[number] for number in kept)
    return Matched(regions, tuple(found), colours, tuple(merged))


def _partners(pairs: dict[int, int] | None, count: int) -> Collection[int]:
    """The photo's labels for which a style has something."""
    return range(count) if pairs is None else pairs.values()


def _paired(content: Sequence[Colour], style: Sequence[Colour], name: str) -> dict[int, int]:
    """A style's labels and the photo's of the same colour, the most alike first."""
    distances = sorted(
        (distance(colour, other), own, number)
        for own, colour in enumerate(style)
        for number, other in enumerate(content)
    )
    pairs: dict[int, int] = {}
    for apart, own, number in distances:
        if apart < APART and own not in pairs and number not in pairs.values():
            pairs[own] = number
    if not pairs:
        raise PictureError(
            f"The pictures that mark regions of photo and {name} have no colour in common: the "
            f"photo's has {_named(content)}, that of the {name} has {_named(style)}. Paint "
            "what belongs together in the same colour."
        )
    return pairs


def _joined(
    labels: Labels, places: dict[int, int], count: int, style: int | None
) -> tuple[Regions, list[Merged]]:
    """Labels as regions; those without a place get the nearest one's."""
    colours = labels.colours
    merged, table = [], np.zeros(len(colours), np.uint8)
    for number, colour in enumerate(colours):
        into = number
        if number not in places:
            into = min(places, key=lambda other: distance(colour, colours[other]))
            merged.append(Merged(style, colour, colours[into]))
        table[number] = places[into]
    return Regions(table[labels.numbers], count), merged


def _named(colours: Sequence[Colour]) -> str:
    return ", ".join("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours)
