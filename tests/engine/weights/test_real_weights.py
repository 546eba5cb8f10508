"""The trained weights themselves, as they are in place."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.recipe import CONVOLUTIONS
from engine.weights import CONVENTIONS, Weights, load, verify
from engine.weights.conventions import recognise
from engine.weights.layers import SHAPES

from . import forms
from .conftest import same

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def real(weights: Path) -> Weights:
    return load(weights.parent)


def test_the_weights_in_place_are_a_whole_vgg19(weights: Path, real: Weights) -> None:
    assert {name: kernel.shape for name, (kernel, _) in real.layers.items()} == dict(SHAPES)
    assert tuple(real.layers) == CONVOLUTIONS
    assert verify(weights.parent).sha256 == real.sha256


def test_the_oxford_weights_are_recognised_in_both_orders(real: Weights) -> None:
    found = recognise(real.layers, None, retrained_names=True)
    assert found.how == "values"
    assert CONVENTIONS[found.name] == real.convention
    kernel, bias = real.layers["conv1_1"]
    turned = {**real.layers, "conv1_1": (kernel[:, ::-1], bias)}
    assert {found.name, recognise(turned, None, retrained_names=True).name} == {
        "oxford-bgr", "oxford-rgb",
    }  # fmt: skip


def test_eight_bits_do_not_hide_them(real: Weights) -> None:
    kernel, bias = real.layers["conv1_1"]
    table = np.linspace(kernel.min(), kernel.max(), 256, dtype=np.float32)
    picks = np.abs(kernel[..., None] - table).argmin(axis=-1)
    rounded = {**real.layers, "conv1_1": (table[picks], bias)}
    assert not np.array_equal(table[picks], kernel)
    known = recognise(real.layers, None, retrained_names=False)
    assert recognise(rounded, None, retrained_names=False) == known


def test_a_copy_put_into_an_empty_folder_by_hand_is_imported(
    weights: Path, real: Weights, tmp_path: Path
) -> None:
    shutil.copy(weights, tmp_path / "vgg19.params")
    found = load(tmp_path)
    assert same(found.layers, real.layers)
    assert found.convention == real.convention
    assert found.sha256 == real.sha256


def test_a_keras_file_of_them_is_imported_at_start(real: Weights, tmp_path: Path) -> None:
    forms.keras_2_with_top(tmp_path / "vgg19.h5", real.layers)
    found = load(tmp_path)
    assert same(found.layers, real.layers)
    assert found.sha256 == real.sha256
