"""The network of first looks in place: `adain.params` in MXNet's own format, and `adain.json`.

It is that of Huang and Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance
Normalization": VGG-19 up to relu4_1, scaled so that its maps have a mean of 1, with the change of
its input as a convolution in front; and the decoder that was trained to paint such maps. People
have it as two files of PyTorch's older format, of which nothing is run. What is made of them is the
same to the byte each time, so that of the two files in place each is as good as one that a crash
has left.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError, WeightsFileError, WeightsHashError, WeightsMissingError
from engine.recipe import CONVOLUTIONS
from engine.weights import mxnet_file, torch_file
from engine.weights.manifest import OF_FIRST_LOOKS, sha256_of
from engine.weights.store import IMPORTING, locked, sync

PARAMS, MANIFEST, ENCODER_FILE, DECODER_FILE = OF_FIRST_LOOKS

ENTRY: Final = "entry"
"""The convolution of 1x1 in front."""

ENCODER: Final = CONVOLUTIONS[: CONVOLUTIONS.index("conv4_1") + 1]
"""Convolutions of the first half, behind that."""

DECODER: Final = tuple(f"decoder{number}" for number in range(1, 10))
"""Convolutions of the second half, in order."""

_ENCODER_KEYS: Final = (0, 2, 5, 9, 12, 16, 19, 22, 25, 29)
_DECODER_KEYS: Final = (1, 5, 8, 11, 14, 18, 21, 25, 28)
_ENCODER_CHANNELS: Final = (3, 3, 64, 64, 128, 128, 256, 256, 256, 256, 512)
_DECODER_CHANNELS: Final = (512, 256, 256, 256, 256, 128, 128, 64, 64, 3)
_VERSION: Final = 1
_AGAIN: Final = "Run `atelierd weights fetch --first-look` to get it again."

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]


def _shapes() -> dict[str, tuple[int, ...]]:
    names = (ENTRY, *ENCODER, *DECODER)
    steps = (*pairwise(_ENCODER_CHANNELS), *pairwise(_DECODER_CHANNELS))
    side = {ENTRY: 1}
    return {
        name: (out, into, side.get(name, 3), side.get(name, 3))
        for name, (into, out) in zip(names, steps, strict=True)
    }


SHAPES: Final = MappingProxyType(_shapes())
"""Kernel shape (out, in, height, width) of each convolution."""


@dataclass(frozen=True)
class AdainManifest:
    """What is known of the network in place.

    Attributes:
        source: package or files that it came from.
        source_sha256: of the two files, by their names.
        sha256: of `adain.params`.
    """

    source: str
    source_sha256: Mapping[str, str]
    sha256: str


@dataclass(frozen=True)
class AdainWeights:
    """The network in memory.

    Attributes:
        layers: by convolution, kernel (out, in, height, width) and bias (out,), float32. What goes
            into the first one is RGB, 0 to 1.
        sha256: of the file that they came from.
    """

    layers: Mapping[str, Pair]
    sha256: str


def in_place(folder: Path) -> bool:
    """Whether there is such a network; not whether it is whole."""
    return any((folder / name).exists() for name in (PARAMS, MANIFEST))


def put_in_place(encoder: Path, decoder: Path, folder: Path, source: str) -> AdainManifest:
    """Convert the two files that people have; what is there stays if anything is wrong.

    Args:
        encoder: the first half, as PyTorch has saved it; stays as it is.
        decoder: the second half, likewise.
        folder: where the weights live; made if it is missing.
        source: what to call where they came from.

    Raises:
        WeightsError: they cannot be read or are another network, or the folder cannot be written.
    """
    layers = {
        **_taken(encoder, (ENTRY, *ENCODER), _ENCODER_KEYS),
        **_taken(decoder, DECODER, _DECODER_KEYS),
    }
    digests = {path.name: sha256_of(path) for path in (encoder, decoder)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder), tempfile.TemporaryDirectory(dir=folder, prefix=IMPORTING) as scratch:
            params, note = Path(scratch, PARAMS), Path(scratch, MANIFEST)
            _write(layers, params)
            made = AdainManifest(source, digests, sha256_of(params))
            note.write_text(_to_json(made), encoding="utf-8")
            for path in (params, note):
                sync(path)
                path.replace(folder / path.name)
            sync(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return made


def verify(folder: Path) -> AdainManifest:
    """Check the network in place: its hash, and that it is whole.

    Raises:
        WeightsError: it is missing, not the promised one, or damaged.
    """
    found, data = _present(folder)
    _read(data)
    return found


def load(folder: Path) -> AdainWeights:
    """Load the network, its SHA-256 checked.

    Raises:
        WeightsError: there is none, or it is damaged.
    """
    found, data = _present(folder)
    return AdainWeights(_read(data), found.sha256)


def _present(folder: Path) -> tuple[AdainManifest, bytes]:
    try:
        found = _known(folder / MANIFEST)
        data = (folder / PARAMS).read_bytes()
    except FileNotFoundError as error:
        raise WeightsMissingError(
            f"The network of first looks is not in {folder}. Run `atelierd weights fetch "
            "--first-look`, or do without."
        ) from error
    except OSError as error:
        raise WeightsError(
            f"The network of first looks in {folder} cannot be read ({error.strerror}). Check that "
            "this user may."
        ) from error
    if hashlib.sha256(data).hexdigest() != found.sha256:
        raise WeightsHashError(
            f"{folder / PARAMS} is not the file that {MANIFEST} describes: it was changed or "
            f"damaged. {_AGAIN}"
        )
    return found, data


def _known(path: Path) -> AdainManifest:
    text = path.read_bytes()
    try:
        data = json.loads(text)
        if data["version"] == _VERSION:
            digests = {str(name): str(digest) for name, digest in data["source_sha256"].items()}
            return AdainManifest(str(data["source"]), digests, str(data["sha256"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsFileError(f"{path} cannot be read. {_AGAIN}") from error
    raise WeightsFileError(f"{path} is of another version of this program. {_AGAIN}")


def _to_json(manifest: AdainManifest) -> str:
    data = {
        "version": _VERSION,
        "network": "AdaIN",
        **vars(manifest),
        "layers": {name: list(shape) for name, shape in SHAPES.items()},
    }
    return json.dumps(data, indent=2) + "\n"


def _taken(path: Path, names: tuple[str, ...], keys: tuple[int, ...]) -> dict[str, Pair]:
    """Take the convolutions out of a file of PyTorch's older format."""
    try:
        tensors = torch_file.read_tensors(path)
    except (OSError, ValueError) as error:
        raise WeightsFileError(
            f"{path.name} cannot be read as a file of the network of first looks ({error}). "
            "Get it again."
        ) from error
    return {
        name: _pair(name, tensors, (f"{key}.weight", f"{key}.bias"), path.name)
        for name, key in zip(names, keys, strict=True)
    }


