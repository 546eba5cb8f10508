"""What a start does with jobs whose photos are gone, and with those that are only out of reach."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import claims, intention, presence
from daemon.endings import Endings
from daemon.errors import ExitCode, ShareAwayError
from daemon.jobs import JobState, NewJob
from daemon.journal import Journal
from daemon.marks import Marks
from daemon.pairing import pair
from daemon.pulse import Tick
from daemon.recovery import recover
from daemon.runners.base import Painted
from daemon.scanner import look
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.workplace import JOBS
from tests.daemon.standins import paint, picture
from tests.daemon.test_service import QUICK, House, house

__all__ = ["house"]


@dataclass
class Start:
    share: Share
    journal: Journal
    stopped: bool = False

    def add(self, job_id: str, *, running: bool = False) -> Path:
        folder = self.share.work / "jobs" / job_id
        folder.mkdir(parents=True)
        photo = folder / "photo.jpg"
        photo.touch()
        style = self.share.styles / "Waves.jpg"
        relative = PurePath("Waves/photo.jpg")
        self.journal.add(NewJob(job_id, "Waves", "Waves", relative, photo, style, None, "{}"))
        if running:
            self.journal.start(job_id)
        return photo

    def recover(self) -> dict[str, str]:
        endings = Endings(self.share, self.journal, lambda: 0.0)
        recover(self.share, self.journal, endings, 3, lambda: self.stopped)
        return {job.id: state.value for state in JobState for job in self.journal.having(state)}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as journal:
        yield Start(share, journal)


@pytest.mark.parametrize("running", [True, False])
def test_a_photo_that_was_taken_out_of_its_claim_is_gone(start: Start, *, running: bool) -> None:
    start.add("a", running=running).unlink()
    start.add("b")
    assert start.recover() == {"a": "failed", "b": "queued"}
    assert "no longer in the work folder" in str(start.journal.get("a").error)


def test_a_photo_that_was_being_painted_waits_again_and_is_named(start: Start) -> None:
    start.add("a", running=True)
    with capture_logs() as logs:
        assert start.recover() == {"a": "queued"}
    (told,) = [line for line in logs if line["event"] == "job.requeued"]
    assert (told["photo"], told["attempts"]) == ("Waves/photo.jpg", 1)


def test_a_claim_that_was_moved_away_from_among_others_is_gone(start: Start) -> None:
    shutil.rmtree(start.add("a").parent)
    start.add("b")
    assert start.recover() == {"a": "failed", "b": "queued"}


def test_a_work_folder_that_was_emptied_in_a_share_that_is_there(start: Start) -> None:
    start.add("a")
    (start.share.work / "daemon.lock").touch()
    shutil.rmtree(start.share.work / "jobs")
    assert start.recover() == {"a": "failed"}


def test_a_share_that_is_away_fails_nothing(start: Start) -> None:
    for job_id, running in (("a", False), ("b", True)):
        start.add(job_id, running=running)
    away = start.share.root.with_name("away")
    start.share.root.rename(away)
    start.share.root.mkdir()  # as an empty folder lies where a drive was
    assert start.recover() == {"a": "queued", "b": "queued"}
    start.share.root.rmdir()
    away.rename(start.share.root)
    assert start.recover() == {"a": "queued", "b": "queued"}
    assert list(start.share.failed.iterdir()) == []


def test_a_work_folder_on_a_drive_that_is_away_fails_nothing(start: Start) -> None:
    start.add("a")
    start.share.work.rename(start.share.root.with_name("away"))
    start.share.work.mkdir()
    assert start.recover() == {"a": "queued"}


def test_a_disk_that_does_not_answer_fails_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    start.add("a")
    monkeypatch.setattr(presence, "is_gone_from_claim", refuse)
    assert start.recover() == {"a": "queued"}


def test_a_stop_leaves_the_rest_to_the_next_start(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (start.share.work / "jobs" / f"unknown-{number}").mkdir(parents=True)
    start.add("gone").unlink()
    tried = list[str]()

    def put_back(_share: Share, job_id: str, _tick: Tick) -> list[Path]:
        tried.append(job_id)
        start.stopped = True
        return []

    with monkeypatch.context() as patch:
        patch.setattr(claims, "put_back", put_back)
        assert start.recover() == {"gone": "queued"}
    assert len(tried) == 1
    start.stopped = False
    assert start.recover() == {"gone": "failed"}
    assert claims.find_claims(start.share) == []


def test_of_many_claims_none_goes_below_a_mount_point_whose_drive_has_gone(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is lost, the inbox is a drive of its own, and somebody unmounts it meanwhile."""
    share = start.share = replace(start.share, inbox=tmp_path / "drive")
    (share.inbox / "Waves").mkdir(parents=True)
    marks = Marks(share, tmp_path / "state")
    marks.settle()
    for number in range(4):
        (share.inbox / f"Waves/{number}.jpg").write_bytes(b"photo")
    (share.work / JOBS).mkdir(mode=0o700)
    styles = {"Waves": share.styles / "Waves.jpg"}
    for number, one in enumerate(pair(look(share.inbox), styles, None).candidates):
        claims.take(one, share, f"job-{number}")
    away, put_back, back = tmp_path / "away", claims.put_back, list[str]()

    def put_back_and_unmount(share: Share, job_id: str, *more: Any) -> list[Path]:
        back.append(job_id)
        where = put_back(share, job_id, *more)
        if len(back) == 2:
            share.inbox.rename(away)
            share.inbox.mkdir()
        return where

    endings = Endings(share, start.journal, lambda: 0.0, expect=marks.expect)
    with monkeypatch.context() as patch:
        patch.setattr(claims, "put_back", put_back_and_unmount)
        with pytest.raises(ShareAwayError):
            recover(share, start.journal, endings, 3, lambda: False)
    assert list(share.inbox.iterdir()) == []
    assert (back, claims.find_claims(share)) == (["job-0", "job-1"], ["job-2", "job-3"])
    share.inbox.rmdir()
    away.rename(share.inbox)
    assert recover(share, start.journal, endings, 3, lambda: False) == {}
    assert len(list((share.inbox / "Waves").iterdir())) == 4


