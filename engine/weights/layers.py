"""The sixteen convolutions, checked: all there, of the right shape, finite, and not empty."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsFileError
from engine.recipe import CONVOLUTIONS
from engine.weights.conventions import Layers
from engine.weights.naming import Part

Parts = Mapping[tuple[str, Part], NDArray[Any]]

_CHANNELS: Final = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}
_NOT_IN_VGG16: Final = {"conv3_4", "conv4_4", "conv5_4"}


def _shapes() -> dict[str, tuple[int, int, int, int]]:
    shapes, into = {}, 3
    for name in CONVOLUTIONS:
        out = _CHANNELS[name[len("conv")]]
        shapes[name] = (out, into, 3, 3)
        into = out
    return shapes


SHAPES: Final = MappingProxyType(_shapes())
"""Kernel shape (out, in, height, width) of each convolution (Simonyan and Zisserman 2015, E)."""

LARGEST: Final = max(int(np.prod(shape)) for shape in SHAPES.values())
"""Elements of the largest kernel."""


def checked(parts: Parts, label: str) -> Layers:
    """Make layers of what was read from a file.

    Kernels may come as (out, in, height, width) or (height, width, in, out); no kernel of VGG-19
    can be mistaken for the other.

    Args:
        parts: kernel and bias of each convolution, any floating-point type.
        label: what to call the file in messages.

    Raises:
        WeightsFileError: something is missing, has another shape or type, is not finite, or a
            kernel holds nothing but zeros.
    """
    missing = [name for name in CONVOLUTIONS if not _has(parts, name)]
    if missing:
        raise WeightsFileError(_what_is_missing(missing, label))
    return {name: _layer(parts, name, label) for name in CONVOLUTIONS}


def _has(parts: Parts, name: str) -> bool:
    return (name, "kernel") in parts and (name, "bias") in parts


def _what_is_missing(missing: list[str], label: str) -> str:
    if len(missing) == len(CONVOLUTIONS):
        return (
            f"{label} holds no VGG-19: none of its arrays has a name that a convolution of VGG-19 "
            "has in files of Keras, MXNet or torchvision. Get another file."
        )
    if set(missing) == _NOT_IN_VGG16:
        return f"{label} holds VGG-16, the smaller network: get the weights of VGG-19."
    return f"{label} is no whole VGG-19: {', '.join(missing)} missing. Get the whole file."


def _layer(parts: Parts, name: str, label: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    shape = SHAPES[name]
    kernel, bias = parts[name, "kernel"], parts[name, "bias"]
    if kernel.shape == (*shape[2:], shape[1], shape[0]):
        kernel = kernel.transpose(3, 2, 0, 1)
    for part, array, wanted in (("kernel", kernel, shape), ("bias", bias, shape[:1])):
        if array.shape != wanted:
            raise WeightsFileError(
                f"{label}: the {part} of {name} has the shape {_by(array.shape)}, VGG-19's has "
                f"{_by(wanted)}. This is another network, or a file in another layout."
            )
    return _floats(kernel, name, label, may_be_zero=False), _floats(bias, name, label)


def _floats(
    array: NDArray[Any], name: str, label: str, *, may_be_zero: bool = True
) -> NDArray[np.float32]:
    if array.dtype.kind != "f":
        raise WeightsFileError(
            f"{label}: {name} is of the type {array.dtype}, not floating point. Get another file."
        )
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, see below
        values = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(values).all():
        raise WeightsFileError(f"{label}: {name} holds values that are not finite. Get it again.")
    if not may_be_zero and not values.any():
        raise WeightsFileError(
            f"{label}: {name} holds nothing but zeros; the file was not copied whole. Get it again."
        )
    return values


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "of a single number"
