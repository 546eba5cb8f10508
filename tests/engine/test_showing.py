"""A painting is shown in range, rounded on its way alone, with the colours that it keeps."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe, pyramid, showing
from engine.ground import Ground
from engine.guides import NOTHING, Guides
from engine.memory import plan_memory
from engine.mx import nd
from tests.engine.near import near

SIZE = (24, 32)
PAINTED = np.random.default_rng(0).uniform(-30, 285, (*SIZE, 3)).astype(np.float32)
PHOTO = np.random.default_rng(1).uniform(60, 190, (*SIZE, 3)).astype(np.float32)


def ground(colors, photo=PHOTO, guides=NOTHING):
    recipe = Recipe(colors=colors)
    plan = plan_memory((64, 96), recipe, 0, 2**33)
    return Ground(recipe, photo, (), plan, guides=guides)


def on_device(picture):
    return nd.array(picture.transpose(2, 0, 1)[np.newaxis])


@pytest.mark.parametrize("colors", ["style", "match"])
def test_what_has_the_style_s_colours_is_brought_into_range(colors):
    before = PAINTED.copy()
    found = showing.finished(PAINTED, ground(colors))
    assert np.array_equal(found, np.clip(PAINTED, 0, 255))
    assert found.dtype == np.float32
    assert np.array_equal(before, PAINTED)


@pytest.mark.parametrize("colors", ["style", "match", "luminance"])
def test_a_glimpse_is_what_would_be_finished_rounded(colors):
    after = ground(colors)
    canvas = np.pad(PAINTED, [(after.recipe.margin,) * 2] * 2 + [(0, 0)])
    found = showing.glimpse(on_device(canvas), after)
    right = np.rint(showing.finished(PAINTED, ground(colors)))
    assert found.dtype == np.uint8
    assert np.array_equal(found, right)


def test_in_luminance_it_is_the_photo_lighter_and_darker():
    before = PHOTO.copy()
    found = showing.finished(PAINTED, ground("luminance"))
    lighter = (PAINTED - PHOTO) @ np.array([0.299, 0.587, 0.114], np.float32)
    assert found == near(np.clip(PHOTO + lighter[:, :, None], 0, 255), abs=1e-3)
    assert np.array_equal(before, PHOTO)


def test_at_a_smaller_scale_it_is_the_photo_in_that_size():
    half = PAINTED[::2, ::2].copy()
    for photo in (PHOTO, PHOTO.astype(np.uint8)):
        found = showing.finished(half, ground("luminance", photo))
        right = showing.finished(half, ground("luminance", pyramid.resized(photo, (12, 16))))
        assert np.array_equal(found, right)


def test_of_a_photo_of_bytes_nothing_is_lost():
    photo = PHOTO.astype(np.uint8)
    bytes_, floats = (
        showing.finished(PAINTED, ground("luminance", each))
        for each in (photo, photo.astype(np.float32))
    )
    assert np.array_equal(bytes_, floats)


@pytest.mark.parametrize("colors", ["style", "luminance"])
def test_through_a_mask_the_photo_is_seen(colors):
    mask = np.zeros(SIZE, np.uint8)
    mask[:, 20:], mask[:, 10:20] = 255, 128
    guides = Guides(mask=mask)
    found = showing.finished(PAINTED, ground(colors, guides=guides))
    painted = showing.finished(PAINTED.clip(60, 190), ground(colors))
    masked = showing.finished(PAINTED.clip(60, 190), ground(colors, guides=guides))
    assert np.array_equal(found[:, :10], PHOTO[:, :10])
    assert np.array_equal(masked[:, 20:], painted[:, 20:])
    middle = (painted[:, 10:20] + PHOTO[:, 10:20]) / 2
    assert masked[:, 10:20] == pytest.approx(middle, abs=1)