def test_while_a_drive_is_away_nothing_is_believed_of_known_jobs(start: Start) -> None:
    for job_id in ("a", "b"):
        start.add(job_id).unlink()
    looks = 0

    def expect() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise ShareAwayError("The drive is away.")

    endings = Endings(start.share, start.journal, lambda: 0.0, expect=expect)
    with pytest.raises(ShareAwayError):
        recover(start.share, start.journal, endings, 3, lambda: False)
    assert (endings.pending, start.journal.counts()[JobState.QUEUED]) == (0, 2)
    recover(start.share, start.journal, endings, 3, lambda: False)
    assert start.journal.counts()[JobState.FAILED] == 2


@pytest.mark.parametrize("keeps", ["journal", "claim"])
@pytest.mark.parametrize("running", [True, False])
def test_a_result_that_is_out_is_not_painted_again(
    start: Start, keeps: str, *, running: bool
) -> None:
    """Either may have it alone: a journal that lost its last lines, a claim without room."""
    photo = start.add("a", running=running)
    plan = intention.intend(start.share.outbox / "photo.jpg", b"picture")
    if keeps == "journal":
        start.journal.intend("a", plan, {"seconds": 1})
    else:
        intention.remember(photo.parent, plan)
    plan.path.write_bytes(b"picture")
    assert start.recover() == {"a": "done"}
    assert start.journal.get("a").result == plan.path
    assert (start.share.originals / "Waves/photo.jpg").exists()


def test_a_result_that_is_not_out_is_painted_again_and_its_place_is_free(start: Start) -> None:
    start.add("a", running=True)
    plan = intention.intend(start.share.outbox / "photo.jpg", b"picture")
    start.journal.intend("a", plan, {})
    plan.path.touch()  # as a name is reserved where there is no better way
    assert start.recover() == {"a": "queued"}
    assert not plan.path.exists()


def test_while_the_outbox_is_away_nobody_decides(start: Start) -> None:
    start.add("a", running=True)
    plan = intention.intend(start.share.outbox / "photo.jpg", b"picture")
    start.journal.intend("a", plan, {})
    plan.path.write_bytes(b"picture")
    away = start.share.root.with_name("away")
    start.share.outbox.rename(away)
    assert start.recover() == {"a": "running"}
    away.rename(start.share.outbox)
    assert start.recover() == {"a": "done"}


