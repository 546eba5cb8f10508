"""Snapshots on disk: what is written is what is read, and what is damaged is found out."""

from __future__ import annotations

import json
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import snapshot
from engine.errors import SnapshotError
from engine.mx import nd
from engine.snapshot import Snapshot, State

INNER = State({"order": [2, 0, 1], "trust": 0.1 + 0.2}, {"3": np.arange(6, dtype=np.float32)})
STATE = State({"steps": 7}, {"image": nd.arange(4)}) | INNER.within("optimizer")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one"
    snapshot.write(path, "this one", STATE)
    return path


def test_what_is_written_is_read(file: Path) -> None:
    with closing(Snapshot(file)) as found:
        assert found.identity == "this one"
        assert found.state.numbers["steps"] == 7
        assert found.state.arrays["image"].tolist() == [0, 1, 2, 3]
        part = found.state.part("optimizer")
        assert part.numbers == INNER.numbers
        assert list(part.arrays) == ["3"]
        assert part.arrays["3"].dtype == np.float32
        assert part.arrays["3"].tolist() == list(range(6))
        assert "image" not in part.arrays
    assert [path.name for path in file.parent.iterdir()] == ["one"]


def test_none_is_no_error_of_a_snapshot(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "none/of them", tmp_path / "file/one"):
        with pytest.raises(FileNotFoundError):
            Snapshot(path)


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_no_flipped_bit_goes_unseen(file: Path, data: st.DataObject) -> None:
    whole = file.read_bytes()
    where = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[where // 8] ^= 1 << where % 8
    other = file.with_name("flipped")
    other.write_bytes(flipped)
    try:
        found = Snapshot(other)
    except SnapshotError:
        return
    with closing(found):  # a bit that means nothing, such as a date
        assert found.identity == "this one"
        assert found.state.numbers == STATE.numbers
        assert found.state.arrays["image"].tolist() == [0, 1, 2, 3]
        assert found.state.part("optimizer").arrays["3"].tolist() == list(range(6))


@given(share=st.floats(0, 0.999))
@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_snapshot_that_is_cut_off_is_damaged(file: Path, share: float) -> None:
    whole = file.read_bytes()
    other = file.with_name("cut")
    other.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(SnapshotError, match="damaged"):
        Snapshot(other)


# 2 had pictures beyond black and white: nothing within would be as good as its best one.
@pytest.mark.parametrize("version", [2, snapshot.VERSION + 1])
def test_another_versions_is_refused(file: Path, version: int) -> None:
    with zipfile.ZipFile(file) as archive:
        header = json.loads(archive.read("header.json"))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("header.json", json.dumps({**header, "version": version}))
    with pytest.raises(SnapshotError, match="another version"):
        Snapshot(file)


def test_what_cannot_be_written_leaves_the_old_one(file: Path) -> None:
    class _Full:
        def asnumpy(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        snapshot.write(file, "that one", State({}, {"image": _Full()}))
    with closing(Snapshot(file)) as found:
        assert found.identity == "this one"
    assert [path.name for path in file.parent.iterdir()] == ["one"]
