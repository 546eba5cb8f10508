"""The network in two stages, each cut into tiles of its own.

Halos add up from layer to layer: through all layers to `conv5_1` they are 70 pixels wide, and most
of what is computed in them lies at the deep layers' side. So a large picture is worked through in
two stages. Between them the maps of `SEAM` are kept for the whole picture, which is cheap, a 64th
of the picture's area. The first stage then has halos of 22 pixels, and the second, which works on
few positions, has few and large tiles, or none.

What the way back needs of a piece cannot all be kept: it is made again, by going through the layers
a second time, or traces of it are kept (see `engine.traces`), which cost next to nothing where the
maps of no tap are among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine.layers import chain_to, is_pooling, level_of, values_of, work_of
from engine.tiles import WHOLE, Grid, Size, Tile

SEAM: Final = "pool3"
"""Where the first stage ends: a layer's result that is small, with half of the work behind it."""

_FORWARD: Final = 0.5
"""Work of going through some layers forward alone, over that of forward and back."""

_TRACING: Final = 250
"""Multiplications that take as long as leaving and following a trace of one value. Measured: 170 at
conv3_2, 210 at conv2_2; at conv1_2 480, which is hardly less than going through it again."""


@dataclass(frozen=True)
class Stage:
    """A run of layers that is worked through tile by tile.

    Attributes:
        layers: in order.
        grid: its tiles, of what goes into the first layer.
        level: poolings before the first layer.
        last: whether the deepest tap is in it: nothing comes after it.
        again: how many of its layers are gone through again for the way back, unless it `keeps`
            all; those behind them leave traces.
    """

    layers: tuple[str, ...]
    grid: Grid
    level: int
    last: bool
    again: int

    def tiles(self, size: Size) -> Iterator[Tile]:
        """Its tiles, for a picture of this height and width."""
        return self.grid.tiles(self.source(size), self.layers)

    def source(self, size: Size) -> Size:
        """Height and width of what goes into it, for a picture of this size."""
        return size[0] >> self.level, size[1] >> self.level

    def level_of(self, name: str) -> int:
        """Poolings between what goes into it and the result of one of its layers."""
        return level_of(name) - self.level

    @property
    def head(self) -> tuple[str, ...]:
        """The layers that leave no traces."""
        return self.layers[: self.again]

    @property
    def tail(self) -> tuple[str, ...]:
        """The layers that leave traces."""
        return self.layers[self.again :]

    @property
    def keeps(self) -> bool:
        """Whether all that its forward pass makes is kept for the backward pass."""
        return self.last and self.grid.whole and not self.tail

    @property
    def work_of_position(self) -> float:
        """Work of a step for each position of what goes in, where a pass forward and back is 1."""
        more = 0.0 if self.keeps else _FORWARD * work_of(self.head)
        more += _TRACING * sum(values_of(name) for name in self.tail if not is_pooling(name))
        return float(4**self.level) * (work_of(self.layers) + more)


@dataclass(frozen=True)
class Tiling:
    """Into which tiles a picture is cut: none, or some in each stage.

    Attributes:
        near: tiles of the picture.
        far: tiles of the maps of `SEAM`.
        traced: the first layer of each stage that leaves traces, if there is one; `conv1_1` does
            not, since it is what knows of paddings.
        shelved: whether arrays are kept for what needs the same again (see `engine.shelf`): those
            of a step for the next one, or those of a tile for the next one of its stage.
    """

    near: Grid = WHOLE
    far: Grid = WHOLE
    traced: frozenset[str] = frozenset()
    shelved: bool = False

    @property
    def whole(self) -> bool:
        """Whether the picture is worked through in one piece."""
        return self.near.whole

    @property
    def tiles(self) -> int:
        """In how many pieces the picture itself is worked through."""
        return self.near.count

    def stages(self, deepest: str) -> list[Stage]:
        """The stages on the way to a tap: one if nothing is cut, or the tap is before the seam."""
        layers = tuple(chain_to(deepest))
        if self.whole or SEAM not in layers:
            return [self._stage(layers, self.near, level=0, last=True)]
        end = layers.index(SEAM) + 1
        return [
            self._stage(layers[:end], self.near, level=0, last=False),
            self._stage(layers[end:], self.far, level=level_of(SEAM), last=True),
        ]

    def _stage(self, layers: tuple[str, ...], grid: Grid, *, level: int, last: bool) -> Stage:
        leave = (number for number, name in enumerate(layers) if name in self.traced)
        return Stage(layers, grid, level, last, again=min(leave, default=len(layers)))


STYLE_SIDE: Final = 384
"""Longest side of a style's tiles, pixels, without halos; an outer tile has more of its own."""


def style_tiling(size: Size) -> Tiling:
    """The tiles of a style picture: small ones, and the same whatever is painted in that style.

    A style is gone through once, forth alone, so a second look at the halos costs little; and its
    statistics are the same to the last bit for each picture, and on each machine.

    Args:
        size: height and width of the style.
    """
    near = Grid(*(-(-side // STYLE_SIDE) for side in size))
    side = STYLE_SIDE >> 1  # of pool3's maps: 1536 pixels of the picture
    far = Grid(*(-(-(length >> level_of(SEAM)) // side) for length in size))
    return Tiling(near, far)
