"""``All styles.jpg`` is there while there are styles, true to them, and nobody's file is harmed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from structlog.testing import capture_logs

from daemon import files
from daemon.looking import limits_of
from daemon.settings import ShareSettings, WatchSettings
from daemon.share import Share, make_share, open_share
from daemon.sheet import keeping
from daemon.sheet.keeping import MOST, SHEET, Sheet, key_of
from daemon.sheet.maker import FONTS, Made, Maker, Order
from daemon.styles import find_styles
from tests.daemon.standins import Clock, picture


class Scribe:
    """A maker that is done when the test says so."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.is_busy = self.is_closed = False
        self.missing: tuple[str, ...] = ()
        self.unwritten: tuple[str, ...] = ()
        self.data: bytes | None = None

    def begin(self, order: Order) -> None:
        self.orders.append(order)
        self.is_busy = True

    def take(self) -> Made | None:
        if self.is_busy or not self.orders or not self.orders[-1].key:
            return None
        order, self.orders[-1] = self.orders[-1], replace(self.orders[-1], key="")
        data = drawn(order.key) if self.data is None else self.data
        return Made(order.key, data, self.missing, self.unwritten)

    def close(self) -> None:
        self.is_closed = True


def drawn(key: str) -> bytes:
    return b"\xff\xd8\xff\xfe\0\x60" + key.encode() + b"..."


class Room:
    """A share, and what is looked at in it."""

    def __init__(self, share: Share) -> None:
        self.share, self.clock, self.scribe = share, Clock(), Scribe()
        self.sheet = Sheet(share, self.scribe, self.clock)  # type: ignore[arg-type]
        self.path = share.root / SHEET
        self.torn: set[str] = set()

    def put(self, *names: str, mtime: int = 1) -> None:
        for name in names:
            (self.share.styles / name).write_bytes(b"picture")
            os.utime(self.share.styles / name, (mtime, mtime))

    def look(self, *, done: bool = True) -> int:
        """Look once or, if something is being drawn, until it is there; how often it was."""
        styles = find_styles(self.share.styles).values()
        known = {path: path.name not in self.torn for path in styles}
        self.sheet.update(known)
        if self.scribe.is_busy and done:
            self.scribe.is_busy = False
            self.sheet.update(known)
        return len(self.scribe.orders)


@pytest.fixture
def room(share: Share) -> Room:
    return Room(share)


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


def test_it_is_drawn_once_for_what_is_there(room: Room) -> None:
    room.put("Waves.jpg", "Dots.jpg")
    assert room.look() == 1
    assert key_of(room.path)
    assert [room.look(), room.look()] == [1, 1]
    assert [one.name for one in room.scribe.orders[0].styles] == ["Dots", "Waves"]


def test_it_is_no_style_and_no_photo(room: Room) -> None:
    room.put("Waves.jpg")
    room.look()
    assert list(find_styles(room.share.styles)) == ["Waves"]
    assert list(room.share.inbox.iterdir()) == []
    assert room.path.parent == room.share.root


@pytest.mark.parametrize(
    "change",
    [
        lambda room: room.put("New.jpg"),
        lambda room: room.put("Waves.jpg", mtime=2),
        lambda room: (room.share.styles / "Waves.jpg").unlink(),
        lambda room: (room.share.styles / "Waves.jpg").rename(room.share.styles / "Sea.jpg"),
        lambda room: room.torn.add("Waves.jpg"),
        lambda room: room.path.unlink(),
    ],
)
def test_it_is_drawn_anew_when_it_is_not_true(room: Room, change: Callable[[Room], object]) -> None:
    room.put("Waves.jpg", "Dots.jpg")
    room.look()
    before = key_of(room.path)
    change(room)
    gone = not room.path.exists()
    assert room.look() == 2
    assert (key_of(room.path) == before) == gone


def test_a_restart_draws_nothing(room: Room) -> None:
    room.put("Waves.jpg")
    room.look()
    assert Room(room.share).look() == 0


def test_it_goes_with_the_last_style(room: Room) -> None:
    room.put("Waves.jpg")
    room.look()
    (room.share.styles / "Waves.jpg").unlink()
    room.look()
    assert not room.path.exists()


def test_switched_off_it_goes_and_nobody_draws(room: Room) -> None:
    room.put("Waves.jpg")
    room.look()
    off = Sheet(room.share, None, room.clock)
    off.update({room.share.styles / "Waves.jpg": True})
    assert not room.path.exists()
    room.path.write_bytes(b"mine")
    off.update({room.share.styles / "Waves.jpg": True})
    assert room.path.read_bytes() == b"mine"
    off.close()


