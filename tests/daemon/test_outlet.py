"""The outbox is asked before a picture is painted for it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.outlet import Outlet
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from tests.daemon.mounting import drive
from tests.daemon.standins import Clock


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


def test_a_folder_that_takes_files_is_asked_now_and_then_and_stays_clean(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, asked, sync = Clock(), list[int](), os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (asked.append(handle), sync(handle)))
    outlet = Outlet(share, clock)
    assert outlet.due is None
    assert outlet.takes()
    assert outlet.takes()
    assert len(asked) == 1
    clock.now = 10.0
    assert outlet.takes()
    assert len(asked) == 2
    assert list(share.outbox.iterdir()) == []
    assert (outlet.trouble, outlet.due, outlet.is_shut) == ("", None, False)


def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    room = SimpleNamespace(f_blocks=1000, f_bavail=10, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _path: room)


def failing(name: str, number: int) -> Callable[[pytest.MonkeyPatch], None]:
    def refuse(*_args: Any, **_more: Any) -> None:
        raise OSError(number, os.strerror(number))

    return lambda patch: patch.setattr(os, name, refuse)


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        (failing("fsync", errno.ESTALE), errno.ESTALE),
        (failing("fsync", errno.EDQUOT), errno.EDQUOT),
        (failing("fsync", errno.EIO), errno.EIO),
        (failing("write", errno.ENOSPC), errno.ENOSPC),
    ],
)
def test_one_that_refuses_is_told_once_and_asked_again_less_and_less(
    share: Share, monkeypatch: pytest.MonkeyPatch, fault: Any, number: int
) -> None:
    clock = Clock()
    outlet = Outlet(share, clock)
    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            fault(patch)
            pauses = []
            for _ in range(4):
                assert not outlet.is_shut
                assert not outlet.takes()
                assert not outlet.takes()
                assert outlet.due is not None
                pauses.append(outlet.due - clock.now)
                clock.now = outlet.due
                assert outlet.due is None  # whoever cannot ask just now is not to be woken
            assert pauses == [1.0, 2.0, 4.0, 8.0]
            assert outlet.is_shut
            assert os.strerror(number) in outlet.trouble
        assert outlet.takes()
    assert (outlet.trouble, outlet.due, outlet.is_shut) == ("", None, False)
    assert [line["event"] for line in logs] == ["outbox.refuses", "outbox.takes_again"]
    assert list(share.outbox.iterdir()) == []


def test_a_drive_that_is_full_or_closed_to_writers(share: Share) -> None:
    clock = Clock()
    outlet = Outlet(share, clock)
    with drive(share.outbox) as disk:
        assert outlet.takes()
        assert "201 MB" in outlet.lacks(8192)  # larger than the drive
        assert outlet.lacks(512) == ""
        filler = disk.fill()
        clock.now = 200.0
        assert not outlet.takes()
        assert "No space left" in outlet.trouble
        filler.unlink()
        disk.allow_writing(allowed=False)
        clock.now = 300.0
        assert not outlet.takes()
        assert "Read-only" in outlet.trouble
        disk.allow_writing(allowed=True)
        clock.now = 400.0
        assert outlet.takes()


def test_where_nobody_can_say_how_much_room_there_is_it_is_tried(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlet = Outlet(share, Clock())
    failing("statvfs", errno.ESTALE)(monkeypatch)
    assert outlet.lacks(8192) == ""
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_blocks=0))
    assert outlet.lacks(8192) == ""
    no_room(monkeypatch)
    assert "has no room" in outlet.lacks(8192)
