"""Painters that would make another picture are refused, with both sides named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.cluster import identity, messages
from daemon.cluster.identity import Comparing, mismatch, own, recipe_digest, weights_in
from daemon.cluster.messages import Order

OURS = replace(own("a" * 64), program="1.2.3")


def test_the_same_is_of_use() -> None:
    assert mismatch(OURS, replace(OURS, engines=("cpu", "gpu0"))) == ""


@pytest.mark.parametrize(
    ("theirs", "both"),
    [
        (replace(OURS, program="1.2.4"), ("1.2.4", "1.2.3")),
        (replace(OURS, weights_sha256="b" * 64), ("b" * 12, "a" * 12)),
        (replace(OURS, recipe="c" * 64), ("c" * 12, OURS.recipe[:12])),
    ],
)
def test_what_differs_is_named_on_both_sides(
    theirs: messages.Credentials, both: tuple[str, str]
) -> None:
    why = mismatch(OURS, theirs)
    assert all(name in why for name in both)


def test_without_weights_of_its_own_the_first_painters_count() -> None:
    comparing = Comparing(lambda: replace(OURS, weights_sha256=""))
    first = replace(OURS, weights_sha256="b" * 64)
    assert comparing(first, None) == ""
    assert comparing(first, first) == ""
    why = comparing(OURS, first)
    assert "the painters that came first" in why
    assert all(sha256 in why for sha256 in ("a" * 12, "b" * 12))


def test_weights_of_its_own_count_more_than_those_of_painters() -> None:
    comparing = Comparing(lambda: OURS)
    other = replace(OURS, weights_sha256="b" * 64)
    assert comparing(OURS, other) == ""
    assert "the service" in comparing(other, other)


@pytest.mark.parametrize("weights", ["a" * 64, ""])
def test_engines_with_different_weights_are_of_no_use_and_all_are_named(weights: str) -> None:
    comparing = Comparing(lambda: replace(OURS, weights_sha256=weights))
    mixed = replace(OURS, weights_sha256=f"{'a' * 64}+{'b' * 64}")
    why = comparing(mixed, None)
    assert "different weights" in why
    assert f"({'a' * 12}, {'b' * 12})" in why


def test_another_shape_of_a_message_is_another_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe_digest()
    spoken = tuple(kind for kind in identity._SPOKEN if kind is not Order)
    monkeypatch.setattr(identity, "_SPOKEN", spoken)
    assert recipe_digest() != before


def test_the_weights_are_those_that_engines_load(weights: Path, tmp_path: Path) -> None:
    assert len(weights_in(weights.parent)) == 64
    assert weights_in(tmp_path) == ""
