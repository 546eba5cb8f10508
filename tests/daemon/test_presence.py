"""What is gone, and what is only out of reach; on real folders."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from daemon.presence import is_gone, is_gone_from_claim, is_here, is_there
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.styles import MEMORY


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EHOSTDOWN])
def test_a_disk_that_does_not_answer_has_not_said_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "file").touch()
    assert is_there(tmp_path / "file")
    assert not is_there(tmp_path / "other")
    assert not is_there(tmp_path / "file" / "below")

    def refuse(*_args: object, **_kwargs: object) -> os.stat_result:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "lstat", refuse)
    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        is_there(tmp_path / "other")


def test_a_file_is_gone_only_where_its_folder_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    photo = folder / "Party" / "content.jpg"
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            is_gone(photo, folder)
    folder.mkdir()
    assert is_gone(photo, folder)
    photo.parent.touch()
    assert is_gone(photo, folder)
    photo.parent.unlink()
    photo.parent.mkdir()
    assert is_gone(photo, folder)
    photo.touch()
    assert not is_gone(photo, folder)


def test_a_photo_is_gone_from_its_claim_or_with_it(share: Share) -> None:
    jobs = share.work / "jobs"
    photo = jobs / "a" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.touch()
    (share.work / "daemon.lock").touch()
    assert not is_gone_from_claim(photo, photo.parent, share)
    photo.unlink()
    assert is_gone_from_claim(photo, photo.parent, share)
    photo.parent.rmdir()
    assert is_gone_from_claim(photo, photo.parent, share)
    jobs.rmdir()
    assert is_gone_from_claim(photo, photo.parent, share)


@pytest.mark.parametrize("way", ["no drive", "empty folder", "written into", "other share"])
def test_nothing_is_gone_while_the_work_folder_is_away(share: Share, way: str) -> None:
    photo = share.work / "jobs" / "a" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    assert is_here(share)
    shutil.rmtree(share.work)
    if way != "no drive":
        share.work.mkdir()
    if way == "written into":
        (share.work / MEMORY).touch()
    if way == "other share":
        (share.work / "daemon.lock").touch()
        share.inbox.rmdir()
    assert not is_here(share)
    with pytest.raises(FileNotFoundError):
        is_gone_from_claim(photo, photo.parent, share)
