"""safetensors: halves of either kind are read, and what numpy has no type for is called by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import WeightsFileError
from engine.weights.conventions import Layers
from engine.weights.readers import read

from . import forms


def write(path: Path, arrays: dict[str, tuple[str, NDArray[Any]]]) -> None:
    """A file, byte by byte: the library's writer for numpy knows no bfloat16 either."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (kind, array) in arrays.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def upper_half(array: NDArray[Any]) -> NDArray[np.uint16]:
    """What is left of a float32 in bfloat16, by cutting off."""
    return (np.ascontiguousarray(array, "<f4").view("<u4") >> 16).astype("<u2")


def stored(layers: Layers, kind: str) -> dict[str, tuple[str, NDArray[Any]]]:
    convert = upper_half if kind == "BF16" else lambda array: array.astype("<f2")
    return {name: (kind, convert(array)) for name, array in forms.torch_names(layers).items()}


# Bits of the fraction that are kept: 7 in bfloat16, 10 in float16.
@pytest.mark.parametrize(("kind", "off"), [("BF16", 2**-7), ("F16", 2**-10)])
def test_halves_are_read(kind: str, off: float, tmp_path: Path, thin: Layers) -> None:
    write(tmp_path / "half.safetensors", stored(thin, kind))
    found = read(tmp_path / "half.safetensors").layers
    for name, pair in thin.items():
        for got, wanted in zip(found[name], pair, strict=True):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, wanted, rtol=off, atol=2**-14)


def test_bfloat16_is_exact(tmp_path: Path, thin: Layers) -> None:
    write(tmp_path / "half.safetensors", stored(thin, "BF16"))
    kernel, _ = read(tmp_path / "half.safetensors").layers["conv3_2"]
    assert np.array_equal(upper_half(kernel), upper_half(thin["conv3_2"][0]))
    assert not (kernel.view(np.uint32) & 0xFFFF).any()


def test_a_type_that_cannot_be_read_is_called_by_its_name(tmp_path: Path, thin: Layers) -> None:
    arrays = stored(thin, "F16")
    name = "features.5.weight"
    arrays[name] = ("F8_E4M3", arrays[name][1].astype(np.uint8))
    write(tmp_path / "tiny.safetensors", arrays)
    with pytest.raises(WeightsFileError, match=rf"{name} is stored as F8_E4M3.*float32") as caught:
        read(tmp_path / "tiny.safetensors")
    assert "damaged" not in str(caught.value)


def test_whole_numbers_are_no_weights(tmp_path: Path, thin: Layers) -> None:
    arrays = stored(thin, "F16")
    name = "features.5.weight"
    arrays[name] = ("U8", arrays[name][1].astype(np.uint8))
    write(tmp_path / "tiny.safetensors", arrays)
    with pytest.raises(WeightsFileError, match="not floating point"):
        read(tmp_path / "tiny.safetensors")


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_file_that_was_cut_off_is_damaged(kept: float, tmp_path: Path, thin: Layers) -> None:
    path = tmp_path / "half.safetensors"
    write(path, stored(thin, "BF16"))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(WeightsFileError, match="damaged or was cut off"):
        read(path)
