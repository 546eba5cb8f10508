"""What is kept of photos that stay in the inbox, once their copies are where they belong."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePath

import pytest
from structlog.testing import capture_logs

from daemon import claim_content, claims, departure, files, keepsakes
from daemon.claims import Claim
from daemon.errors import ClaimError
from daemon.folders import folder_below
from daemon.pairing import pair
from daemon.scanner import look
from daemon.share import Share
from daemon.staying import copy_in
from tests.daemon.modes import shut


def taken(share: Share, *, copied: bool = True) -> Claim:
    (share.inbox / "Waves").mkdir()
    (share.inbox / "Waves/a.jpg").write_bytes(b"photo")
    styles = {"Waves": share.styles / "Waves.jpg"}
    (candidate,) = pair(look(share.inbox), styles, None).candidates
    return claims.take(candidate, share, "job", copy_in if copied else None)


def send(share: Share, claim: Claim, top: Path) -> None:
    folder = folder_below(top, PurePath("Waves"))
    departure.leave(claim.folder, claim.loose_files, folder, share)


@pytest.mark.parametrize("top", ["originals", "failed"])
def test_all_that_the_claim_of_a_copy_knew_is_kept(share: Share, top: str) -> None:
    claim = taken(share)
    send(share, claim, getattr(share, top))
    known = {path.name: path.read_bytes() for path in claim.folder.iterdir()}
    claims.end(claim.folder, share)
    kept = keepsakes.keepsake(share, "job")
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == known
    assert known.keys() == {claim_content.ORIGIN, keepsakes.COPIED, departure.LEAVING}
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert (keepsakes.find_kept(share), claims.find_claims(share)) == (["job"], [])
    claims.end(claim.folder, share)  # once more, after a kill
    keepsakes.forget(share, "job")
    keepsakes.forget(share, "job")
    assert keepsakes.find_kept(share) == []


def test_a_folder_that_people_close_when_the_copy_has_come_keeps_no_claim(share: Share) -> None:
    claim = taken(share)
    send(share, claim, share.originals)
    with shut(share.originals / "Waves", 0):
        claims.end(claim.folder, share)
    assert (keepsakes.find_kept(share), claims.find_claims(share)) == (["job"], [])


def test_of_a_photo_that_was_moved_nothing_is_kept(share: Share) -> None:
    claim = taken(share, copied=False)
    send(share, claim, share.originals)
    claims.end(claim.folder, share)
    assert keepsakes.find_kept(share) == claims.find_claims(share) == []


@pytest.mark.parametrize("way", ["needless", "back"])
def test_of_a_copy_that_is_given_up_nothing_is_kept(share: Share, way: str) -> None:
    taken(share)
    if way == "back":  # the photo is gone, and its copy is all that is left
        (share.inbox / "Waves/a.jpg").unlink()
    claims.put_back(share, "job")
    assert (share.inbox / "Waves/a.jpg").read_bytes() == b"photo"
    assert keepsakes.find_kept(share) == claims.find_claims(share) == []


@pytest.mark.parametrize("top", ["originals", "failed"])
def test_of_a_photo_that_has_gone_before_its_copy_nothing_is_kept(share: Share, top: str) -> None:
    claim = taken(share)
    keepsakes.forget(share, "job")
    assert claim.content.read_bytes() == b"photo"
    assert (claim.folder / keepsakes.COPIED).read_bytes() == b""
    send(share, claim, getattr(share, top))
    claims.end(claim.folder, share)
    assert keepsakes.find_kept(share) == claims.find_claims(share) == []
    assert (getattr(share, top) / "Waves/a.jpg").read_bytes() == b"photo"


def test_a_claim_that_somebody_put_there_is_not_written_to(share: Share, tmp_path: Path) -> None:
    claim = taken(share)
    claim.folder.rename(tmp_path / "theirs")
    claim.folder.symlink_to(tmp_path / "theirs")
    with capture_logs() as logs:
        keepsakes.forget(share, "job")
    assert [line["event"] for line in logs] == ["keepsake.stays"]
    assert (tmp_path / "theirs" / keepsakes.COPIED).read_bytes()


def test_the_folder_of_keepsakes_survives_a_power_cut(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = list[Path]()
    claim = taken(share)
    send(share, claim, share.originals)
    monkeypatch.setattr(keepsakes, "sync_folder", synced.append)
    claims.end(claim.folder, share)
    assert synced == [share.work, share.work / keepsakes.STAYING, claim.folder.parent]


def test_a_claim_that_still_holds_its_copy_stays_a_claim(share: Share) -> None:
    claim = taken(share)
    claims.end(claim.folder, share)
    assert claim.content.read_bytes() == b"photo"
    assert keepsakes.find_kept(share) == []


def test_a_folder_that_somebody_put_there_is_neither_used_nor_believed(
    share: Share, tmp_path: Path
) -> None:
    (tmp_path / "theirs/job").mkdir(parents=True)
    (share.work / keepsakes.STAYING).symlink_to(tmp_path / "theirs")
    claim = taken(share)
    send(share, claim, share.originals)
    with pytest.raises(ClaimError, match="is a link or belongs to somebody else"):
        claims.end(claim.folder, share)
    assert claims.find_claims(share) == ["job"]
    with pytest.raises(ClaimError, match="is a link or belongs to somebody else"):
        keepsakes.find_kept(share)
    with capture_logs() as logs:
        keepsakes.forget(share, "job")
    assert [line["event"] for line in logs] == ["keepsake.stays"]
    assert (tmp_path / "theirs/job").is_dir()


def test_a_folder_that_cannot_be_read_is_no_empty_one(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ClaimError, match=r"cannot be read \(Input/output error\)"):
        keepsakes.find_kept(share)


def test_leftovers_of_a_kill_are_no_keepsakes(share: Share) -> None:
    folder = share.work / keepsakes.STAYING
    folder.mkdir(mode=0o700)
    files.temporary_name(folder).touch()
    assert keepsakes.find_kept(share) == []
