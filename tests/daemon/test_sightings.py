"""Whether a file is the one that was seen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from daemon import scanner
from daemon.errors import ClaimLostError
from daemon.scanner import Sighting
from daemon.sightings import expect, is_other


@pytest.fixture
def seen(tmp_path: Path) -> Sighting:
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    return scanner.look(tmp_path).files[0]


def test_one_that_holds_still_is_the_same_also_where_it_was_moved(
    seen: Sighting, tmp_path: Path
) -> None:
    expect(seen, seen.path)
    assert not is_other(seen)
    moved = tmp_path / "moved.jpg"
    shutil.copy2(seen.path, moved)
    expect(seen, moved)


@pytest.mark.parametrize("way", ["gone", "longer", "younger", "a folder"])
def test_one_that_has_changed_is_not(seen: Sighting, way: str) -> None:
    if way == "longer":
        seen.path.write_bytes(b"photo!")
        os.utime(seen.path, ns=(seen.mtime_ns, seen.mtime_ns))
    elif way == "younger":
        os.utime(seen.path, ns=(seen.mtime_ns + 1, seen.mtime_ns + 1))
    else:
        seen.path.unlink()
    if way == "a folder":
        seen.path.mkdir()
    with pytest.raises(ClaimLostError, match="is gone" if way == "gone" else "has changed"):
        expect(seen, seen.path)
    assert is_other(seen)


def test_another_file_with_its_looks_is_told_apart_where_it_lay(seen: Sighting) -> None:
    other = seen.path.with_name("other")
    shutil.copy2(seen.path, other)
    other.replace(seen.path)
    with pytest.raises(ClaimLostError):
        expect(seen, seen.path)
    assert not is_other(seen)  # as it was copied and put back
