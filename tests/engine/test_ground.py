"""What scales have in common, and how large a style is beside a photo."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.fitting import Fit
from engine.ground import Ground, Scale, own
from engine.memory import plan_memory
from engine.stages import Tiling

GB = 2**30


def ground(style=(40, 60), recipe=None, *, refines=False):
    recipe = recipe or Recipe()
    content = np.zeros((64, 96, 3), np.uint8)
    plan = plan_memory((64, 96), recipe, 0, 8 * GB)
    return Ground(recipe, content, np.zeros((*style, 3), np.uint8), plan, refines=refines)


def picture(side):
    return np.zeros((side, side // 2, 3), np.float32)


def test_a_style_is_as_long_as_the_photo_and_where_it_refines_not_enlarged():
    assert ground().style_beside(picture(90)).shape == (60, 90, 3)
    assert ground(refines=True).style_beside(picture(90)).shape == (40, 60, 3)
    assert ground(refines=True).style_beside(picture(54)).shape == (36, 54, 3)


def test_a_narrow_style_is_made_wide_enough():
    assert ground((10, 60), refines=True).style_beside(picture(90)).shape == (32, 60, 3)


def test_it_is_told_from_others():
    one, other = ground(), ground()
    assert one.identity == other.identity
    other = ground()
    other.content[0, 0, 0] = 1
    assert one.identity != other.identity
    darker = ground()
    changed = Ground(darker.recipe, darker.content, darker.style + np.uint8(1), darker.memory)
    assert one.identity != changed.identity
    assert one.style_digest != changed.style_digest


def test_what_memory_there_was_is_heeded():
    found = ground()
    found.heed(Fit(Tiling(), 1000, 1.0))
    assert found.memory.maps == 1000


def test_work_goes_with_pixels_and_layers():
    shallow = Recipe(style_layers={"conv1_1": 1.0}, content_layers={"conv3_1": 1.0})
    whole = Scale((64, 96), 4, ground())
    assert whole.work == 4 * whole.step_work
    assert Scale((128, 96), 4, ground()).work == 2 * whole.work
    fine = Scale((64, 96), 4, ground(recipe=shallow, refines=True))
    assert fine.step_work < 0.5 * whole.step_work
    assert fine.work == pytest.approx(5.5 * fine.step_work)  # a start and targets, too


def test_a_picture_that_somebody_else_has_is_copied():
    given = np.zeros((4, 4, 3), np.uint8)
    assert not np.shares_memory(own(given, given), given)
    other = np.zeros((4, 4, 3), np.uint8)
    assert own(other, given) is other