def test_while_it_is_drawn_nobody_waits_and_what_is_out_of_date_is_not_shown(room: Room) -> None:
    room.put("Waves.jpg")
    assert room.look(done=False) == room.look(done=False) == 1
    room.put("Dots.jpg")
    assert room.look() == 2  # the first was drawn without the new one
    assert not room.path.exists()
    assert room.look() == 2
    assert key_of(room.path) is not None


@pytest.mark.parametrize("content", [b"mine", b"", b"\xff\xd8 a photo of mine"])
def test_somebody_elses_file_stays_and_is_told_of_once(
    room: Room, logs: list[Any], content: bytes
) -> None:
    room.path.write_bytes(content)
    room.put("Waves.jpg")
    for _ in range(3):
        assert room.look() == 0
    assert room.path.read_bytes() == content
    assert [line["event"] for line in logs] == ["sheet.left_out"]


def test_nor_is_one_replaced_that_came_while_ours_was_drawn(room: Room) -> None:
    room.put("Waves.jpg")
    room.look(done=False)
    room.path.write_bytes(b"mine")
    room.look()
    assert room.path.read_bytes() == b"mine"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("gone")])
def test_what_is_no_file_stays(room: Room, make: Callable[[Path], object]) -> None:
    make(room.path)
    room.put("Waves.jpg")
    assert room.look() == 0
    assert os.path.lexists(room.path)


def test_a_disk_that_refuses_is_told_of_once_and_tried_again(
    room: Room, logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    room.put("Waves.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomically", refuse)
        for _ in range(3):
            room.look()
            room.clock.now += 100
    assert [line["log_level"] for line in logs] == ["warning", "debug", "debug"]
    room.look()
    assert key_of(room.path)
    assert logs[-1]["event"] == "sheet.drawn"


def test_a_style_that_could_not_be_read_after_all_is_tried_again_before_it_is_shown_so(
    room: Room,
) -> None:
    room.put("Waves.jpg")
    room.scribe.missing = ("Waves",)
    for tries in (1, 2):
        assert room.look() == tries
        assert not room.path.exists()
        room.clock.now += 100
    room.look()
    assert key_of(room.path)


def test_what_could_not_be_drawn_waits_longer_and_longer(room: Room) -> None:
    room.put("Waves.jpg")
    room.scribe.data = b""
    for _ in range(100):
        room.look()
        room.clock.now += 1
    assert 5 <= len(room.scribe.orders) <= 8
    assert not room.path.exists()


def test_of_very_many_some_are_drawn_and_the_rest_is_counted(room: Room) -> None:
    room.put(*(f"{n:04}.jpg" for n in range(MOST + 5)))
    room.look()
    order = room.scribe.orders[0]
    assert (len(order.styles), order.more) == (MOST, 5)
    (room.share.styles / f"{MOST + 4:04}.jpg").unlink()
    assert room.look() == 2


def test_it_is_told_how_all_names_can_be_written(room: Room, logs: list[Any]) -> None:
    room.put("星.jpg")
    room.scribe.unwritten = ("星",)
    room.look()
    assert logs[-1]["event"] == "sheet.names_left_out"
    assert "font" in logs[-1]["why"]


def test_a_root_that_is_the_inbox_gets_none(tmp_path: Path) -> None:
    inbox = tmp_path / "share"
    elsewhere = {name: tmp_path / name for name in ("outbox", "styles", "originals", "failed")}
    share = open_share(ShareSettings(root=inbox, inbox=Path(), work=tmp_path / "work", **elsewhere))
    make_share(share)
    room = Room(share)
    room.put("Waves.jpg")
    assert room.look() == 0


@given(st.binary(max_size=300))
def test_whatever_stands_in_a_file_it_can_be_looked_at(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    assert (key_of(path) is not None) == (keeping._MARK.encode() in data)


def test_the_real_one_draws_a_real_picture(share: Share) -> None:
    """With a real child, and names that no encoding knows."""
    for name in ("Waves.jpg", "星月夜.png", os.fsdecode(b"b\xff.jpg")):
        (share.styles / name).write_bytes(picture())
    maker = Maker(limits_of(WatchSettings(), share.styles), FONTS)
    room = Room(share)
    room.sheet = Sheet(share, maker, room.clock)
    try:
        room.look()
        assert maker._thread is not None
        maker._thread.join(120)
        room.look()
    finally:
        room.sheet.close()
    assert key_of(room.path)
    with Image.open(room.path) as image:
        image.load()
        assert min(image.size) > 100
