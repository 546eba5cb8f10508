"""A painting with mask and regions, from its sources to what comes out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from engine import Recipe
from engine.errors import GuideError, RecipeError, SnapshotError
from engine.gram import products
from engine.patchwork import Patchwork
from engine.pyramid import resized
from engine.snapshot import Snapshot
from engine.sources import Sources, Style
from engine.stages import Tiling
from tests.engine.labellings import PAINTS, painted

TWO_SCALES = Recipe(size=64, scales=(0.75, 1.0), iterations=(5, 4), history=3)
HALVES = np.repeat(np.arange(2), 32)[np.newaxis].repeat(48, axis=0)
LEFT_BLUE, LEFT_RED = painted(HALVES, PAINTS[::4]), painted(HALVES, PAINTS[4::-4])
RIGHT = np.where(HALVES == 0, 0, 255).astype(np.uint8)
SOFT = np.linspace(0, 255, 64).astype(np.uint8)[np.newaxis].repeat(48, axis=0)

pytestmark = pytest.mark.weights


@pytest.fixture
def file(tmp_path):
    return tmp_path / "one"


@pytest.fixture
def sources(photo, style):
    """A photo and a style with what guides them."""

    def sources(mask=None, regions=None, of_style=None, content=photo, start=None):
        return Sources(content, [Style(style, regions=of_style)], start, mask, regions)

    return sources


def result(work):
    *_, painting = work
    return painting


def test_where_the_mask_is_black_every_byte_is_the_photo_s(painter, photo, sources):
    found = result(painter.paint(sources(RIGHT), TWO_SCALES)).picture
    assert np.array_equal(found[:, :32], photo[:, :32])
    assert np.abs(found[:, 40:] - photo[:, 40:]).mean() > 5


@pytest.mark.parametrize("init", ["noise", "blend"])
def test_it_is_never_dots_that_are_kept(painter, photo, sources, init):
    recipe = TWO_SCALES.model_copy(update={"init": init})
    found = result(painter.paint(sources(RIGHT), recipe)).picture
    assert np.array_equal(found[:, :32], photo[:, :32])


@pytest.mark.parametrize("colors", ["style", "match", "luminance"])
def test_in_other_colours_the_photo_keeps_its_own(painter, photo, sources, colors):
    recipe = TWO_SCALES.model_copy(update={"colors": colors})
    found = result(painter.paint(sources(SOFT), recipe)).picture
    assert np.array_equal(found[:, :3], photo[:, :3])
    off = np.abs(found - photo).mean(axis=(0, 2))
    assert off[:16].mean() < off[16:32].mean() < off[48:].mean()


@pytest.mark.parametrize("steps", [1, 3, 6, 8])
def test_whoever_looks_on_sees_what_is_kept_too(painter, sources, steps):
    work = painter.paint(sources(RIGHT), TWO_SCALES)
    for _ in range(steps):
        step = next(work)
    seen, ground = work.preview(), work._plan[0].ground
    right = np.rint(ground.content_at((step.height, step.width)).clip(0, 255))
    half = seen.shape[1] // 2 - 1
    assert np.array_equal(seen[:, :half], right[:, :half])


def test_a_refinement_keeps_it_in_the_photo_s_own_size(painter, photo, sources):
    large = photo.repeat(2, axis=0).repeat(2, axis=1)
    work = painter.paint(sources(RIGHT, content=large), TWO_SCALES, refine=2)
    found = result(work)
    assert (found.refined, found.picture.shape) == (2, large.shape)
    assert np.array_equal(found.picture[:, :60], large[:, :60])
    assert np.abs(found.picture[:, 80:] - large[:, 80:]).mean() > 5


def test_a_mask_that_is_white_all_over_changes_next_to_nothing(painter, sources):
    white = np.full((5, 7), 255, np.uint8)
    found = result(painter.paint(sources(white), TWO_SCALES)).picture
    right = result(painter.paint(sources(), TWO_SCALES)).picture
    assert np.abs(found - right).mean() < 1


def test_one_region_of_everything_changes_next_to_nothing(painter, sources):
    everything = np.full((5, 7, 3), 9, np.uint8)
    found = result(painter.paint(sources(None, everything, everything), TWO_SCALES)).picture
    right = result(painter.paint(sources(), TWO_SCALES)).picture
    assert np.abs(found - right).mean() < 1


GUIDED = {
    "mask": (RIGHT,),
    "soft": (SOFT,),
    "regions": (None, LEFT_BLUE, LEFT_RED),
    "both": (SOFT, LEFT_BLUE, LEFT_RED),
}


@pytest.mark.parametrize("steps", [2, 5, 7])
@pytest.mark.parametrize("how", GUIDED)
def test_it_goes_on_to_the_same_picture(painter, sources, file, how, steps):
    whole = result(painter.paint(sources(*GUIDED[how]), TWO_SCALES))
    work = painter.paint(sources(*GUIDED[how]), TWO_SCALES)
    for _ in range(steps):
        next(work)
    assert work.save(file)
    again = painter.paint(sources(*GUIDED[how]), TWO_SCALES, Snapshot(file))
    assert again.resumed_at == steps
    assert np.array_equal(result(again).picture, whole.picture)


@pytest.fixture
def of_all(photo, large, style):
    """A large photo and two styles, one of them in regions, and a mask with soft edges."""
    styles = [Style(style, 2.0, LEFT_RED), Style(np.ascontiguousarray(photo[:, ::-1]))]
    return Sources(large, styles, mask=SOFT, regions=LEFT_BLUE)


@pytest.mark.parametrize("colors", ["style", "match", "luminance"])
@pytest.mark.parametrize("steps", [4, 8, 10])
def test_a_blend_in_regions_through_a_mask_goes_on_in_its_refinement_too(
    painter, of_all, file, colors, steps
):
    recipe, large = TWO_SCALES.model_copy(update={"colors": colors}), of_all.content
    whole = result(painter.paint(of_all, recipe, refine=3))
    assert (whole.refined, whole.picture.shape) == (3, large.shape)
    assert np.array_equal(whole.picture[:, :4], large[:, :4])
    work = painter.paint(of_all, recipe, refine=3)
    for _ in range(steps):
        next(work)
    assert work.save(file)
    again = result(painter.paint(of_all, recipe, Snapshot(file), refine=3))
    assert np.array_equal(again.picture, whole.picture)


@pytest.mark.parametrize("how", GUIDED)
def test_in_tiles_the_same_is_painted(painter, sources, how, monkeypatch):
    recipe = Recipe(size=160, scales=(0.5, 1.0), iterations=(3, 3))
    whole, plan = result(painter.paint(sources(*GUIDED[how]), recipe)), painter.plan
    monkeypatch.setattr(painter, "plan", lambda *given: replace(plan(*given), maps=2**22))
    tiled = result(painter.paint(sources(*GUIDED[how]), recipe))
    assert whole.tiles == 1 < tiled.tiles
    assert np.abs(tiled.picture - whole.picture).mean() < 0.5
    assert tiled.loss.total == pytest.approx(whole.loss.total, rel=0.01)


@pytest.mark.parametrize("refine", [0, 1])
def test_what_a_photograph_keeps_has_its_own_colours(painter, large, sources, refine):
    recipe = TWO_SCALES.model_copy(update={"photo": True})
    found = result(painter.paint(sources(RIGHT, content=large), recipe, refine=refine)).picture
    right = large if refine else resized(large, (47, 64))
    kept = found.shape[1] // 2 - 1
    assert found.shape == right.shape
    assert np.array_equal(found[:, :kept], right[:, :kept].clip(0, 255))
    assert np.abs(found[:, kept + 9 :] - right[:, kept + 9 :]).mean() > 5


@pytest.mark.parametrize(
    "other", [(), (SOFT,), (255 - RIGHT, LEFT_BLUE, LEFT_RED), (RIGHT, LEFT_BLUE, LEFT_BLUE)]
)
def test_nothing_else_goes_on_from_it(painter, sources, file, other):
    work = painter.paint(sources(RIGHT, LEFT_BLUE, LEFT_RED), TWO_SCALES)
    next(work)
    assert work.save(file)
    with closing(Snapshot(file)) as snapshot, pytest.raises(SnapshotError, match="another"):
        painter.paint(sources(*other), TWO_SCALES, snapshot)


def gram_of(painter, picture, tap="conv2_1"):
    image = painter.to_device(np.ascontiguousarray(picture, dtype=np.float32))
    ((_, maps, _),) = Patchwork(painter.network, image, [tap], Recipe(), Tiling()).forward()
    return products(maps).asnumpy() / maps.size


def stripes(angle, colours):
    """A picture of stripes, (96, 96, 3)."""
    y, x = np.mgrid[0:96, 0:96]
    wave = 0.5 + 0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) / 2)[:, :, np.newaxis]
    low, high = np.array(colours, float)
    return (low + (high - low) * wave).astype(np.uint8)


@pytest.mark.parametrize("kinds", [{"gram": 1.0}, {"wasserstein": 1.0}], ids="+".join)
@pytest.mark.parametrize("blend", [False, True])
def test_each_half_is_painted_in_its_own_style(painter, photo, kinds, blend):
    """Of one style's halves, and of two styles each of which has one of the regions."""
    one, other = (
        stripes(0, [(10, 20, 90), (80, 120, 200)]),
        stripes(1.6, [(200, 60, 0), (250, 200, 90)]),
    )
    blue, red = (np.full((4, 4, 3), each, np.uint8) for each in (PAINTS[0], PAINTS[4]))
    if blend:
        styles = [Style(one, regions=blue), Style(other, regions=red)]
    else:
        both = np.concatenate([one, other], axis=1)
        styles = [Style(both, regions=np.concatenate([blue, red], axis=1))]
    content = photo.repeat(2, axis=0).repeat(2, axis=1)
    regions = np.concatenate([red, blue], axis=1)  # the other way round
    recipe = Recipe(
        size=128, scales=(1.0,), iterations=(14,), style_weight=10, style_loss=kinds, style_trim=0
    )
    found = result(painter.paint(Sources(content, styles, regions=regions), recipe)).picture
    left, right = gram_of(painter, found[:, :56]), gram_of(painter, found[:, 72:])
    cold, warm = gram_of(painter, one), gram_of(painter, other)

    def off(gram, target):
        return np.linalg.norm(gram - target) / np.linalg.norm(target)

    assert off(left, warm) < 0.5 * off(left, cold)
    assert off(right, cold) < 0.5 * off(right, warm)


def test_what_cannot_be_used_is_refused_before_the_work(painter, sources):
    for wrong, error, words in (
        (sources(0 * RIGHT), GuideError, "black all over"),
        (sources(None, LEFT_BLUE, painted(HALVES, PAINTS[1:3])), GuideError, "no colour in common"),
        (sources(None, LEFT_BLUE), RecipeError, "for no style"),
    ):
        with pytest.raises(error, match=words):
            painter.paint(wrong, TWO_SCALES)


def test_statistics_of_regions_are_kept_apart(painter, sources):
    """Of the same style as a whole, in these regions and in others."""
    pictures = [
        result(painter.paint(sources(*each), TWO_SCALES)).picture
        for each in [(), (None, LEFT_BLUE, LEFT_RED), (None, LEFT_BLUE, LEFT_BLUE), ()]
    ]
    assert np.array_equal(pictures[0], pictures[3])
    assert np.abs(pictures[1] - pictures[2]).mean() > 1
