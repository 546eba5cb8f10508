"""Claims that no journal knows: on their way out they go on, all others come back."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from daemon import claims, departure, intention
from daemon.claims import Claim
from daemon.folders import folder_below
from daemon.pairing import pair
from daemon.scanner import look
from daemon.share import Share


def taken(share: Share, kind: str = "pair") -> Claim:
    names = ("a.jpg", "a.style.png") if kind == "pair" else ("Party/content.jpg", "Party/style.jpg")
    for name in names:
        path = share.inbox / "Waves" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (candidate,) = pair(look(share.inbox), {}, None).candidates
    return claims.take(candidate, share, "job")


def tree(share: Share) -> list[str]:
    paths = (path for path in share.root.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(share.root)) for path in paths)


@pytest.mark.parametrize("kind", ["pair", "folder"])
def test_a_claim_whose_result_is_out_goes_to_the_originals(share: Share, kind: str) -> None:
    claim = taken(share, kind)
    plan = intention.intend(share.outbox / "a.jpg", b"picture")
    intention.remember(claim.folder, plan)
    plan.path.write_bytes(b"picture")
    claims.put_back(share, "job")
    names = ["a.jpg", "a.style.png"] if kind == "pair" else ["Party/content.jpg", "Party/style.jpg"]
    assert tree(share) == [*(f"Originals/Waves/{name}" for name in names), "Outbox/a.jpg"]
    assert claims.find_claims(share) == []


@pytest.mark.parametrize("there", [None, b"", b"somebody else's"])
def test_a_claim_whose_result_is_not_out_comes_back(share: Share, there: bytes | None) -> None:
    claim = taken(share)
    plan = intention.intend(share.outbox / "a.jpg", b"picture")
    intention.remember(claim.folder, plan)
    if there is not None:
        plan.path.write_bytes(there)
    claims.put_back(share, "job")
    theirs = ["Outbox/a.jpg"] if there else []
    assert tree(share) == ["Inbox/Waves/a.jpg", "Inbox/Waves/a.style.png", *theirs]


@pytest.mark.parametrize("top", ["originals", "failed", "inbox"])
def test_what_is_left_follows_what_has_gone(share: Share, top: str) -> None:
    claim = taken(share)
    folder = folder_below(getattr(share, top), PurePath("Waves"))
    departure._write(
        departure._Way(claim.folder, folder, folder), {"a.jpg": "a (2).jpg", "a.style.png": "b.png"}
    )
    claim.content.rename(folder / "a (2).jpg")
    claims.put_back(share, "job")
    assert sorted(path.name for path in folder.iterdir()) == ["a (2).jpg", "b.png"]
    assert claims.find_claims(share) == []


def test_a_photo_that_had_failed_and_not_left_is_tried_again(share: Share) -> None:
    claim = taken(share)
    folder = folder_below(share.failed, PurePath("Waves"))
    departure._write(
        departure._Way(claim.folder, folder, folder),
        {"a.jpg": "a.jpg", "a.style.png": "a.style.png"},
    )
    claims.put_back(share, "job")
    assert tree(share) == ["Inbox/Waves/a.jpg", "Inbox/Waves/a.style.png"]


def test_a_record_that_leads_out_of_the_share_is_not_followed(share: Share, tmp_path: Path) -> None:
    claim = taken(share)
    departure._write(
        departure._Way(claim.folder, tmp_path, tmp_path), {"gone.jpg": "gone.jpg", "a.jpg": "a.jpg"}
    )
    claims.put_back(share, "job")
    assert tree(share) == ["Inbox/Waves/a.jpg", "Inbox/Waves/a.style.png"]


@pytest.mark.parametrize("left", ["copy", "reservation"])
def test_a_photo_that_was_taken_half_comes_back_once(share: Share, left: str) -> None:
    claim = taken(share)
    photo = claim.content.read_bytes()
    (share.inbox / "Waves/a.jpg").write_bytes(photo)
    if left == "reservation":
        claim.content.write_bytes(b"")
    claims.put_back(share, "job")
    assert tree(share) == ["Inbox/Waves/a.jpg", "Inbox/Waves/a.style.png"]
    assert (share.inbox / "Waves/a.jpg").read_bytes() == photo
