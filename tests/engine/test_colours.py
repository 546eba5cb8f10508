"""Whose colours: means and covariances are given exactly, and what is flat stays so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine import Painting, Recipe, pyramid
from engine.colours import (
    Change,
    Palette,
    changed,
    changes,
    grey,
    matched,
    relit,
    under_colours,
)
from engine.sources import Sources, Style
from tests.engine.near import near

SEEDS = st.integers(0, 2**32 - 1)
# Rec. 601, full range, as JPEG has it.
CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def picture(seed, spread=12.0, size=(40, 50)):
    """Colours that depend on each other, far from both ends of the range."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(*size, 3)) @ random.uniform(-0.5, 1, (3, 3)) * spread
    return (mixed.clip(-80, 80) + random.uniform(100, 150, 3)).astype(np.float32)


def same(one, other):
    assert one.mean == pytest.approx(other.mean, abs=1e-3)
    assert one.covariance == pytest.approx(other.covariance, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("rows", [1, 40, 3000])
def test_a_palette_is_mean_and_covariance_however_large_the_picture(rows):
    seen = picture(1, size=(rows, 50))
    flat = seen.reshape(-1, 3).astype(np.float64)
    found = Palette.of(seen)
    assert found.mean == pytest.approx(flat.mean(axis=0))
    assert found.covariance == pytest.approx(np.cov(flat.T, bias=True))
    light = flat @ [0.299, 0.587, 0.114]
    assert found.light == pytest.approx((light.mean(), light.std()))


@given(SEEDS, SEEDS)
def test_a_style_gets_the_mean_and_covariance_of_the_photo(one, other):
    photo, style = picture(one), picture(other)
    palettes = Palette.of(photo), Palette.of(style)
    assume(min(np.linalg.eigvalsh(palettes[1].covariance)) > 5)  # flat ones: see below
    found = changed(style, (40, 50), matched(*palettes))
    assume(found.min() > 0)
    assume(found.max() < 255)
    same(Palette.of(found), palettes[0])


def test_that_is_seen_to_happen():
    photo, style = picture(1), picture(2)
    before, wanted = Palette.of(style), Palette.of(photo)
    assert min(np.linalg.eigvalsh(before.covariance)) > 5
    assert np.abs(before.covariance - wanted.covariance).max() > 10
    found = changed(style, (40, 50), matched(wanted, before))
    assert found.min() > 0
    assert found.max() < 255
    same(Palette.of(found), wanted)


def test_of_its_own_colours_a_picture_is_not_changed():
    own = picture(2)
    palette = Palette.of(own)
    assert changed(own, (40, 50), matched(palette, palette)) == near(own, abs=1e-2)


def test_a_flat_style_becomes_the_photo_s_mean_and_noise_in_it_no_blots():
    photo = Palette.of(picture(4, spread=30))
    flat = np.full((20, 30, 3), (10, 200, 90), np.float32)
    assert changed(flat, (20, 30), matched(photo, Palette.of(flat))) == pytest.approx(
        np.broadcast_to(photo.mean, flat.shape), abs=1e-2
    )
    noisy = flat + np.random.default_rng(0).normal(0, 0.3, flat.shape).astype(np.float32)
    found = Palette.of(changed(noisy, (20, 30), matched(photo, Palette.of(noisy))))
    assert np.trace(found.covariance) < 0.05 * np.trace(photo.covariance)


def test_a_flat_photo_makes_a_flat_style():
    flat = Palette.of(np.full((20, 30, 3), 77, np.uint8))
    for make in (matched, relit):
        found = changed(picture(5), (40, 50), make(flat, Palette.of(picture(5))))
        assert found == pytest.approx(77, abs=1e-2)


def test_a_style_in_grey_gets_the_light_of_a_photo_in_grey():
    light = picture(6)[:, :, :1].repeat(3, axis=2)
    photo = picture(7)[:, :, :1].repeat(3, axis=2)
    found = changed(light, (40, 50), matched(Palette.of(photo), Palette.of(light)))
    same(Palette.of(found), Palette.of(photo))
    assert np.ptp(found, axis=2).max() < 1e-2


def test_in_luminance_a_style_has_the_photo_s_light_and_no_colours():
    photo, style = picture(8), picture(9)
    found = changed(style, (40, 50), relit(Palette.of(photo), Palette.of(style)))
    assert np.ptp(found, axis=2).max() < 1e-3
    assert Palette.of(found).light == pytest.approx(Palette.of(photo).light, abs=1e-3)


def test_grey_is_rec_601():
    seen = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    found = changed(seen, (1, 4), grey())
    assert found[0, :, 1] == pytest.approx([76.245, 149.685, 29.07, 255], abs=1e-3)
    assert np.ptp(found, axis=2).max() < 1e-4


def test_a_change_stays_in_range_and_leaves_what_it_was_given():
    wild = Change(np.eye(3, dtype=np.float32) * 9, np.full(3, -1000, np.float32))
    for given_picture in (picture(1), picture(1).astype(np.uint8)):
        before = given_picture.copy()
        found = changed(given_picture, (40, 50), wild)
        assert (found.min(), found.max()) == (0, 255)
        assert np.array_equal(given_picture, before)
        assert not np.shares_memory(found, given_picture)
        assert changed(given_picture, (20, 25), wild).shape == (20, 25, 3)


def test_a_change_is_the_same_in_place_and_band_by_band():
    large = picture(2, size=(900, 300))
    change = matched(Palette.of(picture(1)), Palette.of(large))
    apart = change(large)
    whole = large @ change.matrix.T + change.shift
    assert apart == near(whole.clip(0, 255), abs=1e-3)
    assert change(large, large) is large
    assert np.array_equal(large, apart)


def test_what_keeps_the_colours_is_nothing_at_all():
    seen = picture(1)
    assert changes("style", seen, [seen, seen]) == (None, [None, None])
    assert changed(seen, (40, 50), None) is seen


def test_each_style_is_changed_by_itself_and_the_photo_only_for_luminance():
    photo, styles = picture(1), [picture(2), picture(5)]
    none, both = changes("match", photo, styles)
    assert none is None
    for style, change in zip(styles, both, strict=True):
        same(Palette.of(change(style)), Palette.of(photo))
    of_photo, _ = changes("luminance", photo, styles)
    assert np.ptp(of_photo(photo), axis=2).max() < 1e-3


def test_changes_are_told_apart():
    photo, style = Palette.of(picture(1)), Palette.of(picture(2))
    made = [matched(photo, style), matched(style, photo), relit(photo, style), grey()]
    assert len({each.digest for each in made}) == 4
    assert matched(photo, style).digest == made[0].digest


@given(SEEDS)
def test_under_its_colours_a_painting_has_its_light_and_the_photo_s_chroma(seed):
    photo, painted = picture(seed), picture(seed + 1)
    found = np.stack(list(under_colours(photo, lambda n: painted[:, :, n])), axis=2)
    assert found @ CHROMA.T == near(photo @ CHROMA.T, abs=1e-2)
    luma = np.array([0.299, 0.587, 0.114])
    assert found @ luma == near(painted @ luma, abs=1e-2)


# On the real network.

RECIPE = Recipe(size=64, scales=(0.75, 1.0), iterations=(4, 4), history=3)


@pytest.fixture
def muted(photo):
    """A photo of colours from which there is room to both sides."""
    return (90 + 0.3 * photo).astype(np.uint8)


def unclipped(shown):
    return ((shown > 0.5) & (shown < 254.5)).all(axis=2)


def chroma(shown):
    return shown.astype(np.float64) @ CHROMA.T


@pytest.mark.weights
@pytest.mark.parametrize("refine", [0, 2])
def test_in_luminance_the_photo_s_chroma_is_kept_to_the_end_and_on_the_way(
    painter, muted, style, refine
):
    recipe = RECIPE.model_copy(update={"colors": "luminance"})
    large = pyramid.resized(muted, (72, 96)).astype(np.uint8)
    looks, work = [], painter.paint(Sources.of(large, style), recipe, refine=refine)
    for step in work:
        if isinstance(step, Painting):
            break
        looks.append(work.preview())
    photos = {each.shape: pyramid.resized(large, each.shape[:2]) for each in (*looks, step.picture)}
    shown = unclipped(step.picture)
    assert step.refined == refine
    assert shown.mean() > 0.8
    photo = photos[step.picture.shape]
    assert np.abs(chroma(step.picture) - chroma(photo))[shown].max() < 1e-2
    assert np.abs(step.picture - photo).mean() > 3  # it is painted all the same
    assert np.array_equal(looks[-1], np.rint(step.picture).astype(np.uint8))
    for look in looks:
        off = np.abs(chroma(look) - chroma(photos[look.shape]))[unclipped(look)]
        # A photo of another size is put under the look from that of the largest, and it is rounded.
        assert np.percentile(off, 99) < 2.5
        assert off.mean() < 1


@pytest.fixture
def looked_at(painter, monkeypatch):
    """What statistics were asked of: pictures, and what they are known by."""
    seen, statistics = [], painter.statistics

    def asked(picture, digest, recipe):
        seen.append((picture.copy(), digest))
        return statistics(picture, digest, recipe)

    monkeypatch.setattr(painter, "statistics", asked)
    return seen


@pytest.mark.weights
def test_matched_styles_are_looked_at_in_the_photo_s_colours(painter, muted, looked_at):
    recipe = Recipe(size=64, scales=(1.0,), iterations=(1,), colors="match", style_trim=0.0)
    styles = [Style(picture(seed, size=(48, 64)), seed) for seed in (2, 5)]
    next(painter.paint(Sources(muted, styles), recipe))
    assert len(looked_at) == 2
    for seen, _ in looked_at:
        same(Palette.of(seen), Palette.of(muted))


@pytest.mark.weights
def test_statistics_are_told_apart_by_colours_and_by_whose_they_are(
    painter, muted, photo, style, looked_at
):
    for seen, colors in (
        (muted, "style"), (photo, "style"), (muted, "match"), (photo, "match"),
        (muted, "luminance"), (photo, "luminance"), (muted, "match"),
    ):  # fmt: skip
        recipe = RECIPE.model_copy(update={"colors": colors})
        next(painter.paint(Sources.of(seen, style), recipe))
    digests = [digest for _, digest in looked_at]
    assert digests[0] == digests[1]
    assert digests[2] == digests[6]
    assert len(set(digests)) == 5


@pytest.mark.weights
@pytest.mark.parametrize("colors", ["match", "luminance"])
def test_no_picture_makes_it_fail(painter, photo, colors):
    recipe = RECIPE.model_copy(update={"colors": colors})
    flat = np.full((40, 50, 3), 128, np.uint8)
    black, white = np.zeros_like(flat), np.full_like(flat, 255)
    for pair in ((photo, flat), (flat, photo), (black, white), (white, black)):
        *_, painting = painter.paint(Sources.of(*pair), recipe)
        assert np.isfinite(painting.picture).all()
