"""The work folder: made again where it was, and never in the place of a drive that has gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.errors import ShareError
from daemon.workplace import Workplace


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "share" / ".atelierd"
    folder.mkdir(parents=True)
    return folder


def test_a_folder_that_somebody_removed_is_made_again_for_us_alone(work: Path) -> None:
    workplace = Workplace(work)
    workplace.ensure()
    work.rmdir()
    with capture_logs() as logs:
        workplace.ensure()
        workplace.ensure()
    assert [(line["event"], line["folder"]) for line in logs] == [("work.made_again", str(work))]
    assert work.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
def test_nothing_is_made_where_a_drive_was(work: Path, left: str) -> None:
    workplace = Workplace(work)
    drive, away = work.parent, work.parent.with_name("away")
    drive.rename(away)
    if left == "an empty folder":
        drive.mkdir()
    with pytest.raises(ShareError, match=r"is gone, and photos stay in the inbox.*Connect"):
        workplace.ensure()
    assert not work.exists()
    if left == "an empty folder":
        drive.rmdir()
    away.rename(drive)
    workplace.ensure()


def test_a_parent_that_was_never_there_is_not_made(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path / "none" / "work")
    with pytest.raises(ShareError):
        workplace.ensure()
    (tmp_path / "none").mkdir()
    with pytest.raises(ShareError):
        workplace.ensure()
