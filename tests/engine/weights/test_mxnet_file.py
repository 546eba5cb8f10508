"""MXNet's format without MXNet: every version of it, held to MXNet's own reader."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.mx import nd
from engine.weights.mxnet_file import MAGIC, read_arrays

Arrays = dict[str, NDArray[Any]]
FLAGS = {"<f4": 0, "<f8": 1, "<f2": 2, "|u1": 3, "<i4": 4, "|i1": 5, "<i8": 6}


def by_mxnet(path: Path) -> Arrays:
    return {name: array.asnumpy() for name, array in nd.load(str(path)).items()}


def alike(one: Arrays, other: Arrays) -> bool:
    return set(one) == set(other) and all(
        one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name])
        for name in one
    )


@pytest.fixture
def arrays() -> Arrays:
    random = np.random.default_rng(5)
    return {
        f"array_{number}": (100 * random.normal(size=shape)).astype(dtype)
        for number, (dtype, shape) in enumerate(
            zip(FLAGS, [(3, 4), (2,), (1, 2, 3, 4), (5, 1), (7,), (2, 2), (1,)], strict=True)
        )
    }


def header(version: int, array: NDArray[Any]) -> bytes:
    axes, flag = array.ndim, FLAGS[array.dtype.str]
    if version == 0:
        start = struct.pack(f"<I{axes}I", axes, *array.shape)
    elif version == 1:
        start = struct.pack(f"<Ii{axes}q", 0xF993FAC8, axes, *array.shape)
    else:
        start = struct.pack(f"<Iii{axes}q", 0xF993FAC9, 0, axes, *array.shape)
    return start + struct.pack("<3i", 1, 0, flag)


def laid_out(version: int, arrays: Arrays, names: list[str] | None = None) -> bytes:
    names = list(arrays) if names is None else names
    return (
        struct.pack("<QQQ", 0x112, 0, len(arrays))
        + b"".join(header(version, array) + array.tobytes() for array in arrays.values())
        + struct.pack("<Q", len(names))
        + b"".join(struct.pack("<Q", len(name)) + name.encode() for name in names)
    )


def test_what_mxnet_writes_is_read(tmp_path: Path, arrays: Arrays) -> None:
    path = tmp_path / "x.params"
    nd.save(str(path), {name: nd.array(a, dtype=a.dtype) for name, a in arrays.items()})
    assert alike(read_arrays(path.read_bytes()), arrays)
    assert alike(by_mxnet(path), arrays)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_every_version_reads_as_mxnet_reads_it(
    version: int, tmp_path: Path, arrays: Arrays
) -> None:
    path = tmp_path / "x.params"
    path.write_bytes(laid_out(version, arrays))
    assert alike(read_arrays(path.read_bytes()), arrays)
    assert alike(by_mxnet(path), arrays)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"something else", "another|not a file"),
        (MAGIC, "too early"),
        (laid_out(2, {"a": np.ones(3, "<f4")}, []), "no names"),
        (laid_out(2, {"a": np.ones(1, "<f4"), "b": np.ones(1, "<f4")}, ["a", "a"]), "no names"),
        (struct.pack("<QQQIii", 0x112, 0, 1, 0xF993FAC9, 1, 1) + bytes(99), "sparse"),
        (struct.pack("<QQQIii", 0x112, 0, 1, 0xF993FAC9, 0, -1) + bytes(99), "axes"),
        (struct.pack("<QQQIiiq", 0x112, 0, 1, 0xF993FAC9, 0, 1, -4) + bytes(99), "shape"),
        (
            struct.pack("<QQQIii2q", 0x112, 0, 1, 0xF993FAC9, 0, 2, 2**62, 2**62) + bytes(99),
            "early",
        ),
        (struct.pack("<QQQIiiq3i", 0x112, 0, 1, 0xF993FAC9, 0, 1, 1, 1, 0, 77) + bytes(9), "type"),
        (struct.pack("<QQQ", 0x112, 0, 2**63), "early"),
    ],
)
def test_damage_is_named_and_nothing_is_allocated_for_it(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_arrays(data)


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_damage_reads_or_is_refused(data: st.DataObject, arrays: Arrays) -> None:
    content = bytearray(laid_out(data.draw(st.integers(0, 2)), arrays))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[at] ^= data.draw(st.integers(1, 255))
    try:
        found = read_arrays(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except ValueError:
        return
    assert sum(array.nbytes for array in found.values()) <= len(content)
