"""Failures that somebody has put right are told no more; all others are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from daemon import claims, publishing
from daemon.failures import not_put_right
from daemon.jobs import JobState, new_job
from daemon.journal import Journal
from daemon.pairing import pair
from daemon.scanner import look
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.workplace import JOBS


class Room:
    """A share in which photos fail, as they do in the service."""

    def __init__(self, share: Share, journal: Journal) -> None:
        self.share, self.journal = share, journal

    def fail(self, job_id: str, photo: str) -> Path:
        """Drop a photo, have it fail, and say where it is now."""
        path = self.share.inbox / photo
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(job_id.encode())
        styles = {"Waves": self.share.styles / "Waves.jpg"}
        (candidate,) = pair(look(self.share.inbox), styles, "Waves").candidates
        claim = claims.take(candidate, self.share, job_id)
        self.journal.add(new_job(candidate, claim, "{}"))
        where = publishing.fail(self.share, claim, candidate.relative, "It is damaged.")
        self.journal.fail(job_id, "It is damaged.")
        return where

    def told(self, share: Share | None = None) -> list[str]:
        failed = self.journal.recent(JobState.FAILED, 100)
        return [job.id for job in not_put_right(failed, share or self.share)]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    (share.work / JOBS).mkdir(mode=0o700)
    (share.styles / "Waves.jpg").write_bytes(b"waves")
    moments = count()
    with closing(Journal(tmp_path / "j.sqlite", lambda: float(next(moments)))) as journal:
        yield Room(share, journal)


def test_one_is_told_until_its_photo_has_gone(room: Room) -> None:
    first, second = room.fail("a", "Waves/a.jpg"), room.fail("b", "Waves/Holiday/b.jpg")
    assert room.told() == ["b", "a"]
    first.unlink()
    assert room.told() == ["b"]
    second.unlink()
    assert room.told() == []


def test_one_that_fails_again_is_told_once(room: Room) -> None:
    room.fail("a", "Waves/a.jpg").unlink()
    room.fail("again", "Waves/a.jpg")
    assert room.told() == ["again"]


def test_of_several_of_one_name_as_many_are_told_as_there_are(room: Room) -> None:
    photos = [room.fail(str(number), "Waves/a.jpg") for number in range(3)]
    assert room.told() == ["2", "1", "0"]
    photos[0].unlink()
    assert room.told() == ["2", "1"]
    photos[1].unlink()
    assert room.told() == ["2"]


def test_a_folder_is_told_as_one(room: Room) -> None:
    party = room.share.inbox / "Party"
    party.mkdir()
    (party / "style.jpg").write_bytes(b"style")
    where = room.fail("a", "Party/content.jpg")
    assert room.told() == ["a"]
    shutil.rmtree(where)
    assert room.told() == []


def test_all_are_told_while_nobody_can_say(room: Room) -> None:
    room.fail("a", "Waves/a.jpg").unlink()
    assert room.told() == []
    away = replace(room.share, failed=room.share.root / "not connected")
    assert room.told(away) == ["a"]
