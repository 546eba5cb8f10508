"""How much memory a picture takes while it is painted, and into how many tiles it has to be cut.

What is predicted is what the process holds at its fullest: what it held before, the pictures and
the optimiser's memory, which grow with the whole picture, and the feature maps of one step, which
grow with the largest tile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from engine.errors import PictureError
from engine.layers import chain_to, channels_of, deepest, level_of
from engine.recipe import Recipe
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
_HISTORIES: Final = (5, 3)
"""Shorter memories for L-BFGS, tried where the one that is wanted leaves no room for tiles."""
_CUTTING: Final = 2.4
"""A tile holds more than a whole picture of its size: own parts are cut out, and put back into the
halo (measured at 1024x768 in eight tiles; on the careful side)."""
_BEARABLE: Final = 1.3
"""Overhead of tiles above which it is better to remember fewer steps and have larger tiles."""
_WORKSPACE: Final = 300 * 2**20
"""Bytes that come with the first step, however small: the weights in oneDNN's layouts, and what the
C library keeps of small maps instead of giving it back (measured at 512 and 1024 pixels)."""


@dataclass(frozen=True)
class MemoryPlan:
    """How a picture is worked through.

    Attributes:
        grid: the tiles.
        bytes: predicted peak of the process.
        history: steps that L-BFGS can remember: the recipe's, or fewer for want of memory.
        overhead: pixels of all tiles, halos included, over those of the picture.
    """

    grid: Grid
    bytes: int
    history: int
    overhead: float


def step_bytes(size: Size, taps: Iterable[str]) -> int:
    """Most bytes of feature maps and gradients at once, in a step on one tile.

    The way there keeps the result of every layer; the way back lets them go, while it holds the
    gradient that comes, the one behind the ReLU, the one that goes on, and at a tap the tap's own.

    Args:
        size: height and width of the tile, halo included.
        taps: all of them.
    """
    wanted = set(taps)
    kept, most = _PICTURE * size[0] * size[1] / _FLOAT, 0.0
    before = kept
    for name in chain_to(deepest(wanted)):
        own = _elements(name, size)
        kept += own
        passing = (3 if name in wanted else 2) * own + before
        most, before = max(most, kept + passing), own
    return round(most * _FLOAT)


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


def plan_memory(size: Size, recipe: Recipe, resident: int, room: int) -> MemoryPlan:
    """Choose the tiles that cost the least time and fit.

    Args:
        size: height and width of the picture at its largest scale.
        recipe: how it is painted.
        resident: bytes that the process holds already.
        room: bytes that it may hold.

    Raises:
        PictureError: no tiles are small enough; the message names the largest size that fits.
    """
    found = _planned(size, recipe, resident, room)
    if found is None:
        raise PictureError(_too_large(size, recipe, resident, room))
    return found


def _planned(size: Size, recipe: Recipe, resident: int, room: int) -> MemoryPlan | None:
    shorter = (history for history in _HISTORIES if history < recipe.history)
    wishes = (
        recipe.model_copy(update={"history": history}) for history in (recipe.history, *shorter)
    )
    found = [_planned_with(size, wish, resident, room) for wish in wishes]
    plans = [plan for plan in found if plan is not None]
    return min(plans, key=lambda plan: max(plan.overhead, _BEARABLE), default=None)


def _planned_with(size: Size, recipe: Recipe, resident: int, room: int) -> MemoryPlan | None:
    taps = {*recipe.content_layers, *recipe.style_layers}
    always = resident + _WORKSPACE + picture_bytes(size, recipe)
    for grid, largest, overhead in _grids(size, deepest(taps)):
        needed = always + round(step_bytes(largest, taps) * (1 if grid.whole else _CUTTING))
        if needed <= room:
            return MemoryPlan(grid, needed, recipe.history, overhead)
    return None


def _elements(name: str, size: Size) -> float:
    level = level_of(name) + name.startswith("pool")
    channels = channels_of(name)
    return channels * (size[0] >> level) * (size[1] >> level)


def _optimiser_pictures(recipe: Recipe) -> int:
    if recipe.optimizer == "adam":
        return 6
    return 2 * recipe.history + 2 + _LBFGS_PASSING


@dataclass(frozen=True)
class _Cut:
    """One way to cut an axis: how many parts, the pixels of all, and of the longest."""

    parts: int
    total: int
    longest: int


def _cuts(length: int, tap: str) -> list[_Cut]:
    found = []
    for parts in range(1, _MOST_TILES + 1):
        lengths = [span.stop - span.start for span in spans(length, parts, tap)]
        found.append(_Cut(parts, sum(lengths), max(lengths)))
    return found


def _grids(size: Size, tap: str) -> Iterator[tuple[Grid, Size, float]]:
    """All grids, those first that compute the least twice: with their largest tile and overhead."""
    pairs = product(*(_cuts(length, tap) for length in size))
    for rows, columns in sorted(pairs, key=lambda pair: pair[0].total * pair[1].total):
        overhead = rows.total * columns.total / (size[0] * size[1])
        yield Grid(rows.parts, columns.parts), (rows.longest, columns.longest), overhead


def _too_large(size: Size, recipe: Recipe, resident: int, room: int) -> str:
    def too_much(sixteenths: int) -> bool:
        return _planned(_scaled(size, 16 * sixteenths), recipe, resident, room) is None

    fits = 16 * (bisect_left(range(max(size) // 16 + 1), x=True, lo=2, key=too_much) - 1)
    advice = f"Use a size of {fits} or less" if fits >= _SMALLEST else "Close other programs"
    return (
        f"At {size[1]}x{size[0]} pixels this picture takes more memory than the "
        f"{room / 2**20:.0f} MB that it may have. {advice}, or allow more with engine.max_memory."
    )


def _scaled(size: Size, side: int) -> Size:
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
