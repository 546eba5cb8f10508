from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import scenes


def test_the_programs_own_are_two_photos_in_five_styles() -> None:
    found = scenes.starter()
    assert len(found) == 10
    assert {scene.content for scene in found} == {"photo", "photo-2"}
    assert "photo-2-Brush Strokes" in {*map(str, found)}
    assert all(scene.photo.dtype == np.uint8 and scene.photo.shape[2] == 3 for scene in found)


def test_a_folder_has_its_own(tmp_path: Path) -> None:
    for name, colour in [("content-cat.png", "red"), ("style-sea.jpg", "blue"), ("notes.png", "")]:
        Image.new("RGB", (20, 10), colour or "white").save(tmp_path / name)
    (scene,) = scenes.of_folder(tmp_path)
    assert str(scene) == "cat-sea"
    assert scene.photo.shape == (10, 20, 3)
    assert scene.photo[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("there", ["content-a.png", "style-a.png"])
def test_a_folder_without_one_of_the_kinds_is_refused(tmp_path: Path, there: str) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / there)
    missing = "style-NAME" if there.startswith("content") else "content-NAME"
    with pytest.raises(FileNotFoundError, match=missing):
        scenes.of_folder(tmp_path)


def test_they_are_found_by_name_and_in_that_order() -> None:
    found = scenes.starter()
    wanted = ["photo-2-Woodcut", "photo-Dots"]
    assert [*map(str, scenes.named(found, wanted))] == wanted
    assert scenes.named(found, None) == found
    with pytest.raises(KeyError, match="photo-3"):
        scenes.named(found, ["photo-3"])


def test_photos_of_scikit_image_are_painted_where_that_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = np.zeros((4, 5, 3), np.uint8)
    data = SimpleNamespace(**{name: lambda: picture for name in ("astronaut", "chelsea", "coffee")})
    monkeypatch.setitem(sys.modules, "skimage", SimpleNamespace(data=data))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    found = scenes.installed()
    assert len(found) == 15
    assert {scene.content for scene in found} == {"astronaut", "chelsea", "coffee"}
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert scenes.installed() == []
