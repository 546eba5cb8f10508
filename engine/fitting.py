"""Into which tiles a picture is cut, and what leaves traces, for the least work that fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from operator import attrgetter, itemgetter
from typing import Final

from engine.entry import COLOURS
from engine.footprint import (
    FLOAT,
    Footprint,
    seam_bytes,
    stage_bytes,
    step_bytes,
    weighing_bytes,
)
from engine.layers import chain_to, deepest, work_of
from engine.recipe import CONVOLUTIONS, Recipe
from engine.shelving import shelved_bytes, shelved_in_tile
from engine.stages import Stage, Tiling
from engine.tiles import WHOLE, Grid, Size, spans

_MOST_TILES: Final = 16  # along one side
_UNSHELVED: Final = 1.2
"""Times that tiles take which leave no arrays for one another (measured: 1.15 to 1.3)."""
_CUT: Final = Tiling(Grid(2, 2), Grid(2, 2))
"""Any tiling that cuts: its stages are those of all."""


@dataclass(frozen=True)
class Maps:
    """What the maps of a network are like.

    Attributes:
        width: bytes of a value.
        entering: channels that go into the first layer.
        traced: whether layers may leave traces.
        shelved: whether those of a step may be kept for the next.
        regions: by how many regions they are weighed at the taps of the style; 0: they are not.
        masked: whether the picture is seen through a mask.
    """

    width: int = FLOAT
    entering: int = COLOURS
    traced: bool = True
    shelved: bool = True
    regions: int = 0
    masked: bool = False


@dataclass(frozen=True)
class Fit:
    """A tiling, the bytes that the maps of its steps take, and its work over that of no tiling."""

    tiling: Tiling
    bytes: int
    work: float


PLAIN: Final = Maps()
"""Those of float32, on a processor."""


def fitting(  # noqa: PLR0913 - all that it hangs on
    size: Size,
    recipe: Recipe,
    room: int,
    whole: int | None = None,
    *,
    maps: Maps = PLAIN,
    beside: int = 0,
) -> Fit | None:
    """Find the tiling that costs the least time and fits; None if no tiles are small enough.

    Args:
        size: height and width of the picture.
        recipe: says the taps and the pooling.
        room: bytes that the feature maps of one step may take.
        whole: bytes that they may take in one piece; unset, as many.
        maps: what they are like.
        beside: bytes that come to what is kept for the next step, if something is.
    """
    found = _in_one_piece(size, recipe, room if whole is None else whole, maps, beside)
    return found or _in_tiles(size, recipe, room, maps)


def _in_one_piece(size: Size, recipe: Recipe, room: int, maps: Maps, beside: int) -> Fit | None:
    """With what a step takes kept for the next, if there is room for that; without, if for that."""
    layers = chain_to(deepest(recipe.taps))
    needed = step_bytes(size, layers, recipe.taps, width=maps.width)
    # Of narrow maps `needed` counts much as float32, which is rather too much.
    least = needed * maps.width // FLOAT
    shelf = shelved_bytes(size, recipe, maps.width, maps.entering)
    if maps.regions:
        taps = recipe.style_layers
        weighing = weighing_bytes(size, taps)
        needed, least = needed + weighing, least + weighing
        shelf += weighing_bytes(size, taps, kept=True)
    kept = max(least, beside + shelf)
    if maps.shelved and kept <= room:
        return Fit(Tiling(shelved=True), kept, 1.0)
    return Fit(Tiling(), needed, 1.0) if needed <= room else None


def _in_tiles(size: Size, recipe: Recipe, room: int, maps: Maps) -> Fit | None:
    """In tiles that leave their arrays for one another, if those that leave none cost no less."""
    shelved = _cut(size, recipe, room, maps) if maps.shelved else None
    if shelved is not None and shelved.work <= _UNSHELVED:
        return shelved  # the others cost as much with no work but the whole's
    plain = _cut(size, recipe, room, replace(maps, shelved=False))
    if shelved is None or plain is None:
        return shelved or plain
    return plain if plain.work * _UNSHELVED < shelved.work else shelved


def _cut(size: Size, recipe: Recipe, room: int, maps: Maps) -> Fit | None:
    layers = chain_to(deepest(recipe.taps))
    ways = _ways(recipe, maps)
    seam = seam_bytes(size) if len(ways) > 1 else 0
    picture = _Picture(size, recipe, maps.width, maps.shelved, weighed=maps.regions > 0)
    chosen = _chosen(picture, ways, room - seam)
    best = min(chosen, key=lambda way: sum(each.work for each in way), default=None)
    if best is None:
        return None
    work = sum(each.work for each in best) / (size[0] * size[1] * work_of(layers))
    return Fit(_tiling(best, shelved=maps.shelved), seam + _bytes(best), work)


@dataclass(frozen=True)
class _Picture:
    """What is to be fitted in.

    Attributes:
        size: height and width.
        recipe: says the taps.
        width: bytes of a value of the maps.
        shelved: whether tiles leave their arrays for the next.
        weighed: whether maps are weighed by regions.
    """

    size: Size
    recipe: Recipe
    width: int
    shelved: bool
    weighed: bool = False

    def takes(self, stage: Stage, tile: Size) -> Footprint:
        """What a stage takes in tiles of a size."""
        found = stage_bytes(stage, tile, self.recipe.taps, self.width)
        of_picture = tile[0] << stage.level, tile[1] << stage.level
        kept = self.shelved and not stage.grid.whole
        if kept:
            shelf = shelved_in_tile(stage.head, of_picture, self.recipe, self.width)
            found = replace(found, passing=max(found.passing, shelf))
        if self.weighed:
            taps = [tap for tap in self.recipe.style_layers if tap in stage.layers]
            more = weighing_bytes(of_picture, taps, kept=kept)
            found = replace(found, passing=found.passing + more)
        return found


@dataclass(frozen=True)
class _Choice:
    """A stage with its grid, what it takes, and the work of a step through it."""

    stage: Stage
    takes: Footprint
    work: float


def _ways(recipe: Recipe, maps: Maps) -> list[list[Stage]]:
    """For each stage all places where traces may begin: nowhere, or right behind a tap.

    Maps of taps are large; so the first stage, which has the largest, rather goes through them
    again, and through the first block in any case. The second may leave traces as a whole. Of a
    maximum traces would not be enough.
    """
    stages = _CUT.stages(deepest(recipe.taps))
    if recipe.pooling != "avg" or not maps.traced:
        return [[stage] for stage in stages]
    return [[stage, *_with_traces(stage, recipe.taps)] for stage in stages]


def _with_traces(stage: Stage, taps: Collection[str]) -> Iterator[Stage]:
    if stage.level:
        yield replace(stage, again=0)
    for number, name in enumerate(stage.layers[:-1], start=1):
        if name in taps and name != CONVOLUTIONS[0]:
            yield replace(stage, again=number)


def _chosen(picture: _Picture, ways: list[list[Stage]], room: int) -> Iterator[list[_Choice]]:
    """For each way the grids that cost the least and fit."""
    near, *far = ways
    for stage in near:
        first = _cheapest(stage, picture, room)
        if first is None:
            continue
        if not far:
            yield [first]
        for behind in far[0] if far else ():
            second = _cheapest(behind, picture, room - first.takes.kept)
            if second is not None:
                yield [first, second]


def _cheapest(stage: Stage, picture: _Picture, room: int) -> _Choice | None:
    rows, columns = (_cuts(side, stage.layers) for side in stage.source(picture.size))
    for work, row, column in sorted(_priced(stage, rows, columns), key=itemgetter(0)):
        cut = replace(stage, grid=Grid(row.parts, column.parts))
        takes = picture.takes(cut, (row.longest, column.longest))
        if takes.kept + takes.passing <= room:
            return _Choice(cut, takes, work)
    return None


def _priced(
    stage: Stage, rows: Sequence[_Cut], columns: Sequence[_Cut]
) -> Iterator[tuple[float, _Cut, _Cut]]:
    """All ways to cut a stage, each with the work that it takes."""
    for row, column in product(rows, columns):
        cut = replace(stage, grid=Grid(row.parts, column.parts))
        # A first stage in one piece would save next to nothing: that is not called cutting.
        if stage.level or not cut.grid.whole:
            yield row.total * column.total * cut.work_of_position, row, column


@dataclass(frozen=True)
class _Cut:
    """One way to cut an axis: how many parts, the positions of all, and of the longest."""

    parts: int
    total: int
    longest: int


@lru_cache(maxsize=256)
def _cuts(length: int, layers: tuple[str, ...]) -> tuple[_Cut, ...]:
    found = []
    for parts in range(1, _MOST_TILES + 1):
        lengths = [span.stop - span.start for span in spans(length, parts, layers)]
        if len(lengths) == parts:  # there may be too few strides for so many
            found.append(_Cut(parts, sum(lengths), max(lengths)))
    return tuple(found)


def _tiling(way: Iterable[_Choice], *, shelved: bool) -> Tiling:
    stages = [each.stage for each in way]
    traced = frozenset(stage.tail[0] for stage in stages if stage.tail)
    near, far = stages[0].grid, stages[-1].grid
    return Tiling(near, far if len(stages) > 1 else WHOLE, traced, shelved)


def _bytes(way: Sequence[_Choice]) -> int:
    """What is there at the fullest: earlier stages keep what they left while later ones work."""
    before, most = 0, 0
    for takes in map(attrgetter("takes"), way):
        before += takes.kept
        most = max(most, before + takes.passing)
    return most
