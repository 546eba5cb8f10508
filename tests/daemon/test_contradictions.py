"""What is asked for in vain is named, by the name that it was asked for by."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.contradictions import in_vain
from engine import Recipe


@pytest.mark.parametrize(
    ("asked", "fields", "why"),
    [
        ("init_noise", {}, "--it is the share of random dots where the start is a blend"),
        ("init_noise", {}, "but init is content"),
        ("init_noise", {"init": "noise"}, "but init is noise"),
        ("strength", {"style_weight": 0}, "--it is about the style, but style_weight is 0"),
        ("stroke_size", {"style_weight": 0}, "--it is about the style"),
        ("style_loss", {"style_weight": 0}, "--it is about the style"),
        ("tv_norm", {"tv_weight": 0}, "--it is about smoothness, but tv_weight is 0"),
        ("photo", {"photo": True, "style_weight": 0}, "--it is about the style, but style_weight"),
        ("realism_weight", {}, "--it is about pictures that stay photographs, but photo is false"),
    ],
)
def test_what_can_have_no_effect_is_said(asked: str, fields: dict[str, Any], why: str) -> None:
    assert why in in_vain({asked: "--it"}, Recipe(**fields))
    assert not in_vain({}, Recipe(**fields))


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ("init_noise", {"init": "blend"}),
        ("strength", {}),
        ("stroke_size", {"style_weight": 0.1}),
        ("tv_norm", {}),
        ("seed", {}),  # which can stand anywhere: another one is tried when there are dots
        ("colors", {"style_weight": 0}),
        ("photo", {"photo": True}),
        ("photo", {"style_weight": 0}),  # it is false
        ("realism_weight", {"photo": True}),
    ],
)
def test_what_has_one_is_taken(asked: str, fields: dict[str, Any]) -> None:
    assert not in_vain({asked: "--it"}, Recipe(**fields))