@pytest.mark.parametrize("way", ["out", "not out", "gone"])
def test_another_outbox_has_nothing_to_do_with_where_a_result_was_about_to_appear(
    start: Start, way: str
) -> None:
    start.add("a", running=True)
    before = start.share.outbox
    plan = intention.intend(before / "photo.jpg", b"painted")
    intention.remember(start.share.work / "jobs" / "a", plan)
    start.journal.intend("a", plan, {})
    plan.path.write_bytes(b"painted" if way == "out" else b"")
    if way == "gone":
        shutil.rmtree(before)
    start.share = replace(start.share, outbox=start.share.root / "Results")
    make_share(start.share)
    assert start.recover() == {"a": "queued"}
    assert list(start.share.outbox.iterdir()) == []
    job = start.journal.start("a")
    endings = Endings(start.share, start.journal, lambda: 0.0)
    endings.painted(job, Painted("a", b"painted", ".jpg", {}))
    assert [path.name for path in start.share.outbox.rglob("*.jpg")] == ["photo.jpg"]
    assert (way == "gone") is not before.exists()


FAULTS = {
    "written": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    "read": ("ALTER TABLE jobs RENAME TO away", "ALTER TABLE away RENAME TO jobs"),
}


@pytest.mark.parametrize("way", FAULTS)
def test_a_journal_that_can_be_opened_and_not_be_used_is_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("daemon.setbacks._PAUSE_SECONDS", 0.05)
    for name in ("a", "b"):
        (house.style() / f"{name}.jpg").write_bytes(picture())
    house.answer = lambda _request: []
    house.run_until(lambda: sum(house.states().values()) == 2)
    house.journal.start("job-0")  # as after a kill
    fault, mend = FAULTS[way]
    house.answer, turns = paint, 0

    def next_turn() -> None:
        nonlocal turns
        turns += 1
        if turns == 5:
            assert house.files(house.share.outbox) == []
            house.journal._database.execute(mend)

    def parts_of_the_next() -> dict[str, Any]:
        house.journal._database.execute(fault)
        return {"expect": next_turn}

    monkeypatch.setattr(house, "more_parts", parts_of_the_next)
    assert house.run_until(lambda: len(house.files(house.share.originals)) == 2) is ExitCode.OK
    assert house.states() == {"done": 2}
    assert house.files(house.share.outbox) == ["Waves/a.jpg", "Waves/b.jpg"]
    assert len(house.said("service.trouble")) == len(house.said("service.goes_on")) == 1
    assert len(house.said("service.started")) == 1


def test_what_is_begun_again_does_not_bring_a_job_to_its_end_twice(start: Start) -> None:
    start.add("a").unlink()
    shutil.rmtree(start.share.failed)
    start.share.failed.touch()  # so the end has to wait
    endings = Endings(start.share, start.journal, lambda: 0.0)
    for _ in range(2):
        recover(start.share, start.journal, endings, 3, lambda: False)
    assert endings.jobs == ["a"]


def test_a_look_for_claims_that_is_refused_is_repeated_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos that a kill has left in the work folder must not wait for the start after this one."""
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    photo = share.inbox / "Waves" / "photo.jpg"
    photo.parent.mkdir()
    photo.write_bytes(picture())
    (share.styles / "Waves.jpg").write_bytes(picture((9, 9, 9)))
    styles = {"Waves": share.styles / "Waves.jpg"}
    (candidate,) = pair(look(share.inbox), styles, None).candidates
    (share.work / JOBS).mkdir(mode=0o700)
    claims.take(candidate, share, "old")
    find, refused = os.scandir, list[int]()

    def refuse_twice(folder: Any) -> Any:
        if Path(str(folder)).name == JOBS and len(refused) < 2:
            refused.append(1)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return find(folder)

    monkeypatch.setattr("daemon.setbacks._PAUSE_SECONDS", 0.01)
    with closing(Journal(tmp_path / "journal.sqlite", time.time)) as journal:
        house = House(share, journal, Settings(watch=QUICK, paint=PaintSettings(preset="draft")))
        monkeypatch.setattr(os, "scandir", refuse_twice)
        house.run_until(lambda: house.states() == {"done": 1})
        assert house.states() == {"done": 1}
    assert len(refused) == 2
    assert "cannot be looked into" in str(house.said("service.trouble"))
    assert claims.find_claims(share) == []
