"""A photo is another one if its bytes are, and nothing else tells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.ready import stamp_of
from daemon.unchanged import is_changed, seen


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"before")
    return path


def test_what_lies_still_is_the_same(photo: Path) -> None:
    assert not is_changed(seen(photo, stamp_of(photo), b"before"), 99)


def test_another_time_is_no_other_photo(photo: Path) -> None:
    before = seen(photo, stamp_of(photo), b"before")
    os.utime(photo, (1, 1))
    assert not is_changed(before, 99)


@pytest.mark.parametrize("now", [b"beyond", b"", b"before it was"])
def test_other_bytes_are(photo: Path, now: bytes) -> None:
    before = seen(photo, stamp_of(photo), b"before")
    photo.write_bytes(now)
    os.utime(photo, (1, 1))
    assert is_changed(before, 6)


def test_what_changed_while_it_was_read_is_another_one(photo: Path) -> None:
    before = seen(photo, stamp_of(photo), b"befo")
    os.utime(photo, (1, 1))
    assert is_changed(before, 99)


def test_what_is_gone_is_not_called_changed(photo: Path) -> None:
    before = seen(photo, stamp_of(photo), b"before")
    photo.unlink()
    assert not is_changed(before, 99)
