"""How much memory a picture takes while it is painted, and into how many tiles it has to be cut.

What is predicted is what the process holds at its fullest: what it held before, the pictures and
the optimiser's memory, which grow with the whole picture, and what a step takes besides, which is
`engine.fitting`'s to choose.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Final

from engine.errors import PictureError
from engine.fitting import PLAIN, Maps, fitting
from engine.footprint import FLOAT, elements, seam_bytes
from engine.guides import Guides
from engine.layers import level_of
from engine.matting import laplacian_bytes
from engine.recipe import CONVOLUTIONS, Recipe
from engine.stages import Tiling, style_tiling
from engine.tiles import Size

_PICTURE: Final = 3 * FLOAT  # bytes a pixel
_SMALLEST: Final = 32
_PICTURES_HELD: Final = 6
"""Pictures that are there beside the maps and the optimiser's: content, style and the content's
canvas on the host; image, best picture and gradient on the device. More styles, and larger ones,
are counted besides."""
_PASSING: Final = 11
"""Pictures that are made and let go between steps. Most are L-BFGS's, to learn the
curvature: energies of steps and changes, their squares, scales, bands and what they are made of."""
_MASKED: Final = 5
"""Pictures that come with a mask: what is seen of each pixel, what is kept, the composition, the
gradient before it is seen through, and a plane of shares and its like on the host."""
_PRODUCT: Final = 4
"""Pictures that the photorealism loss makes: the image, about its middle, the gradient twice."""
_HISTORIES: Final = (5, 3)
"""Shorter memories for L-BFGS, tried where the one that is wanted leaves no room for tiles."""
_BEARABLE: Final = 1.7
"""Overhead of tiles above which it is better to remember fewer steps and have larger tiles."""
WORKSPACE: Final = 330 * 2**20
"""Bytes that come with the first step, however small: the weights in oneDNN's layouts, and what the
C library keeps for later (measured from 256 to 4096 pixels, whole and in tiles)."""
_SPARED: Final = 70 * 2**20
"""Bytes of those that the C library does not keep where steps keep their arrays themselves."""
_SPARED_NARROW: Final = 260 * 2**20
"""The same of maps of less than float32: the weights in oneDNN's layouts take less, too."""
_MARGIN: Final = 1.1
"""What the C library keeps differs from run to run; in tiles it is made to give it back."""
_STYLE_VALUES: Final = 256
"""Values a pixel of a style's tile: the maps of conv1_1 and conv1_2, and a copy in another layout
for the products of channels (measured: 200)."""


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


def weighed(maps: Maps, guides: Guides) -> Maps:
    """What maps are like where a picture is painted with a mask or in regions."""
    return replace(maps, regions=guides.count, masked=guides.mask is not None)


def picture_bytes(
    size: Size, recipe: Recipe, styles: Sequence[Size] = (), maps: Maps = PLAIN
) -> int:
    """Bytes that grow with the whole picture, tiles or not.

    Args:
        size: height and width of the picture.
        recipe: says the content taps, the optimiser and the colours.
        styles: height and width of each style; without them there is one, as large as the picture.
        maps: say whether there are a mask and regions.
    """
    pixels = size[0] * size[1]
    pictures = _PICTURES_HELD + _optimiser_pictures(recipe) + _counting_pictures(recipe)
    pictures += recipe.colors == "luminance"  # the photo is there in colours and in grey
    pictures += _MASKED * maps.masked
    targets = sum(elements(tap, size) for tap in recipe.content_layers)
    held = pictures * pixels + _pixels_of_more(styles, recipe)
    more = _roots_bytes(size, recipe, maps.regions) + _realism_bytes(size, recipe)
    return round(held * _PICTURE + targets * FLOAT) + more


def _roots_bytes(size: Size, recipe: Recipe, regions: int) -> int:
    """Where regions lie at the taps: 5.3 bytes a pixel and region with the usual ones."""
    sides = ((size[0] >> level_of(tap), size[1] >> level_of(tap)) for tap in recipe.style_layers)
    return regions * sum(FLOAT * height * width for height, width in sides)


def _pixels_of_more(styles: Sequence[Size], recipe: Recipe) -> float:
    """Those of styles beyond the one, about as large as the picture, that is always counted."""
    pixels = [height * width for height, width in styles]
    usual = max(pixels, default=0) / max(recipe.stroke_size, 1) ** 2
    return sum(pixels) - usual


def _realism_bytes(size: Size, recipe: Recipe) -> int:
    """The matting Laplacian, and what is made and let go at each product with it.

    The colour maps at the end take less than the optimiser, which has gone by then.
    """
    if not (recipe.photo and recipe.realism_weight):
        return 0
    return laplacian_bytes(size) + _PRODUCT * _PICTURE * size[0] * size[1]


