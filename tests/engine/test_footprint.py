"""What the maps of a step take: more for more layers, more values, wider values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import Recipe
from engine.footprint import stage_bytes, step_bytes
from engine.layers import chain_to
from engine.stages import Tiling
from engine.tiles import Grid

TAPS = Recipe().taps
NEAR, FAR = Tiling(Grid(2, 3), Grid(1, 2)).stages("conv5_1")
TILE = (256, 320)


def test_deeper_taps_take_more():
    size, shallow = (256, 256), {"conv1_1", "conv2_1"}
    deep = step_bytes(size, chain_to("conv5_1"), TAPS)
    assert deep > step_bytes(size, chain_to("conv2_1"), shallow)


def test_half_the_width_takes_less_but_not_half():
    """The taps are read in float32 whatever the maps are."""
    size, layers = (512, 512), chain_to("conv5_1")
    full = step_bytes(size, layers, TAPS)
    assert full == step_bytes(size, layers, TAPS, width=4)
    assert full / 2 < step_bytes(size, layers, TAPS, width=2) < full
    one_tap = {"conv5_1"}
    assert step_bytes(size, layers, one_tap, width=2) < 0.6 * step_bytes(size, layers, one_tap)


def test_without_traces_nothing_is_kept_and_a_step_is_all_that_passes():
    takes = stage_bytes(NEAR, TILE, TAPS)
    assert takes.kept == 0
    assert takes.passing == step_bytes(TILE, NEAR.layers, TAPS, cut=True)


@pytest.mark.parametrize("first", ["conv2_2", "conv3_2"])
def test_traces_are_kept_and_no_more_passes(first):
    traced = replace(NEAR, again=NEAR.layers.index(first))
    takes = stage_bytes(traced, TILE, TAPS)
    assert takes.kept > 0
    assert takes.passing <= stage_bytes(NEAR, TILE, TAPS).passing


def test_a_trace_is_one_bit_a_value_and_a_tap_is_whole():
    pixels = TILE[0] * TILE[1]
    kernels = 3 * 9 * 256 * 256 * 4
    bits = stage_bytes(replace(NEAR, again=NEAR.layers.index("conv3_2")), TILE, TAPS)
    assert bits.kept == 6 * (3 * 256 * pixels // 16 // 8) + kernels
    all_taps = {*TAPS, "conv3_2", "conv3_3", "conv3_4"}
    maps = stage_bytes(replace(NEAR, again=NEAR.layers.index("conv3_2")), TILE, all_taps)
    assert maps.kept == 6 * (3 * 256 * pixels // 16 * 4) + kernels


def test_more_pieces_leave_more():
    two, six = (replace(FAR, again=0, grid=grid) for grid in (Grid(1, 2), Grid(2, 3)))
    tile = (64, 64)
    assert stage_bytes(two, tile, TAPS).passing == stage_bytes(six, tile, TAPS).passing
    assert stage_bytes(two, tile, TAPS).kept < stage_bytes(six, tile, TAPS).kept
