"""Small pictures beside the journal: there for a while, and no trouble to anybody."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon import files
from daemon.glimpses import Glimpses
from daemon.runners.base import Glimpse
from tests.daemon.standins import picture

PHOTO, EARLY, LATE = picture((1, 2, 3)), picture((4, 5, 6)), picture((7, 8, 9))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "glimpses"


@pytest.fixture
def glimpses(folder: Path) -> Glimpses:
    return Glimpses(folder)


def show(glimpses: Glimpses, job: str, painting: bytes = EARLY) -> None:
    glimpses.keep(Glimpse(job, "photo", PHOTO))
    glimpses.keep(Glimpse(job, "painting", painting))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_they_are_there_again_after_a_restart(glimpses: Glimpses, folder: Path) -> None:
    show(glimpses, "a")
    show(glimpses, "a", LATE)
    for one in (glimpses, Glimpses(folder)):
        assert (one.read("a", "photo"), one.read("a", "painting")) == (PHOTO, LATE)
        assert one.read("b", "photo") is None
    assert names(folder) == ["a.painting.jpg", "a.photo.jpg"]


def test_a_sweep_leaves_those_that_are_wanted(glimpses: Glimpses, folder: Path) -> None:
    for job in ("a", "b", "c"):
        show(glimpses, job)
    files.temporary_name(folder).write_bytes(PHOTO[:20])
    glimpses.sweep({"b", "never"})
    assert names(folder) == ["b.painting.jpg", "b.photo.jpg"]
    assert glimpses.read("a", "photo") is None


def test_one_alone_is_let_go(glimpses: Glimpses, folder: Path) -> None:
    show(glimpses, "a")
    glimpses.let_go("a", "photo")
    glimpses.let_go("never", "photo")
    assert names(folder) == ["a.painting.jpg"]
    assert glimpses.read("a", "photo") is None


def test_one_that_is_torn_is_none(glimpses: Glimpses, folder: Path) -> None:
    show(glimpses, "a")
    (folder / "a.photo.jpg").write_bytes(PHOTO[:-5])
    (folder / "a.painting.jpg").write_bytes(b"")
    assert glimpses.read("a", "photo") is glimpses.read("a", "painting") is None


def test_a_link_in_the_place_of_one_is_not_followed(
    glimpses: Glimpses, folder: Path, tmp_path: Path
) -> None:
    show(glimpses, "a")
    (tmp_path / "elsewhere").write_bytes(LATE)
    (folder / "a.photo.jpg").unlink()
    (folder / "a.photo.jpg").symlink_to(tmp_path / "elsewhere")
    assert glimpses.read("a", "photo") is None
    glimpses.keep(Glimpse("a", "photo", PHOTO))
    assert glimpses.read("a", "photo") == PHOTO
    assert (tmp_path / "elsewhere").read_bytes() == LATE


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_none_is_told_of_once(
    glimpses: Glimpses, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    with capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", refuse)
        show(glimpses, "a")
        show(glimpses, "a", LATE)
        show(glimpses, "b")
        # What it does not take is shown all the same, as long as this program runs.
        assert (glimpses.read("a", "photo"), glimpses.read("a", "painting")) == (PHOTO, LATE)
        glimpses.sweep({"a"})
        assert glimpses.read("b", "photo") is None
    assert [(one["event"], one["log_level"]) for one in logs] == [("glimpses.not_kept", "warning")]
    with capture_logs() as logs:
        show(glimpses, "a")
        show(glimpses, "a", LATE)
    assert [one["event"] for one in logs] == ["glimpses.kept_again"]
    assert glimpses.read("a", "painting") == Glimpses(folder).read("a", "painting") == LATE


def test_where_there_is_no_folder_nothing_is_kept() -> None:
    nowhere = Glimpses(None)
    show(nowhere, "a")
    assert nowhere.read("a", "photo") is None
    nowhere.sweep(())