def beside_shelf(size: Size, maps: Maps) -> int:
    """Bytes that a picture takes more than without, where its steps leave their arrays.

    That is what the optimiser makes and lets go between two of them, but for what the C library
    then has no need to keep.
    """
    return _passing_bytes(size) - (_SPARED if maps.width == FLOAT else _SPARED_NARROW)


def _passing_bytes(size: Size) -> int:
    return _PASSING * _PICTURE * size[0] * size[1]


def plan_memory(  # noqa: PLR0913 - all that a plan hangs on
    size: Size,
    recipe: Recipe,
    resident: int,
    room: int,
    styles: Sequence[Size] = (),
    *,
    maps: Maps = PLAIN,
) -> MemoryPlan:
    """Choose the tiles that cost the least time and fit.

    Args:
        size: height and width of the picture at its largest scale.
        recipe: how it is painted.
        resident: bytes that the process holds already.
        room: bytes that it may hold.
        styles: height and width of each style at that scale; without them there is one, as large as
            the picture.
        maps: what the maps are like.

    Raises:
        PictureError: no tiles are small enough; the message names the largest size that fits.
    """
    place = _Place(resident, room, maps)
    styles = styles or (size,)
    found = _planned(size, recipe, place, styles)
    if found is None:
        raise PictureError(_too_large(size, recipe, place, styles))
    return found


def style_bytes(styles: Sequence[Size], recipe: Recipe) -> int:
    """Bytes that styles take while their statistics are computed, one tile of one at a time.

    Args:
        styles: height and width of each.
        recipe: says the colours.
    """
    held = sum(_PICTURE * height * width for height, width in styles)
    return held + max(_looked_at(size, recipe) for size in styles)


def _looked_at(size: Size, recipe: Recipe) -> int:
    """What one of them takes besides."""
    (stage, *more) = style_tiling(size).stages(CONVOLUTIONS[-1])
    largest = max(prod(tile.sides) for tile in stage.tiles(size))
    seam = seam_bytes(size) if more else 0
    # On the device, and on the host again if its colours are others there.
    pictures = (1 if recipe.colors == "style" else 2) * _PICTURE * size[0] * size[1]
    return pictures + seam + largest * _STYLE_VALUES * FLOAT


@dataclass(frozen=True)
class _Place:
    """Where a picture is to fit in: what is held there, what may be, and what the maps are like."""

    resident: int
    room: int
    maps: Maps


def _planned(
    size: Size, recipe: Recipe, place: _Place, styles: Sequence[Size]
) -> MemoryPlan | None:
    shorter = (history for history in _HISTORIES if history < recipe.history)
    wishes = (
        recipe.model_copy(update={"history": history}) for history in (recipe.history, *shorter)
    )
    found = [_planned_with(size, wish, place, styles) for wish in wishes]
    plans = [plan for plan in found if plan is not None]
    return min(plans, key=lambda plan: max(plan.overhead, _BEARABLE), default=None)


def _planned_with(
    size: Size, recipe: Recipe, place: _Place, styles: Sequence[Size]
) -> MemoryPlan | None:
    always, pictures = place.resident + WORKSPACE, picture_bytes(size, recipe, styles, place.maps)
    left = (round(each) - always - pictures for each in (place.room, place.room / _MARGIN))
    fit = fitting(size, recipe, *left, maps=place.maps, beside=beside_shelf(size, place.maps))
    if fit is None:
        return None
    # The styles come first, when the optimiser holds nothing yet; and that works between steps.
    step = max(fit.bytes, _passing_bytes(size))
    most = always + max(pictures + step, style_bytes(styles, recipe))
    if most > place.room:
        return None
    return MemoryPlan(fit.tiling, most, fit.bytes, recipe.history, fit.work)


def _optimiser_pictures(recipe: Recipe) -> int:
    if recipe.optimizer == "adam":
        return 6
    return 2 * recipe.history + 3  # its memory, and the image before


def _counting_pictures(recipe: Recipe) -> int:
    """One channel of the largest maps, while its values are put into bins: 12 bytes a value."""
    return 1 if "histogram" in recipe.style_loss else 0


def _too_large(size: Size, recipe: Recipe, place: _Place, styles: Sequence[Size]) -> str:
    def too_much(sixteenths: int) -> bool:
        scale = 16 * sixteenths / max(size)
        smaller, *others = (_scaled(each, scale) for each in (size, *styles))
        return _planned(smaller, recipe, place, others) is None

    fits = 16 * (bisect_left(range(max(size) // 16 + 1), x=True, lo=2, key=too_much) - 1)
    advice = f"Use a size of {fits} or less" if fits >= _SMALLEST else "Close other programs"
    return (
        f"At {size[1]}x{size[0]} pixels this picture takes more memory than the "
        f"{place.room / 2**20:.0f} MB that it may have. {advice}, or allow more with "
        "engine.max_memory."
    )


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
