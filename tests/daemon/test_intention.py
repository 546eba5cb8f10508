"""Whether a picture is out: told by its path and its bytes alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon import intention
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


def test_the_picture_at_its_path_is_out(share: Share) -> None:
    plan = intention.intend(share.outbox / "Waves/a.jpg", b"picture")
    assert not intention.is_out(plan, share)
    plan.path.parent.mkdir()
    plan.path.write_bytes(b"picture")
    assert intention.is_out(plan, share)


@pytest.mark.parametrize("other", [b"", b"pictur", b"PICTURE", b"pictures"])
def test_other_bytes_are_another_picture(share: Share, other: bytes) -> None:
    plan = intention.intend(share.outbox / "a.jpg", b"picture")
    plan.path.write_bytes(other)
    assert not intention.is_out(plan, share)
    intention.forget_reservation(plan, share)
    assert plan.path.exists() == bool(other)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_file_is_no_picture_and_stays(share: Share, kind: str) -> None:
    plan = intention.intend(share.outbox / "a.jpg", b"picture")
    (share.outbox / "b.jpg").write_bytes(b"picture")
    if kind == "link":
        plan.path.symlink_to("b.jpg")
    elif kind == "folder":
        plan.path.mkdir()
    else:
        os.mkfifo(plan.path)
    assert not intention.is_out(plan, share)
    intention.forget_reservation(plan, share)
    assert os.path.lexists(plan.path)


def test_nobody_can_say_while_the_outbox_is_away(share: Share) -> None:
    plan = intention.intend(share.outbox / "a.jpg", b"picture")
    share.outbox.rmdir()
    with pytest.raises(OSError, match="No such file"):
        intention.is_out(plan, share)


def test_the_copy_in_a_claim_comes_back(share: Share, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    assert intention.recall(tmp_path, share) is None
    for text in (b"one", b"another"):
        plan = intention.intend(share.outbox / name, text)
        intention.remember(tmp_path, plan)
        assert intention.recall(tmp_path, share) == plan


@pytest.mark.parametrize("kept", [b"", b"[]", b"{}", b'{"path": 1}', b"\xff\xff"])
def test_a_copy_that_a_disk_has_lost_counts_as_none(
    share: Share, tmp_path: Path, kept: bytes
) -> None:
    (tmp_path / intention.RESULT).write_bytes(kept)
    assert intention.recall(tmp_path, share) is None


@pytest.mark.parametrize("path", ["Inbox/a.jpg", "Outbox/../Inbox/a.jpg", "../a.jpg"])
def test_a_copy_that_leads_out_of_the_outbox_counts_as_none(
    share: Share, tmp_path: Path, path: str
) -> None:
    intention.remember(tmp_path, intention.intend(share.root / path, b"picture"))
    assert intention.recall(tmp_path, share) is None
