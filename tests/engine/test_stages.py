"""Two stages that together are the network, and the tiles of a style."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.layers import chain_to, work_of
from engine.recipe import CONVOLUTIONS
from engine.stages import SEAM, STYLE_SIDE, Tiling, style_tiling
from engine.tiles import WHOLE, Grid

CUT = Tiling(Grid(2, 3), Grid(1, 2))


@given(st.sampled_from(CONVOLUTIONS), st.sampled_from([Tiling(), CUT, Tiling(Grid(2, 2))]))
def test_the_stages_are_the_chain_in_order(tap, tiling):
    stages = tiling.stages(tap)
    assert [name for stage in stages for name in stage.layers] == chain_to(tap)
    assert [stage.last for stage in stages] == [*[False] * (len(stages) - 1), True]
    assert len(stages) == (2 if SEAM in chain_to(tap) and not tiling.whole else 1)


def test_the_second_stage_begins_with_an_eighth_of_the_picture():
    near, far = CUT.stages("conv5_1")
    assert (near.source((100, 207)), far.source((100, 207))) == ((100, 207), (12, 25))
    assert (near.level_of("conv3_1"), far.level_of("conv4_1"), far.level_of("conv5_1")) == (2, 0, 1)


def test_what_is_gone_through_again_is_half_as_much_work_more():
    whole = Tiling().stages("conv5_1")[0]
    assert whole.keeps
    assert whole.work_of_position == work_of(chain_to("conv5_1"))
    near, far = CUT.stages("conv5_1")
    kept = Tiling(Grid(2, 3), WHOLE).stages("conv5_1")[1]
    assert (near.keeps, far.keeps, kept.keeps) == (False, False, True)
    assert far.work_of_position == pytest.approx(1.5 * kept.work_of_position)
    # A position of pool3's maps stands for 64 pixels.
    assert near.work_of_position / 1.5 + kept.work_of_position / 64 == pytest.approx(
        whole.work_of_position
    )


def test_layers_with_traces_are_gone_through_once():
    tiling = replace(CUT, traced=frozenset({"conv3_2", "conv4_1"}))
    near, far = tiling.stages("conv5_1")
    assert (near.head[-1], near.tail) == ("conv3_1", ("conv3_2", "conv3_3", "conv3_4", SEAM))
    assert (far.head, far.keeps) == ((), False)
    assert not replace(far, grid=WHOLE).keeps
    before = CUT.stages("conv5_1")
    once = [stage.work_of_position / 4**stage.level for stage in (near, far)]
    twice = [stage.work_of_position / 4**stage.level for stage in before]
    spared = [work_of(stage.tail) / 2 for stage in (near, far)]
    for less, more, most in zip(once, twice, spared, strict=True):
        assert more - most < less < more - most / 2


@given(st.integers(32, 8192), st.integers(32, 8192))
def test_a_styles_tiles_are_small_and_depend_on_nothing_but_its_size(height, width):
    tiling = style_tiling((height, width))
    assert tiling.whole == (max(height, width) <= STYLE_SIDE)
    for tile in tiling.stages("conv3_1")[0].tiles((height, width)):
        for span in (tile.rows, tile.columns):
            assert span.stop - span.start <= STYLE_SIDE + 2 * 24 + 2 * 8  # halo, strides
