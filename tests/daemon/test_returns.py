"""Claims that cannot be put back: later and later, until it works; and claims that are no more."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon import claim_content, claims, files
from daemon.claim_folders import claim_folder
from daemon.errors import ClaimStuckError, ShareAwayError
from daemon.pairing import pair
from daemon.pulse import Tick
from daemon.returns import Returns
from daemon.scanner import look
from daemon.share import Share


@pytest.fixture
def share(share: Share) -> Share:
    (share.inbox / "a.jpg").write_bytes(b"photo")
    (candidate,) = pair(look(share.inbox), {"Waves": share.styles / "w.jpg"}, "Waves").candidates
    claims.take(candidate, share, "job1")
    return share


def refuse(*_arguments: object) -> Path:
    raise OSError(errno.EIO, "Input/output error")


def test_it_is_tried_again_later_and_later(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [0.0]
    returns = Returns(share, lambda: times[-1])
    with capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr(files, "move_exactly", refuse)
        returns.put_back("job1")
        assert (returns.pending, returns.tries) == (1, 1)
        assert "Input/output error" in returns.why
        for time, tries in ((0.9, 1), (1.0, 2), (2.9, 2), (3.0, 3)):
            times.append(time)
            returns.retry()
            assert returns.tries == tries
    assert [line["again_in_seconds"] for line in logs] == [1.0, 2.0, 4.0]
    assert {line["event"] for line in logs} == {"claim.stuck"}
    times.append(7.0)
    with capture_logs() as logs:
        returns.retry()
        returns.retry()
    assert [(line["event"], line["photos"]) for line in logs] == [
        ("claim.returned", [str(share.inbox / "a.jpg")])
    ]
    assert (returns.pending, returns.tries, returns.why) == (0, 0, "")
    assert (share.inbox / "a.jpg").read_bytes() == b"photo"


def test_what_works_at_once_needs_no_word(share: Share) -> None:
    returns = Returns(share, lambda: 0.0)
    with capture_logs() as logs:
        returns.put_back("job1")
    assert logs == []
    assert returns.pending == 0
    assert (share.inbox / "a.jpg").exists()


def test_what_somebody_took_out_by_hand_is_forgotten(share: Share) -> None:
    times = [1.0]
    returns = Returns(share, lambda: times[-1])
    returns.keep("gone", ClaimStuckError("It is stuck."))
    times.append(2.0)
    returns.retry()
    assert returns.pending == 0


def test_a_turn_ends_after_a_while_and_the_next_goes_on_with_the_others(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While claims are put back nobody hears of a stop, or of anything else."""
    now, tried = 0.0, list[str]()

    def slow(_share: Share, job_id: str, _tick: object) -> list[Path]:
        nonlocal now
        now += 0.4
        tried.append(job_id)
        raise ClaimStuckError("It is stuck.")

    returns = Returns(share, lambda: now)
    for name in "abcdefg":
        returns.keep(name, ClaimStuckError("It is stuck."))
    monkeypatch.setattr(claims, "put_back", slow)
    now = 10.0
    returns.retry()
    assert tried == ["a", "b", "c"]
    now = 20.0
    returns.retry()
    assert tried == ["a", "b", "c", "d", "e", "f"]
    now = 30.0
    returns.retry()
    assert tried[6:] == ["g", "a", "b"]


@pytest.mark.parametrize("drive", ["share", "work"])
def test_a_drive_that_has_gone_has_not_lost_the_claim(share: Share, drive: str) -> None:
    returns = Returns(share, lambda: 0.0)
    top = share.root if drive == "share" else share.work
    away = share.root.with_name("away")
    top.rename(away)
    if drive == "work":
        top.mkdir()  # as an empty folder lies where a drive was
    returns.put_back("job1")
    assert returns.pending == 1
    if drive == "work":
        top.rmdir()
    away.rename(top)
    returns.put_back("job1")
    assert returns.pending == 0
    assert (share.inbox / "a.jpg").exists()


class Away:
    """A drive that somebody unmounts; asked for before each claim."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.is_there = True

    def expect(self) -> None:
        self.looks -= 1
        if not self.is_there or self.looks < 0:
            raise ShareAwayError("The drive is away.")


def test_of_many_none_is_put_below_a_mount_point_whose_drive_has_gone(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, tried, drive = 0.0, list[str](), Away(1000)

    def put_back(_share: Share, job_id: str, _tick: Tick) -> list[Path]:
        tried.append(job_id)
        drive.is_there = len(tried) != 3
        return []

    returns = Returns(share, lambda: now, drive.expect)
    for name in "abcde":
        returns.keep(name, ClaimStuckError("It is stuck."))
    monkeypatch.setattr(claims, "put_back", put_back)
    now = 10.0
    with pytest.raises(ShareAwayError):
        returns.retry()
    assert (tried, returns.pending) == (["a", "b", "c"], 2)
    drive.is_there = True
    returns.retry()  # none of them has to wait for longer because of that
    assert (tried[3:], returns.pending) == (["d", "e"], 0)


@pytest.mark.parametrize("way", ["whole", "rest"])
def test_what_cannot_go_back_while_a_drive_is_away_waits_for_it(share: Share, way: str) -> None:
    now, drive = 0.0, Away(0)
    returns = Returns(share, lambda: now, drive.expect)
    if way == "whole":
        returns.put_back("job1")
    else:
        returns.put_rest_back("job1", Path("a.jpg"))
    assert (returns.pending, returns.why) == (1, "The drive is away.")
    assert list(share.inbox.iterdir()) == []
    now, drive.looks = 10.0, 1000
    returns.retry()
    assert (share.inbox / "a.jpg").exists()


def test_a_record_of_the_origin_that_leads_out_of_the_share_is_not_followed(share: Share) -> None:
    (claim_folder(share, "job1") / claim_content.ORIGIN).write_bytes(b"../..")
    with pytest.raises(ClaimStuckError, match="leads out of the share"):
        claims.put_back(share, "job1")
    assert claims.find_claims(share) == ["job1"]
