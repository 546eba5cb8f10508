"""Files beside the weights in place: which are idle, and that it is said how to use them."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.weights import adopt, beside, import_file, verify
from engine.weights.conventions import Layers

from . import forms


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_what_could_be_imported_is_found_by_its_name(tmp_path: Path) -> None:
    assert beside.candidates(tmp_path / "nowhere") == []
    for name in ("b.npz", "A.H5", "._c.h5", "README.md", "vgg19.params", "vgg19.json"):
        (tmp_path / name).touch()
    (tmp_path / "folder.h5").mkdir()
    assert names(beside.candidates(tmp_path)) == ["A.H5", "b.npz", "vgg19.params"]


def test_the_file_that_the_weights_came_from_is_in_use(tmp_path: Path, oxford: Layers) -> None:
    forms.keras_1(tmp_path / "my.h5", oxford)
    manifest = adopt(tmp_path)
    assert manifest is not None
    shutil.copy(tmp_path / "my.h5", tmp_path / "the same.h5")
    assert beside.unused(tmp_path, manifest) == []


def test_another_file_is_not_and_it_is_said_how_to_use_it(tmp_path: Path, oxford: Layers) -> None:
    forms.keras_1(tmp_path / "my.h5", oxford)
    adopt(tmp_path)
    forms.numpy_archive(tmp_path / "my other.npz", oxford)
    (file,) = beside.unused(tmp_path, verify(tmp_path))
    assert file == tmp_path / "my other.npz"
    said = beside.remark(file)
    assert "is not used" in said
    assert f"`atelierd weights import '{tmp_path}/my other.npz'`" in said


def test_what_an_import_has_kept_is_no_news(tmp_path: Path, oxford: Layers) -> None:
    (tmp_path / "param").mkdir()
    forms.mxnet_zoo(tmp_path / "param" / "vgg19.params", oxford)
    forms.keras_1(tmp_path / "my.h5", oxford)
    manifest = import_file(tmp_path / "my.h5", tmp_path / "param")
    assert (tmp_path / "param" / "original-vgg19.params").exists()
    assert beside.unused(tmp_path / "param", manifest) == []
