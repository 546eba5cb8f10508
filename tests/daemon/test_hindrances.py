"""A folder that cannot be moved to another device for one of its files is not copied at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon import copying, hindrances
from daemon.pulse import Tick

FILES = ["a", "b", "deep/a", "deep/deeper/a", "z"]


@pytest.fixture
def party(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / "party" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo")
    (tmp_path / "party/link").symlink_to("a")
    os.mkfifo(tmp_path / "party/pipe")
    return tmp_path / "party"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        os.close(handle)


@pytest.mark.parametrize("busy", FILES)
def test_nothing_is_copied_while_somebody_writes_to_one_of_many(
    party: Path, tmp_path: Path, busy: str
) -> None:
    with writing(party / busy), pytest.raises(OSError, match="still writing") as caught:
        copying.copy_whole(party, tmp_path / "copy")
    assert caught.value.errno == errno.EBUSY
    assert not (tmp_path / "copy").exists()
    copying.copy_whole(party, tmp_path / "copy")
    copied = (path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*"))
    assert set(map(str, copied)) == {*FILES, "link", "deep", "deep/deeper"}


@pytest.mark.parametrize("busy", FILES)
def test_whoever_opens_one_later_is_seen_too(
    party: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: str
) -> None:
    look, handles = hindrances.refuse_written_in, list[int]()

    def look_and_open(source: Path, tick: Tick) -> None:
        look(source, tick)
        handles.append(os.open(party / busy, os.O_WRONLY | os.O_CLOEXEC))

    monkeypatch.setattr(copying, "refuse_written_in", look_and_open)
    with pytest.raises(OSError, match="still writing"):
        copying.copy_whole(party, tmp_path / "copy")
    os.close(handles[0])


def test_who_leaves_the_source_where_it_is_copies_all_the_same(party: Path, tmp_path: Path) -> None:
    with writing(party / "a"):
        copying.copy_whole(party, tmp_path / "copy", unread=True)
    assert (tmp_path / "copy/a").read_bytes() == b"photo"


def test_no_look_leads_through_a_link_that_is_swapped_in(
    party: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside/deeper").mkdir(parents=True)
    (tmp_path / "outside/deeper/a").touch()
    modes = hindrances._modes_in

    def look_and_swap(folder: Path) -> dict[str, int]:
        found = modes(folder)
        if "deep" in found:
            (party / "deep").rename(tmp_path / "away")
            (party / "deep").symlink_to(tmp_path / "outside")
        return found

    monkeypatch.setattr(hindrances, "_modes_in", look_and_swap)
    with writing(tmp_path / "outside/deeper/a"), pytest.raises(NotADirectoryError):
        hindrances.refuse_written_in(party)


def test_a_link_is_not_looked_through(party: Path) -> None:
    with writing(party / "a"):
        hindrances.refuse_written_in(party / "link")
