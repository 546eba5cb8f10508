"""Presets, and that a recipe begins as coarse at every size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import PRESETS, Recipe
from engine.presets import COARSEST, at_size


@given(st.integers(32, 8192))
def test_every_size_begins_as_coarse_and_doubles(size):
    recipe = at_size(Recipe(iterations=(100, 40)), size)
    sides = [size * scale for scale in recipe.scales]
    assert recipe.size == sides[-1] == size
    assert all(2 * coarse == fine for coarse, fine in pairwise(sides))
    if len(sides) > 1:
        assert COARSEST <= sides[0] < 2 * COARSEST
    assert recipe.iterations[0] == 100
    assert len(sides) == 1 or recipe.iterations[-1] == 40
    assert list(recipe.iterations) == sorted(recipe.iterations, reverse=True)


def test_the_rest_of_the_recipe_stays():
    recipe = Recipe(style_weight=7, seed=3, tv_weight=0.5, optimizer="adam")
    same = {"style_weight", "seed", "tv_weight", "optimizer", "style_layers"}
    assert at_size(recipe, 1024).model_dump(include=same) == recipe.model_dump(include=same)


@pytest.mark.parametrize(("size", "scales"), [(128, (1.0,)), (512, (0.5, 1.0)),
                                              (1024, (0.25, 0.5, 1.0))])  # fmt: skip
def test_the_scales_of_usual_sizes(size, scales):
    assert at_size(PRESETS["standard"], size).scales == scales


def test_presets_cost_more_in_their_order():
    costs = [
        sum(steps * (recipe.size * scale) ** 2
            for scale, steps in zip(recipe.scales, recipe.iterations, strict=True))
        for name, recipe in PRESETS.items() if name not in {"subtle", "photo"}
    ]  # fmt: skip
    assert list(PRESETS) == ["draft", "standard", "fine", "poster", "subtle", "photo"]
    assert costs == sorted(costs)
    assert costs[-1] > 3 * costs[-2] > 9 * costs[-3]
    assert costs[1] > 3 * costs[0]


def test_the_preset_for_print_begins_as_coarse_as_the_usual_one():
    first = [PRESETS[name].size * PRESETS[name].scales[0] for name in ("standard", "poster")]
    assert first == [256, 256]
    # 2048 pixels on 30 cm are 170 dots an inch.
    assert PRESETS["poster"].size == 2048


def test_the_subtle_preset_is_the_usual_one_but_for_weight_and_steps():
    usual, subtle = (PRESETS[name].model_dump() for name in ("standard", "subtle"))
    changed = {name for name, value in usual.items() if subtle[name] != value}
    assert changed == {"style_weight", "iterations"}
    assert subtle["style_weight"] < usual["style_weight"]
