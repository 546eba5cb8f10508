"""What tilings are called: the same in each process, unlike what Python says of a set."""

from __future__ import annotations

from engine.stages import Tiling


def name_of(tiling: object) -> str | None:
    """Its grids, where traces begin, and whether arrays are kept; of other things nothing."""
    if not isinstance(tiling, Tiling):
        return None
    grids = (f"{grid.rows}x{grid.columns}" for grid in (tiling.near, tiling.far))
    return "-".join([*grids, *sorted(tiling.traced), *(["shelved"] * tiling.shelved)])
