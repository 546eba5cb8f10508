"""Tiles cover the picture once, at every level, and see what their own part depends on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.layers import chain_to, is_pooling
from engine.tiles import WHOLE, Grid, reach, spans, stride

LENGTHS = st.integers(32, 3000)
PARTS = st.integers(1, 12)
CHAIN = tuple(chain_to("conv5_4"))
RUNS = st.tuples(st.integers(0, len(CHAIN)), st.integers(0, len(CHAIN))).filter(
    lambda ends: ends[0] < ends[1]
)
LAYERS = RUNS.map(lambda ends: CHAIN[slice(*ends)])


def seen_by(layers: tuple[str, ...], position: int, length: int) -> tuple[int, int]:
    """First and last position that a result depends on, by walking back layer by layer."""
    first = last = position
    for number, name in reversed(list(enumerate(layers))):
        first, last = (2 * first, 2 * last + 1) if is_pooling(name) else (first - 1, last + 1)
        first, last = max(first, 0), min(last, length // stride(layers[:number]) - 1)
    return first, last


def test_the_reach_of_the_usual_layers():
    found = [reach(chain_to(tap)) for tap in ("conv1_1", "conv2_1", "conv4_2", "conv5_1")]
    assert found == [1, 4, 38, 70]
    seam = CHAIN.index("pool3") + 1
    assert reach(CHAIN[:seam]) == 22
    assert reach(CHAIN[seam : CHAIN.index("conv5_1") + 1]) == 6
    assert (stride(CHAIN[:seam]), stride(CHAIN)) == (8, 16)


@given(LENGTHS, PARTS, LAYERS)
def test_own_parts_cover_every_level_once(length, parts, layers):
    found = spans(length, parts, layers)
    for level in range(sum(map(is_pooling, layers)) + 1):
        places = [span.place(level) for span in found]
        assert places[0].start == 0
        assert places[-1].stop == length >> level
        assert all(one.stop == other.start for one, other in pairwise(places))
        for span, place in zip(found, places, strict=True):
            own = span.own(level)
            assert own.stop - own.start == place.stop - place.start
            assert own.start >= 0
            assert own.stop <= (span.stop - span.start) >> level


@given(LENGTHS, PARTS, LAYERS)
def test_all_tiles_are_of_one_length(length, parts, layers):
    assert len({span.stop - span.start for span in spans(length, parts, layers)}) == 1


@given(LENGTHS, PARTS, LAYERS)
def test_a_tile_sees_all_that_its_own_part_depends_on(length, parts, layers):
    for span in spans(length, parts, layers):
        assert span.start % stride(layers) == 0
        place = span.place(sum(map(is_pooling, layers)))
        for position in {place.start, place.stop - 1}:
            first, last = seen_by(layers, position, length)
            assert span.start <= first
            # A pooling leaves out an odd last row or column: nothing of it is seen.
            assert last < span.stop


@given(LENGTHS, LENGTHS, PARTS, PARTS, LAYERS)
def test_a_grid_covers_all_once_with_its_rows_times_columns(height, width, rows, columns, layers):
    grid = Grid(rows, columns)
    tiles = list(grid.tiles((height, width), layers))
    assert len(tiles) <= rows * columns
    assert grid.whole == (grid == WHOLE)
    covered = np.zeros((height, width), int)
    for tile in tiles:
        covered[tile.place(0)] += 1
    assert (covered == 1).all()
