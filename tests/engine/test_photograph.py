"""What stays a photograph is the photo in the painting's colours, in any size."""

from __future__ import annotations

import tracemalloc
from contextlib import closing

import numpy as np
import pytest
from pydantic import ValidationError

from engine import Painting, Recipe, photograph, pyramid
from engine.colour_maps import ColourMaps
from engine.errors import SnapshotError
from engine.matting import PhotorealismLoss, laplacian_bytes
from engine.memory import picture_bytes
from engine.snapshot import Snapshot
from engine.sources import Sources
from tests.engine.conftest import LARGE
from tests.engine.near import near

PLAIN = Recipe(size=64, scales=(0.75, 1.0), iterations=(6, 6), history=3)
SHORT, LONG = LARGE
PHOTO = PLAIN.model_copy(update={"photo": True})


def painted(work):
    *steps, painting = work
    assert isinstance(painting, Painting)
    return steps, painting


@pytest.fixture
def undisturbed(painter, photo, style, once):
    """The steps and the painting that come of a recipe, in the photo's own size."""
    return lambda recipe: once(
        recipe.model_dump_json(), lambda: painted(painter.paint(Sources.of(photo, style), recipe))
    )


def strangeness(picture, photo):
    """How far a picture is from one whose colours are affine in the photo's, place by place."""
    return PhotorealismLoss.of(pyramid.resized(photo, pyramid.size_of(picture)))(picture)[0]


@pytest.mark.weights
def test_a_photograph_stays_one_and_changes_its_colours(undisturbed, photo):
    _, painting = undisturbed(PLAIN)
    steps, taken = undisturbed(PHOTO)
    assert strangeness(taken.picture, photo) < 0.05 * strangeness(painting.picture, photo)
    assert np.abs(taken.picture - photo).mean() > 10
    assert taken.picture.dtype == np.float32
    assert (taken.picture.min() >= 0, taken.picture.max() <= 255) == (True, True)
    assert len(steps) == taken.iterations == PHOTO.total_iterations
    assert (taken.refined, taken.carried, taken.left_out) == (0, False, "")


@pytest.mark.weights
def test_what_is_painted_is_nearer_to_a_photograph_for_the_loss(painter, photo, style):
    """Before the colour maps, too: that is what is previewed."""

    def last_preview(recipe):
        work = painter.paint(Sources.of(photo, style), recipe)
        for _ in range(recipe.total_iterations):
            next(work)
        return work.preview()

    # The harder it is held, the nearer.
    found = [
        strangeness(last_preview(PHOTO.model_copy(update={"realism_weight": weight})), photo)
        for weight in (0, 1e4, 1e6)
    ]
    assert found == sorted(found, reverse=True)
    assert found[1] < 0.5 * found[0]
    assert found[0] == strangeness(last_preview(PLAIN), photo)


@pytest.mark.weights
def test_the_loss_is_told_apart_and_is_a_part_of_the_whole(undisturbed):
    _, taken = undisturbed(PHOTO)
    loss = taken.loss
    assert loss.realism > 0
    styles = sum(loss.style.values())
    assert loss.total == pytest.approx(loss.content + styles + loss.tv + loss.realism)
    _, painting = undisturbed(PLAIN)
    assert painting.loss.realism == 0


@pytest.mark.weights
def test_in_the_photos_own_size_it_has_all_of_its_detail_and_takes_no_step_more(
    painter, large, style
):
    sources = Sources.of(large, style)
    _, small = painted(painter.paint(sources, PHOTO))
    steps, whole = painted(painter.paint(sources, PHOTO, refine=4))
    assert whole.picture.shape == large.shape
    assert (whole.carried, whole.refined, whole.left_out) == (True, 0, "")
    assert whole.iterations == len(steps) == PHOTO.total_iterations
    assert {step.largest for step in steps} == {64}
    # Reduced it is the small one; enlarged the small one is not it.
    reduced = pyramid.resized(whole.picture, pyramid.size_of(small.picture))
    assert np.abs(reduced - small.picture).mean() < 4
    enlarged = pyramid.resized(small.picture, (SHORT, LONG))
    assert strangeness(whole.picture, large) < 0.2 * strangeness(enlarged, large)


@pytest.mark.weights
@pytest.mark.parametrize("refine", [0, 4])
def test_it_is_gone_on_with_to_the_same_picture(painter, large, style, tmp_path, refine):
    sources = Sources.of(large, style)
    _, right = painted(painter.paint(sources, PHOTO, refine=refine))
    work = painter.paint(sources, PHOTO, refine=refine)
    for _ in range(8):
        next(work)
    assert work.save(tmp_path / "one")
    with closing(Snapshot(tmp_path / "one")) as snapshot:
        steps, painting = painted(painter.paint(sources, PHOTO, snapshot, refine=refine))
    assert len(steps) == PHOTO.total_iterations - 8
    assert np.array_equal(painting.picture, right.picture)
    assert painting.loss == right.loss


