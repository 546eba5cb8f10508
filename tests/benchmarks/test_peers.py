"""Pictures of other programs: painted once, kept, found again."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.scenes import Scene, starter

PICTURE = np.random.default_rng(0).integers(0, 256, (43, 64, 3), np.uint8)


def scene() -> Scene:
    return starter()[0]


def known(folder: Path, peer: str = "neural-style", name: str = "photo-Waves") -> peers.Theirs:
    place = folder / peer / f"{name}-64.png"
    found = peers.Theirs(peer, name, 64, place, 10.0, 19.0, 2)
    peers.store(found, PICTURE)
    return found


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    assert peers.find("neural-style", "photo-Waves", 64, tmp_path) is None
    found = known(tmp_path)
    assert peers.find("neural-style", "photo-Waves", 64, tmp_path) == found
    assert peers.find("neural-style", "photo-Waves", 65, tmp_path) is None
    assert (peers.picture_of(found) == PICTURE).all()


def test_a_picture_of_which_nothing_is_known_does_not_count(tmp_path: Path) -> None:
    found = known(tmp_path)
    found.picture.with_suffix(".json").unlink()
    assert peers.find("neural-style", "photo-Waves", 64, tmp_path) is None


def test_of_scenes_all_that_is_kept_is_listed_and_pastiches(tmp_path: Path) -> None:
    names = {"photo-Waves", "photo-2-Waves"}
    for name in names:
        known(tmp_path, name=name)
    waves = [scene for scene in starter() if str(scene) in names]
    found = peers.all_kept(waves, tmp_path)
    own = [each for each in found if each.peer != peers.PASTICHE]
    assert {each.scene for each in own} == names
    theirs = [each for each in found if each.peer == peers.PASTICHE]
    assert {(each.scene, each.size) for each in theirs} == {
        ("photo-Waves", 256), ("photo-2-Waves", 512),
    }  # fmt: skip
    assert all(each.picture.exists() and each.processor_seconds > 0 for each in theirs)
    photo = [scene for scene in waves if scene.content == "photo"]
    assert len([x for x in peers.all_kept(photo, tmp_path) if x.peer != peers.PASTICHE]) == 1


@pytest.mark.weights
def test_both_programs_paint_what_is_not_kept(weights: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is installed by `make bench` alone")
    small = dataclasses.replace(scene(), photo=scene().photo[::10, ::10])
    one = {"peers": ["neural-style"], "steps": {"steps": 2}}
    (found,) = peers.keep([small], 48, weights.parent, folder=tmp_path, **one)
    assert peers.picture_of(found).shape == (32, 48, 3)
    assert math.isfinite(found.seconds)
    assert min(found.seconds, found.processor_seconds) > 0
    assert list(peers.keep([small], 48, weights.parent, folder=tmp_path, **one)) == []
    two = {"peers": ["style-transfer-pytorch"], "steps": {"first": 2, "each": 1, "least": 32}}
    (other,) = peers.keep([small], 48, weights.parent, folder=tmp_path, **two)
    assert peers.picture_of(other).shape == (32, 48, 3)
    assert (
        len(list(peers.keep([small], 48, weights.parent, folder=tmp_path, anew=True, **one))) == 1
    )
