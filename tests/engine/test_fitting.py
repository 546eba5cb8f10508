"""The tiling that is found fits, and costs no more than it has to."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Recipe
from engine.fitting import Maps, fitting
from engine.footprint import seam_bytes, stage_bytes, step_bytes
from engine.layers import chain_to
from engine.shelving import shelved_bytes
from engine.stages import Tiling

MB = 2**20
RECIPE = Recipe()
LAYERS = chain_to("conv5_1")
SIDES = st.integers(64, 4096)
ROOMS = st.integers(64, 8192)


def test_what_fits_whole_stays_whole():
    needed = step_bytes((512, 512), LAYERS, RECIPE.taps)
    fit = fitting((512, 512), RECIPE, needed)
    assert (fit.tiling, fit.bytes, fit.work) == (Tiling(), needed, 1)
    assert not fitting((512, 512), RECIPE, needed, needed - 1).tiling.whole


def test_what_a_step_takes_is_kept_if_there_is_room_for_what_comes_beside_too():
    beside = 10 * MB
    needed = beside + shelved_bytes((512, 512), RECIPE)
    fit = fitting((512, 512), RECIPE, needed, beside=beside)
    assert (fit.tiling, fit.bytes, fit.work) == (Tiling(shelved=True), needed, 1)
    assert fitting((512, 512), RECIPE, needed - 1, beside=beside).tiling == Tiling()
    assert fitting((512, 512), RECIPE, needed, maps=Maps(shelved=False)).tiling == Tiling()


@settings(max_examples=50)
@given(SIDES, SIDES, ROOMS)
def test_all_pieces_fit_beside_what_was_left_before(height, width, room):
    fit = fitting((height, width), RECIPE, room * MB)
    if fit is None or fit.tiling.whole:
        return
    left = seam_bytes((height, width))
    for stage in fit.tiling.stages("conv5_1"):
        for tile in stage.tiles((height, width)):
            takes = stage_bytes(stage, tile.sides, RECIPE.taps)
            assert left + takes.kept + takes.passing <= fit.bytes
        left += takes.kept
    assert fit.bytes <= room * MB


@settings(max_examples=50)
@given(SIDES, SIDES, ROOMS)
def test_more_room_costs_no_more_work(height, width, room):
    less, more = (fitting((height, width), RECIPE, times * room * MB) for times in (1, 2))
    if less is not None:
        assert more.work <= less.work


@settings(max_examples=50)
@given(SIDES, SIDES, ROOMS)
def test_a_smaller_scale_fits_where_the_largest_does(height, width, room):
    fit = fitting((height, width), RECIPE, room * MB)
    if fit is not None:
        smaller = fitting((height // 2, width // 2), RECIPE, fit.bytes)
        assert smaller is not None
        assert smaller.bytes <= fit.bytes


def test_traces_spare_work_and_a_maximum_has_none():
    room = 1200 * MB
    averages, maxima = (
        fitting((1024, 1024), Recipe(pooling=pooling), room) for pooling in ("avg", "max")
    )
    assert averages.tiling.traced
    assert not maxima.tiling.traced
    assert averages.work < maxima.work - 0.1


def test_the_first_block_is_gone_through_again():
    """It has the most values for the least work."""
    taps = dict.fromkeys(("conv1_1", "conv2_1", "conv3_1", "conv5_1"), 1.0)
    traced = set()
    for room in range(200, 4000, 200):
        fit = fitting((2048, 2048), Recipe(style_layers=taps), room * MB)
        traced |= set() if fit is None else fit.tiling.traced
    assert traced
    assert not traced & {"conv1_1", "conv1_2", "pool1"}


def test_without_a_second_stage_the_whole_keeps_its_margin_too():
    taps = dict.fromkeys(("conv1_1", "conv3_1"), 1.0)
    recipe = Recipe(style_layers=taps, content_layers={"conv3_3": 1.0})
    needed = step_bytes((1024, 1024), chain_to("conv3_3"), recipe.taps)
    fit = fitting((1024, 1024), recipe, round(1.05 * needed), round(0.95 * needed))
    assert not fit.tiling.whole


def test_where_no_traces_may_be_left_there_are_none():
    fit = fitting((1024, 1024), RECIPE, 1200 * MB, maps=Maps(traced=False))
    assert not fit.tiling.traced
    assert fit.work > fitting((1024, 1024), RECIPE, 1200 * MB).work
