"""How many bytes the arrays take that a step leaves for the next (see `engine.shelf`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.entry import COLOURS
from engine.footprint import FLOAT
from engine.layers import chain_to, channels_of, deepest, level_of
from engine.recipe import Recipe
from engine.style_losses import weighted_kinds
from engine.tiles import Size

_SUMMED: Final = 8
"""Bytes for each value of a tap's narrow maps in oneDNN's place to work in (measured in bfloat16,
at 1024 and 2048 pixels in several runs: 6 to 11; at 512 less)."""

Kind = tuple[int, int, int]
"""Channels, level and bytes of a value: arrays of the same are of the same shape and type."""


def shelved_bytes(size: Size, recipe: Recipe, width: int = FLOAT, entering: int = COLOURS) -> int:
    """Bytes of all arrays that a step takes from the shelf, and of those that it makes besides.

    Of each kind as many are kept as were in use at once. This goes the way that `engine.objective`
    and `engine.passage.Passage` go. Besides there are what goes into the first layer; one as large
    as the largest, in which oneDNN works where something is written over itself; and what is made
    new of a content that is compared.

    Args:
        size: height and width of the picture.
        recipe: says the taps.
        width: bytes of a value of the maps.
        entering: channels that the first layer takes.
    """
    layers = chain_to(deepest(recipe.taps))
    picture = entering * size[0] * size[1] * width
    kept = _kept(layers, size, _Step(recipe, width, raw=width < FLOAT))
    return 2 * picture + kept + _compared(size, recipe, width) + _sums(size, recipe, width)


def shelved_in_tile(layers: Sequence[str], size: Size, recipe: Recipe, width: int = FLOAT) -> int:
    """Likewise of a tile, through some layers.

    A tap's gradient, and the same within the halo, are not from the shelf.

    Args:
        layers: that the tile goes through forth and back; not those that leave traces.
        size: height and width of the picture whose part the tile is, halo included.
        recipe: says the taps.
        width: bytes of a value of the maps.
    """
    if not layers:
        return 0
    taps = (_values(_kind(name, width), size) for name in layers if name in recipe.taps)
    own = 2 * max(taps, default=0) * width
    return own + _kept(layers, size, _Step(recipe, width)) + _compared(size, recipe, width)


def _kept(layers: Sequence[str], size: Size, step: _Step) -> int:
    """What lies on the shelf in the end, and the place to work in."""
    for name in layers:
        step.forth(name)
    for name, before in zip(reversed(layers), [*reversed(layers[:-1]), None], strict=True):
        step.back(name, before)
    kept = sum(_values(kind, size) * kind[2] * number for kind, number in step.most.items())
    return kept + max(_values(_kind(name, step.width), size) for name in layers) * step.width


def _compared(size: Size, recipe: Recipe, width: int) -> int:
    """What is made new at a tap where several gradients are added up, or one of float32 comes.

    The sum, and the one before it; of narrow maps the float32 that they are read into, and the
    gradient made narrow.
    """

    def new(tap: str) -> int:
        own = _gradients(tap, recipe, width)
        wide = len(own) > 1 or own[0] > width or tap in recipe.content_layers
        sums = min(len(own) - 1, 2) * FLOAT
        return sums + (FLOAT + width if wide and width < FLOAT else 0)

    return max(_values(_kind(tap, width), size) * new(tap) for tap in recipe.taps)


def _gradients(tap: str, recipe: Recipe, width: int) -> list[int]:
    """Bytes of a value of each gradient at a tap, in the order in which they are added up."""
    return [own for own, _ in _gradients_passing(tap, recipe, width)]


def _gradients_passing(tap: str, recipe: Recipe, width: int) -> list[tuple[int, int]]:
    """The same, each with how many more of its like are there while it is made."""
    found = [(FLOAT, 0)] * (tap in recipe.content_layers)
    for kind, _ in weighted_kinds(recipe) if tap in recipe.style_layers else ():
        found.append((width if kind.pulls_narrow else FLOAT, kind.passing))
    return found


def _sums(size: Size, recipe: Recipe, width: int) -> int:
    """What oneDNN has beside narrow maps where it multiplies channels (see `engine.gram`)."""
    if width == FLOAT:
        return 0
    values = (_values(_kind(tap, width), size) for tap in recipe.style_layers)
    return _SUMMED * max(values, default=0)


@dataclass
class _Step:
    """Counts what is in use.

    Attributes:
        recipe: says the taps.
        width: bytes of a value of the maps.
        raw: whether maps are measured as they are, where each loss takes them so.
        most: arrays of each kind that were in use at once.
    """

    recipe: Recipe
    width: int
    raw: bool = False
    most: Counter[Kind] = field(default_factory=Counter)
    _used: Counter[Kind] = field(default_factory=Counter)
    _first: bool = True
    _lent: bool = False

    def forth(self, name: str) -> None:
        """Maps stay; what measures them, and a difference to the content's, go at once."""
        self._take(_kind(name, self.width))
        tapped, compared = name in self.recipe.taps, name in self.recipe.content_layers
        as_they_are = all(kind.measures_narrow for kind, _ in weighted_kinds(self.recipe))
        beside = self.width if self.raw and as_they_are and not compared else FLOAT
        read = [_kind(name, beside)] * (tapped + compared)
        for kind in read:
            self._take(kind)
        for kind in read:
            self._put(kind)

    def back(self, name: str, before: str | None) -> None:
        """A gradient comes, and one goes on."""
        kind = _kind(name, self.width)
        if name in self.recipe.taps:
            self._add(name, kind)
        self._put(kind)  # the maps
        if before is not None:
            self._take(_kind(before, self.width))
        if self._lent:
            self._put(kind)
        self._lent = True

    def _add(self, name: str, kind: Kind) -> None:
        """A tap's own gradients, which are added to what came, if something did."""
        made = _gradients_passing(name, self.recipe, self.width)
        own = [_kind(name, width) for width, _ in made]
        self._make(own[0], made[0][1])
        # The first one stays, and is what is carried on, if it is neither a sum nor made narrow.
        stays = self._first and own == [kind]
        self._lent, self._first = self._lent or stays, False
        for number, each in enumerate(own[1:], start=1):
            self._make(each, made[number][1])
            self._put(each)
            if number == 1:  # it was added to the second; the sum is new
                self._put(own[0])
        if len(own) == 1 and not stays:
            self._put(own[0])

    def _make(self, kind: Kind, passing: int) -> None:
        for _ in range(passing + 1):
            self._take(kind)
        for _ in range(passing):
            self._put(kind)

    def _take(self, kind: Kind) -> None:
        self._used[kind] += 1
        self.most[kind] = max(self.most[kind], self._used[kind])

    def _put(self, kind: Kind) -> None:
        self._used[kind] -= 1


def _kind(name: str, width: int) -> Kind:
    return channels_of(name), level_of(name), width


def _values(kind: Kind, size: Size) -> int:
    channels, level, _ = kind
    return channels * (size[0] >> level) * (size[1] >> level)
