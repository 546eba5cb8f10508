"""Tiles cover the picture once, at every level, and see what their own part depends on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.layers import chain_to, level_of, stride_of
from engine.recipe import CONVOLUTIONS
from engine.tiles import Grid, reach, spans

LENGTHS = st.integers(32, 3000)
PARTS = st.integers(1, 12)
TAPS = st.sampled_from(CONVOLUTIONS)


def seen_by(tap: str, position: int, length: int) -> tuple[int, int]:
    """First and last pixel that a position of a tap depends on, by walking back layer by layer."""
    first = last = position
    for name in reversed(chain_to(tap)):
        is_pool = name.startswith("pool")
        first, last = (2 * first, 2 * last + 1) if is_pool else (first - 1, last + 1)
        first, last = max(first, 0), min(last, (length >> level_of(name)) - 1)
    return first, last


def test_the_reach_of_the_usual_taps():
    assert {tap: reach(tap) for tap in ("conv1_1", "conv2_1", "conv4_2", "conv5_1")} == {
        "conv1_1": 1, "conv2_1": 4, "conv4_2": 38, "conv5_1": 70,
    }  # fmt: skip


@given(LENGTHS, PARTS, TAPS)
def test_own_parts_cover_every_level_once(length, parts, tap):
    found = spans(length, parts, tap)
    for level in range(level_of(tap) + 1):
        places = [span.place(level) for span in found]
        assert places[0].start == 0
        assert places[-1].stop == length >> level
        assert all(one.stop == other.start for one, other in pairwise(places))
        for span, place in zip(found, places, strict=True):
            own = span.own(level)
            assert own.stop - own.start == place.stop - place.start
            assert own.start >= 0
            assert own.stop <= (span.stop - span.start) >> level


@given(LENGTHS, PARTS, TAPS)
def test_a_tile_sees_all_that_its_own_part_depends_on(length, parts, tap):
    for span in spans(length, parts, tap):
        assert span.start % stride_of(tap) == 0
        place = span.place(level_of(tap))
        for position in {place.start, place.stop - 1}:
            first, last = seen_by(tap, position, length)
            assert span.start <= first
            # A pooling leaves out an odd last row or column: nothing of it is seen.
            assert last < span.stop


@given(LENGTHS, LENGTHS, PARTS, PARTS)
def test_the_largest_tile_is_one_of_them_and_the_grid_its_rows_times_columns(
    height, width, rows, columns
):
    grid = Grid(rows, columns)
    tiles = list(grid.tiles((height, width), "conv5_1"))
    sides = np.array([[s.stop - s.start for s in (tile.rows, tile.columns)] for tile in tiles])
    assert tuple(sides.max(axis=0)) == grid.largest((height, width), "conv5_1")
    assert len(tiles) <= rows * columns
    assert grid.whole == (rows == columns == 1)
    covered = np.zeros((height, width), int)
    for tile in tiles:
        covered[tile.place(0)] += 1
    assert (covered == 1).all()
