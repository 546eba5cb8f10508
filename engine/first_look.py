"""A first look at what a painting may become, before its first step, by a network of its own.

It is small, takes about a second, and no part in the painting: that begins and ends as it would
without. Whoever has not fetched the network (`engine.weights.adain`) does without.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.adain import Adain
from engine.device import let_go
from engine.errors import PictureError, RecipeError
from engine.ground import Ground, laid
from engine.layers import SMALLEST_SIDE
from engine.pyramid import Picture, Size, size_of
from engine.recipe import Recipe
from engine.showing import finished
from engine.sources import Sources
from engine.weights.adain import in_place, load

if TYPE_CHECKING:
    from engine.painter import Painter

LONG_SIDE: Final = 320
"""Pixels; of what is very narrow more, so that its short side is wide enough."""

QUICK: Final = 160
"""Long side of a painting at its first scale, pixels, up to which it comes as far by itself in the
time that a first look takes."""

_STROKES: Final = 2.0
"""Largest strokes, as recipes say it: a style is looked at so much larger than the photo, which
takes the square of it in time."""

_WEIGHTS: Final = 110 * 2**20
"""Bytes that the network takes: its file, its arrays, and these as oneDNN lays them."""

_PIXEL: Final = 5 * 64 * 4
"""Bytes that each pixel of the larger picture takes in the first layers: maps, mirrored at their
edges, what is made of them, and two copies in other layouts."""


def takes(*pictures: Size) -> int:
    """Bytes that a look takes.

    Args:
        pictures: height and width of the photo and of each style, which come one after the other.
    """
    return _WEIGHTS + _PIXEL * max(height * width for height, width in pictures)


class FirstLooks:
    """Gives first looks, if the network for them is in place.

    It is loaded for each one anew and let go after that: so it takes no memory from any painting,
    and one that is fetched while the service runs is found.

    Args:
        folder: where the weights live.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: set[str] = set()

    def at(self, painter: Painter, sources: Sources, recipe: Recipe) -> Picture | None:
        """What the painting may become, as people would see it.

        Args:
            painter: who is going to paint; says what memory there is.
            sources: what from.
            recipe: how; colours, strokes and blends are heeded.

        Returns:
            (H, W, 3) float32, sRGB, 0 to 255. None without the network; where what is painted would
            be nothing like it (a picture that stays a photograph, or without a style), or as far
            itself as soon; where there is too little memory; for pictures of which there is no
            painting either; and where it went wrong as it did before.

        Raises:
            Exception: whatever went wrong, once; nothing that the painting need care for.
        """
        if not _is_worth_while(recipe) or not in_place(self._folder):
            return None
        try:
            ground = _ground(painter, sources, recipe)
            found = None if ground is None else self._painted(ground)
        except Exception as error:
            if repr(error) in self._told:
                return None
            self._told.add(repr(error))
            raise
        finally:
            let_go()
        self._told.clear()
        return found

    def _painted(self, ground: Ground) -> Picture:
        photo = ground.content_at(size_of(ground.content))
        styles = [(look.share, ground.style_beside(look, photo)) for look in ground.looks]
        network = Adain(load(self._folder))
        painted = network.painted(photo, styles, min(1.0, ground.recipe.strength))
        return finished(painted, ground)


def _is_worth_while(recipe: Recipe) -> bool:
    is_like_it = recipe.style_weight > 0 and not recipe.photo
    return is_like_it and recipe.size * recipe.scales[0] > QUICK


def _ground(painter: Painter, sources: Sources, recipe: Recipe) -> Ground | None:
    """Photo and styles as they are for a small painting; None if there can be none of it."""
    try:
        sources.check(recipe)
        size = _long_side(size_of(sources.content), recipe)
        strokes = min(recipe.stroke_size, _STROKES)
        less = {"size": size, "stroke_size": strokes, "scales": (1.0,), "iterations": (1,)}
        given = sources.trimmed(recipe.style_trim)
        (scale,) = laid(painter, given, recipe.model_copy(update=less))
    except (PictureError, RecipeError):
        return None
    pictures = (scale.ground.content, *(look.picture for look in scale.ground.looks))
    return scale.ground if painter.left() >= takes(*map(size_of, pictures)) else None


def _long_side(photo: Size, recipe: Recipe) -> int:
    least = ceil(SMALLEST_SIDE * max(photo) / min(photo))
    return min(recipe.size, max(LONG_SIDE, least))
