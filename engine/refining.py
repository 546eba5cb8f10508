"""The refinement: a painting, enlarged to the photo's own size, is painted on there for some steps.

What is large in it has been decided by then; what it lacks is what only the photo's own size shows.
It starts as every scale does, from the enlarged painting and the detail of the photo that this
lacks. The steps make brush strokes of that detail. The content that they keep to is this start:
with the photo for it they would take the painting back.

For that the first taps are enough. To go through the layers up to `conv3_1`, forth and back, takes
a third of what all of them do, with halos of ten pixels around tiles in place of 70.

Of a large photo it is done in a smaller size, for the price of it; and in a still smaller one where
there is not the memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine import pyramid
from engine.device import forget_errors, last_line
from engine.errors import PictureError
from engine.ground import Ground, Scale, style_size
from engine.margins import canvas_size
from engine.mx import mx
from engine.own_size import as_it_came, largest
from engine.recipe import Recipe
from engine.retreat import is_out_of_memory
from engine.sources import Sources

if TYPE_CHECKING:
    from engine.painter import Painter

STYLE_LAYERS: Final = ("conv1_1", "conv2_1", "conv3_1")
"""Taps of the style loss."""

CONTENT_LAYER: Final = "conv3_1"
"""The tap of the content loss: deeper ones cost more, and the targets of those before are large."""

MOST_PIXELS: Final = 3_200_000
"""Of the size in which it is done: there it costs as much as two paintings of the standard kind."""

_MOST_PAIRS: Final = 4
"""Steps that L-BFGS remembers, at most: each takes as much memory as two pictures of floats."""

_TOLD: Final = (
    "To refine the painting in the photo's own size of {1}x{0} pixels takes more memory than there "
    "is (engine.max_memory may allow more): it was {2}."
)
_SMALLER: Final = "refined at {1}x{0}, and enlarged from there"

LATE: Final = (
    "The time for the painting was over before it could be refined in the photo's own size: it was "
    "enlarged to that."
)
_FAILED: Final = "The painting was not refined in the photo's own size, but enlarged to it. {}"
_NO_MEMORY: Final = "The memory did not suffice."


def refined(
    painter: Painter, sources: Sources, painted: Scale, steps: int
) -> tuple[list[Scale], str]:
    """The scale of the refinement, if there is one.

    Args:
        painter: who paints.
        sources: what from; the styles trimmed.
        painted: the largest scale of the painting.
        steps: how many; 0 for none.

    Returns:
        No scale or one; and, if memory was lacking, what was done for want of it.
    """

    def attempt(size: pyramid.Size) -> Scale | None:
        ground = _ground(painter, sources, painted.ground, steps, size)
        return None if ground is None else Scale(size, steps, ground)

    if not steps:
        return [], ""
    whole = pyramid.size_of(sources.content)
    scale, told = largest(whole, painted.size, MOST_PIXELS, attempt, _TOLD, _SMALLER)
    return [] if scale is None else [scale], told


def why_without(error: Exception) -> str:
    """Why a painting is handed out as it is; MXNet is made to forget its part in it.

    Args:
        error: what ended the refinement.
    """
    why = str(error)
    if isinstance(error, mx.MXNetError):
        forget_errors()
        why = _NO_MEMORY if is_out_of_memory(error) else last_line(error)
    elif isinstance(error, MemoryError):
        why = _NO_MEMORY
    return _FAILED.format(why)


def refining(recipe: Recipe, steps: int) -> Recipe:
    """How a painting by this recipe is refined."""
    changes = {
        "scales": (1.0,),
        "iterations": (steps,),
        "content_layers": {CONTENT_LAYER: 1.0},
        "style_layers": dict.fromkeys(STYLE_LAYERS, 1.0),
        # Of plain mean squares a weight means something else at each depth.
        "normalization": "relative",
        "optimizer": "lbfgs",
        "history": min(recipe.history, _MOST_PAIRS, max(steps - 1, 1)),
    }
    return recipe.model_copy(update=changes)


def _ground(
    painter: Painter, sources: Sources, painted: Ground, steps: int, size: pyramid.Size
) -> Ground | None:
    """What it is done after in a size; None if there is no room for that."""
    recipe = refining(painted.recipe, steps)
    given = [style.picture for style in sources.styles]
    longest = [style_size(pyramid.size_of(each), size, recipe, refines=True) for each in given]
    try:
        memory = painter.plan(canvas_size(size, recipe.margin), longest, recipe, painted.guides)
    except PictureError:
        return None
    looks = [
        replace(look, picture=as_it_came(each, long))
        for look, each, long in zip(painted.looks, given, longest, strict=True)
    ]
    content = as_it_came(sources.content, size)
    return Ground(
        recipe, content, looks, memory, painted.change, refines=True, guides=painted.guides
    )
