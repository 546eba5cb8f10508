"""Named recipes. docs/presets.md says how they were chosen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from engine.recipe import Recipe

PRESETS: Final = MappingProxyType(
    {
        "draft": Recipe(size=256, scales=(0.5, 1.0), iterations=(40, 25)),
        "standard": Recipe(size=512, scales=(0.25, 0.5, 1.0), iterations=(60, 50, 40)),
        "fine": Recipe(size=768, scales=(0.25, 0.5, 1.0), iterations=(120, 100, 80)),
    }
)
"""Recipes by name, from the quickest to the most careful."""