def _read(data: bytes) -> dict[str, Pair]:
    try:
        arrays = mxnet_file.read_arrays(data)
    except ValueError as error:
        raise WeightsFileError(f"{PARAMS} is damaged ({error}). {_AGAIN}") from error
    return {name: _pair(name, arrays, mxnet_file.stored_as(name), PARAMS) for name in SHAPES}


def _pair(
    name: str, arrays: Mapping[str, NDArray[Any]], stored_as: tuple[str, str], label: str
) -> Pair:
    wanted = SHAPES[name]
    for stored, shape in zip(stored_as, (wanted, wanted[:1]), strict=True):
        array = arrays.get(stored)
        if array is None or array.shape != shape or array.dtype != np.float32:
            raise WeightsFileError(
                f"{label} is not the network of first looks: {stored} ({name}) is missing or has "
                "another shape. Get another file."
            )
        if not np.isfinite(array).all():
            raise WeightsFileError(f"{label}: {stored} holds values that are not finite.")
    kernel, bias = (arrays[stored] for stored in stored_as)
    return kernel, bias


def _write(layers: Mapping[str, Pair], path: Path) -> None:
    try:
        mxnet_file.write_pairs(layers, path)
    except ValueError as error:
        raise _unwritable(path.parent.parent, error) from error


def _unwritable(folder: Path, error: object) -> WeightsError:
    return WeightsError(
        f"The network of first looks cannot be written into {folder} ({error}). Check that this "
        "user may, and that the disk is not full."
    )
