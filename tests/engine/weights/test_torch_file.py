"""PyTorch's older format: tensors come out, and nothing in the file is ever run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.weights import readers
from engine.weights.conventions import Layers
from engine.weights.torch_file import MAGIC, read_tensors

from . import forms
from .conftest import same


@pytest.fixture
def arrays() -> forms.Arrays:
    random = np.random.default_rng(3)
    return {
        "a_q": random.integers(0, 256, (4, 3, 2, 2), np.uint8),
        "a_table": random.normal(size=256).astype(np.float32),
        "b": random.normal(size=(5,)).astype(np.float32),
    }


def test_tensors_are_read_and_looked_up_in_their_tables(
    tmp_path: Path, arrays: forms.Arrays
) -> None:
    forms.write_torch(tmp_path / "x.bin", arrays)
    found = read_tensors(tmp_path / "x.bin")
    assert set(found) == {"a", "b"}
    assert np.array_equal(found["a"], arrays["a_table"][arrays["a_q"]])
    assert np.array_equal(found["b"], arrays["b"])


def test_a_network_of_tables_is_imported_like_any_other(tmp_path: Path, thin: Layers) -> None:
    arrays: forms.Arrays = {}
    expected: Layers = {}
    for name, (kernel, bias) in thin.items():
        table = np.linspace(-1, 1, 256, dtype=np.float32)
        picks = np.digitize(kernel, table[1:]).astype(np.uint8)
        block = forms.block(name)
        arrays |= {f"{block}_W_q": picks, f"{block}_W_table": table, f"{block}_b": bias}
        expected[name] = (table[picks], bias)
    forms.write_torch(tmp_path / "tables.bin", arrays)
    assert same(readers.read(tmp_path / "tables.bin").layers, expected)


EVIL = {
    "a function": b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00touctR.",
    "a builtin": b"\x80\x02cbuiltins\neval\n(X\x01\x00\x00\x001tR.",
    "another of torch": b"\x80\x02ctorch\nload\n.",
    "a dotted name": b"\x80\x04\x8c\x05torch\x8c\x16FloatStorage.__class__\x93.",
    "a step outside": b"\x80\x02c__main__\n__builtins__\n.",
}


@pytest.mark.parametrize("what", EVIL)
def test_every_other_name_in_a_pickle_is_refused(what: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.bin"
    path.write_bytes(MAGIC + b"\x80\x02}." + EVIL[what] + b"\x80\x02].")
    with pytest.raises(ValueError, match="not allowed"):
        read_tensors(path)


def test_a_pickle_that_asks_for_much_room_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.bin"
    path.write_bytes(MAGIC + b"\x80\x02}." + b"\x80\x02}r\xff\xff\xff\x7f." + b"\x80\x02].")
    with pytest.raises(ValueError, match="too many things"):
        read_tensors(path)


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\x80\x02}.")
    with pytest.raises(ValueError, match="not a file of this format"):
        read_tensors(tmp_path / "x.bin")


def test_tensors_that_are_not_in_one_piece_are_refused(
    tmp_path: Path, arrays: forms.Arrays
) -> None:
    forms.write_torch(tmp_path / "x.bin", {"b": np.ones((3, 2), np.float32).T})
    with pytest.raises(ValueError, match="one piece"):
        read_tensors(tmp_path / "x.bin")
    del arrays["a_q"]
    forms.write_torch(tmp_path / "x.bin", arrays)
    with pytest.raises(ValueError, match="does not fit"):
        read_tensors(tmp_path / "x.bin")


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_damage_is_an_error_of_ours_or_harmless(
    data: st.DataObject, tmp_path: Path, arrays: forms.Arrays
) -> None:
    path = tmp_path / "x.bin"
    forms.write_torch(path, arrays)
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(len(MAGIC), len(content) - 1), max_size=3)):
        content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        found = read_tensors(path)
    except ValueError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())
