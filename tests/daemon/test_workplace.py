"""The work folder: made again where it was, and never in the place of a drive that has gone."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import workplace as module
from daemon.errors import AlreadyRunningError, ShareError
from daemon.workplace import JOBS, MARK, Workplace

GONE = r"is gone, and photos stay in the inbox.*Connect"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "share" / ".atelierd"
    folder.mkdir(parents=True)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def move_to_another_inode(folder: Path) -> None:
    """As a drive comes back: the same content, another device to the kernel."""
    away = folder.with_name("away")
    folder.rename(away)
    shutil.copytree(away, folder)
    shutil.rmtree(away)


def test_the_folder_of_claims_is_made_for_us_alone_and_again_if_it_was_removed(work: Path) -> None:
    workplace = Workplace(work)
    for _ in range(2):
        workplace.ensure()
        assert (work / JOBS).stat().st_mode & 0o777 == 0o700
        (work / JOBS).rmdir()


def test_a_folder_that_somebody_removed_is_made_again_for_us_alone(work: Path) -> None:
    workplace = Workplace(work)
    workplace.ensure()
    shutil.rmtree(work)
    with capture_logs() as logs:
        workplace.ensure()
        workplace.ensure()
    assert [(line["event"], line["folder"]) for line in logs] == [("work.made_again", str(work))]
    assert work.stat().st_mode & 0o777 == 0o700
    assert names(work) == [MARK, JOBS]
    move_to_another_inode(work)
    workplace.ensure()


def test_a_folder_is_locked_when_it_is_another_than_before(work: Path) -> None:
    locked = list[os.stat_result]()
    workplace = Workplace(work, lambda handle: locked.append(os.fstat(handle)))
    workplace.ensure()
    assert locked == []
    shutil.rmtree(work)
    for _ in range(2):
        workplace.ensure()
    assert [status.st_ino for status in locked] == [work.stat().st_ino]
    move_to_another_inode(work)
    for _ in range(2):
        workplace.ensure()
    assert len(locked) == 2
    assert locked[-1].st_ino == work.stat().st_ino


def test_one_that_was_emptied_is_locked_again_since_it_may_be_another_of_the_same_number(
    work: Path,
) -> None:
    locked = list[int]()
    workplace = Workplace(work, lambda handle: locked.append(os.fstat(handle).st_ino))
    workplace.ensure()
    (work / MARK).unlink()
    (work / JOBS).rmdir()
    with capture_logs() as logs:
        for _ in range(2):
            workplace.ensure()
    assert [line["event"] for line in logs] == ["work.emptied"]
    assert locked == [work.stat().st_ino]
    assert names(work) == [MARK, JOBS]


def test_one_of_the_same_number_with_another_s_mark_is_left_alone(work: Path) -> None:
    workplace = Workplace(work)
    workplace.ensure()
    ours = (work / MARK).read_bytes()
    (work / MARK).write_bytes(b"that of another.")
    with pytest.raises(ShareError, match=GONE):
        workplace.ensure()
    assert (work / MARK).read_bytes() == b"that of another."
    (work / MARK).write_bytes(ours)
    workplace.ensure()


def test_a_folder_that_another_service_has_locked_is_not_used(work: Path) -> None:
    refusals = [AlreadyRunningError("It is kept."), AlreadyRunningError("It is kept.")]

    def lock(_handle: int) -> None:
        if refusals:
            raise refusals.pop()

    workplace = Workplace(work, lock)
    workplace.ensure()
    shutil.rmtree(work)
    for _ in range(2):
        with pytest.raises(AlreadyRunningError):
            workplace.ensure()
        assert names(work) == []
    workplace.ensure()
    assert names(work) == [MARK, JOBS]


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
def test_nothing_is_made_where_a_drive_was(work: Path, left: str) -> None:
    workplace = Workplace(work)
    workplace.ensure()
    drive, away = work.parent, work.parent.with_name("away")
    drive.rename(away)
    if left == "an empty folder":
        drive.mkdir()
    with pytest.raises(ShareError, match=GONE):
        workplace.ensure()
    assert not work.exists()
    if left == "an empty folder":
        drive.rmdir()
    away.rename(drive)
    workplace.ensure()


@pytest.mark.parametrize("left", ["nothing", "an earlier start's", "a link", "a file"])
def test_nothing_is_put_where_the_work_folder_s_own_drive_was(work: Path, left: str) -> None:
    workplace = Workplace(work)
    workplace.ensure()
    away = work.with_name("away")
    work.rename(away)
    if left == "a link":
        work.symlink_to(away)
    elif left == "a file":
        work.touch()
    else:
        work.mkdir()
    if left == "an earlier start's":
        Workplace(work).ensure()
    before = names(work)
    with pytest.raises(ShareError, match=GONE):
        workplace.ensure()
    assert names(work) == before
    if work.is_dir() and not work.is_symlink():
        shutil.rmtree(work)
    else:
        work.unlink()
    away.rename(work)
    workplace.ensure()


def test_a_drive_that_comes_back_as_another_one_is_known_by_its_mark(work: Path) -> None:
    workplace = Workplace(work)
    workplace.ensure()
    for _ in range(2):
        move_to_another_inode(work)
        move_to_another_inode(work.parent)
        workplace.ensure()
    shutil.rmtree(work)
    workplace.ensure()  # the folder that holds it was another one at the start
    assert work.is_dir()


def test_a_folder_with_the_number_that_it_had_is_made_again_where_it_was_last(work: Path) -> None:
    workplace = Workplace(work)
    workplace.ensure()
    other = work.parent.with_name("other")
    other.mkdir()
    work.rename(other / work.name)
    work.parent.rmdir()
    other.rename(work.parent)
    workplace.ensure()
    shutil.rmtree(work)
    workplace.ensure()
    assert names(work) == [MARK, JOBS]


def test_a_mount_point_that_goes_with_its_drive_is_not_made_again(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_their_own(status: os.stat_result) -> tuple[int, int]:
        return status.st_ino, status.st_ino

    monkeypatch.setattr(module, "_identity", of_their_own)
    workplace = Workplace(work)
    workplace.ensure()
    shutil.rmtree(work)
    with pytest.raises(ShareError, match=GONE):
        workplace.ensure()
    assert not work.exists()


def test_without_room_for_a_mark_the_folder_is_known_as_long_as_it_is_the_same(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    workplace = Workplace(work)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        workplace.ensure()
        workplace.ensure()
        move_to_another_inode(work)
        with pytest.raises(ShareError, match=GONE):
            workplace.ensure()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE])
def test_one_that_takes_no_files_is_told(
    work: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    workplace = Workplace(work)
    workplace.ensure()
    workplace.try_out()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(ShareError, match=r"takes no files.*stay in the inbox"):
            workplace.try_out()
    workplace.try_out()
    assert names(work / JOBS) == []


def test_a_parent_that_was_never_there_is_not_made(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path / "none" / "work")
    with pytest.raises(ShareError):
        workplace.ensure()
    (tmp_path / "none").mkdir()
    with pytest.raises(ShareError):
        workplace.ensure()
