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
from benchmarks.duels import TRIES, Duel
from benchmarks.quality import Findings
from engine import PRESETS
from engine.mx import mx
from engine.painter import Painter
from engine.vgg import Vgg
from engine.weights import load
from tests.benchmarks.rows import row

SMALL = quality.Extent(64, ("draft",), 0, ("photo-Waves",), 1)


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
    extent = dataclasses.replace(SMALL, tries=1)
    found = quality.measure(weights.parent, [scene], [theirs], extent)
    assert [one.painter for one in found.pictures] == [
        quality.PHOTO, "draft", "fine, strength 1", "neural-style",
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
    written = json.loads(output.read_text())
    assert written["tally"] == found.tally
    assert (written["extent"]["beyond"], written["extent"]["tries"]) == ("mirror", TRIES)
    monkeypatch.setattr(quality, "RESULTS", tmp_path / "usual.json")
    for some in ("--beyond=zeros", "--peer=neural-style", "--preset=draft", "--scene=photo-Waves"):
        monkeypatch.setattr(sys, "argv", ["quality", some, f"--kept={tmp_path}"])
        quality.main()
    assert not (tmp_path / "usual.json").exists()
    assert "fine, strength 1" in capsys.readouterr().out


@pytest.mark.weights
def test_at_the_defaults_a_painting_has_no_grain_and_is_none_the_further_from_its_style(
    weights: Path,
) -> None:
    (scene,) = scenes.named(scenes.starter(), ["photo-2-Waves"])
    looker = quality.Looker(Vgg(load(weights.parent), mx.cpu()), scene, (64, 96))
    painter, recipe = Painter(weights.parent, "cpu"), quality.recipe_of("draft", 96)
    grainy, usual = (
        looker.look(quality.paint(painter, scene, recipe.model_copy(update=changes))[0])
        for changes in ({"tv_weight": 0.0}, {})
    )
    assert usual["noise"] < 0.85 * grainy["noise"]
    assert usual["colour_noise"] < 0.8 * grainy["colour_noise"]
    assert usual["style_distance"] < 1.05 * grainy["style_distance"]


@pytest.mark.weights
def test_a_large_painting_is_compared_with_a_small_one(weights: Path) -> None:
    (scene,) = scenes.named(scenes.starter(), SMALL.scenes)
    (found,) = preview.measure(weights.parent, [scene], "draft", (48, 96), steps=1)
    assert (found.small, found.large) == (48, 96)
    assert found.ratio == pytest.approx(found.style_large / found.style_small)
    assert 0 < found.ssim < 1
    assert 0 < found.colour_distance < 1
