"""How much memory a picture takes while it is painted, and into how many tiles it has to be cut.

What is predicted is what the process holds at its fullest: what it held before, the pictures and
the optimiser's memory, which grow with the whole picture, and the feature maps of one step, which
grow with the largest tile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import product
from math import prod
from operator import itemgetter
from typing import Final

from engine.errors import PictureError
from engine.layers import (
    block_of,
    chain_to,
    channels_of,
    deepest,
    inputs_of,
    is_pooling,
    level_of,
    work_of,
)
from engine.recipe import CONVOLUTIONS, Recipe
from engine.stages import SEAM, Stage, Tiling, style_tiling
from engine.tiles import Grid, Size, spans

_FLOAT: Final = 4
_PICTURE: Final = 3 * _FLOAT  # bytes a pixel
_MOST_TILES: Final = 16  # along one side
_SMALLEST: Final = 32
_PICTURES_HELD: Final = 8
"""Pictures that are there at once beside the optimiser's: content and style and the start on the
host, image, best, gradient and the two that a step makes on the device."""
_LBFGS_PASSING: Final = 4
"""Pictures that a step of L-BFGS makes and lets go: step, change, move, and the new image."""
_LEARNING: Final = 8
"""Pictures that L-BFGS takes besides to learn the curvature, when no maps are held: energies of
steps and changes, their squares, scales, bands and what they are made of."""
_HISTORIES: Final = (5, 3)
"""Shorter memories for L-BFGS, tried where the one that is wanted leaves no room for tiles."""
_BEARABLE: Final = 1.7
"""Overhead of tiles above which it is better to remember fewer steps and have larger tiles."""
WORKSPACE: Final = 330 * 2**20
"""Bytes that come with the first step, however small: the weights in oneDNN's layouts, and what the
C library keeps for later (measured from 256 to 4096 pixels, whole and in tiles)."""
_MARGIN: Final = 1.1
"""What the C library keeps differs from run to run; in tiles it is made to give it back."""
_STYLE_VALUES: Final = 256
"""Values a pixel of a style's tile: the maps of conv1_1 and conv1_2, and a copy in another layout
for the products of channels (measured: 200)."""


_CUT: Final = Tiling(Grid(2, 2), Grid(2, 2))
"""Any tiling that cuts: its stages are those of all."""


@dataclass(frozen=True)
class Fit:
    """A tiling, the bytes that the maps of its steps take, and its work over that of no tiling."""

    tiling: Tiling
    bytes: int
    work: float


@dataclass(frozen=True)
class MemoryPlan:
    """How a picture is worked through.

    Attributes:
        tiling: the pieces of the largest scale.
        bytes: predicted peak of the process.
        maps: bytes that the maps of one step may take.
        history: steps that L-BFGS can remember: the recipe's, or fewer for want of memory.
        overhead: work of a step over that of a picture in one piece.
    """

    tiling: Tiling
    bytes: int
    maps: int
    history: int
    overhead: float

    @property
    def tiles(self) -> int:
        """In how many pieces the picture itself is worked through."""
        return self.tiling.tiles


def step_bytes(
    size: Size,
    layers: Sequence[str],
    taps: Collection[str],
    *,
    cut: bool = False,
    width: int = _FLOAT,
) -> int:
    """Most bytes of feature maps and gradients at once, in a step through some layers.

    The way forth keeps the result of every layer; the way back lets them go, while it holds the
    gradient that comes, the one before the ReLU and the one that goes on. At a tap it holds the one
    that comes, the tap's own and their sum; of a tile also the part without the halo, and the tap's
    own within the halo. MXNet keeps a place to work in besides, as large as the largest maps.

    Maps of less than float32 are read as float32 at the taps. So there all is counted as float32,
    and outside of tiles, where that makes up for no copy, one more; the place to work in is counted
    as float32 too. That is rather too much (in bytes a value at most 14, and in tiles 18).

    Args:
        size: height and width of what goes into the first layer, halo included.
        layers: from the picture's first, or from a later one.
        taps: all of them.
        cut: whether this is a tile, with a halo.
        width: bytes of a value of the maps.
    """
    level = block_of(layers[0]) - 1
    picture = size[0] << level, size[1] << level
    kept = most = before = float(inputs_of(layers[0]) * size[0] * size[1])
    largest = before
    # Of values of this width; float32's are so many of them.
    read, copied = _FLOAT / width, 0 if width == _FLOAT else 1
    for name in layers:
        own = _elements(name, picture)
        kept += own
        passing = 2 * own + before + (0 if is_pooling(name) else own)
        at_tap = (5 if cut else 3 + copied) * read * own if name in taps else 0
        most, before = max(most, kept - own + passing, kept + at_tap), own
        largest = max(largest, own)
    return round(most * width + largest * _FLOAT)


def picture_bytes(size: Size, recipe: Recipe) -> int:
    """Bytes that grow with the whole picture, tiles or not.

    Args:
        size: height and width of the picture.
        recipe: says the content taps and the optimiser.
    """
    pixels = size[0] * size[1]
    pictures = _PICTURES_HELD + _optimiser_pictures(recipe)
    targets = sum(_elements(tap, size) for tap in recipe.content_layers)
    return round(pictures * _PICTURE * pixels + targets * _FLOAT)


def plan_memory(  # noqa: PLR0913 - all that a plan hangs on
    size: Size,
    recipe: Recipe,
    resident: int,
    room: int,
    style: Size | None = None,
    *,
    width: int = _FLOAT,
) -> MemoryPlan:
    """Choose the tiles that cost the least time and fit.

    Args:
        size: height and width of the picture at its largest scale.
        recipe: how it is painted.
        resident: bytes that the process holds already.
        room: bytes that it may hold.
        style: height and width of the style at that scale; without it as large as the picture.
        width: bytes of a value of the maps.

    Raises:
        PictureError: no tiles are small enough; the message names the largest size that fits.
    """
    place = _Place(resident, room, width)
    found = _planned(size, recipe, place, style or size)
    if found is None:
        raise PictureError(_too_large(size, recipe, place))
    return found


def style_bytes(size: Size) -> int:
    """Bytes that a style picture takes while its statistics are computed, one tile at a time.

    Args:
        size: height and width of the style.
    """
    (stage, *more) = style_tiling(size).stages(CONVOLUTIONS[-1])
    parts = stage.grid.rows, stage.grid.columns
    longest = (
        max(_span_lengths(side, each, stage.layers)) for side, each in zip(size, parts, strict=True)
    )
    largest = prod(longest)
    seam = _seam_bytes(size) if more else 0
    pictures = 2 * _PICTURE * size[0] * size[1]  # on the host, and on the device
    return pictures + seam + largest * _STYLE_VALUES * _FLOAT


def fitting(
    size: Size,
    taps: Collection[str],
    room: int,
    whole: int | None = None,
    *,
    width: int = _FLOAT,
) -> Fit | None:
    """Find the tiling that costs the least time and fits; None if no tiles are small enough.

    Args:
        size: height and width of the picture.
        taps: all of them.
        room: bytes that the feature maps of one step may take.
        whole: bytes that they may take in one piece; unset, as many.
        width: bytes of a value of the maps.
    """
    layers = chain_to(deepest(taps))
    needed = step_bytes(size, layers, taps, width=width)
    if needed <= (room if whole is None else whole):
        return Fit(Tiling(), needed, 1.0)
    between = _seam_bytes(size)
    chosen = [
        _cheapest(stage, size, partial(step_bytes, taps=taps, width=width), room - between)
        for stage in _CUT.stages(deepest(taps))
    ]
    fits = [each for each in chosen if each is not None]
    if len(fits) < len(chosen):
        return None
    work = sum(each.work for each in fits) / (size[0] * size[1] * work_of(layers))
    grids = [each.grid for each in fits]
    return Fit(Tiling(*grids), between + max(each.bytes for each in fits), work)


@dataclass(frozen=True)
class _Choice:
    """A grid for a stage, the bytes of its steps, and the work of one."""

    grid: Grid
    bytes: int
    work: float


def _cheapest(stage: Stage, size: Size, needs: Callable[..., int], room: int) -> _Choice | None:
    rows, columns = (_cuts(side, stage.layers) for side in stage.source(size))
    for work, row, column in sorted(_priced(stage, rows, columns), key=itemgetter(0)):
        grid = Grid(row.parts, column.parts)
        largest = row.longest, column.longest
        needed = needs(largest, stage.layers, cut=not grid.whole)
        if needed <= room:
            return _Choice(grid, needed, work)
    return None


def _priced(
    stage: Stage, rows: Sequence[_Cut], columns: Sequence[_Cut]
) -> Iterator[tuple[float, _Cut, _Cut]]:
    """All ways to cut a stage, each with the work that it takes."""
    for row, column in product(rows, columns):
        cut = replace(stage, grid=Grid(row.parts, column.parts))
        # A first stage in one piece would save next to nothing: that is not called cutting.
        if cut.last or not cut.grid.whole:
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
        lengths = _span_lengths(length, parts, layers)
        if len(lengths) == parts:  # there may be too few strides for so many
            found.append(_Cut(parts, sum(lengths), max(lengths)))
    return tuple(found)


def _span_lengths(length: int, parts: int, layers: Sequence[str]) -> list[int]:
    return [span.stop - span.start for span in spans(length, parts, layers)]


@dataclass(frozen=True)
class _Place:
    """Where a picture is to fit in: what is held there, what may be, bytes of a value of maps."""

    resident: int
    room: int
    width: int


def _planned(size: Size, recipe: Recipe, place: _Place, style: Size) -> MemoryPlan | None:
    shorter = (history for history in _HISTORIES if history < recipe.history)
    wishes = (
        recipe.model_copy(update={"history": history}) for history in (recipe.history, *shorter)
    )
    found = [_planned_with(size, wish, place, style) for wish in wishes]
    plans = [plan for plan in found if plan is not None]
    return min(plans, key=lambda plan: max(plan.overhead, _BEARABLE), default=None)


def _planned_with(size: Size, recipe: Recipe, place: _Place, style: Size) -> MemoryPlan | None:
    always, pictures = place.resident + WORKSPACE, picture_bytes(size, recipe)
    left = (round(each) - always - pictures for each in (place.room, place.room / _MARGIN))
    fit = fitting(size, recipe.taps, *left, width=place.width)
    if fit is None:
        return None
    # The style comes first, when the optimiser holds nothing yet; and that learns between steps.
    step = max(fit.bytes, _learning_bytes(size, recipe))
    most = always + max(pictures + step, style_bytes(style))
    if most > place.room:
        return None
    return MemoryPlan(fit.tiling, most, fit.bytes, recipe.history, fit.work)


def _seam_bytes(size: Size) -> int:
    """The maps between the stages, and their gradient."""
    return round(2 * _elements(SEAM, size) * _FLOAT)


def _elements(name: str, size: Size) -> float:
    level = level_of(name)
    return channels_of(name) * (size[0] >> level) * (size[1] >> level)


def _optimiser_pictures(recipe: Recipe) -> int:
    if recipe.optimizer == "adam":
        return 6
    return 2 * recipe.history + 3 + _LBFGS_PASSING


def _learning_bytes(size: Size, recipe: Recipe) -> int:
    if recipe.optimizer == "adam":
        return 0
    return _LEARNING * _PICTURE * size[0] * size[1]


def _too_large(size: Size, recipe: Recipe, place: _Place) -> str:
    def too_much(sixteenths: int) -> bool:
        smaller = _scaled(size, 16 * sixteenths)
        return _planned(smaller, recipe, place, smaller) is None

    fits = 16 * (bisect_left(range(max(size) // 16 + 1), x=True, lo=2, key=too_much) - 1)
    advice = f"Use a size of {fits} or less" if fits >= _SMALLEST else "Close other programs"
    return (
        f"At {size[1]}x{size[0]} pixels this picture takes more memory than the "
        f"{place.room / 2**20:.0f} MB that it may have. {advice}, or allow more with "
        "engine.max_memory."
    )


def _scaled(size: Size, side: int) -> Size:
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
