"""What the claim of a copy tells a new journal."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from daemon import adoption, claims, departure, intention, keepsakes
from daemon.claims import Claim
from daemon.errors import ClaimError
from daemon.jobs import JobState, new_job
from daemon.journal import Journal
from daemon.keepsakes import COPIED
from daemon.looks import Part
from daemon.pairing import Candidate, pair
from daemon.scanner import look
from daemon.share import Share
from daemon.staying import copy_in, stays_of
from tests.daemon.modes import shut


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "state" / "journal.sqlite", time.time)) as journal:
        yield journal


def copied(share: Share, kind: str = "pair") -> tuple[Candidate, Claim]:
    odd = b"a\xff".decode("utf-8", "surrogateescape")
    party = ("Party/content.jpg", "Party/style.jpg", "Party/job.toml")
    for name in (f"{odd}.jpg", f"{odd}.style.jpg") if kind == "pair" else party:
        path = share.inbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (candidate,) = pair(look(share.inbox), {}, None).candidates
    return candidate, claims.take(candidate, share, "job", copy_in)


def publish(share: Share, claim: Claim) -> Path:
    plan = intention.intend(share.outbox / "a.jpg", b"picture")
    intention.remember(claim.folder, plan)
    plan.path.write_bytes(b"picture")
    return plan.path


@pytest.mark.parametrize("kind", ["pair", "folder"])
def test_the_journal_is_told_all_that_it_needs(share: Share, journal: Journal, kind: str) -> None:
    candidate, claim = copied(share, kind)
    result = publish(share, claim)
    job = adoption.adopt(share, journal, "job")
    assert job is not None
    assert job == journal.get("job")
    assert (job.lane, job.style_name) == (candidate.lane, candidate.style_name)
    assert job.relative == candidate.relative
    assert (job.content, job.style, job.overrides) == (claim.content, claim.style, claim.overrides)
    assert job.result == result
    assert [one.stays for one in journal.staying()] == [stays_of(candidate, share.inbox)]
    # It is known now, and not told again.
    assert adoption.adopt(share, journal, "job") is None


def test_a_copy_whose_result_is_not_out_is_none(share: Share, journal: Journal) -> None:
    _, claim = copied(share)
    assert adoption.adopt(share, journal, "job") is None
    publish(share, claim).unlink()
    assert adoption.adopt(share, journal, "job") is None
    assert journal.staying() == []


def test_it_is_told_of_several_styles_and_companions(share: Share, journal: Journal) -> None:
    candidate, claim = copied(share)
    styles = (Part(Path("/s/Waves.jpg"), 0.7), Part(Path("/s/N\udcff.png"), 0.3))
    companions = {"mask": claim.folder / "mask\udcff.png"}
    job = replace(new_job(candidate, claim, "{}"), styles=styles, companions=companions)
    (claim.folder / COPIED).write_bytes(adoption.record(job))
    publish(share, claim)
    told = adoption.adopt(share, journal, "job")
    assert told is not None
    assert (told.styles, told.companions) == (styles, companions)


def test_what_an_older_version_wrote_down_is_understood(share: Share, journal: Journal) -> None:
    _, claim = copied(share)
    publish(share, claim)
    known = json.loads((claim.folder / COPIED).read_bytes())
    del known["styles"], known["companions"]
    (claim.folder / COPIED).write_text(json.dumps(known), "ascii")
    told = adoption.adopt(share, journal, "job")
    assert told is not None
    assert (told.content, told.styles, told.companions) == (claim.content, (), {})


@pytest.mark.parametrize("spoilt", [None, b"", b"{}", b"\xff", b"[]"])
def test_what_is_no_copy_or_says_nothing_is_none(
    share: Share, journal: Journal, spoilt: bytes | None
) -> None:
    _, claim = copied(share)
    publish(share, claim)
    (claim.folder / COPIED).unlink()
    if spoilt is not None:
        (claim.folder / COPIED).write_bytes(spoilt)
    assert adoption.adopt(share, journal, "job") is None


def test_nothing_is_believed_of_a_folder_that_somebody_put_there(
    share: Share, journal: Journal, tmp_path: Path
) -> None:
    _, claim = copied(share)
    publish(share, claim)
    claim.folder.rename(tmp_path / "elsewhere")
    claim.folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ClaimError):
        adoption.adopt(share, journal, "job")


def never() -> bool:
    return False


def ended(share: Share, top: Path) -> Candidate:
    candidate, claim = copied(share)
    publish(share, claim)
    departure.leave(claim.folder, claim.loose_files, top, share)
    claims.end(claim.folder, share)
    return candidate


@pytest.mark.parametrize("top", ["originals", "failed"])
def test_the_journal_is_told_once_of_what_is_over(share: Share, journal: Journal, top: str) -> None:
    candidate = ended(share, getattr(share, top))
    for _ in range(2):
        adoption.adopt_kept(share, journal, never)
        (job,) = journal.staying()
        assert (job.relative, job.lane) == (candidate.relative, candidate.lane)
        assert job.stays == stays_of(candidate, share.inbox)
        if top == "originals":
            assert (job.state, job.result) == (JobState.DONE, share.outbox / "a.jpg")
        else:
            assert (job.state, job.result) == (JobState.FAILED, None)
            assert "The note beside it in the folder Failed" in (job.error or "")
    assert journal.waiting() == {}


def test_what_the_journal_knows_to_have_left_is_let_go(share: Share, journal: Journal) -> None:
    ended(share, share.originals)
    adoption.adopt_kept(share, journal, lambda: True)
    assert journal.staying() == []
    adoption.adopt_kept(share, journal, never)
    journal.left("job")
    adoption.adopt_kept(share, journal, never)
    assert keepsakes.find_kept(share) == []


def test_what_is_kept_and_cannot_be_read_is_not_given_up(
    share: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    ended(share, share.originals)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(ClaimError, match="cannot be read"):
            adoption.adopt_kept(share, journal, never)
    adoption.adopt_kept(share, journal, never)
    assert len(journal.staying()) == 1


@pytest.mark.parametrize("top", ["originals", "failed"])
def test_a_folder_that_people_have_closed_keeps_nothing_from_being_known(
    share: Share, journal: Journal, top: str
) -> None:
    closed = getattr(share, top) / "Ann"
    closed.mkdir()
    ended(share, closed)
    with shut(closed, 0):
        adoption.adopt_kept(share, journal, never)
    (job,) = journal.staying()
    assert job.state is (JobState.DONE if top == "originals" else JobState.FAILED)
