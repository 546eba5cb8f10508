"""How a large picture is cut, so that each tile's own part of every feature map is the whole's.

A convolution of 3x3 sees one position beyond its own on each side. So a tile carries a halo as
wide as the deepest tap sees beyond it; the maps in the halo are wrong towards its rim, where the
tile ends and the picture does not, and nobody reads them. The own parts of all tiles make up the
picture, at every level of pooling: they begin at multiples of the deepest level's stride.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from engine.layers import chain_to, stride_of

Size = tuple[int, int]


def reach(deepest: str) -> int:
    """How many pixels a position of a tap sees beyond its own stride on each side.

    Args:
        deepest: the convolution, such as `conv5_1`, which sees 70.
    """
    return sum(stride_of(name) for name in chain_to(deepest) if name.startswith("conv"))


@dataclass(frozen=True)
class Span:
    """One tile along one axis, pixels of the picture.

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
        """Its own part within the tile's maps, after so many poolings."""
        return slice((self.first - self.start) >> level, (self.last - self.start) >> level)

    def place(self, level: int) -> slice:
        """Its own part within the whole picture's maps, after so many poolings."""
        return slice(self.first >> level, self.last >> level)


@dataclass(frozen=True)
class Tile:
    """One tile of a picture: the spans that cross in it."""

    rows: Span
    columns: Span

    def own(self, level: int) -> tuple[slice, slice]:
        """Rows and columns of its own part, within its own maps."""
        return self.rows.own(level), self.columns.own(level)

    def place(self, level: int) -> tuple[slice, slice]:
        """Rows and columns of its own part, within the whole picture's maps."""
        return self.rows.place(level), self.columns.place(level)

    @property
    def area(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that it covers, halo included."""
        return slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)


def spans(length: int, parts: int, deepest: str) -> list[Span]:
    """Cut an axis into equal parts, as near as strides allow, each with its halo.

    Args:
        length: of the axis, pixels.
        parts: how many; fewer if there are not so many strides.
        deepest: the deepest tap.
    """
    stride, halo = stride_of(deepest), reach(deepest)
    steps = max(length // stride, 1)
    parts = min(parts, steps)
    edges = [steps * number // parts * stride for number in range(parts)] + [length]
    return [
        Span(first, last, max(0, (first - halo) // stride * stride), min(length, last + halo))
        for first, last in pairwise(edges)
    ]


@dataclass(frozen=True)
class Grid:
    """How many tiles there are along each axis; (1, 1) is the whole picture at once."""

    rows: int = 1
    columns: int = 1

    @property
    def whole(self) -> bool:
        """Whether the picture is not cut at all."""
        return self.rows * self.columns == 1

    def tiles(self, size: Size, deepest: str) -> Iterator[Tile]:
        """The tiles of a picture of this height and width, row by row."""
        columns = spans(size[1], self.columns, deepest)
        for row in spans(size[0], self.rows, deepest):
            for column in columns:
                yield Tile(row, column)

    def largest(self, size: Size, deepest: str) -> Size:
        """Height and width of the largest tile, halo included."""
        high, wide = (
            max(span.stop - span.start for span in spans(length, parts, deepest))
            for length, parts in zip(size, (self.rows, self.columns), strict=True)
        )
        return high, wide
