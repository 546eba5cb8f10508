"""The network of first looks: converted, checked, loaded; nothing in the files is run."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from engine.errors import (
    WeightsError,
    WeightsFileError,
    WeightsHashError,
    WeightsMissingError,
)
from engine.weights import adain, beside, waiting
from engine.weights.adain import DECODER, ENCODER, ENTRY, SHAPES
from engine.weights.conventions import Layers
from tests.engine.plain_adain import thin_network

from . import forms
from .adain_files import halves


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> Layers:
    """Those of a network of few channels, and readers that take it for the real one."""
    found = dict(thin_network().layers)
    shapes = {name: kernel.shape for name, (kernel, _) in found.items()}
    monkeypatch.setattr(adain, "SHAPES", MappingProxyType(shapes))
    return found


@pytest.fixture
def files(tmp_path: Path, layers: Layers) -> tuple[Path, Path]:
    return halves(tmp_path / "given", layers)


@pytest.fixture
def folder(tmp_path: Path, files: tuple[Path, Path]) -> Path:
    adain.put_in_place(*files, tmp_path / "param", "tiny==1.0")
    return tmp_path / "param"


def test_both_halves_are_of_the_right_shapes() -> None:
    assert len(SHAPES) == 1 + len(ENCODER) + len(DECODER) == 19
    assert SHAPES[ENTRY] == (3, 3, 1, 1)
    assert SHAPES["conv1_1"] == (64, 3, 3, 3)
    assert SHAPES["conv4_1"] == (512, 256, 3, 3)
    assert SHAPES["decoder1"] == (256, 512, 3, 3)
    assert SHAPES["decoder9"] == (3, 64, 3, 3)


def test_what_was_put_in_place_is_loaded_and_what_was_given_stays(
    folder: Path, files: tuple[Path, Path], layers: Layers
) -> None:
    found = adain.load(folder)
    assert list(found.layers) == list(layers)
    for name, pair in layers.items():
        for part, wanted in zip(found.layers[name], pair, strict=True):
            assert np.array_equal(part, wanted)
    assert sorted(path.name for path in folder.iterdir()) == ["adain.json", "adain.params"]
    assert all(path.exists() for path in files)


def test_the_manifest_says_where_it_came_from(folder: Path, files: tuple[Path, Path]) -> None:
    found = adain.verify(folder)
    assert found.source == "tiny==1.0"
    assert set(found.source_sha256) == {path.name for path in files}
    written = json.loads((folder / adain.MANIFEST).read_text())
    assert written["network"] == "AdaIN"
    assert written["sha256"] == found.sha256 == adain.load(folder).sha256


def test_the_same_files_give_the_same_bytes(folder: Path, files: tuple[Path, Path]) -> None:
    before = [(folder / name).read_bytes() for name in (adain.PARAMS, adain.MANIFEST)]
    adain.put_in_place(*files, folder, "tiny==1.0")
    assert [(folder / name).read_bytes() for name in (adain.PARAMS, adain.MANIFEST)] == before


def hostile(path: Path, ran: Path) -> None:
    """A file of PyTorch's older format whose pickle would write another file."""

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (ran,)

    pickled = pickle.dumps({"1.weight": Evil()}, protocol=2)
    path.write_bytes(forms.torch_head() + pickled + b"\x80\x02].")


def hostile_archive(path: Path, ran: Path) -> None:
    """The same in PyTorch's newer format, a zip."""

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (ran,)

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("decoder/data.pkl", pickle.dumps({"1.weight": Evil()}, protocol=2))


@pytest.mark.parametrize("make", [hostile, hostile_archive])
@pytest.mark.parametrize("which", [0, 1])
def test_a_file_that_wants_to_run_something_is_refused_and_does_not(
    make: Callable[[Path, Path], None], which: int, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    make(files[which], tmp_path / "ran")
    with pytest.raises(WeightsFileError, match=rf"{files[which].name} cannot be read"):
        adain.put_in_place(*files, tmp_path / "param", "x")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "param").exists()


def test_the_hostile_file_would_have_run(tmp_path: Path) -> None:
    hostile(tmp_path / "x", tmp_path / "ran")
    pickle.loads((tmp_path / "x").read_bytes()[len(forms.torch_head()) :])  # noqa: S301
    assert (tmp_path / "ran").exists()


def without_a_layer(layers: Layers) -> None:
    del layers["decoder5"]


def of_another_shape(layers: Layers) -> None:
    kernel, bias = layers["conv3_2"]
    layers["conv3_2"] = kernel[:-1], bias


def with_a_short_bias(layers: Layers) -> None:
    kernel, bias = layers["decoder9"]
    layers["decoder9"] = kernel, bias[:-1]


def not_finite(layers: Layers) -> None:
    layers["decoder2"][0][0, 0, 0, 0] = np.nan


@pytest.mark.parametrize(
    "spoil", [without_a_layer, of_another_shape, with_a_short_bias, not_finite]
)
def test_another_network_is_refused_and_what_is_in_place_stays(
    spoil: Callable[[Layers], None], folder: Path, layers: Layers, tmp_path: Path
) -> None:
    before = adain.verify(folder)
    spoil(layers)
    with pytest.raises(WeightsFileError):
        adain.put_in_place(*halves(tmp_path / "other", layers), folder, "x")
    assert adain.verify(folder) == before


def test_without_one_it_says_how_to_get_it(tmp_path: Path) -> None:
    assert not adain.in_place(tmp_path)
    with pytest.raises(WeightsMissingError, match="weights fetch --first-look"):
        adain.load(tmp_path)


@pytest.mark.parametrize("name", [adain.PARAMS, adain.MANIFEST])
def test_half_of_it_is_missing_and_not_overlooked(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert adain.in_place(folder)
    with pytest.raises(WeightsMissingError):
        adain.load(folder)


def test_one_that_was_changed_is_told_by_its_hash(folder: Path) -> None:
    data = bytearray((folder / adain.PARAMS).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / adain.PARAMS).write_bytes(data)
    for read in (adain.load, adain.verify):
        with pytest.raises(WeightsHashError, match="changed or damaged"):
            read(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 2}', '"x"'])
def test_a_manifest_that_makes_no_sense_is_an_error_of_ours(folder: Path, text: str) -> None:
    (folder / adain.MANIFEST).write_text(text)
    with pytest.raises(WeightsFileError, match="fetch --first-look"):
        adain.load(folder)


def test_a_folder_that_takes_nothing_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "param").write_text("a file")
    with pytest.raises(WeightsError, match="cannot be written into"):
        adain.put_in_place(*files, tmp_path / "param", "x")


def test_nobody_takes_its_files_for_vgg_19(folder: Path, files: tuple[Path, Path]) -> None:
    for path in files:
        (folder / path.name).write_bytes(path.read_bytes())
    assert waiting(folder) == []
    assert beside.candidates(folder) == []
    assert beside.instead(folder) is None
