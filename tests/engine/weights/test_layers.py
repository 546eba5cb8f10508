"""Sixteen convolutions, all there and sound, or an error that names the one that is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.errors import WeightsFileError
from engine.recipe import CONVOLUTIONS
from engine.weights.conventions import Layers
from engine.weights.layers import LARGEST, SHAPES, checked

from .conftest import same


def parts(layers: Layers) -> dict[tuple[str, Any], Any]:
    return {
        (name, part): array
        for name, pair in layers.items()
        for part, array in zip(("kernel", "bias"), pair, strict=True)
    }


def test_the_shapes_are_those_of_vgg19() -> None:
    assert list(SHAPES) == list(CONVOLUTIONS)
    assert SHAPES["conv1_1"] == (64, 3, 3, 3)
    assert SHAPES["conv3_1"] == (256, 128, 3, 3)
    assert SHAPES["conv5_4"] == (512, 512, 3, 3)
    assert sum(int(np.prod(shape)) + shape[0] for shape in SHAPES.values()) == 20_024_384
    assert LARGEST == 512 * 512 * 9


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_every_floating_point_type_becomes_float32(thin: Layers, dtype: Any) -> None:
    given = {place: array.astype(dtype) for place, array in parts(thin).items()}
    expected = {
        name: tuple(array.astype(dtype).astype(np.float32) for array in pair)
        for name, pair in thin.items()
    }
    assert same(checked(given, "file"), expected)


def test_kernels_with_height_and_width_first_are_turned(thin: Layers) -> None:
    given = {
        place: array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
        for place, array in parts(thin).items()
    }
    found = checked(given, "file")
    assert same(found, thin)
    assert all(kernel.flags.c_contiguous for kernel, _ in found.values())


def broken(layers: Layers, name: str, part: str, array: Any) -> dict[tuple[str, Any], Any]:
    return {**parts(layers), (name, part): array}


@pytest.mark.parametrize("part", ["kernel", "bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(thin: Layers, part: str, value: float) -> None:
    array = parts(thin)["conv4_2", part].copy()
    array.flat[5] = value
    with pytest.raises(WeightsFileError, match="file: conv4_2 holds values that are not finite"):
        checked(broken(thin, "conv4_2", part, array), "file")


def test_a_value_too_large_for_float32_is_refused(thin: Layers) -> None:
    array = np.full(thin["conv2_1"][1].shape, 1e300)
    with pytest.raises(WeightsFileError, match=r"conv2_1.*not finite"):
        checked(broken(thin, "conv2_1", "bias", array), "file")


def test_a_kernel_of_zeros_is_refused_and_a_bias_of_zeros_is_not(thin: Layers) -> None:
    kernel, bias = thin["conv5_4"]
    with pytest.raises(WeightsFileError, match="conv5_4 holds nothing but zeros"):
        checked(broken(thin, "conv5_4", "kernel", kernel * 0), "file")
    assert not checked(broken(thin, "conv5_4", "bias", bias * 0), "file")["conv5_4"][1].any()


@pytest.mark.parametrize(
    ("part", "shape"),
    [("kernel", (10, 8, 3)), ("kernel", (10, 9, 3, 3)), ("kernel", ()), ("bias", (10, 1))],
)
def test_another_shape_is_refused_with_both_shapes(
    thin: Layers, part: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(WeightsFileError, match=f"the {part} of conv2_1 has the shape .*VGG-19's"):
        checked(broken(thin, "conv2_1", part, np.ones(shape, np.float32)), "file")


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.complex64, np.bool_])
def test_what_is_not_floating_point_is_refused(thin: Layers, dtype: Any) -> None:
    array = thin["conv1_2"][1].astype(np.int8).astype(dtype)
    with pytest.raises(WeightsFileError, match="conv1_2 is of the type"):
        checked(broken(thin, "conv1_2", "bias", array), "file")


def test_missing_layers_are_named(thin: Layers) -> None:
    rest = parts(thin)
    del rest["conv4_2", "bias"], rest["conv5_1", "kernel"]
    with pytest.raises(WeightsFileError, match="no whole VGG-19: conv4_2, conv5_1 missing"):
        checked(rest, "file")


def test_vgg16_and_files_of_other_things_are_called_by_their_names(thin: Layers) -> None:
    small = {k: v for k, v in parts(thin).items() if k[0] not in {"conv3_4", "conv4_4", "conv5_4"}}
    with pytest.raises(WeightsFileError, match="VGG-16"):
        checked(small, "file")
    with pytest.raises(WeightsFileError, match="holds no VGG-19"):
        checked({}, "file")
