"""The right folders are known by their marks, and what lies below a mount point is not touched."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import files, marks
from daemon.errors import ShareAwayError, ShareError
from daemon.marks import MARK, MEMORY, Marks, expect_folders, offer
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from tests.daemon.mounting import drive


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share", outbox=tmp_path / "drive" / "Out"))
    make_share(share)
    return share


def settled(share: Share, state: Path) -> Marks:
    before = Marks(share, state)
    before.expect()
    before.settle()
    return Marks(share, state)


def swap(folder: Path) -> Path:
    """An empty folder in the place of another one, as where a drive is not connected."""
    away = folder.with_name("away")
    folder.rename(away)
    folder.mkdir()
    return away


def test_the_root_is_marked_and_what_lies_elsewhere(share: Share, state: Path) -> None:
    marked = settled(share, state)
    assert marked.known
    marked.expect()
    found = {path.parent for path in share.root.parent.rglob(MARK)}
    assert found == {share.root, share.outbox}
    texts = {(folder / MARK).read_bytes() for folder in found}
    assert len(texts) == 2
    assert b"atelierd knows this folder" in texts.pop()
    again = settled(share, state)
    again.expect()
    assert {(folder / MARK).read_bytes() for folder in found} >= texts


@pytest.mark.parametrize(("language", "words"), [("en", "By this file"), ("zh", "靠这个文件")])
def test_the_mark_says_what_it_is_in_the_language_of_the_share(
    share: Share, state: Path, language: Any, words: str
) -> None:
    share = replace(share, language=language)
    marks = Marks(share, state)
    marks.settle()
    assert words in (share.root / MARK).read_text("utf-8")
    marks.expect()
    Marks(replace(share, language="en"), state).expect()  # it is the same one in each


def test_what_a_kill_left_half_written_beside_the_journal_is_removed(
    share: Share, state: Path
) -> None:
    state.mkdir()
    left, journal = files.temporary_name(state), state / "journal.sqlite"
    left.touch()
    journal.touch()
    settled(share, state)
    assert sorted(state.iterdir()) == [state / MEMORY, journal]


def test_a_command_beside_the_service_hears_of_a_drive_before_it_looks_for_a_share(
    share: Share, state: Path
) -> None:
    Marks(share, state).settle()
    expect_folders(share, state)
    shutil.rmtree(share.root)
    with pytest.raises(ShareAwayError, match="Connect the drive that it lies on"):
        expect_folders(share, state)
    (state / MEMORY).unlink()
    with pytest.raises(ShareError, match="There is no share in"):
        expect_folders(share, state)


def test_nothing_is_expected_of_a_share_that_was_never_kept(share: Share, state: Path) -> None:
    fresh = Marks(share, state)
    assert not fresh.known
    shutil.rmtree(share.root)
    fresh.expect()
    fresh.settle()
    assert list(share.outbox.iterdir()) == []


@pytest.mark.parametrize("which", ["root", "outbox"])
def test_an_empty_folder_in_the_place_of_one_is_told_and_left_empty(
    share: Share, state: Path, which: str
) -> None:
    marked, folder = settled(share, state), getattr(share, which)
    away = swap(folder)
    with pytest.raises(ShareAwayError, match=f"{folder} is not the one that it was.*Connect"):
        marked.expect()
    assert list(folder.iterdir()) == []
    folder.rmdir()
    with pytest.raises(ShareAwayError, match=f"{folder} is not there.*Connect"):
        marked.expect()
    folder.touch()
    with pytest.raises(ShareAwayError, match="is not there"):
        marked.expect()
    folder.unlink()
    away.rename(folder)
    marked.expect()


@pytest.mark.parametrize("way", ["by hand", "init", "init without the memory"])
def test_a_mark_that_was_removed_by_mistake_can_be_made_again(
    share: Share, state: Path, way: str
) -> None:
    marked = settled(share, state)
    mark = share.root / MARK
    before = mark.read_bytes()
    mark.unlink()
    with pytest.raises(ShareAwayError, match=r"atelierd init.*or make an empty file of that name"):
        marked.expect()
    if way == "by hand":
        mark.touch()
    else:
        offer(share, state if way == "init" else state / "unknown")
    assert mark.read_bytes() != before
    with capture_logs() as logs:
        marked.expect()
        marked.expect()
    assert [line["event"] for line in logs] == ["share.marked_again"]
    assert mark.read_bytes() == before


def remake(share: Share, way: str) -> None:
    """Put a folder in the root's place of which nothing tells that it is the same one."""
    if way == "another folder":
        swap(share.root)
    elif way == "an older one":
        (share.root / MARK).unlink()
        os.utime(share.root, ns=(1, 1))
    else:
        (share.root / MARK).rename(share.root / "kept")


def test_a_mark_that_is_removed_while_it_runs_is_written_again(share: Share, state: Path) -> None:
    marked = settled(share, state)
    before = {path: path.read_bytes() for path in share.root.parent.rglob(MARK)}
    with capture_logs() as logs:
        for _ in range(3):
            marked.expect()
            for mark in before:
                mark.unlink()
        marked.expect()
    assert {path: path.read_bytes() for path in share.root.parent.rglob(MARK)} == before
    assert sorted((line["event"], line["folder"]) for line in logs) == sorted(
        ("share.marked_again", str(mark.parent)) for mark in before
    )


