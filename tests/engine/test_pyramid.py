from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Recipe, pyramid
from engine.errors import PictureError
from tests.engine.near import near

SIDES = st.integers(1, 20_000)


@given(SIDES, SIDES, st.integers(32, 8192))
def test_a_fitted_size_has_the_long_side_and_the_proportions(height, width, long_side):
    fitted = pyramid.fitted((height, width), long_side)
    assert max(fitted) == long_side
    short = min(height, width) * long_side / max(height, width)
    assert abs(min(fitted) - short) <= 1


@given(SIDES, SIDES)
def test_a_plan_keeps_all_steps_and_ends_at_the_full_size_or_is_refused(height, width):
    recipe = Recipe()
    try:
        plan = pyramid.plan((height, width), recipe)
    except PictureError:
        assert min(pyramid.fitted((height, width), recipe.size)) < 32
    else:
        assert plan[-1][0] == pyramid.fitted((height, width), recipe.size)
        assert sum(steps for _, steps in plan) == recipe.total_iterations


def test_the_next_scale_gets_the_contents_detail_back():
    content = np.random.default_rng(0).uniform(0, 255, (64, 96, 3)).astype(np.float32)
    small = pyramid.resized(content, (32, 48))
    assert pyramid.carried(small, small, content) == near(content, abs=1e-3)


def test_flat_colour_stays_flat_at_every_size():
    flat = np.full((40, 60, 3), 77, np.float32)
    for size in ((20, 30), (80, 120), (13, 17)):
        assert pyramid.resized(flat, size) == pytest.approx(77, abs=1e-3)


def test_noise_is_the_seeds_and_a_blend_lies_between():
    content = np.full((32, 32, 3), 100, np.float32)
    noise = pyramid.first(content, Recipe(init="noise", seed=3))
    assert np.array_equal(noise, pyramid.first(content, Recipe(init="noise", seed=3)))
    blend = pyramid.first(content, Recipe(init="blend", init_noise=0.25, seed=3))
    assert blend == near(0.25 * noise + 75, abs=1e-3)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 0.25))
def test_a_trimmed_picture_is_its_middle(height, width, share):
    picture = np.arange(height * width * 3).reshape(height, width, 3)
    middle = pyramid.trimmed(picture, share)
    down, across = int(height * share), int(width * share)
    assert middle.shape == (height - 2 * down, width - 2 * across, 3)
    assert middle[0, 0, 0] == picture[down, across, 0]
    assert middle[-1, -1, 2] == picture[height - 1 - down, width - 1 - across, 2]
