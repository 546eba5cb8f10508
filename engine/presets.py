"""Named recipes, and how one is carried to another size. docs/presets.md says how they were chosen.

A picture is painted coarse to fine. How coarse it begins is not a share of its size but a number of
pixels: that decides how large the strokes are against the subject, and below it a face becomes a
wave of the style's. So larger pictures go through more scales, and a small one through its own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from engine.recipe import Recipe

COARSEST: Final = 192
"""No scale before the last has a shorter long side than this, pixels."""


def at_size(recipe: Recipe, size: int) -> Recipe:
    """Carry a recipe to another size: as coarse a start, then doubled as often as it fits.

    Args:
        recipe: its first and last step counts become those of the new first and last scale, and
            what lies between is shared out evenly; a single scale takes as many as the first.
        size: long side of the painted picture, pixels; to its own size it is carried as it is.
    """
    if size == recipe.size:
        return recipe
    scales = [1.0]
    while size * scales[0] / 2 >= COARSEST:
        scales.insert(0, scales[0] / 2)
    first, last = recipe.iterations[0], recipe.iterations[-1]
    more = (last - first) / max(len(scales) - 1, 1)
    iterations = [round(first + number * more) for number in range(len(scales))]
    changes = {"size": size, "scales": scales, "iterations": iterations}
    return Recipe.model_validate({**recipe.model_dump(), **changes})


PRESETS: Final = MappingProxyType(
    {
        # It begins coarser than others would: at equal cost that looks better than one scale.
        "draft": Recipe(size=256, scales=(0.5, 1.0), iterations=(28, 18)),
        "standard": at_size(Recipe(iterations=(64, 28)), 512),
        "fine": at_size(Recipe(iterations=(90, 48)), 768),
        "poster": at_size(Recipe(iterations=(72, 18)), 2048),
        "subtle": at_size(Recipe(iterations=(48, 20), style_weight=0.4), 512),
        "photo": at_size(Recipe(iterations=(40, 20), photo=True), 512),
    }
)
"""Recipes by name: from the quickest to the largest, as large as what is printed; then that of a
photo which is only touched by the style, and that of one which stays a photograph."""
