"""Files of VGG-19 weights as people have them, read into one form.

Known: Keras `.h5` (with or without the fully connected layers), MXNet `.params` (classic and model
zoo), `.npz`, `.safetensors`, and PyTorch's older files. What a file is, its first bytes say, not
its name. Nothing in a file is executed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError, WeightsFileError, WeightsMissingError
from engine.weights import mxnet_file, safetensors_file, torch_file
from engine.weights.conventions import Layers
from engine.weights.layers import LARGEST, checked
from engine.weights.naming import Part, Place, is_normalisation, place

SUFFIXES: Final = (".h5", ".hdf5", ".keras", ".params", ".npz", ".safetensors")
"""File names that are looked for in the folder of the weights."""

_HEAD: Final = 512
_LARGEST_BYTES: Final = LARGEST * 8 + 4096  # float64 and the header of an .npy
_LARGEST_FILE: Final = 1_500_000_000  # VGG-19 with its top in float64 has 1.15 GB

Wanted = Callable[[str], bool]
Reader = Callable[[Path, Wanted], Mapping[str, NDArray[Any]]]


class Contents(NamedTuple):
    """What was read from a file.

    Attributes:
        layers: the sixteen convolutions.
        retrained_names: whether their names are those that torchvision and the model zoo use.
    """

    layers: Layers
    retrained_names: bool


def read(path: Path) -> Contents:
    """Read the sixteen convolutions out of a file.

    Raises:
        WeightsMissingError: no such file.
        WeightsFileError: damaged, no weights, layers missing, wrong shapes, or not finite.
    """
    if not path.is_file():
        raise WeightsMissingError(f"There is no file {path}.")
    reader = _reader(path)
    sieve = _Sieve(path.name)
    with _damage_named(path.name):
        arrays = reader(path, sieve)
    return sieve.sorted(arrays)


def from_mxnet(data: bytes, label: str) -> Layers:
    """Read the layers out of the bytes of a `.params` file.

    Raises:
        WeightsFileError: as `read`.
    """
    sieve = _Sieve(label)
    with _damage_named(label):
        arrays = mxnet_file.read_arrays(data)
    return sieve.sorted({name: array for name, array in arrays.items() if sieve(name)}).layers


@contextmanager
def _damage_named(label: str) -> Iterator[None]:
    try:
        yield
    except WeightsError:
        raise
    except Exception as error:  # each of the parsers has errors of its own
        raise WeightsFileError(
            f"{label} is damaged or was cut off: it begins like a file of weights, but cannot be "
            "read whole. Get it again."
        ) from error


class _Sieve:
    """Lets the convolutions through, and finds fault with files that are another network."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._places: dict[str, Place] = {}

    def __call__(self, name: str) -> bool:
        if is_normalisation(name):
            raise WeightsFileError(
                f"{self._label} holds a VGG with batch normalisation: get one without."
            )
        found = place(name)
        if found is None:
            return False
        if any(found[:2] == other[:2] for other in self._places.values()):
            raise WeightsFileError(
                f"{self._label} holds {found.layer} more than once ({name}). Get another file."
            )
        self._places[name] = found
        return True

    def sorted(self, arrays: Mapping[str, NDArray[Any]]) -> Contents:
        parts: dict[tuple[str, Part], NDArray[Any]] = {}
        for name, array in arrays.items():
            parts[self._places[name][:2]] = array
        retrained = any(found.retrained for found in self._places.values())
        return Contents(checked(parts, self._label), retrained)


def _reader(path: Path) -> Reader:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if path.stat().st_size > _LARGEST_FILE:
        raise WeightsFileError(f"{path.name} is too large to be a VGG-19. Get another file.")
    readers: dict[bytes, Reader] = {
        b"\x89HDF\r\n\x1a\n": _read_keras,
        b"PK\x03\x04": _read_archive,
        mxnet_file.MAGIC: _read_mxnet,
        torch_file.MAGIC: _read_torch,
    }
    for magic, reader in readers.items():
        if head.startswith(magic):
            return reader
    if head[8:9] == b"{":  # after the length of the JSON
        return safetensors_file.read_arrays
    raise WeightsFileError(f"{path.name} {_what_it_is(head)}")


def _what_it_is(head: bytes) -> str:
    if not head:
        return "is empty. Get it again."
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return (
            "is a web page, not a file of weights: the download asked for something first, or "
            "failed. Open the address in a browser and see what it says."
        )
    if head.startswith(b"version https://git-lfs"):
        return "only points to the weights: get the file itself with `git lfs pull`."
    return (
        "is not a file of VGG-19 weights that can be read: Keras .h5, MXNet .params, .npz and "
        ".safetensors can. Get it again, or get it in one of these forms."
    )


def _read_keras(path: Path, wanted: Wanted) -> dict[str, NDArray[Any]]:
    import h5py  # noqa: PLC0415 - only who imports weights pays for it

    found: dict[str, NDArray[Any]] = {}

    def visit(name: str, node: Any) -> None:
        # Links are not followed: a file of weights has no business in other files.
        if isinstance(node, h5py.Dataset) and wanted(name):
            _must_fit(name, node.size * node.dtype.itemsize)
            values = node[()]
            # Keras has (height, width, in, out); Theano's order is of another shape: refused.
            found[name] = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values  # noqa: PLR2004

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def _read_archive(path: Path, wanted: Wanted) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
    if any(name.endswith("data.pkl") for name in sizes):
        raise WeightsFileError(
            f"{path.name} is a file of PyTorch, which may run programs when it is opened. Save it "
            "as .safetensors and import that."
        )
    if "model.weights.h5" in sizes:
        raise WeightsFileError(
            f"{path.name} is a whole Keras model: unpack it, and import model.weights.h5."
        )
    with np.load(path, allow_pickle=False) as arrays:
        names = [name for name in arrays.files if wanted(name)]
        for name in names:
            _must_fit(name, sizes.get(f"{name}.npy", sizes.get(name, 0)))
        return {name: arrays[name] for name in names}


def _read_mxnet(path: Path, wanted: Wanted) -> dict[str, NDArray[Any]]:
    arrays = mxnet_file.read_arrays(path.read_bytes())
    return {name: array for name, array in arrays.items() if wanted(name)}


def _read_torch(path: Path, wanted: Wanted) -> dict[str, NDArray[Any]]:
    return {name: array for name, array in torch_file.read_tensors(path).items() if wanted(name)}


def _must_fit(name: str, size: int) -> None:
    """Refuse what would unpack to more than the memory holds."""
    if size > _LARGEST_BYTES:
        raise ValueError(f"{name} has {size} bytes")
