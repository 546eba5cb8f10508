"""Endings wait while the share is away: what they do not see there is not done yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePath

import pytest
from structlog.testing import capture_logs

from daemon import publishing
from daemon.claims import Claim
from daemon.endings import Endings
from daemon.errors import PublishError, ShareAwayError
from daemon.jobs import Job, JobState, NewJob
from daemon.journal import Journal
from daemon.runners.base import Painted
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as opened:
        yield opened


def start_job(share: Share, journal: Journal, job_id: str = "a") -> Job:
    photo = share.work / "jobs" / job_id / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"photo")
    style = share.styles / "Waves.jpg"
    journal.add(NewJob(job_id, "", "Waves", PurePath("photo.jpg"), photo, style, None, "{}"))
    return journal.start(job_id)


@pytest.mark.parametrize("way", ["painted", "published", "failed"])
def test_a_share_that_is_away_delays_every_ending(share: Share, journal: Journal, way: str) -> None:
    now = 0.0
    endings = Endings(share, journal, lambda: now)
    job = start_job(share, journal)
    away = share.root.with_name("away")
    share.root.rename(away)
    share.root.mkdir()
    if way == "painted":
        endings.painted(job, Painted("a", b"picture", ".jpg", {}))
    elif way == "published":
        journal.published("a", share.outbox / "photo.jpg", {})
        endings.published(journal.get("a"))
    else:
        endings.failed(job, "It blew up.")
    assert (endings.pending, endings.pictures) == (1, int(way == "painted"))
    assert list(share.root.iterdir()) == []
    assert journal.get("a").error == ("It blew up." if way == "failed" else None)
    share.root.rmdir()
    away.rename(share.root)
    now = 1.0
    endings.retry()
    assert endings.pending == 0
    where = share.failed if way == "failed" else share.originals
    assert (where / "photo.jpg").read_bytes() == b"photo"
    assert not job.content.exists()


@pytest.mark.parametrize("way", ["published", "failed"])
def test_a_work_folder_whose_own_drive_is_away_delays_every_ending(
    share: Share, journal: Journal, way: str
) -> None:
    endings = Endings(share, journal, lambda: 0.0)
    job = start_job(share, journal)
    share.work.rename(share.root.with_name("away"))
    share.work.mkdir()
    if way == "published":
        journal.published("a", share.outbox / "photo.jpg", {})
        endings.published(journal.get("a"))
    else:
        endings.failed(job, "It blew up.")
    assert endings.pending == 1
    assert journal.get("a").state is JobState.RUNNING


def test_each_reason_is_said_once_and_all_are_tried_at_once_when_it_has_gone(
    share: Share, journal: Journal
) -> None:
    now, trouble = 0.0, "The drive is away."

    def expect() -> None:
        if trouble:
            raise ShareAwayError(trouble)

    endings = Endings(share, journal, lambda: now, expect=expect)
    with capture_logs() as logs:
        for number in range(3):
            endings.failed(start_job(share, journal, str(number)), "It blew up.")
        for _ in range(5):
            now += 100.0
            endings.retry()
        assert endings.why == trouble
        trouble = ""
        endings.retry()
        assert endings.pending == 3
        endings.hurry()
        endings.retry()
    assert (endings.pending, endings.why) == (0, "")
    loud = [line["event"] for line in logs if line["log_level"] == "error"]
    assert loud == ["job.stuck", *["job.failed"] * 3]
    assert [line["event"] for line in logs if line["log_level"] == "info"] == ["job.none_is_stuck"]


def test_many_endings_are_tried_again_a_few_at_a_time(
    share: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are tried nobody hears of a stop."""
    now, tried = 0.0, list[str]()

    def slow(_share: Share, claim: Claim, *_args: object) -> Path:
        nonlocal now
        now += 0.4
        tried.append(claim.job_id)
        raise PublishError("It may not be written to.")

    monkeypatch.setattr(publishing, "fail", slow)
    endings = Endings(share, journal, lambda: now)
    for number in range(10):
        endings.failed(start_job(share, journal, str(number)), "It blew up.")
    tried.clear()
    now = 100.0
    for turn in range(1, 4):
        endings.retry()
        assert len(tried) == 3 * turn
        assert endings.due is not None
        assert endings.due <= now
    endings.retry()
    assert sorted(tried[:10]) == [str(number) for number in range(10)]
    assert endings.pending == 10


def test_a_photo_that_is_gone_is_named_as_people_know_it(share: Share, journal: Journal) -> None:
    job = start_job(share, journal)
    job.content.unlink()
    with capture_logs() as logs:
        Endings(share, journal, lambda: 0.0).failed(job, "The photo is gone.")
    assert [(line["event"], line["photo"]) for line in logs] == [("job.failed", "photo.jpg")]


def test_what_is_recorded_is_not_written_once_more(
    share: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither at each try, nor at the end, when there is little time."""
    write, written = Journal.given_up, list[str]()

    def note(journal: Journal, job_id: str, error: str) -> None:
        written.append(job_id)
        write(journal, job_id, error)

    def refuse(*_args: object) -> Path:
        raise PublishError("It may not be written to.")

    now = 0.0
    monkeypatch.setattr(Journal, "given_up", note)
    monkeypatch.setattr(publishing, "fail", refuse)
    endings = Endings(share, journal, lambda: now)
    endings.failed(start_job(share, journal), "It blew up.")
    now = 100.0
    endings.retry()
    endings.give_back()
    assert endings.pending == 1
    assert written == ["a"]
    assert journal.get("a").error == "It blew up."
