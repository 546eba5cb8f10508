"""What is told of the shelf is what lies on it after a step."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.footprint import elements
from engine.layers import chain_to, deepest
from engine.objective import Objective, style_grams
from engine.shelving import shelved_bytes
from engine.stages import Tiling

RECIPES = (
    Recipe(),
    Recipe(pooling="max"),
    Recipe(style_layers={"conv1_2": 1.0, "conv3_3": 1.0}, content_layers={"conv3_1": 1.0}),
    Recipe(style_layers={"conv1_2": 1.0, "conv3_3": 1.0}, content_layers={"conv3_3": 1.0}),
    Recipe(style_layers={"conv1_1": 1.0}, content_weight=0),
)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("size", [(48, 64), (51, 66)])
def test_as_much_lies_there_as_was_told(painter, recipe, size):
    pictures = np.random.default_rng(0).uniform(0, 255, (2, *size, 3)).astype(np.float32)
    content, style = (painter.to_device(each) for each in pictures)
    recipe = recipe.model_copy(update={"padding": "zeros"})
    grams = style_grams(painter.network, style, recipe)
    objective = Objective(painter.network, content, grams, recipe, Tiling(shelved=True))
    taps = set(recipe.style_layers)
    if recipe.content_weight:
        taps |= set(recipe.content_layers)
    layers = chain_to(deepest(taps))
    to_work_in = max(elements(name, size) for name in layers) * 4
    told = shelved_bytes(size, layers, taps) - to_work_in
    for _ in range(3):
        objective.evaluate(content)
        assert objective._shelf.bytes == told
        assert not objective._shelf._lent


def test_narrow_maps_take_less_but_for_what_they_are_read_into():
    layers, taps = chain_to("conv5_1"), Recipe().taps
    wide, narrow = (shelved_bytes((512, 512), layers, taps, width) for width in (4, 2))
    assert wide / 2 < narrow < wide
    assert shelved_bytes((512, 512), layers, {"conv5_1"}, 2) < 0.55 * wide
