"""A picture on its way through the network in pieces: forward to every tap, and back from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any

from engine.crossing import Crossing
from engine.device import let_go
from engine.errors import PictureError
from engine.layers import SMALLEST_SIDE, deepest
from engine.losses import Place, cut
from engine.mx import Array, nd
from engine.recipe import Recipe
from engine.shelf import NO_SHELF, Shelf
from engine.stages import Stage, Tiling
from engine.tiles import Tile
from engine.vgg import Vgg

GradientAt = Callable[[str, Array, Place], Array]
"""Gives d loss / d maps for the maps of a tap at one place of the whole maps."""


class Patchwork:
    """One picture: once forward, and then, if it is wanted, once back.

    Args:
        network: the trained network.
        image: the picture, (1, 3, H, W).
        taps: convolutions whose maps, after the ReLU, are wanted.
        recipe: says pooling and padding.
        tiling: the pieces. A picture in one piece is queued on the device without any wait.
        shelf: where arrays of one step wait for the next, if nothing is cut. What `forward` gives
            is then written over as soon as the next is asked for.

    Raises:
        PictureError: a side is under `SMALLEST_SIDE`.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that a way through the network hangs on
        self,
        network: Vgg,
        image: Array,
        taps: Iterable[str],
        recipe: Recipe,
        tiling: Tiling,
        shelf: Shelf = NO_SHELF,
    ) -> None:
        self._network = network
        self._shelf = shelf
        # Tiles are of one size in each stage, so that one leaves arrays for the next.
        self._between_tiles = Shelf(image.context) if tiling.shelved else NO_SHELF
        self._recipe = recipe
        self._wanted = set(taps)
        self._size = image.shape[2:]
        if min(self._size) < SMALLEST_SIDE:
            raise PictureError(
                f"A picture of {self._size[1]}x{self._size[0]} pixels is too small or too narrow "
                f"to paint: each side needs {SMALLEST_SIDE} pixels. Use a larger size."
            )
        self._stages = tiling.stages(deepest(self._wanted))
        self._sources = [image]  # of each stage that was begun
        self._under_way: dict[tuple[Stage, Tile], Crossing] = {}  # kept for the way back

    def forward(
        self, *, to_return: bool = False, raw: Collection[str] = ()
    ) -> Iterator[tuple[str, Array, Place]]:
        """Give the maps of every tap piece by piece: what is each piece's own, and its place.

        Args:
            to_return: whether `back` will be called.
            raw: taps whose maps may come as they are, in the network's own type.
        """
        for stage in self._stages:
            whole: Array | None = None
            for tile in stage.tiles(self._size):
                for name, own, place in self._forth(stage, tile, raw, to_return=to_return):
                    if name in self._wanted:
                        yield name, own, place
                    if not stage.last and name == stage.layers[-1]:
                        whole = self._laid(whole, own, stage, place)
                _settle(stage)
            self._part_with(stage)
            if whole is not None:
                self._sources.append(whole)

    def back(self, gradient_at: GradientAt) -> Array:
        """Carry the taps' gradients to the picture.

        Args:
            gradient_at: asked for each piece of each tap, in whatever order the way back takes.

        Returns:
            d loss / d image, (1, 3, H, W) float32.
        """
        gradient: Array | None = None
        for stage in reversed(self._stages):
            gradient = self._back_through(stage, self._sources.pop(), gradient_at, gradient)
        return gradient

    def _forth(
        self, stage: Stage, tile: Tile, raw: Collection[str], *, to_return: bool
    ) -> Iterator[tuple[str, Array, Place]]:
        """Own parts of a tile's maps: those of the taps, and what the next stage begins with."""
        crossing = self._crossing(stage)
        if to_return and (stage.keeps or stage.tail):
            self._under_way[stage, tile] = crossing
        source = cut(self._sources[-1], tile.area)
        for name, maps in crossing.forth(source, to_return=to_return, raw=raw):
            level = stage.level_of(name)
            yield name, cut(maps, tile.own(level)), tile.place(level)

    def _laid(self, whole: Array | None, own: Array, stage: Stage, place: Place) -> Array:
        """Put a piece into its place in the whole maps."""
        level = stage.level_of(stage.layers[-1])
        if whole is None:
            sides = (int(side) >> level for side in self._size)
            whole = nd.zeros((1, own.shape[1], *sides), ctx=own.context)
        whole[:, :, place[0], place[1]] = own
        return whole

    def _back_through(
        self, stage: Stage, source: Array, gradient_at: GradientAt, after: Array | None
    ) -> Array:
        """The gradient of what goes into a stage, from those at its taps and behind it."""
        gradient = None
        for tile in stage.tiles(self._size):
            crossing = self._under_way.pop((stage, tile), None) or self._crossing(stage)
            share = crossing.back(
                partial(cut, source, tile.area), _in_tile(stage, tile, gradient_at, after)
            )
            if stage.grid.whole:
                return share
            gradient = nd.zeros_like(source) if gradient is None else gradient
            rows, columns = tile.area
            gradient[:, :, rows, columns] += share
            _settle(stage)
        self._part_with(stage)
        return gradient

    def _part_with(self, stage: Stage) -> None:
        """Let go what a stage's tiles left for one another, before anything else is made."""
        self._between_tiles.clear()
        _settle(stage)

    def _crossing(self, stage: Stage) -> Crossing:
        wanted = self._wanted if stage.last else {*self._wanted, stage.layers[-1]}
        return Crossing(self._network, stage, wanted, self._recipe, self._shelf_of(stage))

    def _shelf_of(self, stage: Stage) -> Shelf:
        return self._shelf if stage.grid.whole else self._between_tiles


def _in_tile(
    stage: Stage, tile: Tile, gradient_at: GradientAt, after: Array | None
) -> Callable[[str, Array], Array]:
    """Gradients at a tile's maps: those of its own parts, and nothing in the halo."""

    def gradient_in(name: str, maps: Array | None) -> Array:
        level = stage.level_of(name)
        place = tile.place(level)
        if name == stage.layers[-1] and after is not None:
            share = cut(after, place)
        else:
            share = gradient_at(name, cut(maps, tile.own(level)), place)
        return _widened(share, tile, level)

    return gradient_in


def _widened(share: Array, tile: Tile, level: int) -> Array:
    """The gradient of a tile's own part, with nothing around it in the halo."""
    around: list[Any] = [0, 0, 0, 0]
    for own, length in zip(tile.own(level), tile.sides, strict=True):
        around += [own.start, (length >> level) - own.stop]
    if not any(around):
        return share
    return nd.pad(share, mode="constant", pad_width=tuple(around), constant_value=0)


def _settle(stage: Stage) -> None:
    """Wait, so that the next tile does not begin while the last one's memory is still in use."""
    if not stage.grid.whole:
        let_go()
