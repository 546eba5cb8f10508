"""What a picture is painted after, at all sizes of one kind: photo, style, recipe and memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import pyramid
from engine.fitting import Fit
from engine.layers import chain_to, deepest, work_of
from engine.memory import MemoryPlan
from engine.recipe import Recipe

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
        content: the photo, at least as large as the largest of them.
        style: the style, likewise, but for one that is not to be enlarged.
        memory: how the largest is worked through.
        refines: whether this is the photo's own size, to which the painting is enlarged.
    """

    recipe: Recipe
    content: NDArray[Any]
    style: NDArray[Any]
    memory: MemoryPlan
    refines: bool = False

    def __post_init__(self) -> None:
        """Know the style by what it is."""
        self.style_digest = hashlib.sha256(self.style.data).hexdigest()

    @property
    def identity(self) -> tuple[str, ...]:
        """All of it that decides the picture, but for the recipe."""
        content = hashlib.sha256(self.content.data).hexdigest()
        return str(self.memory.history), content, self.style_digest

    def style_beside(self, content: pyramid.Picture) -> pyramid.Picture:
        """The style in the size that belongs to the content at one of the scales."""
        beside = style_as_it_is if self.refines else pyramid.style_size
        size = beside(pyramid.size_of(self.style), max(content.shape))
        return pyramid.resized(self.style, size)

    def heed(self, fit: Fit) -> None:
        """Count on no more memory for maps than there was."""
        self.memory = replace(self.memory, maps=fit.bytes)


@dataclass(frozen=True)
class Scale:
    """One size on the way.

    Attributes:
        size: height and width.
        steps: most optimiser steps.
        ground: what it is painted after.
    """

    size: pyramid.Size
    steps: int
    ground: Ground

    @property
    def step_work(self) -> float:
        """Work of a step, in what such work takes in a painting."""
        layers = chain_to(deepest(self.ground.recipe.taps))
        slower = _SLOW * self.ground.memory.overhead if self.ground.refines else 1.0
        return self.size[0] * self.size[1] * work_of(layers) * slower

    @property
    def work(self) -> float:
        """Work of all of them."""
        return self.step_work * (self.steps + (_BEFORE_STEPS if self.ground.refines else 0))


def style_as_it_is(size: pyramid.Size, long_side: int) -> pyramid.Size:
    """As `pyramid.style_size`, but never enlarged: it would be smooth, and the picture with it."""
    return pyramid.style_size(size, min(long_side, max(size)))


def laid(
    painter: Painter, content: NDArray[Any], style: NDArray[Any], recipe: Recipe
) -> list[Scale]:
    """The scales of a painting, with all that they need.

    Args:
        painter: who paints.
        content: the photo.
        style: the style, trimmed.
        recipe: how to paint.

    Raises:
        PictureError: too narrow, or larger than the memory allows.
    """
    plan = pyramid.plan(pyramid.size_of(content), recipe)
    # The largest sizes that are needed: what comes from a camera is many times as large.
    largest = plan[-1][0]
    longest = pyramid.style_size(pyramid.size_of(style), max(largest))
    ground = Ground(
        recipe,
        memory=painter.plan(largest, longest, recipe),
        content=own(pyramid.resized(content, largest), content),
        style=own(pyramid.resized(style, longest), style),
    )
    return [Scale(size, steps, ground) for size, steps in plan]


def own(picture: NDArray[Any], given: NDArray[Any]) -> NDArray[Any]:
    """A picture that nobody else may change."""
    return picture.copy() if np.shares_memory(picture, given) else picture
