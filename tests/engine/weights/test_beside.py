"""Files beside the weights in place: which are idle, and that it is said how to use them."""

from __future__ import annotations

import errno
import re
import shlex
import shutil
from pathlib import Path

import pytest

from engine.errors import WeightsConventionError, WeightsError, WeightsMissingError
from engine.weights import adopt, beside, import_file, load, readers, verify
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
    forms.numpy_archive(tmp_path / "my other.npz", oxford)
    (said,) = beside.remarks(tmp_path, import_file(tmp_path / "my.h5", tmp_path))
    assert said.startswith(f"{tmp_path}/my other.npz is not used: other weights are in place.")
    assert f"`atelierd weights import '{tmp_path}/my other.npz'`" in said
    assert "start" not in said


def test_one_that_came_since_is_imported_by_a_start(tmp_path: Path, oxford: Layers) -> None:
    forms.keras_1(tmp_path / "my.h5", oxford)
    adopt(tmp_path)
    forms.numpy_archive(tmp_path / "new.npz", oxford)
    (said,) = beside.remarks(tmp_path, verify(tmp_path))
    assert said == (
        f"{tmp_path}/new.npz has not been imported. Run `atelierd weights import "
        f"{tmp_path}/new.npz`, or start painting, which does it."
    )


WHAT_IT_IS = {
    "page.h5": (b"<!DOCTYPE html>sign in", "page.h5 is a web page"),
    "notes.txt": (b"dear diary", "notes.txt is not a file of VGG-19 weights"),
    "empty.npz": (b"", "empty.npz is empty"),
    "net.pth": (b"version https://git-lfs.github.com/spec/v1", "net.pth only points to"),
}


@pytest.mark.parametrize("name", WHAT_IT_IS)
def test_of_what_cannot_be_used_it_is_said_what_it_is(
    name: str, tmp_path: Path, oxford: Layers
) -> None:
    content, words = WHAT_IT_IS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=r"no trained weights in .* that can be used") as missing:
        verify(tmp_path)
    assert words in str(missing.value)
    assert "`atelierd weights fetch`" in str(missing.value)
    with pytest.raises(WeightsError, match=re.escape(words)):
        load(tmp_path)
    forms.keras_1(tmp_path / "the.h5", oxford)
    (said,) = beside.remarks(tmp_path, import_file(tmp_path / "the.h5", tmp_path))
    assert said.startswith(f"{tmp_path}/{name} is not used: it cannot be. {words}")
    assert "weights import" not in said


def test_a_file_that_may_not_be_read_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shut.h5").write_bytes(b"secret")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(readers, "read", refuse)
    with pytest.raises(WeightsError, match=r"shut\.h5 cannot be read \(Permission denied\)"):
        verify(tmp_path)


def test_a_file_that_needs_a_word_is_spoken_of_before_the_lost_ones(
    tmp_path: Path, thin: Layers
) -> None:
    (tmp_path / "a.txt").write_text("dear diary")
    forms.numpy_archive(tmp_path / "mine.npz", thin)
    with pytest.raises(WeightsConventionError, match=r"mine\.npz needs.*None of the other"):
        verify(tmp_path)


@pytest.mark.parametrize(("name", "starts"), [("my vgg.h5", True), ("weights.bin", False)])
def test_without_weights_in_place_a_good_file_is_named(
    name: str, tmp_path: Path, oxford: Layers, *, starts: bool
) -> None:
    (tmp_path / "a.h5").write_bytes(b"<html>")
    forms.keras_1(tmp_path / name, oxford)
    with pytest.raises(WeightsMissingError, match="has not been imported") as missing:
        verify(tmp_path)
    path = shlex.quote(f"{tmp_path}/{name}")
    assert f"{tmp_path}/{name} has not been imported" in str(missing.value)
    assert f"`atelierd weights import {path}`" in str(missing.value)
    assert ("start painting" in str(missing.value)) is starts
    if not starts:
        import_file(tmp_path / name, tmp_path)
    assert load(tmp_path).sha256 == verify(tmp_path).sha256  # as it was said


def test_what_belongs_there_gets_no_remark(tmp_path: Path, oxford: Layers) -> None:
    forms.keras_1(tmp_path / "my.h5", oxford)
    adopt(tmp_path)
    for name in ("README.md", "readme.txt", ".gitignore"):
        (tmp_path / name).write_text("words")
    (tmp_path / "folder").mkdir()
    assert beside.remarks(tmp_path, verify(tmp_path)) == []


def test_what_an_import_has_kept_is_no_news(tmp_path: Path, oxford: Layers) -> None:
    (tmp_path / "param").mkdir()
    forms.mxnet_zoo(tmp_path / "param" / "vgg19.params", oxford)
    forms.keras_1(tmp_path / "my.h5", oxford)
    manifest = import_file(tmp_path / "my.h5", tmp_path / "param")
    assert (tmp_path / "param" / "original-vgg19.params").exists()
    assert beside.unused(tmp_path / "param", manifest) == []
