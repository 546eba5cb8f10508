"""What scales have in common, and how large a style is beside a photo."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe, pyramid
from engine.blending import Look
from engine.colours import grey
from engine.errors import PictureError
from engine.fitting import Fit
from engine.ground import Ground, Scale, laid, own, start_of, style_size
from engine.memory import plan_memory
from engine.sources import Sources, Style
from engine.stages import Tiling

GB = 2**30


def look(size=(40, 60), level=0, share=1.0):
    return Look(np.full((*size, 3), level, np.uint8), share)


def ground(*looks, recipe=None, refines=False):
    recipe = recipe or Recipe()
    content = np.zeros((64, 96, 3), np.uint8)
    plan = plan_memory((64, 96), recipe, 0, 8 * GB)
    return Ground(recipe, content, looks or (look(),), plan, refines=refines)


def picture(side):
    return np.zeros((side, side // 2, 3), np.float32)


def beside(found, side):
    return found.style_beside(found.looks[0], picture(side)).shape


def test_a_style_is_as_long_as_the_photo_and_where_it_refines_not_enlarged():
    assert beside(ground(), 90) == (60, 90, 3)
    assert beside(ground(refines=True), 90) == (40, 60, 3)
    assert beside(ground(refines=True), 54) == (36, 54, 3)


@pytest.mark.parametrize(
    ("stroke", "painting", "refining"),
    [(0.5, (30, 45), (30, 45)), (2.0, (120, 180), (40, 60)), (4.0, (240, 360), (40, 60))],
)
def test_large_strokes_come_of_a_large_style(stroke, painting, refining):
    recipe = Recipe(stroke_size=stroke)
    wide = (32, 45) if painting == (30, 45) else painting  # no side is under 32
    assert beside(ground(recipe=recipe), 90) == (*wide, 3)
    wide = (32, 45) if refining == (30, 45) else refining
    assert beside(ground(recipe=recipe, refines=True), 90) == (*wide, 3)


def test_the_size_of_strokes_is_a_share_at_every_size():
    recipe = Recipe(stroke_size=0.5)
    assert style_size((600, 800), (512, 300), recipe) == (192, 256)
    assert style_size((600, 800), (1024, 600), recipe) == (384, 512)


def test_a_narrow_style_is_made_wide_enough():
    assert beside(ground(look((10, 60)), refines=True), 90) == (32, 60, 3)


def test_it_is_told_from_others():
    one, other = ground(), ground()
    assert one.identity == other.identity
    other.content[0, 0, 0] = 1
    assert one.identity != other.identity


def test_it_is_told_from_others_by_every_style_and_its_share_in_no_order():
    both = look(level=1, share=0.25), look(level=2, share=0.75)
    one, same = ground(*both), ground(*both[::-1])
    assert one.identity == same.identity
    others = [
        ground(both[0]),
        ground(look(level=1, share=0.75), look(level=2, share=0.25)),
        ground(look(level=1, share=0.25), look(level=3, share=0.75)),
        ground(*both, look(level=4)),
    ]
    assert len({each.identity for each in (one, *others)}) == 5


class StandIn:
    """A painter with much memory, who remembers what was planned."""

    def __init__(self):
        self.planned = []

    def plan(self, size, styles, recipe, guides):
        assert not guides
        self.planned.append((size, list(styles)))
        return plan_memory(size, recipe, 0, 8 * GB, styles)


def noise(*size, seed=0):
    return np.random.default_rng(seed).integers(60, 190, (*size, 3), dtype=np.uint8)


def test_all_styles_are_laid_as_large_as_they_are_needed():
    painter, recipe = StandIn(), Recipe(size=96, scales=(0.5, 1.0), stroke_size=2.0)
    styles = [Style(noise(300, 200), 3.0), Style(noise(20, 40), 1.0)]
    first, last = laid(painter, Sources(noise(128, 192), styles), recipe)
    sizes = [(192, 128), (96, 192)]
    assert painter.planned == [((72, 104), sizes)]  # with a margin
    assert first.ground is last.ground
    assert [each.picture.shape[:2] for each in last.ground.looks] == sizes
    assert [each.share for each in last.ground.looks] == [0.75, 0.25]


def test_what_has_the_right_size_already_is_kept_apart_from_what_was_given():
    photo, style = (noise(64, 96).astype(np.float32) for _ in range(2))
    (scale,) = laid(
        StandIn(), Sources.of(photo, style), Recipe(size=96, scales=(1.0,), iterations=(1,))
    )
    assert not np.shares_memory(scale.ground.content, photo)
    assert not np.shares_memory(scale.ground.looks[0].picture, style)


@pytest.mark.parametrize("colors", ["style", "match", "luminance"])
def test_the_photo_is_held_in_its_colours_and_painted_as_it_is_to_be(colors):
    photo, recipe = noise(64, 96), Recipe(size=96, colors=colors)
    (*_, last) = laid(StandIn(), Sources.of(photo, noise(64, 96, seed=1)), recipe)
    assert np.array_equal(last.ground.content, photo)
    seen = last.ground.content_at((32, 48))
    assert (np.ptp(seen, axis=2).max() < 1e-3) == (colors == "luminance")
    if colors != "luminance":
        assert np.array_equal(seen, pyramid.resized(photo.astype(np.float32), (32, 48)))


def test_a_start_has_the_size_and_the_colours_of_its_scale():
    photo, given = noise(64, 96), noise(50, 40, seed=3)
    for colors, right in (("style", None), ("match", None), ("luminance", grey())):
        first, _ = laid(StandIn(), Sources.of(photo, photo), Recipe(size=96, colors=colors))
        found = start_of(Sources(photo, (), given), first)
        plain = pyramid.resized(given, first.size)
        assert found == pytest.approx(plain if right is None else right(plain))
    assert start_of(Sources(photo, ()), first) is None
    floats = pyramid.resized(given, first.size)
    (first, _) = laid(StandIn(), Sources.of(photo, photo), Recipe(size=96))
    assert not np.shares_memory(start_of(Sources(photo, (), floats), first), floats)


def test_styles_that_no_memory_holds_are_refused():
    class Poor(StandIn):
        def plan(self, size, styles, recipe, guides):
            assert not guides
            return plan_memory(size, recipe, 0, GB, styles)

    photo = noise(64, 96)
    laid(Poor(), Sources.of(photo, photo), Recipe(size=256))
    with pytest.raises(PictureError, match="more memory"):
        laid(Poor(), Sources(photo, [Style(photo)] * 120), Recipe(size=256, stroke_size=4.0))


def test_what_memory_there_was_is_heeded():
    found = ground()
    found.heed(Fit(Tiling(), 1000, 1.0))
    assert found.memory.maps == 1000


def test_work_goes_with_pixels_and_layers():
    shallow = Recipe(style_layers={"conv1_1": 1.0}, content_layers={"conv3_1": 1.0})
    whole = Scale((64, 96), 4, ground())
    assert whole.work == 4 * whole.step_work
    assert whole.canvas == (72, 104)
    assert Scale((136, 96), 4, ground()).work == 2 * whole.work
    fine = Scale((64, 96), 4, ground(recipe=shallow, refines=True))
    assert fine.step_work < 0.5 * whole.step_work
    assert fine.work == pytest.approx(5.5 * fine.step_work)  # a start and targets, too


def test_a_picture_that_somebody_else_has_is_copied():
    given = np.zeros((4, 4, 3), np.uint8)
    assert not np.shares_memory(own(given, given), given)
    other = np.zeros((4, 4, 3), np.uint8)
    assert own(other, given) is other