@pytest.mark.weights
def test_a_painting_is_not_gone_on_with_as_a_photograph(painter, photo, style, tmp_path):
    work = painter.paint(Sources.of(photo, style), PLAIN)
    next(work)
    work.save(tmp_path / "one")
    with closing(Snapshot(tmp_path / "one")) as snapshot, pytest.raises(SnapshotError):
        painter.paint(Sources.of(photo, style), PHOTO, snapshot)


@pytest.mark.weights
@pytest.mark.parametrize("colors", ["match", "luminance"])
def test_it_goes_with_the_photos_colours(painter, undisturbed, photo, style, colors):
    recipe = PHOTO.model_copy(update={"colors": colors})
    _, taken = painted(painter.paint(Sources.of(photo, style), recipe))
    assert np.isfinite(taken.picture).all()
    assert 1 < np.abs(taken.picture - photo).mean() < 60
    plain = undisturbed(PLAIN)[1]
    assert strangeness(taken.picture, photo) < 0.1 * strangeness(plain.picture, photo)


@pytest.mark.weights
def test_where_there_is_no_room_for_the_photos_size_it_is_smaller_or_enlarged(
    painter, large, style, monkeypatch
):
    sources = Sources.of(large, style)
    lacks = photograph._takes((SHORT, LONG), (47, 64), large) - 1
    monkeypatch.setattr(painter, "left", lambda: lacks)
    _, smaller = painted(painter.paint(sources, PHOTO, refine=4))
    assert 64 < max(pyramid.size_of(smaller.picture)) < LONG
    assert smaller.carried
    assert f"{LONG}x{SHORT} pixels" in smaller.left_out
    assert "enlarged from there" in smaller.left_out
    monkeypatch.setattr(painter, "left", lambda: 0)
    _, small = painted(painter.paint(sources, PHOTO, refine=4))
    assert max(pyramid.size_of(small.picture)) == 64
    assert not small.carried
    assert small.left_out.endswith("it was only enlarged to that.")


@pytest.mark.weights
def test_memory_that_fails_at_the_end_costs_the_size_alone(painter, large, style, monkeypatch):
    usual = ColourMaps.seen

    def seen(self, photo, **how):
        if len(photo) == SHORT:
            raise MemoryError
        return usual(self, photo, **how)

    monkeypatch.setattr(ColourMaps, "seen", seen)
    _, painting = painted(painter.paint(Sources.of(large, style), PHOTO, refine=4))
    assert max(pyramid.size_of(painting.picture)) == 64
    assert not painting.carried
    assert painting.left_out == photograph.NO_MEMORY


def test_a_photo_no_larger_than_the_painting_is_not_kept(painter_with_room, photo, style):
    sources = Sources.of(photo, style)
    assert photograph.own_size(painter_with_room, sources, PHOTO) == (None, "")


def test_the_photo_is_kept_as_it_came_and_nobody_else_can_change_it(
    painter_with_room, large, style
):
    kept, told = photograph.own_size(painter_with_room, Sources.of(large, style), PHOTO)
    assert (kept.dtype, told) == (np.uint8, "")
    assert np.array_equal(kept, large)
    assert not np.shares_memory(kept, large)


@pytest.fixture
def painter_with_room():
    class Painter:
        def left(self):
            return 2**40

    return Painter()


def test_it_takes_no_more_memory_than_is_counted_on():
    photo = np.random.default_rng(0).integers(0, 256, (600, 900, 3)).astype(np.uint8)
    small = pyramid.resized(photo, (200, 300))
    tracemalloc.start()
    try:
        photograph.seen(small, small, photo)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    counted = photograph._takes((600, 900), (200, 300), photo) - photo.nbytes
    assert 0.4 * counted < peak < counted


def test_of_bytes_the_picture_is_not_rounded():
    photo = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    painting = 0.73 * photo.astype(np.float32) + 11.3
    found = photograph.seen(painting, photo.astype(np.float32), photo)
    assert found.dtype == np.float32
    assert found == near(painting, abs=0.2)
    assert np.abs(found - np.rint(found)).mean() > 0.1


@pytest.mark.parametrize("init", ["noise", "blend"])
def test_dots_are_no_photograph(init):
    with pytest.raises(ValidationError, match=f"photo keeps .* but init is {init}"):
        Recipe(photo=True, init=init)


def test_all_that_belongs_to_it_is_counted_in_the_plan():
    size = (384, 512)
    plain, held = picture_bytes(size, Recipe()), picture_bytes(size, Recipe(photo=True))
    assert held - plain > laplacian_bytes(size)
    assert picture_bytes(size, Recipe(photo=True, realism_weight=0)) == plain
