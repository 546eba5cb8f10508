"""How pictures are judged and set against one another."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers, preview, quality, scenes
from benchmarks.__main__ import table
from benchmarks.quality import Duel, Findings, Row
from engine import PRESETS

SMALL = quality.Extent(64, ("draft",), (), ("photo-Waves",), 1)


def row(painter: str, style: float, content: float, seconds: float = 10) -> Row:
    rest = dict.fromkeys(quality._MEASURES[4:], 0.5)
    return Row("photo-Waves", 64, painter, seconds, seconds, style, content, **rest)


THEIRS = row("peer", 0.1, 1.0, 100)


def test_of_those_as_near_to_the_photo_the_nearest_to_the_style_fights() -> None:
    ours = [row("a", 0.05, 0.9), row("b", 0.04, 1.0), row("c", 0.01, 1.1), row("d", 0.06, 0.2)]
    found = quality.duel(THEIRS, ours)
    assert (found.ours, found.won) == ("b", True)
    assert (found.style_distance, found.peer_style_distance) == (0.04, 0.1)
    assert (found.content_distance, found.peer_content_distance) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        ([row("a", 0.1, 0.9)], "a"),  # no nearer to the style
        ([row("a", 0.01, 1.01), row("b", 0.01, 1.2)], "a"),  # further from the photo
        ([row("a", 0.01, 0.9, 100)], "a"),  # no quicker
    ],
)
def test_what_does_not_win(ours: list[Row], name: str) -> None:
    found = quality.duel(THEIRS, ours)
    assert (found.ours, found.won) == (name, False)


def test_the_tally_is_of_each_program() -> None:
    def duel(peer: str, *, won: bool) -> Duel:
        return Duel(peer, "x", 64, "draft", 0, 0, 0, 0, 0, 0, won)

    findings = Findings([], [duel("a", won=True), duel("b", won=True), duel("a", won=False)])
    assert findings.tally == [
        {"peer": "a", "pairs": 2, "won": 1, "share": 0.5},
        {"peer": "b", "pairs": 1, "won": 1, "share": 1.0},
    ]
    assert Findings().tally == []


def test_means_are_of_each_painter_in_each_size() -> None:
    rows = [row("a", 0.1, 1), row("a", 0.3, 1), row("b", 0.5, 1)]
    rows.append(dataclasses.replace(rows[0], size=96))
    found = quality.means(rows)
    assert [(one["painter"], one["size"], one["scenes"]) for one in found] == [
        ("a", 64, 2), ("b", 64, 1), ("a", 96, 1),
    ]  # fmt: skip
    assert found[0]["style_distance"] == pytest.approx(0.2)


def test_each_preset_is_painted_as_the_program_carries_it_there() -> None:
    assert quality.recipe_of("draft", 256) == PRESETS["draft"]
    assert quality.recipe_of("fine", 512).scales == (0.5, 1.0)
    assert quality.recipe_of("standard", 512, 3).iterations == (3, 3)


def test_strengths_are_painted_where_somebody_is_to_be_beaten() -> None:
    extent = quality.Extent(strengths=(2, 4))
    alone = dict(quality.recipes(256, extent, rivals=False))
    assert list(alone) == list(PRESETS)
    beside = dict(quality.recipes(256, extent, rivals=True))
    assert list(beside) == [*PRESETS, "draft, strength 2", "draft, strength 4"]
    assert beside["draft, strength 4"].strength == 4


@pytest.mark.weights
def test_pictures_are_painted_measured_and_set_against_those_that_are_kept(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (scene,) = scenes.named(scenes.starter(), SMALL.scenes)
    place = tmp_path / "neural-style" / "photo-Waves-64.png"
    theirs = peers.Theirs("neural-style", "photo-Waves", 64, place, 1e6, 1e6, 1)
    peers.store(theirs, np.full((43, 64, 3), 120, np.uint8))
    extent = dataclasses.replace(SMALL, strengths=(4.0,))
    found = quality.measure(weights.parent, [scene], [theirs], extent)
    assert [one.painter for one in found.pictures] == [
        quality.PHOTO, "draft", "draft, strength 4", "neural-style",
    ]  # fmt: skip
    itself, painted, _, other = found.pictures
    assert itself.ssim == itself.edge_f1 == 1
    assert itself.content_distance == pytest.approx(0, abs=1e-9)
    assert 0 < painted.style_distance < itself.style_distance
    assert (other.seconds, other.edge_f1, other.noise) == (1e6, 0, 0)
    (duel,) = found.duels
    assert duel.peer == "neural-style"
    assert "share" in table(found.tally)
    every = [value for one in found.pictures for value in list(asdict(one).values())[3:]]
    assert all(map(math.isfinite, every))

    monkeypatch.setattr(quality, "measure", lambda *_: found)
    output = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["quality", f"--output={output}", f"--kept={tmp_path}"])
    quality.main()
    assert json.loads(output.read_text())["tally"] == found.tally
    assert "draft, strength 4" in capsys.readouterr().out


@pytest.mark.weights
def test_a_large_painting_is_compared_with_a_small_one(weights: Path) -> None:
    (scene,) = scenes.named(scenes.starter(), SMALL.scenes)
    (found,) = preview.measure(weights.parent, [scene], "draft", (48, 96), steps=1)
    assert (found.small, found.large) == (48, 96)
    assert found.ratio == pytest.approx(found.style_large / found.style_small)
    assert 0 < found.ssim < 1
    assert 0 < found.colour_distance < 1
