"""What is known of a style: for each tap what each kind of loss compares, and no more.

It is a plain dict of arrays in the machine's own memory, by names such as "conv1_1 gram". Several
styles are blended by weighted means of their arrays.
"""

from __future__ import annotations

from engine.footprint import elements
from engine.losses import Parts, StyleKind
from engine.mx import Array
from engine.patchwork import Patchwork
from engine.recipe import Recipe
from engine.stages import Tiling
from engine.style_losses import weighted_kinds
from engine.style_store import Statistics
from engine.vgg import Vgg


def named(tap: str, part: str) -> str:
    """What an array is called, that is a part of the statistics at a tap."""
    return f"{tap} {part}"


def names(recipe: Recipe) -> list[str]:
    """All arrays that a recipe asks for."""
    kinds = weighted_kinds(recipe)
    return sorted(
        named(tap, part) for tap in recipe.style_layers for kind, _ in kinds for part in kind.parts
    )


def parts_at(statistics: Statistics, tap: str, kind: StyleKind) -> Parts:
    """What one kind of loss compares at a tap."""
    return {part: statistics[named(tap, part)] for part in kind.parts}


def style_statistics(
    network: Vgg, style: Array, recipe: Recipe, tiling: Tiling | None = None
) -> Statistics:
    """Statistics of a style picture (1, 3, H, W) at the recipe's style taps.

    Raises:
        PictureError: a side is too small for the network.
    """
    kinds = [kind for kind, _ in weighted_kinds(recipe)]
    work = Patchwork(network, style, recipe.style_layers, recipe, tiling or Tiling())
    sums: dict[str, list[Array]] = {}
    for tap, maps, _ in work.forward():
        found = [kind.measured(maps) for kind in kinds]
        before = sums.get(tap)
        sums[tap] = found if before is None else [a + b for a, b in zip(before, found, strict=True)]
    return {
        named(tap, part): array
        for tap, measured in sums.items()
        for kind, each in zip(kinds, measured, strict=True)
        for part, array in zip(
            kind.parts, kind.statistics(each, round(elements(tap, style.shape[2:]))), strict=True
        )
    }
