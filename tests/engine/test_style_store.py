"""Statistics of styles are found again, bounded, and never stand in the way."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.style_store import StyleStore

TAPS = ("conv1_1", "conv5_1")


def statistics(seed: int, side: int = 8) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {tap: generator.uniform(0, 1, (side, side)).astype(np.float32) for tap in TAPS}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[tap], other[tap]) for tap in one)


@pytest.mark.parametrize("lasting", [False, True])
def test_what_was_kept_is_found(tmp_path: Path, *, lasting: bool) -> None:
    store = StyleStore(tmp_path / "new" if lasting else None)
    assert store.find("waves", TAPS) is None
    store.keep("waves", statistics(1))
    assert same(store.find("waves", TAPS), statistics(1))
    assert store.find("dots", TAPS) is None
    later = StyleStore(tmp_path / "new" if lasting else None).find("waves", TAPS)
    assert (later is not None) == lasting
    if later is not None:
        assert same(later, statistics(1))


def test_what_was_not_used_for_longest_gives_way(tmp_path: Path) -> None:
    size = (StyleStore(tmp_path).keep("0", statistics(0)), next(tmp_path.iterdir()).stat().st_size)
    store = StyleStore(tmp_path, most_bytes=3 * size[1])
    for number in range(3):
        store.keep(str(number), statistics(number))
        path = max(tmp_path.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        os.utime(path, ns=(number, number))  # as if some time lay between them
    assert StyleStore(tmp_path).find("0", TAPS) is not None  # used last, therefore
    store.keep("3", statistics(3))
    again = StyleStore(tmp_path)
    assert [again.find(str(number), TAPS) is not None for number in range(4)] == [
        True,
        False,
        True,
        True,
    ]


def test_memory_is_bounded_too() -> None:
    one = sum(each.nbytes for each in statistics(0).values())
    store = StyleStore(None, held_bytes=2 * one)
    for number in range(3):
        store.keep(str(number), statistics(number))
    assert [store.find(str(number), TAPS) is not None for number in range(3)] == [False, True, True]


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "nan", "text"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    StyleStore(tmp_path).keep("waves", statistics(1))
    (path,) = tmp_path.iterdir()
    if damage == "other":
        StyleStore(tmp_path / "b").keep("dots", statistics(2))
        next((tmp_path / "b").iterdir()).replace(path)
    elif damage == "nan":
        StyleStore(tmp_path).keep("waves", {"conv1_1": np.full((2, 2), np.nan, np.float32)})
    else:
        whole = path.read_bytes()
        path.write_bytes({"cut": whole[:-40], "empty": b"", "text": b"<html>"}[damage])
    store = StyleStore(tmp_path)
    assert store.find("waves", TAPS) is None
    store.keep("waves", statistics(1))
    assert same(StyleStore(tmp_path).find("waves", TAPS), statistics(1))


def test_a_folder_that_cannot_be_used_costs_nothing_but_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = StyleStore(tmp_path / "file" / "styles")
    store.keep("waves", statistics(1))
    assert same(store.find("waves", TAPS), statistics(1))


def test_what_a_crash_left_unfinished_is_removed(tmp_path: Path) -> None:
    left, written = tmp_path / "abc.part", tmp_path / "def.part"
    for path in (left, written):
        path.write_bytes(b"half")
    os.utime(left, (written.stat().st_mtime - 7200,) * 2)
    StyleStore(tmp_path).keep("waves", statistics(1))
    # What is young, another engine may be writing just now.
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npz", ".part"]
    assert written.exists()


def test_no_flipped_bit_does_more_harm_than_to_be_computed_again(tmp_path: Path) -> None:
    StyleStore(tmp_path).keep("waves", statistics(1, side=2))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        found = StyleStore(tmp_path).find("waves", TAPS)
        assert found is None or found.keys() == set(TAPS)
