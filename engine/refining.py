"""The refinement: a painting, enlarged to the photo's own size, is painted on there for some steps.

What is large in it has been decided by then; what it lacks is what only the photo's own size shows.
For that the first taps are enough. To go through the layers up to `conv3_1`, forth and back, takes
a third of what all of them do, with halos of ten pixels around tiles in place of 70.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import pyramid
from engine.errors import PictureError
from engine.ground import Ground, Scale, own
from engine.recipe import Recipe

if TYPE_CHECKING:
    from engine.painter import Painter

STYLE_LAYERS: Final = ("conv1_1", "conv2_1", "conv3_1")
"""Taps of the style loss."""

CONTENT_LAYER: Final = "conv3_1"
"""The tap of the content loss: deeper ones cost more, and the targets of those before are large."""

CONTENT_WEIGHT: Final = 1.0
"""Times the recipe's."""

MOST_PIXELS: Final = 64_000_000
"""Of a photo: it would take too long, and MXNet cannot number all values that L-BFGS remembers."""

_MOST_PAIRS: Final = 4
"""Steps that L-BFGS remembers, at most: each takes as much memory as two pictures of floats."""

_TOO_LARGE: Final = (
    "The photo has {} x {} pixels. In that size the painting was not refined, but enlarged to it: "
    "{}."
)


def refined(
    painter: Painter,
    content: NDArray[Any],
    style: NDArray[Any],
    painted: Scale,
    steps: int,
) -> tuple[list[Scale], str]:
    """The scale of the refinement, if there is one; else why not, if there is anything to say.

    Args:
        painter: who paints.
        content: the photo.
        style: the style, trimmed.
        painted: the largest scale of the painting.
        steps: how many; 0 for none.
    """
    size = pyramid.size_of(content)
    if not steps or max(size) <= max(painted.size):
        return [], ""
    recipe = refining(painted.ground.recipe, steps)
    try:
        ground = _ground(painter, content, style, recipe)
    except PictureError as error:
        return [], _TOO_LARGE.format(size[1], size[0], error)
    return [Scale(size, steps, ground)], ""


def refining(recipe: Recipe, steps: int) -> Recipe:
    """How a painting by this recipe is refined."""
    changes = {
        "scales": (1.0,),
        "iterations": (steps,),
        "content_weight": recipe.content_weight * CONTENT_WEIGHT,
        "content_layers": {CONTENT_LAYER: 1.0},
        "style_layers": dict.fromkeys(STYLE_LAYERS, 1.0),
        # Of plain mean squares a weight means something else at each depth.
        "normalization": "relative",
        "optimizer": "lbfgs",
        "history": min(recipe.history, _MOST_PAIRS, max(steps - 1, 1)),
    }
    return recipe.model_copy(update=changes)


def _ground(painter: Painter, content: NDArray[Any], style: NDArray[Any], recipe: Recipe) -> Ground:
    size = pyramid.size_of(content)
    if size[0] * size[1] > MOST_PIXELS:
        raise PictureError(f"more than {MOST_PIXELS / 1e6:g} million pixels take too long")
    beside = min(max(size), max(pyramid.size_of(style)))
    longest = pyramid.style_size(pyramid.size_of(style), beside)
    try:
        memory = painter.plan(size, longest, recipe)
    except PictureError as error:
        raise PictureError(
            "it would take more memory than there is. Allow more with engine.max_memory, or let "
            "fewer programs run beside this one"
        ) from error
    # As they came: bytes are a quarter of floats, and are kept while all else is painted.
    kept = (own(np.ascontiguousarray(each), each) for each in (content, style))
    return Ground(recipe, *kept, memory, refines=True)
