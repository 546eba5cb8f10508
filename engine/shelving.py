"""How many bytes the arrays take that a step leaves for the next (see `engine.shelf`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from engine.footprint import FLOAT
from engine.layers import channels_of, inputs_of, level_of
from engine.tiles import Size

Kind = tuple[int, int, int]
"""Channels, level and bytes of a value: arrays of the same are of the same shape and type."""


def shelved_bytes(
    size: Size, layers: Sequence[str], taps: Collection[str], width: int = FLOAT
) -> int:
    """Bytes of all arrays that a step through some layers takes from the shelf, and of one more.

    That one, as large as the largest, is the place that MXNet works in where something is written
    over itself. Of each kind as many are kept as were in use at once. This goes the way that
    `engine.passage.Passage` goes, as if each tap were one of style: the gradient of a content is
    new each time, and small.

    Args:
        size: height and width of the picture.
        layers: in order, from the first.
        taps: all of them.
        width: bytes of a value of the maps.
    """
    step = _Step(width)
    for name in layers:
        step.forth(name, tapped=name in taps)
    before = [*layers[:-1]]
    for name in reversed(layers):
        step.back(name, before.pop() if before else None, tapped=name in taps)
    picture = inputs_of(layers[0]) * size[0] * size[1] * width
    largest = max(_values(_kind(name, width), size) for name in layers) * width
    kept = sum(_values(kind, size) * kind[2] * number for kind, number in step.most.items())
    return picture + kept + largest


@dataclass
class _Step:
    """Counts what is in use.

    Attributes:
        width: bytes of a value of the maps.
        most: arrays of each kind that were in use at once.
    """

    width: int
    most: Counter[Kind] = field(default_factory=Counter)
    _used: Counter[Kind] = field(default_factory=Counter)
    _has_gradient: bool = False

    def forth(self, name: str, *, tapped: bool) -> None:
        """Maps stay; what they are read into goes at once."""
        self._take(_kind(name, self.width))
        if tapped:
            read = _kind(name, FLOAT)
            self._take(read)
            self._put(read)

    def back(self, name: str, before: str | None, *, tapped: bool) -> None:
        """A gradient comes, and one goes on."""
        kind = _kind(name, self.width)
        if tapped:
            self._add(kind)
        self._put(kind)  # the maps
        if before is not None:
            self._take(_kind(before, self.width))
        self._put(kind)

    def _add(self, kind: Kind) -> None:
        """A tap's own gradient, which is added to what came, if something did."""
        self._take(kind)
        if self._has_gradient:
            self._put(kind)
        self._has_gradient = True

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
