"""What a picture is painted after, at all sizes of one kind: photo, styles, recipe and memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import pyramid
from engine.blending import Look, in_order, shares
from engine.colours import Change, changed, changes
from engine.fitting import Fit
from engine.guides import NOTHING, Guides, guides_of
from engine.layers import chain_to, deepest, work_of
from engine.margins import canvas_size
from engine.memory import MemoryPlan
from engine.recipe import Recipe
from engine.sources import Sources

if TYPE_CHECKING:
    from engine.painter import Painter

_SLOW: Final = 1.5
"""Time of a refinement's step over that of its work: the first layers, and what an optimiser does
with each pixel, take long for it (measured: 1.45)."""

_BEFORE_STEPS: Final = 1.5
"""Work in steps before the first one of a refinement: the start is evaluated, targets are made."""


@dataclass
class Ground:
    """What some scales have in common.

    Attributes:
        recipe: how they are painted.
        content: the photo, as large as the largest of them, in its colours.
        looks: the styles, as large as they are looked at then; none once they are not needed.
        memory: how the largest is worked through.
        change: what is done to the photo's colours for painting; None leaves them.
        refines: whether this is the photo's own size, to which the painting is enlarged.
        guides: what is painted where.
    """

    recipe: Recipe
    content: NDArray[Any]
    looks: Sequence[Look]
    memory: MemoryPlan
    change: Change | None = None
    refines: bool = False
    guides: Guides = NOTHING

    @property
    def identity(self) -> tuple[str, ...]:
        """All of it that decides the picture, but for the recipe."""
        styles = (f"{look.digest} {look.share}" for look in in_order(self.looks))
        return str(self.memory.history), digest_of(self.content), *styles, *self.guides.identity

    def content_at(self, size: pyramid.Size) -> pyramid.Picture:
        """The photo at one of the scales, as it is painted."""
        return changed(self.content, size, self.change)

    def style_beside(self, look: Look, content: pyramid.Picture) -> pyramid.Picture:
        """A style in the size that belongs to the content at one of the scales."""
        sizes = pyramid.size_of(look.picture), pyramid.size_of(content)
        return look.sized(style_size(*sizes, self.recipe, refines=self.refines))

    def heed(self, fit: Fit) -> None:
        """Count on no more memory for maps than there was."""
        self.memory = replace(self.memory, maps=fit.bytes)


@dataclass(frozen=True)
class Scale:
    """One size on the way.

    Attributes:
        size: height and width of the picture.
        steps: most optimiser steps.
        ground: what it is painted after.
    """

    size: pyramid.Size
    steps: int
    ground: Ground

    @property
    def canvas(self) -> pyramid.Size:
        """Height and width of what is painted: the picture and its margin."""
        return canvas_size(self.size, self.ground.recipe.margin)

    @property
    def step_work(self) -> float:
        """Work of a step, in what such work takes in a painting."""
        layers = chain_to(deepest(self.ground.recipe.taps))
        slower = _SLOW * self.ground.memory.overhead if self.ground.refines else 1.0
        return prod(self.canvas) * work_of(layers) * slower

    @property
    def work(self) -> float:
        """Work of all of them."""
        return self.step_work * (self.steps + (_BEFORE_STEPS if self.ground.refines else 0))


def style_size(
    size: pyramid.Size, photo: pyramid.Size, recipe: Recipe, *, refines: bool = False
) -> pyramid.Size:
    """The size in which a style is looked at.

    Args:
        size: that which it has.
        photo: that of the photo at the scale.
        recipe: says how large the strokes are.
        refines: then it is never enlarged: it would be smooth, and the picture with it.
    """
    long_side = max(1, round(recipe.stroke_size * max(photo)))
    return pyramid.style_size(size, min(long_side, max(size)) if refines else long_side)


def laid(painter: Painter, sources: Sources, recipe: Recipe) -> list[Scale]:
    """The scales of a painting, with all that they need.

    Args:
        painter: who paints.
        sources: what from; the styles trimmed.
        recipe: how to paint.

    Raises:
        PictureError: too narrow, or larger than the memory allows; or no regions can be made of
            the labels.
    """
    plan = pyramid.plan(pyramid.size_of(sources.content), recipe)
    # The largest sizes that are needed: what comes from a camera is many times as large.
    largest = plan[-1][0]
    given = [style.picture for style in sources.styles]
    longest = [style_size(pyramid.size_of(each), largest, recipe) for each in given]
    guides = guides_of(sources)
    memory = painter.plan(canvas_size(largest, recipe.margin), longest, recipe, guides)
    content = own(pyramid.resized(sources.content, largest), sources.content)
    styles = [
        own(pyramid.resized(each, size), each) for each, size in zip(given, longest, strict=True)
    ]
    change, of_styles = changes(recipe.colors, content, styles)
    regions = guides.styles or (None,) * len(styles)
    weights = shares([style.weight for style in sources.styles])
    looks = map(Look, styles, weights, of_styles, regions)
    ground = Ground(recipe, content, tuple(looks), memory, change, guides=guides)
    return [Scale(size, steps, ground) for size, steps in plan]


def start_of(sources: Sources, scale: Scale) -> pyramid.Picture | None:
    """The picture that a scale is to start from in place of the photo, if there is one."""
    if sources.start is None:
        return None
    return own(changed(sources.start, scale.size, scale.ground.change), sources.start)


def digest_of(picture: NDArray[Any]) -> str:
    """What a picture is told from others by."""
    return hashlib.sha256(picture.data).hexdigest()


def own(picture: NDArray[Any], given: NDArray[Any]) -> NDArray[Any]:
    """A picture that nobody else may change."""
    return picture.copy() if np.shares_memory(picture, given) else picture
