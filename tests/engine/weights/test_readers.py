"""Files of weights: every form reads to the same layers, and every damage is called by its name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import WeightsError, WeightsFileError, WeightsMissingError
from engine.mx import nd
from engine.weights import readers
from engine.weights.conventions import Layers
from engine.weights.readers import read

from . import forms
from .conftest import same

Form = Callable[[Path, Layers], None]
RETRAINED = {forms.mxnet_zoo, forms.mxnet_structural, forms.safetensors_torchvision}
ONE_OF_EACH = [
    forms.keras_1, forms.mxnet_classic, forms.numpy_archive, forms.safetensors_by_name,
]  # fmt: skip


def written(form: Form, folder: Path, layers: Layers) -> Path:
    path = folder / forms.FORMS[form]
    form(path, layers)
    return path


@pytest.mark.parametrize("form", forms.FORMS)
def test_every_form_reads_to_the_same_layers(form: Form, tmp_path: Path, thin: Layers) -> None:
    contents = read(written(form, tmp_path, thin))
    assert same(contents.layers, thin)
    assert contents.retrained_names == (form in RETRAINED)


@pytest.mark.parametrize("form", ONE_OF_EACH)
def test_the_first_bytes_count_and_not_the_name(form: Form, tmp_path: Path, thin: Layers) -> None:
    path = written(form, tmp_path, thin)
    assert same(read(path.rename(tmp_path / "weights.download")).layers, thin)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("form", ONE_OF_EACH)
def test_a_file_that_was_cut_off_is_refused(
    form: Form, kept: float, tmp_path: Path, thin: Layers
) -> None:
    path = written(form, tmp_path, thin)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(WeightsFileError, match=f"{path.name}.*Get"):
        read(path)


@pytest.mark.parametrize("form", ONE_OF_EACH)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(data=st.data())
def test_whatever_happens_to_a_file_it_reads_or_is_refused(
    form: Form, data: st.DataObject, tmp_path: Path, thin: Layers
) -> None:
    content = bytearray(written(form, tmp_path, thin).read_bytes())
    # The beginning and the end hold what the parsers go by.
    where = st.integers(0, 200) | st.integers(-200, -1) | st.integers(0, len(content) - 1)
    for at in data.draw(st.lists(where, min_size=1, max_size=4)):
        content[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged"
    path.write_bytes(content)
    try:
        contents = read(path)
    except WeightsError:
        return
    assert {name: pair[0].shape for name, pair in contents.layers.items()} == {
        name: pair[0].shape for name, pair in thin.items()
    }


@pytest.mark.parametrize("name", sorted(set(forms.FORMS.values())))
@pytest.mark.parametrize(
    "page",
    [b"<!doctype html><title>Sign in</title>", b"\xef\xbb\xbf\r\n <html>", b"<?xml?><Error/>"],
)
def test_a_web_page_is_called_a_web_page(name: str, page: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(page)
    with pytest.raises(WeightsFileError, match="is a web page"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"\x00" * 5000, "not a file of VGG-19 weights"),
        (b"some notes of mine", "not a file of VGG-19 weights"),
    ],
)
def test_other_files_are_refused_and_say_what_to_do(
    content: bytes, why: str, tmp_path: Path
) -> None:
    (tmp_path / "vgg19.h5").write_bytes(content)
    with pytest.raises(WeightsFileError, match=why):
        read(tmp_path / "vgg19.h5")


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.h5", tmp_path):
        with pytest.raises(WeightsMissingError, match="no file"):
            read(path)


def test_a_file_too_large_for_vgg19_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.h5"
    with path.open("wb") as file:
        file.write(b"\x89HDF\r\n\x1a\n")
        file.truncate(20_000_000_000)  # a hole: it takes no room
    with pytest.raises(WeightsFileError, match="too large"):
        read(path)


def test_pickled_objects_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", conv1_1_weight=np.array([print], dtype=object))
    with pytest.raises(WeightsFileError, match="damaged"):
        read(tmp_path / "evil.npz")
    with zipfile.ZipFile(tmp_path / "vgg19.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
    with pytest.raises(WeightsFileError, match=r"PyTorch.*safetensors"):
        read(tmp_path / "vgg19.pth")


def test_a_whole_keras_model_says_which_file_to_take(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "vgg19.keras", "w") as archive:
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(WeightsFileError, match=r"import model\.weights\.h5"):
        read(tmp_path / "vgg19.keras")


def test_arrays_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("block1_conv1/kernel:0", (200_000, 200_000), "f4", chunks=(100, 100))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conv1_1_weight.npy", bytes(readers._LARGEST_BYTES + 1))
    for name in ("bomb.h5", "bomb.npz"):
        with pytest.raises(WeightsFileError, match="damaged"):
            read(tmp_path / name)


def test_a_network_with_batch_normalisation_is_refused(tmp_path: Path, thin: Layers) -> None:
    arrays = forms.torch_names(thin) | {"features.1.running_mean": np.ones(8, np.float32)}
    forms.write_mxnet(tmp_path / "bn.params", arrays)
    with pytest.raises(WeightsFileError, match="batch normalisation"):
        read(tmp_path / "bn.params")


def test_a_layer_that_is_there_twice_is_refused(tmp_path: Path, thin: Layers) -> None:
    kernel, _ = thin["conv1_1"]
    arrays = forms.torch_names(thin) | {"conv1_1.weight": kernel}
    forms.write_mxnet(tmp_path / "twice.params", arrays)
    with pytest.raises(WeightsFileError, match="conv1_1 more than once"):
        read(tmp_path / "twice.params")


def test_mxnet_arrays_without_names_are_refused(tmp_path: Path) -> None:
    nd.save(str(tmp_path / "list.params"), [nd.ones((2, 2))])
    with pytest.raises(WeightsFileError, match="damaged"):
        read(tmp_path / "list.params")


def test_kernels_in_theanos_order_are_refused(tmp_path: Path, thin: Layers) -> None:
    kernels = {name: (pair[0], pair[1]) for name, pair in thin.items()}
    arrays = forms.flat(
        kernels, lambda n, _: f"{forms.block(n)}/kernel:0", lambda n, _: f"{forms.block(n)}/bias:0"
    )
    forms.write_keras(tmp_path / "th.h5", arrays)
    with pytest.raises(WeightsFileError, match="another layout"):
        read(tmp_path / "th.h5")


def test_links_out_of_a_file_are_not_followed(tmp_path: Path, thin: Layers) -> None:
    forms.keras_1(tmp_path / "other.h5", thin)
    with h5py.File(tmp_path / "links.h5", "w") as file:
        for name in thin:
            file[forms.block(name)] = h5py.ExternalLink("other.h5", forms.block(name))
    with pytest.raises(WeightsFileError, match="holds no VGG-19"):
        read(tmp_path / "links.h5")
