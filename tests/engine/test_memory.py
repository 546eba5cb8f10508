"""The plan of the memory: it grows with what it should grow with, and its tiles fit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Recipe
from engine.errors import PictureError
from engine.fitting import Maps
from engine.guides import NOTHING, Guides
from engine.memory import picture_bytes, plan_memory, style_bytes, weighed
from engine.regions import Regions
from engine.stages import Tiling

GB = 2**30
SIDES = st.integers(64, 4096)


def test_a_small_picture_is_worked_through_whole():
    plan = plan_memory((512, 512), Recipe(), GB // 2, 8 * GB)
    assert plan.tiling == Tiling(shelved=True)
    assert plan.tiles == 1
    assert plan.overhead == 1
    assert plan.bytes > GB // 2


def test_the_optimiser_remembers_less_where_there_is_no_room_for_its_memory():
    assert plan_memory((3072, 4096), Recipe(), GB // 4, 32 * GB).history == Recipe().history
    plan = plan_memory((3072, 4096), Recipe(), GB // 4, 6 * GB)
    assert plan.history < Recipe().history
    assert plan.bytes <= 6 * GB


def test_a_large_one_in_tiles_that_fit():
    plan = plan_memory((3072, 4096), Recipe(), GB // 2, 8 * GB)
    assert not plan.tiling.whole
    assert plan.bytes <= 8 * GB
    assert 1 < plan.tiles < 40


@given(SIDES, SIDES, st.integers(2, 16))
def test_what_is_planned_fits_and_less_room_takes_more_work(height, width, room):
    try:
        plan = plan_memory((height, width), Recipe(), GB // 2, room * GB)
    except PictureError:
        return
    assert plan.bytes <= room * GB
    recipe = Recipe(history=plan.history)
    assert plan.bytes > GB // 2 + picture_bytes((height, width), recipe) + plan.maps
    more = plan_memory((height, width), Recipe(), GB // 2, 2 * room * GB)
    assert more.history >= plan.history
    if more.history == plan.history:
        assert more.overhead <= plan.overhead


def test_a_style_that_is_much_larger_than_the_picture_counts():
    wide, square = (128, 1024), (4096, 4096)
    plain = plan_memory(wide, Recipe(), GB // 2, 8 * GB, [wide])
    large = plan_memory(wide, Recipe(), GB // 2, 8 * GB, [square])
    assert large.bytes - plain.bytes == (
        style_bytes([square], Recipe()) - plain.maps - picture_bytes(wide, Recipe())
    )
    assert large.tiling == plain.tiling
    with pytest.raises(PictureError):
        plan_memory(wide, Recipe(), GB // 2, plain.bytes + 2**20, [square])


SQUARE = (1024, 1024)


def peak(recipe=None, styles=(SQUARE,)):
    return plan_memory(SQUARE, recipe or Recipe(), GB // 2, 64 * GB, styles).bytes


def test_one_style_as_large_as_the_picture_is_what_is_counted_without_any():
    assert peak() == peak(styles=())
    assert picture_bytes(SQUARE, Recipe(), [SQUARE]) == picture_bytes(SQUARE, Recipe())


def test_each_further_style_is_a_picture_more_that_is_held():
    picture = 12 * 1024 * 1024
    assert peak(styles=[SQUARE] * 3) == peak() + 2 * picture
    few, many = (style_bytes([SQUARE] * count, Recipe()) for count in (1, 4))
    assert many == few + 3 * picture


def test_large_strokes_take_larger_styles_and_small_ones_count_for_no_less():
    picture = 12 * 1024 * 1024
    strokes = {size: Recipe(stroke_size=size) for size in (0.25, 2.0, 4.0)}
    assert peak(strokes[2.0], [(2048, 2048)]) == peak() + 3 * picture
    assert peak(strokes[0.25], [(256, 256)]) == peak()
    # There the styles take more, while they are looked at, than all that comes after.
    huge = [(8192, 8192)]
    counted = style_bytes(huge, strokes[4.0])
    found = plan_memory((2048, 2048), strokes[4.0], GB // 2, 64 * GB, huge).bytes
    assert found > counted > 2 * 12 * 8192 * 8192
    with pytest.raises(PictureError, match="memory"):
        plan_memory((2048, 2048), strokes[4.0], GB // 2, counted, huge)


def test_other_colours_take_copies_of_photo_or_style():
    picture = 12 * 1024 * 1024
    assert peak(Recipe(colors="luminance")) == peak() + picture
    assert peak(Recipe(colors="match")) == peak()
    for colors in ("match", "luminance"):
        recipe = Recipe(colors=colors)
        assert style_bytes([SQUARE], recipe) == style_bytes([SQUARE], Recipe()) + picture


def test_the_size_that_would_do_goes_by_the_styles_too():
    def fits(styles):
        with pytest.raises(PictureError) as refused:
            plan_memory((6144, 8192), Recipe(), GB // 2, 3 * GB, styles)
        return int(re.search(r"size of (\d+) or less", str(refused.value)).group(1))

    one, many = fits([(6144, 8192)]), fits([(6144, 8192)] * 12)
    assert one == fits([])
    assert many < one
    share = many / 8192
    small = [(round(6144 * share), many)] * 12
    plan_memory((round(6144 * share), many), Recipe(), GB // 2, 3 * GB, small)


def test_a_picture_in_one_piece_leaves_a_margin():
    unshelved = Maps(shelved=False)
    needed = plan_memory((512, 512), Recipe(), GB // 4, 8 * GB, maps=unshelved).bytes
    assert plan_memory((512, 512), Recipe(), GB // 4, round(1.11 * needed)).tiling.whole
    assert not plan_memory((512, 512), Recipe(), GB // 4, round(1.05 * needed)).tiling.whole


def test_what_a_step_takes_is_kept_where_there_is_room_for_it():
    plenty = plan_memory((512, 512), Recipe(), GB // 4, 8 * GB)
    assert plenty.tiling.shelved
    assert plan_memory((512, 512), Recipe(), GB // 4, round(1.11 * plenty.bytes)).tiling.shelved
    less = plan_memory((512, 512), Recipe(), GB // 4, round(1.05 * plenty.bytes))
    assert less.tiling == Tiling()
    assert less.bytes < plenty.bytes


def test_a_large_picture_costs_little_more_a_pixel_than_a_small_one():
    plan = plan_memory((3072, 4096), Recipe(), GB // 4, 6 * GB)
    assert plan.overhead < 1.4


def test_what_does_not_fit_is_refused_with_the_largest_size_that_does():
    with pytest.raises(PictureError, match=r"8192x6144 .* 3072 MB") as refused:
        plan_memory((6144, 8192), Recipe(), GB // 2, 3 * GB)
    fits = int(re.search(r"size of (\d+) or less", str(refused.value)).group(1))
    plan_memory((fits * 3 // 4, fits), Recipe(), GB // 2, 3 * GB)
    with pytest.raises(PictureError):
        plan_memory(((fits + 32) * 3 // 4, fits + 32), Recipe(), GB // 2, 3 * GB)


def test_where_nothing_fits_it_says_so():
    with pytest.raises(PictureError, match="Close other programs"):
        plan_memory((512, 512), Recipe(), GB, GB)


def test_to_count_values_takes_as_much_as_a_picture():
    size = (256, 256)
    plain, more = (
        picture_bytes(size, Recipe(style_loss=dict.fromkeys(kinds, 1.0)))
        for kinds in (("gram", "wasserstein"), ("gram", "histogram"))
    )
    assert more == plain + 12 * 256 * 256


def test_a_long_memory_of_the_optimiser_takes_more():
    size = (256, 256)
    assert picture_bytes(size, Recipe(history=100)) > picture_bytes(size, Recipe(history=10))


@settings(max_examples=30)
@given(SIDES, SIDES, st.integers(2, 16))
def test_half_the_width_is_never_worked_through_in_more_pieces(height, width, room):
    def plan(value):
        return plan_memory((height, width), Recipe(), GB // 2, room * GB, maps=Maps(value))

    try:
        full, half = plan(4), plan(2)
    except PictureError:
        return
    assert half.history >= full.history
    if half.history == full.history:
        assert half.overhead <= full.overhead


@pytest.mark.parametrize("side", [32, 64, 256, 512])
def test_keeping_never_counts_for_less_than_a_step(side):
    """Also where the C library is spared more than the shelf of a small picture takes."""
    kept, plain = (
        plan_memory((side, side), Recipe(), GB // 4, 8 * GB, maps=Maps(shelved=shelved))
        for shelved in (True, False)
    )
    assert kept.tiling.shelved
    assert kept.maps >= plain.maps > 0
    assert kept.bytes >= plain.bytes


def test_regions_take_their_roots_and_copies_of_maps():
    size, pixels = (512, 512), 512 * 512
    plain, two, four = (Maps(regions=count) for count in (0, 2, 4))
    assert picture_bytes(size, Recipe(), maps=plain) == picture_bytes(size, Recipe())
    roots = picture_bytes(size, Recipe(), maps=two) - picture_bytes(size, Recipe())
    assert roots == pytest.approx(2 * 5.33 * pixels, rel=0.01)
    without, *others = (
        plan_memory(size, Recipe(), 0, 8 * GB, maps=each).bytes for each in (plain, two, four)
    )
    # Two arrays at each tap are kept, in float32; one of conv1_1 is made new.
    copies = (2 * (64 + 32 + 16 + 8 + 2) + 64) * 4 * pixels
    assert others[0] - without == pytest.approx(copies + roots, rel=0.01)
    assert others[1] - others[0] == roots


def test_tiles_of_regions_fit_and_are_smaller():
    plain = plan_memory((3072, 4096), Recipe(), GB // 2, 6 * GB)
    guided = plan_memory((3072, 4096), Recipe(), GB // 2, 6 * GB, maps=Maps(regions=4))
    assert guided.bytes <= 6 * GB
    assert guided.tiles >= plain.tiles


def test_a_mask_takes_pictures():
    masked = picture_bytes((512, 512), Recipe(), maps=Maps(regions=1, masked=True))
    one = picture_bytes((512, 512), Recipe(), maps=Maps(regions=1))
    assert masked - one == 5 * 12 * 512 * 512


def test_maps_know_what_guides_a_picture():
    mask = np.zeros((2, 2), np.uint8)
    regions = Regions(mask, 3)
    assert weighed(Maps(2), NOTHING) == Maps(2)
    assert weighed(Maps(2), Guides(mask=mask)) == Maps(2, regions=1, masked=True)
    assert weighed(Maps(2), Guides(regions, (regions,))) == Maps(2, regions=3)
