"""Which style losses there are, by the names that recipes have for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.gram import GRAM
from engine.histogram import HISTOGRAM
from engine.losses import StyleKind
from engine.recipe import Recipe, StyleLossKind
from engine.wasserstein import WASSERSTEIN

_KINDS: Final[Mapping[StyleLossKind, StyleKind]] = MappingProxyType(
    {"gram": GRAM, "wasserstein": WASSERSTEIN, "histogram": HISTOGRAM}
)


def weighted_kinds(recipe: Recipe) -> list[tuple[StyleKind, float]]:
    """The kinds that a recipe asks for, and the weight of each; in one order however it is put."""
    return [
        (kind, recipe.style_loss[name])
        for name, kind in _KINDS.items()
        if name in recipe.style_loss
    ]
