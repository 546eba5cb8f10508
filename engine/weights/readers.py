"""Files of VGG-19 weights as people have them, read into one form.

Known: Keras `.h5` (with or without the fully connected layers), MXNet `.params` (classic and model
zoo), `.npz` and `.safetensors`. Nothing is executed: no pickles.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsFileError, WeightsMissingError
from engine.recipe import CONVOLUTIONS
from engine.weights.conventions import Layers

SUFFIXES: Final = (".h5", ".hdf5", ".params", ".npz", ".safetensors")

_NEITHER: Final = "is not a file of VGG-19 weights that can be read"
_TORCH: Final = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
"""Indices of the convolutions in torchvision's `features`."""

_KIND: Final = r"(?P<kind>weight|kernel|W|bias|b)"
_PATTERNS: Final = (
    rf"(?:^|[/:.])(?:block|conv)(?P<block>[1-5])_(?:conv)?(?P<conv>[1-4])[_/.]{_KIND}(?:_1)?(?::0)?$",
    rf"(?:^|[/:.])features\.(?P<index>\d+)\.{_KIND}$",
    rf"(?:^|[/:.])(?:vgg\d+_)?conv(?P<number>\d+)_{_KIND}$",
)
_CHANNELS: Final = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}


def read(path: Path) -> tuple[Layers, bool]:
    """Read the sixteen convolutions out of a file.

    Returns:
        The layers, kernels as (out, in, 3, 3), and whether the names are those of a re-training.

    Raises:
        WeightsMissingError: no such file.
        WeightsFileError: damaged, no weights, layers missing, wrong shapes, or not finite.
    """
    if not path.is_file():
        raise WeightsMissingError(f"There is no file {path}.")
    reader = _reader(path)
    try:
        arrays = reader(path)
    except WeightsFileError:
        raise
    except Exception as error:  # four libraries' parsers: each has errors of its own
        raise WeightsFileError(
            f"{path.name} {_NEITHER}: it is damaged, cut off, or something else under this name "
            "(a web page saved by mistake, perhaps). Get it again."
        ) from error
    return _checked(_sorted(arrays), path), any(
        "features." in name or "vgg" in name for name in arrays
    )


def _reader(path: Path) -> Callable[[Path], Mapping[str, NDArray[Any]]]:
    readers = {
        ".h5": _read_keras,
        ".hdf5": _read_keras,
        ".params": _read_mxnet,
        ".npz": _read_numpy,
        ".safetensors": _read_safetensors,
    }
    try:
        return readers[path.suffix.lower()]
    except KeyError:
        raise WeightsFileError(
            f"{path.name} {_NEITHER}: its name must end in {', '.join(SUFFIXES)}."
        ) from None


def _read_keras(path: Path) -> dict[str, NDArray[Any]]:
    import h5py  # noqa: PLC0415 - only who imports weights pays for it

    found: dict[str, NDArray[Any]] = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and _place(name):
            values = node[()]
            found[name] = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values  # noqa: PLR2004 - HWIO

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def _read_mxnet(path: Path) -> dict[str, NDArray[Any]]:
    from engine.mx import nd  # noqa: PLC0415 - reading other formats needs no MXNet

    loaded = nd.load(str(path))
    if not isinstance(loaded, dict):
        raise WeightsFileError(f"{path.name} {_NEITHER}: its arrays have no names.")
    return {name: array.asnumpy() for name, array in loaded.items() if _place(name)}


def _read_numpy(path: Path) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise WeightsFileError(f"{path.name} {_NEITHER}: it is no .npz archive.")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if _place(name)}


def _read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load_file  # noqa: PLC0415 - only who imports weights pays for it

    return {name: array for name, array in load_file(path).items() if _place(name)}


def _place(name: str) -> tuple[str, str] | None:
    """Tell convolution and part (`kernel`, `bias`) of an array from its name; None for others."""
    for pattern in _PATTERNS:
        match = re.search(pattern, name)
        if match is None:
            continue
        found = match.groupdict()
        part = "bias" if found["kind"] in {"bias", "b"} else "kernel"
        if "block" in found:
            layer = f"conv{found['block']}_{found['conv']}"
            return (layer, part) if layer in CONVOLUTIONS else None
        number = int(found.get("number") or -1)
        if "index" in found:
            index = int(found["index"])
            number = _TORCH.index(index) if index in _TORCH else -1
        elif found["number"] == "0":
            number = 0
        return (CONVOLUTIONS[number], part) if 0 <= number < len(CONVOLUTIONS) else None
    return None


def _sorted(arrays: Mapping[str, NDArray[Any]]) -> dict[tuple[str, str], NDArray[Any]]:
    return {place: array for name, array in arrays.items() if (place := _place(name))}


def _checked(parts: dict[tuple[str, str], NDArray[Any]], path: Path) -> Layers:
    missing = [
        name for name in CONVOLUTIONS if not {(name, "kernel"), (name, "bias")} <= set(parts)
    ]
    if missing:
        raise WeightsFileError(
            f"{path.name} is no whole VGG-19: {', '.join(missing)} missing. Get the whole file."
        )
    return {name: _layer(name, parts, path) for name in CONVOLUTIONS}


def _layer(
    name: str, parts: dict[tuple[str, str], NDArray[Any]], path: Path
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    out, position = _CHANNELS[name[4]], CONVOLUTIONS.index(name)
    into = 3 if position == 0 else _CHANNELS[CONVOLUTIONS[position - 1][4]]
    shapes = {"kernel": (out, into, 3, 3), "bias": (out,)}
    for part, shape in shapes.items():
        array = parts[name, part]
        if array.shape != shape:
            raise WeightsFileError(
                f"{path.name}: {part} of {name} is {array.shape}, but VGG-19's is {shape}. "
                "This is another network."
            )
        if not np.isfinite(array).all():
            raise WeightsFileError(
                f"{path.name}: {name} holds values that are not finite. Get it again."
            )
    kernel, bias = (np.ascontiguousarray(parts[name, part], np.float32) for part in shapes)
    return kernel, bias
