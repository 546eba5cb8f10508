"""The kinds of style losses, by name."""

from __future__ import annotations

from itertools import permutations
from typing import get_args

from engine import Recipe
from engine.gram import GRAM
from engine.histogram import HISTOGRAM
from engine.recipe import StyleLossKind
from engine.style_losses import weighted_kinds
from engine.wasserstein import WASSERSTEIN


def test_each_name_is_a_kind_and_the_usual_one_is_gram():
    assert weighted_kinds(Recipe()) == [(GRAM, 1.0)]
    kinds = weighted_kinds(Recipe(style_loss=dict.fromkeys(get_args(StyleLossKind), 1.0)))
    assert kinds == [(GRAM, 1.0), (WASSERSTEIN, 1.0), (HISTOGRAM, 1.0)]


def test_in_which_order_they_are_asked_for_changes_nothing():
    weights = {"histogram": 3.0, "gram": 1.0, "wasserstein": 2.0}
    found = [
        weighted_kinds(Recipe(style_loss=dict(pairs))) for pairs in permutations(weights.items())
    ]
    assert all(each == [(GRAM, 1.0), (WASSERSTEIN, 2.0), (HISTOGRAM, 3.0)] for each in found)


def test_no_two_kinds_call_their_parts_the_same():
    parts = [part for kind in (GRAM, WASSERSTEIN, HISTOGRAM) for part in kind.parts]
    assert len(parts) == len(set(parts))
