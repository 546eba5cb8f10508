"""Which style pictures need not be decoded once more."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from daemon.found_whole import MOST, FoundWhole, version_of


@pytest.fixture
def style(tmp_path: Path) -> Path:
    path = tmp_path / "Waves.jpg"
    path.write_bytes(b"picture")
    os.utime(path, ns=(1, 1))
    return path


@pytest.fixture
def whole(style: Path) -> FoundWhole:
    found = FoundWhole()
    found.add(style, version_of(style), "limits")
    return found


def test_what_stays_as_it_was_is_known(style: Path, whole: FoundWhole) -> None:
    assert whole.knows(version_of(style), "limits")
    assert not whole.knows(version_of(style), "other limits")


def replace(style: Path) -> None:
    style.rename(style.with_name("old.jpg"))
    style.write_bytes(b"picture")
    os.utime(style, ns=(1, 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda style: style.write_bytes(b"other picture"),
        lambda style: os.utime(style, ns=(1, 2)),
        lambda style: style.chmod(0),
        replace,
        lambda style: style.unlink(),
    ],
    ids=["size", "time", "rights", "another file", "gone"],
)
def test_what_has_changed_is_not(style: Path, whole: FoundWhole, change: object) -> None:
    assert callable(change)
    change(style)
    assert not whole.knows(version_of(style), "limits")


def test_rights_are_told_apart_though_no_time_has_passed_for_the_disk(
    style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many kernels count times in steps of milliseconds."""
    look, whole = Path.lstat, FoundWhole()

    def look_within_a_step(path: Path) -> SimpleNamespace:
        seen = look(path)
        kept = {name: getattr(seen, name) for name in dir(seen) if name.startswith("st_")}
        return SimpleNamespace(**{**kept, "st_ctime_ns": 1})

    monkeypatch.setattr(Path, "lstat", look_within_a_step)
    whole.add(style, version_of(style), "limits")
    assert whole.knows(version_of(style), "limits")
    style.chmod(0)
    assert not whole.knows(version_of(style), "limits")


def test_nothing_is_learned_of_what_changed_meanwhile(style: Path) -> None:
    whole, before = FoundWhole(), version_of(style)
    os.utime(style, ns=(1, 2))
    whole.add(style, before, "limits")
    whole.add(style, None, "limits")
    assert not len(whole)
    assert not whole.knows(None, "limits")


def test_the_oldest_is_forgotten(tmp_path: Path) -> None:
    whole, styles = FoundWhole(), [tmp_path / f"{number}.jpg" for number in range(MOST + 2)]
    for path in styles:
        path.touch()
        whole.add(path, version_of(path), "limits")
    assert len(whole) == MOST
    known = [whole.knows(version_of(path), "limits") for path in styles]
    assert known == [False, False, *[True] * MOST]
