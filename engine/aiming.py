"""What one scale is to come to: the content of the photo and the blend of the styles, in tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from engine.blending import Look, blended, in_order
from engine.fitting import Fit, fitting
from engine.ground import Ground
from engine.guiding import AtTaps, blended_by_region, of_whole, regions_of
from engine.margins import with_margin
from engine.masking import Masked
from engine.matting import PhotorealismLoss
from engine.memory import beside_shelf, weighed
from engine.pyramid import Picture, Size, size_of
from engine.retreat import Retreat
from engine.style_store import Statistics

if TYPE_CHECKING:
    from engine.descent import Landscape
    from engine.painter import Painter


def aimed(painter: Painter, ground: Ground, content: Picture) -> Retreat:
    """What is minimised at a scale, for canvases: the picture has its margin there.

    Args:
        painter: who paints.
        ground: what is painted after.
        content: what the picture is to be like in content, in the scale's size.

    Raises:
        PictureError: no tiles are small enough.
    """
    canvas = with_margin(content, ground.recipe.margin)
    finer = partial(_fitting, painter, size_of(canvas), ground)
    style = _blend(painter, ground, content)
    realism = _realism(ground, canvas)
    make = partial(painter.objective, canvas, style, ground.recipe, realism=realism)
    if ground.guides:
        make = partial(make, regions=_regions(painter, ground, size_of(content)))
    return Retreat(
        make,
        _first_fit(finer, ground.memory.maps),
        finer,
    )


def through_mask(painter: Painter, ground: Ground, size: Size, objective: Retreat) -> Landscape:
    """The objective as it is seen through the mask; without a mask as it is.

    Args:
        painter: who paints.
        ground: what is painted after.
        size: of the scale.
        objective: what is minimised at it.
    """
    shares = ground.guides.shares(size)
    if shares is None:
        return objective
    margin = ground.recipe.margin
    photo = painter.to_device(with_margin(ground.content_at(size), margin))
    return Masked(objective, photo, with_margin(shares, margin))


def _regions(painter: Painter, ground: Ground, size: Size) -> AtTaps:
    recipe = ground.recipe
    weights = ground.guides.at_taps(size, recipe.style_layers, recipe.padding, recipe.margin)
    return regions_of(weights, painter.network.laid)


def _realism(ground: Ground, content: Picture) -> PhotorealismLoss | None:
    """How far pictures are from the photo in other colours, if it is to stay one.

    It is made once, whatever becomes of the tiles.
    """
    recipe = ground.recipe
    if not (recipe.photo and recipe.realism_weight):
        return None
    return PhotorealismLoss.of(content, recipe.realism_weight)


def _blend(painter: Painter, ground: Ground, content: Picture) -> Statistics:
    """The statistics of the styles; their pictures are let go one after the other."""

    def known(look: Look) -> Statistics:
        beside = ground.style_beside(look, content)
        if look.regions is not None:
            return painter.statistics(beside, look.digest, ground.recipe, look.regions)
        found = painter.statistics(beside, look.digest, ground.recipe)
        return of_whole(found, ground.guides.count) if ground.guides else found

    parts = [(look.share, known(look)) for look in in_order(ground.looks)]
    return blended_by_region(parts) if ground.guides else blended(parts)


def _fitting(painter: Painter, size: Size, ground: Ground, room: int) -> Fit | None:
    maps = weighed(painter.maps, ground.guides)
    return fitting(size, ground.recipe, room, maps=maps, beside=beside_shelf(size, maps))


def _first_fit(finer: Callable[[int], Fit | None], room: int) -> Fit:
    """Few tiles, as the memory allows.

    Where an earlier scale had less than was planned, the smallest tiles of this one may take more:
    those are tried all the same, since what is predicted is not what is.
    """
    while (fit := finer(room)) is None:
        room *= 2
    return fit
