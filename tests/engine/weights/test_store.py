"""The weights in place: imported whole or not at all, and never trusted without their hash."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import (
    WeightsConventionError,
    WeightsError,
    WeightsFileError,
    WeightsHashError,
    WeightsMissingError,
)
from engine.mx import nd
from engine.weights import adopt, import_file, load, store, verify, waiting
from engine.weights.conventions import CONVENTIONS, Layers

from . import forms
from .conftest import same

IN_PLACE = ["vgg19.json", "vgg19.params"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def source(tmp_path: Path, oxford: Layers) -> Path:
    """A file as a person has it."""
    forms.keras_1(tmp_path / "mine.h5", oxford)
    return tmp_path / "mine.h5"


@pytest.fixture
def folder(tmp_path: Path, source: Path) -> Path:
    """A folder with weights in place."""
    import_file(source, tmp_path / "param")
    return tmp_path / "param"


@pytest.fixture
def other(tmp_path: Path, oxford: Layers) -> tuple[Path, Layers]:
    """Another file, of weights that are known too."""
    layers = {**oxford, "conv5_4": (oxford["conv5_4"][0] * 2, oxford["conv5_4"][1])}
    forms.numpy_archive(tmp_path / "other.npz", layers)
    return tmp_path / "other.npz", layers


def test_an_imported_file_is_in_place_with_its_manifest(
    source: Path, folder: Path, oxford: Layers
) -> None:
    assert names(folder) == IN_PLACE
    manifest, loaded = verify(folder), load(folder)
    assert same(loaded.layers, oxford)
    assert loaded.convention == manifest.convention == CONVENTIONS["oxford-bgr"]
    assert loaded.sha256 == manifest.sha256 == store.sha256_of(folder / "vgg19.params")
    assert (manifest.source, manifest.source_sha256) == ("mine.h5", store.sha256_of(source))
    assert manifest.recognised == "values"
    assert manifest.layers == {name: kernel.shape for name, (kernel, _) in oxford.items()}


def test_the_file_is_one_that_mxnet_reads(folder: Path, oxford: Layers) -> None:
    loaded = nd.load(str(folder / "vgg19.params"))
    assert len(loaded) == 32
    for name, (kernel, bias) in oxford.items():
        assert np.array_equal(loaded[f"{name}_weight"].asnumpy(), kernel)
        assert np.array_equal(loaded[f"{name}_bias"].asnumpy(), bias)


def test_an_import_replaces_what_is_in_place(folder: Path, other: tuple[Path, Layers]) -> None:
    import_file(other[0], folder)
    assert same(load(folder).layers, other[1])
    assert names(folder) == IN_PLACE


def test_what_a_person_says_about_the_input_is_kept(tmp_path: Path, thin: Layers) -> None:
    forms.numpy_archive(tmp_path / "x.npz", thin)
    with pytest.raises(WeightsConventionError, match="--convention"):
        import_file(tmp_path / "x.npz", tmp_path / "param")
    assert not (tmp_path / "param").exists()
    import_file(tmp_path / "x.npz", tmp_path / "param", "oxford-rgb")
    assert load(tmp_path / "param").convention == CONVENTIONS["oxford-rgb"]
    assert verify(tmp_path / "param").recognised == "person"


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><title>404</title>")


def missing(path: Path) -> None:
    path.unlink()


def nan(path: Path) -> None:
    import h5py  # noqa: PLC0415 - this one alone

    with h5py.File(path, "r+") as file:
        file["block4_conv2/block4_conv2_W_1:0"][0, 0, 0, 0] = np.nan


@pytest.mark.parametrize("damage", [cut, web_page, missing, nan])
def test_the_weights_in_place_stay_when_a_file_is_bad(
    damage: Callable[[Path], None], source: Path, folder: Path
) -> None:
    before = contents(folder)
    damage(source)
    with pytest.raises(WeightsError):
        import_file(source, folder)
    assert contents(folder) == before
    load(folder)


class Crash(BaseException):
    """The process ends here."""


def crash_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rename of this number, from 0, be the one that never happened."""
    rename, count = Path.replace, iter(range(100))

    def replace(self: Path, target: Path) -> Path:
        if next(count) == number:
            raise Crash
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("first", [True, False])
def test_a_crash_at_any_rename_leaves_the_old_weights_or_the_new(
    number: int,
    *,
    first: bool,
    folder: Path,
    other: tuple[Path, Layers],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = load(folder)
    if first:
        shutil.rmtree(folder)
    with monkeypatch.context() as patch:
        crash_at(number, patch)
        with pytest.raises(Crash):
            import_file(other[0], folder)
    if number == 2:
        assert same(load(folder).layers, other[1])
    elif first:
        with pytest.raises(WeightsMissingError, match="no trained weights"):
            load(folder)
    else:
        assert same(load(folder).layers, old.layers)
    assert ".vgg19.next.json" not in names(folder)
    import_file(other[0], folder)
    assert same(load(folder).layers, other[1])
    assert names(folder) == IN_PLACE


def test_a_crash_before_a_bare_file_of_a_person_is_replaced_loses_nothing(
    tmp_path: Path, oxford: Layers, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms.mxnet_classic(tmp_path / "vgg19.params", oxford)
    with monkeypatch.context() as patch:
        crash_at(1, patch)
        with pytest.raises(Crash):
            load(tmp_path)
    assert same(load(tmp_path).layers, oxford)
    assert names(tmp_path) == ["original-vgg19.params", *IN_PLACE]


def test_who_loads_between_two_renames_waits_for_the_second(
    folder: Path, other: tuple[Path, Layers], monkeypatch: pytest.MonkeyPatch
) -> None:
    between, looked = threading.Event(), threading.Event()
    rename, sync = Path.replace, store.locked

    def slow(self: Path, target: Path) -> Path:
        done = rename(self, target)
        if target.name == "vgg19.params":
            between.set()
            assert looked.wait(30)
        return done

    def noted(where: Path, *more: int) -> Any:
        if between.is_set():
            looked.set()  # the reader is about to wait for the lock
        return sync(where, *more)

    monkeypatch.setattr(Path, "replace", slow)
    monkeypatch.setattr(store, "locked", noted)
    writer = threading.Thread(target=import_file, args=(other[0], folder))
    writer.start()
    assert between.wait(30)
    loaded = load(folder)
    writer.join()
    assert same(loaded.layers, other[1])


def test_two_imports_at_once_leave_one_of_them_whole(
    source: Path, folder: Path, oxford: Layers, other: tuple[Path, Layers]
) -> None:
    threads = [
        threading.Thread(target=import_file, args=(file, folder)) for file in (source, other[0]) * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = load(folder).layers
    assert same(found, oxford) or same(found, other[1])
    assert names(folder) == IN_PLACE


@pytest.mark.parametrize("at", [0.01, 0.5, 0.99])
def test_a_changed_file_is_noticed(at: float, folder: Path) -> None:
    data = bytearray((folder / "vgg19.params").read_bytes())
    data[int(len(data) * at)] ^= 1
    (folder / "vgg19.params").write_bytes(data)
    for check in (load, verify):
        with pytest.raises(WeightsHashError, match=r"changed or damaged.*weights fetch"):
            check(folder)


def test_another_file_under_the_name_says_how_to_import_it(
    folder: Path, other: tuple[Path, Layers]
) -> None:
    forms.mxnet_classic(folder / "vgg19.params", other[1])
    with pytest.raises(WeightsHashError, match="weights import"):
        load(folder)
    given = (folder / "vgg19.params").read_bytes()
    import_file(folder / "vgg19.params", folder)
    assert same(load(folder).layers, other[1])
    assert (folder / "original-vgg19.params").read_bytes() == given


def test_a_bare_file_of_a_person_survives_the_import_of_another(
    tmp_path: Path, source: Path, oxford: Layers, other: tuple[Path, Layers]
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    forms.mxnet_zoo(folder / "vgg19.params", other[1])
    given = (folder / "vgg19.params").read_bytes()
    import_file(source, folder)
    assert same(load(folder).layers, oxford)
    assert (folder / "original-vgg19.params").read_bytes() == given


def test_an_import_of_what_is_in_place_changes_nothing(folder: Path) -> None:
    before = verify(folder).sha256
    import_file(folder / "vgg19.params", folder)
    assert verify(folder).sha256 == before
    assert names(folder) == IN_PLACE


def test_missing_weights_say_how_to_get_them(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    for where in (tmp_path / "empty", tmp_path / "nowhere"):
        for check in (load, verify):
            with pytest.raises(WeightsMissingError, match=r"no trained weights.*weights fetch"):
                check(where)
    (folder / "vgg19.params").unlink()
    with pytest.raises(WeightsMissingError, match=r"vgg19\.params is missing"):
        load(folder)


@pytest.mark.parametrize("form", forms.FORMS)
def test_a_file_put_there_by_hand_is_imported_and_kept(
    form: Callable[[Path, Layers], None], tmp_path: Path, oxford: Layers
) -> None:
    path = tmp_path / forms.FORMS[form]
    form(path, oxford)
    given = path.read_bytes()
    assert same(load(tmp_path).layers, oxford)
    assert names(tmp_path) == sorted([path.name, *IN_PLACE])
    assert path.read_bytes() == given
    assert verify(tmp_path).source == path.name
    path.unlink()
    assert same(load(tmp_path).layers, oxford)


def test_a_file_that_was_put_there_since_is_adopted_once(
    tmp_path: Path, folder: Path, other: tuple[Path, Layers]
) -> None:
    assert adopt(tmp_path / "nowhere") is None
    assert adopt(folder) is None
    shutil.copy(other[0], folder / "a.npz")
    manifest = adopt(folder)
    assert manifest is not None
    assert (manifest.source, manifest) == ("a.npz", verify(folder))
    assert adopt(folder) is None


@pytest.mark.parametrize("name", ["a.params", "vgg19.params"])
def test_engines_that_start_together_adopt_a_file_once(
    name: str, tmp_path: Path, oxford: Layers
) -> None:
    forms.mxnet_classic(tmp_path / name, oxford)
    given, made = (tmp_path / name).read_bytes(), list[object]()
    threads = [threading.Thread(target=lambda: made.append(adopt(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one is None for one in made].count(False) == 1
    kept = tmp_path / ("original-vgg19.params" if name in IN_PLACE else name)
    assert kept.read_bytes() == given
    assert names(tmp_path) == sorted([kept.name, *IN_PLACE])
    assert same(load(tmp_path).layers, oxford)


def test_what_an_import_would_try_is_known_beforehand(
    tmp_path: Path, source: Path, other: tuple[Path, Layers]
) -> None:
    bare = tmp_path / "bare"
    assert waiting(bare) == []
    bare.mkdir()
    web_page(bare / "a.h5")
    shutil.copy(source, bare / "b.npz")
    assert names(bare) == [path.name for path in waiting(bare)] == ["a.h5", "b.npz"]
    adopt(bare)
    assert waiting(bare) == []
    shutil.copy(other[0], bare / "c.npz")
    assert waiting(bare) == [bare / "c.npz"]
    (bare / "vgg19.json").write_text("{}")
    assert waiting(bare) == []  # what is wrong with it, `load` says


def test_a_file_that_was_passed_over_does_not_come_back(
    folder: Path, source: Path, other: tuple[Path, Layers]
) -> None:
    shutil.copy(other[0], folder / "a.npz")
    import_file(source, folder)  # by somebody who saw the other one lie there
    assert adopt(folder) is None
    assert verify(folder).source == source.name


def test_a_newcomer_that_cannot_be_used_leaves_the_weights_in_place(
    folder: Path, oxford: Layers
) -> None:
    web_page(folder / "a.h5")
    assert same(load(folder).layers, oxford)


@pytest.mark.parametrize("links", [True, False])
def test_a_bare_params_file_is_imported_and_the_original_kept(
    *, links: bool, tmp_path: Path, oxford: Layers, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refuse(*_: Any) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "original-vgg19.params").write_bytes(b"an older one")
    forms.mxnet_classic(tmp_path / "vgg19.params", oxford)
    given = (tmp_path / "vgg19.params").read_bytes()
    assert same(load(tmp_path).layers, oxford)
    assert (tmp_path / "original-vgg19.params").read_bytes() == b"an older one"
    assert (tmp_path / "original-2-vgg19.params").read_bytes() == given
    assert same(load(tmp_path).layers, oxford)
    assert names(tmp_path) == ["original-2-vgg19.params", "original-vgg19.params", *IN_PLACE]


def test_the_first_usable_file_is_taken_and_junk_passed_over(
    tmp_path: Path, oxford: Layers
) -> None:
    web_page(tmp_path / "a.h5")
    (tmp_path / "._vgg19.h5").write_bytes(b"junk")
    (tmp_path / "README.md").write_text("no weights")
    (tmp_path / "folder.h5").mkdir()
    forms.numpy_archive(tmp_path / "b.npz", oxford)
    assert same(load(tmp_path).layers, oxford)
    assert verify(tmp_path).source == "b.npz"


def test_files_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    web_page(tmp_path / "a.h5")
    (tmp_path / "b.npz").touch()
    with pytest.raises(WeightsFileError, match=r"a\.h5 is a web page.*None of the other"):
        load(tmp_path)


def test_a_file_whose_input_is_unknown_asks_for_it(tmp_path: Path, thin: Layers) -> None:
    forms.numpy_archive(tmp_path / "mine.npz", thin)
    (tmp_path / "a.h5").touch()
    with pytest.raises(
        WeightsConventionError,
        match=r"mine\.npz needs.*import \S*mine\.npz --convention.*None of the other",
    ):
        load(tmp_path)
    assert names(tmp_path) == ["a.h5", "mine.npz"]


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, source: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot be read or written"):
        import_file(source, tmp_path / "file")


def test_a_disk_that_fills_up_leaves_the_weights_in_place(
    folder: Path, other: tuple[Path, Layers], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, save = contents(folder), nd.save

    def half(path: str, arrays: Any) -> None:
        save(path, arrays)
        cut(Path(path))

    monkeypatch.setattr(nd, "save", half)
    with pytest.raises(WeightsError, match="disk is not full"):
        import_file(other[0], folder)
    assert contents(folder) == before


def test_a_manifest_of_a_damaged_network_does_not_verify(folder: Path) -> None:
    """The hash may be right and the file wrong all the same: somebody wrote both."""
    manifest = json.loads((folder / "vgg19.json").read_text())
    nd.save(
        str(folder / "vgg19.params"),
        {f"conv1_1_{part}": nd.ones((8,)) for part in ("weight", "bias")},
    )
    manifest["sha256"] = store.sha256_of(folder / "vgg19.params")
    (folder / "vgg19.json").write_text(json.dumps(manifest))
    for check in (load, verify):
        with pytest.raises(WeightsFileError, match="no whole VGG-19"):
            check(folder)
