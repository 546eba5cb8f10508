"""How a large picture is cut, so that each tile's own part of every feature map is the whole's.

A convolution of 3x3 sees one position beyond its own on each side. So a tile carries a halo as
wide as the last layer sees beyond it; the maps in the halo are wrong towards its rim, where the
tile ends and the picture does not, and nobody reads them. The own parts of all tiles make up the
picture, at every level of pooling: they begin at multiples of the last layer's stride.

What is cut is what goes into the first of some layers, the picture or the maps of a pooling;
levels are counted from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from engine.layers import is_pooling

Size = tuple[int, int]


def stride(layers: Sequence[str]) -> int:
    """Positions of what goes into some layers from one position of their result to the next."""
    return int(2 ** sum(map(is_pooling, layers)))


def reach(layers: Sequence[str]) -> int:
    """How many positions a result of some layers sees beyond its own stride on each side.

    Args:
        layers: convolutions and poolings, in order; from the picture to `conv5_1` it is 70.
    """
    unit, seen = 1, 0
    for name in layers:
        if is_pooling(name):
            unit *= 2
        else:
            seen += unit
    return seen


@dataclass(frozen=True)
class Span:
    """One tile along one axis.

    Attributes:
        first: where its own part begins.
        last: where that ends (not in it any more).
        start: where the tile begins, halo included.
        stop: where it ends.
    """

    first: int
    last: int
    start: int
    stop: int

    def own(self, level: int) -> slice:
        """Its own part within the tile's maps, so many poolings on."""
        return slice((self.first - self.start) >> level, (self.last - self.start) >> level)

    def place(self, level: int) -> slice:
        """Its own part within the whole maps, so many poolings on."""
        return slice(self.first >> level, self.last >> level)


@dataclass(frozen=True)
class Tile:
    """One tile: the spans that cross in it."""

    rows: Span
    columns: Span

    def own(self, level: int) -> tuple[slice, slice]:
        """Rows and columns of its own part, within its own maps."""
        return self.rows.own(level), self.columns.own(level)

    def place(self, level: int) -> tuple[slice, slice]:
        """Rows and columns of its own part, within the whole maps."""
        return self.rows.place(level), self.columns.place(level)

    @property
    def sides(self) -> Size:
        """Its height and width, halo included."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def area(self) -> tuple[slice, slice]:
        """Rows and columns that it covers, halo included."""
        return slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)


def spans(length: int, parts: int, layers: Sequence[str]) -> list[Span]:
    """Cut an axis so that all tiles, halo included, are of the same length.

    Those at the ends have a halo on one side only and so a larger part of their own. What is of
    one shape is cheap to do again: the memory of one tile is just right for the next.

    Args:
        length: of the axis, positions of what goes into the layers.
        parts: how many; fewer if there are not so many strides, or hardly more than halos.
        layers: those that are worked through tile by tile.
    """
    unit = stride(layers)
    halo = -(-reach(layers) // unit)  # this and what follows in strides
    steps, rest = divmod(length, unit)
    area = steps
    while parts > 1:
        area = -(-(steps + 2 * halo * (parts - 1)) // parts)
        if steps - area >= parts - 1:
            break
        parts -= 1
    if parts == 1:
        return [Span(0, length, 0, length)]
    starts = [(steps - area) * number // (parts - 1) for number in range(parts)]
    edges = [0, *(sum(pair) + area for pair in pairwise(starts))]
    firsts = [edge // 2 * unit for edge in edges]
    ends = [*firsts[1:], length]
    return [
        Span(first, last, start * unit, (start + area) * unit + rest)
        for first, last, start in zip(firsts, ends, starts, strict=True)
    ]


@dataclass(frozen=True)
class Grid:
    """How many tiles there are along each axis; (1, 1) is the whole picture at once."""

    rows: int = 1
    columns: int = 1

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return self.rows * self.columns

    @property
    def whole(self) -> bool:
        """Whether nothing is cut at all."""
        return self.count == 1

    def tiles(self, size: Size, layers: Sequence[str]) -> Iterator[Tile]:
        """The tiles of what goes into some layers, of this height and width, row by row."""
        columns = spans(size[1], self.columns, layers)
        for row in spans(size[0], self.rows, layers):
            for column in columns:
                yield Tile(row, column)


WHOLE: Final = Grid()
"""Nothing is cut."""