@pytest.mark.parametrize("way", ["another folder", "an older one", "after trouble", "unwritable"])
def test_but_only_in_a_folder_that_is_beyond_doubt_the_same(
    share: Share, state: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    marked = settled(share, state)
    marked.expect()
    if way == "after trouble":
        share.outbox.rename(share.outbox.with_name("away"))
        with pytest.raises(ShareAwayError):
            marked.expect()
        share.outbox.with_name("away").rename(share.outbox)
    if way == "unwritable":
        monkeypatch.setattr(marks, "write_atomically", refusing)
    remake(share, way)
    for _ in range(2):
        with pytest.raises(ShareAwayError, match=f"{share.root} is not the one that it was"):
            marked.expect()
    assert not (share.root / MARK).exists()


def test_a_drive_that_went_and_left_its_device_s_number_behind_is_not_written_to(
    share: Share, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two drives one after the other at one socket: only the file system's own number differs."""
    marked, number, ask = settled(share, state), 1, os.statvfs

    def statvfs(path: Path) -> SimpleNamespace:
        return SimpleNamespace(f_fsid=number, f_bavail=ask(path).f_bavail)

    monkeypatch.setattr(os, "statvfs", statvfs)
    marked.expect()
    number = 2
    (share.root / MARK).unlink()
    with pytest.raises(ShareAwayError):
        marked.expect()
    assert not (share.root / MARK).exists()


def refusing(path: Path, _data: bytes, **_more: Any) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


def test_an_empty_mark_that_cannot_be_written_is_told_of_once(
    share: Share, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = settled(share, state)
    (share.root / MARK).write_bytes(b"")
    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(marks, "write_atomically", refusing)
            for _ in range(3):
                marked.expect()
        for _ in range(3):
            marked.expect()
    assert [line["event"] for line in logs] == ["share.unmarked", "share.marked_again"]


def test_init_changes_no_mark_that_is_there(share: Share, state: Path) -> None:
    settled(share, state)
    before = {path: path.read_bytes() for path in share.root.parent.rglob(MARK)}
    offer(share, state)
    assert {path: path.read_bytes() for path in share.root.parent.rglob(MARK)} == before


def test_a_share_that_init_made_is_adopted_at_the_first_start(share: Share, state: Path) -> None:
    offer(share, state)
    settled(share, state).expect()
    mark = share.root / MARK
    before = mark.read_bytes()
    mark.write_bytes(b"")
    Marks(share, state).expect()
    assert mark.read_bytes() == before


def test_another_share_s_folder_is_not_taken_for_this_one(share: Share, state: Path) -> None:
    marked = settled(share, state)
    swap(share.outbox)
    (share.outbox / MARK).write_text("mark: 0123456789abcdef\n")
    with pytest.raises(ShareAwayError, match=r"is another one.*empty that file"):
        marked.expect()
    (share.outbox / MARK).write_bytes(b"")
    marked.expect()


def test_a_journal_that_is_new_goes_by_the_marks_that_are_there(share: Share, state: Path) -> None:
    settled(share, state)
    before = (share.root / MARK).read_bytes()
    moved = settled(share, state.with_name("moved"))
    assert (share.root / MARK).read_bytes() == before
    swap(share.root)
    with pytest.raises(ShareAwayError):
        moved.expect()


def test_a_folder_that_the_settings_name_no_more_is_forgotten(share: Share, state: Path) -> None:
    settled(share, state)
    other = replace(share, outbox=share.root / "Outbox")
    other.outbox.mkdir()
    shutil.rmtree(share.outbox)
    settled(other, state).expect()


def test_where_no_mark_can_be_written_the_share_is_kept_without(
    share: Share, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_atomically

    def refuse(path: Path, data: bytes, **more: Any) -> None:
        if path.parent == share.root:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        write(path, data, **more)

    monkeypatch.setattr(marks, "write_atomically", refuse)
    with capture_logs() as logs:
        marked = settled(share, state)
    assert [(line["event"], line["folder"]) for line in logs] == [
        ("share.unmarked", str(share.root))
    ]
    swap(share.root)
    marked.expect()
    swap(share.outbox)
    with pytest.raises(ShareAwayError):
        marked.expect()


def test_leftovers_that_cannot_be_removed_are_no_matter_of_the_marks(
    share: Share, state: Path
) -> None:
    settled(share, state)
    left = files.temporary_name(state)
    left.mkdir()  # which is no file, and so not removed
    with capture_logs() as logs:
        settled(share, state)
    assert [(line["event"], line["folder"]) for line in logs] == [("state.not_swept", str(state))]


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_a_disk_that_does_not_say_is_not_taken_for_the_right_one(
    share: Share, state: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    marked = settled(share, state)

    def refuse(*_args: Any) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(marks, "read_file", refuse)
    with pytest.raises(ShareAwayError, match="cannot be looked into"):
        marked.expect()


def test_a_memory_that_is_lost_is_begun_anew_and_one_that_cannot_be_read_is_told(
    share: Share, state: Path
) -> None:
    settled(share, state)
    (state / MEMORY).write_text("[1, 2")
    with capture_logs() as logs:
        assert not Marks(share, state).known
    assert [line["event"] for line in logs] == ["share.forgotten"]
    (state / MEMORY).unlink()
    (state / MEMORY).mkdir()
    with pytest.raises(ShareError, match="cannot be read"):
        Marks(share, state)
    offer(share, state)


def test_a_drive_below_the_root_has_a_mark_of_its_own(tmp_path: Path, state: Path) -> None:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    with drive(share.outbox) as disk:
        make_share(share)
        marked = settled(share, state)
        assert (share.outbox / MARK).exists()
        assert not (share.inbox / MARK).exists()
        marked.expect()
        disk.disconnect()
        with pytest.raises(ShareAwayError, match=f"{share.outbox} is not the one"):
            marked.expect()
        assert list(share.outbox.iterdir()) == []
        disk.connect()
        marked.expect()
