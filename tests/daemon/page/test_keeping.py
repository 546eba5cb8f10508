"""When the page is written, where, and over whose file never."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon import files
from daemon.errors import JournalError, ShareAwayError
from daemon.obstacles import Obstacle
from daemon.page.board import Board, Now, Places
from daemon.page.drawing import draw
from daemon.page.gathering import LOOK_SECONDS
from daemon.page.keeping import MARK, MARKED_WITHIN, NAME, StatusPage
from daemon.runners.base import (
    Cancelled,
    EngineLost,
    Event,
    Failed,
    Glimpse,
    Painted,
    Progressed,
    Resumed,
    Started,
)
from daemon.settings import PageSettings, ShareSettings
from daemon.share import Share, open_share
from tests.daemon.standins import READY, Clock, progress

PLACES = Places("Inbox", "Outbox", "Styles", "Originals", "Failed")
SECONDS = 3.0
PROGRESSED = Progressed("a", progress())


@dataclass
class Gathered:
    """Stands for what there is to show."""

    clock: Clock
    painted: int = 0
    now: tuple[Now, ...] = ()
    gathers: int = 0
    forgets: int = 0
    heard_of: list[Event] = field(default_factory=list)
    error: Exception | None = None

    def heard(self, event: Event) -> None:
        self.heard_of.append(event)

    def news(self) -> object:
        return self.painted

    def board(self) -> Board:
        self.gathers += 1
        if self.error is not None:
            raise self.error
        made = self.clock.now
        return Board(PLACES, made=made, painted_in_all=self.painted, now=self.now)

    def forget(self) -> None:
        self.forgets += 1

    def last(self, board: Board) -> Board:
        return replace(board, made=self.clock.now, running=False)


class Room:
    """A share's root, a page in it, and a service that turns in its loop."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.clock = Clock(1000.0)
        self.gathered = Gathered(self.clock)
        self.drawn: list[Board] = []
        self.takes = 0.0
        self.away: Exception | None = None
        self.path = share.root / NAME
        self.page = self.page_of(PageSettings(seconds=SECONDS))

    def page_of(self, settings: PageSettings) -> StatusPage:
        return StatusPage(
            self.share,
            settings,
            self.gathered,
            self.draw,
            clock=self.clock,
            expect=self.expect,
        )

    def draw(self, board: Board) -> bytes:
        self.drawn.append(board)
        self.clock.now += self.takes
        return b"<!DOCTYPE html>" + MARK + f"{board.painted_in_all} {board.running}".encode()

    def expect(self) -> None:
        if self.away is not None:
            raise self.away

    def pass_time(self, seconds: float, then: Callable[[], None] = lambda: None) -> list[float]:
        """Turn the loop each tenth of a second; when the page was written."""
        began, written = self.clock.now, []
        while self.clock.now < began + seconds - 1e-6:
            before = len(self.drawn)
            then()
            self.page.keep()
            if len(self.drawn) > before:
                written.append(round(self.clock.now - began, 1))
            self.clock.now += 0.1
        return written

    @property
    def shown(self) -> str:
        return self.path.read_text().partition(MARK.decode())[2]


@pytest.fixture
def room(share: Share) -> Room:
    return Room(share)


def test_it_is_there_from_the_start(room: Room) -> None:
    room.page.keep()
    assert room.shown == "0 True"
    assert [path.name for path in room.share.root.iterdir() if path.is_file()] == [NAME]
    (room.share.root / "any").touch()
    assert room.path.stat().st_mode == (room.share.root / "any").stat().st_mode


def test_it_is_not_written_while_nothing_changes(room: Room) -> None:
    assert room.pass_time(600.0) == [0.0]
    assert room.gathered.gathers <= 600.0 / LOOK_SECONDS + 2
    assert room.page.due is None


def test_but_so_often_that_nobody_takes_it_for_that_of_a_service_that_has_died(room: Room) -> None:
    room.gathered.now = (Now("a", "a.jpg", "Waves"),)
    written = room.pass_time(300.0)
    assert 4 <= len(written) <= 6
    room.gathered.now = ()
    room.pass_time(LOOK_SECONDS + 1)
    room.clock.now += 86_400.0
    assert len(room.pass_time(100.0)) == 1


def test_it_is_written_every_few_seconds_while_something_changes(room: Room) -> None:
    room.page.keep()

    def paint() -> None:
        room.gathered.painted += 1
        room.page.heard(PROGRESSED)

    written = room.pass_time(30.0, paint)
    assert written == [pytest.approx(SECONDS * n, abs=0.11 * n) for n in range(1, len(written) + 1)]
    assert len(written) >= 9


def test_news_that_nobody_tells_is_found(room: Room) -> None:
    room.pass_time(1.0)
    room.gathered.painted = 5
    assert room.pass_time(20.0) == [pytest.approx(SECONDS - 1.0, abs=0.11)]
    assert room.shown == "5 True"


@pytest.mark.parametrize(
    "event",
    [
        Started("a"), Painted("a", b"", ".jpg", {}), Failed("a", "content", "torn"), Cancelled("a"),
        READY, EngineLost(-9),
    ],
    ids=lambda event: type(event).__name__,
)  # fmt: skip
def test_what_starts_or_ends_is_shown_at_once(room: Room, event: Event) -> None:
    room.pass_time(0.5)
    room.gathered.painted = 1
    room.page.heard(event)
    assert room.page.due == room.clock.now
    assert room.pass_time(20.0) == [0.0]
    assert room.gathered.heard_of == [event]


@pytest.mark.parametrize(
    "event",
    [PROGRESSED, Resumed("a", 3), Glimpse("a", "painting", b"")],
    ids=lambda event: type(event).__name__,
)
def test_what_is_on_its_way_is_shown_soon(room: Room, event: Event) -> None:
    room.pass_time(0.5)
    room.gathered.painted = 1
    room.page.heard(event)
    assert room.page.due == pytest.approx(room.clock.now + SECONDS - 0.5)
    assert room.pass_time(20.0) == [pytest.approx(SECONDS - 0.5, abs=0.11)]


def test_a_slow_share_does_not_hold_up_the_service(room: Room) -> None:
    room.takes = 2.0

    def begin() -> None:
        room.gathered.painted += 1
        room.page.heard(Started("a"))

    written = room.pass_time(400.0, begin)
    assert len(written) * room.takes <= 0.05 * 400.0 + 2 * room.takes


def test_at_the_end_it_says_so(room: Room) -> None:
    room.page.keep()
    room.page.end()
    assert room.shown == "0 False"


def test_also_when_the_journal_cannot_be_used_any_more(room: Room) -> None:
    room.gathered.painted = 4
    room.page.keep()
    room.gathered.error = JournalError("gone")
    room.page.end()
    assert room.shown == "4 False"


def test_nothing_is_said_at_the_end_of_what_never_began(room: Room) -> None:
    room.gathered.error = JournalError("gone")
    room.page.keep()
    room.page.end()
    assert not room.path.exists()


def test_a_page_that_somebody_removes_is_written_again(room: Room) -> None:
    room.pass_time(1.0)
    room.path.unlink()
    assert room.pass_time(2 * LOOK_SECONDS) == [pytest.approx(LOOK_SECONDS - 1.0, abs=0.11)]
    assert room.path.exists()


# Whose file it is.


def mine(path: Path) -> None:
    path.write_bytes(b"<html>" + b" " * MARKED_WITHIN + MARK)


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(b"my own")
    path.symlink_to("elsewhere")


def other_case(path: Path) -> None:
    path.with_name("STATUS.HTML").write_bytes(b"my own")


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [mine, folder, link, other_case, pipe])
def test_somebody_s_own_file_stays(room: Room, make: Callable[[Path], None]) -> None:
    make(room.path)
    before = sorted((path.name, path.lstat().st_ino) for path in room.share.root.iterdir())
    with capture_logs() as logs:
        room.pass_time(100.0, lambda: room.page.heard(PROGRESSED))
        room.page.end()
    assert sorted((path.name, path.lstat().st_ino) for path in room.share.root.iterdir()) == before
    (said,) = logs
    assert (said["event"], said["log_level"]) == ("page.not_written", "warning")
    assert "Give that file another name" in said["why"]
    assert room.drawn == []


def test_once_that_has_gone_the_page_is_written(room: Room) -> None:
    mine(room.path)
    with capture_logs() as logs:
        room.page.keep()
        room.path.unlink()
        room.pass_time(2 * LOOK_SECONDS)
    assert room.shown == "0 True"
    assert [one["event"] for one in logs] == ["page.not_written", "page.written_again"]


@pytest.mark.parametrize("left", [b"", b"<!DOCTYPE html>" + MARK + b"of an older version"])
def test_what_an_earlier_service_has_left_is_replaced(room: Room, left: bytes) -> None:
    room.path.write_bytes(left)
    room.page.keep()
    assert room.shown == "0 True"


def test_the_page_itself_has_the_mark() -> None:
    long = (Obstacle("x" * 5000),) * 9
    for board in (Board(PLACES, 1.0), Board(PLACES, 1.0, running=False, trouble=long)):
        assert MARK in draw(board)[:MARKED_WITHIN]


@pytest.mark.parametrize("inbox", [".", ".."])
def test_where_the_root_is_a_folder_of_photos_there_is_no_page(tmp_path: Path, inbox: str) -> None:
    root = tmp_path / "above" / "share"
    beside = {name: tmp_path / name for name in ("outbox", "styles", "originals", "failed", "work")}
    share = open_share(ShareSettings(root=root, inbox=(root / inbox).resolve(), **beside))
    root.mkdir(parents=True)
    assert not share.root_is_apart
    room = Room(share)
    room.pass_time(20.0, lambda: room.page.heard(Started("a")))
    room.page.end()
    assert list(root.iterdir()) == []
    assert room.page.due is None


# What a disk says.


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_share_that_takes_no_page_is_told_of_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    with capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr("os.fsync", refuse)
        room.pass_time(100.0, lambda: room.page.heard(PROGRESSED))
    assert [(one["event"], one["why"]) for one in logs] == [
        ("page.not_written", os.strerror(number))
    ]
    assert not any(files.is_temporary(path.name) for path in room.share.root.iterdir())
    with capture_logs() as logs:
        room.pass_time(2 * LOOK_SECONDS)
    assert [one["event"] for one in logs] == ["page.written_again"]
    assert room.shown == "0 True"


def test_nothing_is_written_where_the_folder_is_not_the_right_one(room: Room) -> None:
    room.away = ShareAwayError("It is away.")
    with capture_logs() as logs:
        room.pass_time(30.0, lambda: room.page.heard(PROGRESSED))
        room.page.end()
    assert not room.path.exists()
    assert logs == []  # the service says it
    room.away = None
    room.pass_time(2 * LOOK_SECONDS)
    assert room.shown == "0 True"


def test_while_the_journal_cannot_be_used_the_page_stays_as_it_was(room: Room) -> None:
    room.page.keep()
    room.gathered.error, room.gathered.painted = JournalError("The disk is full."), 3
    with capture_logs() as logs:
        room.pass_time(30.0)
    assert (logs, room.shown) == ([], "0 True")
    room.gathered.error = None
    room.pass_time(2 * LOOK_SECONDS)
    assert room.shown == "3 True"


def test_a_fault_of_the_program_itself_disturbs_nobody(room: Room) -> None:
    room.gathered.error = ZeroDivisionError("a bug")
    with capture_logs() as logs:
        room.pass_time(100.0, lambda: room.page.heard(PROGRESSED))
        room.page.end()
    loud = [one["event"] for one in logs if one["log_level"] != "debug"]
    assert loud == ["program.fault", "page.not_written"]


# Settings.


def test_one_that_is_not_wanted_is_not_written(room: Room) -> None:
    room.page = room.page_of(PageSettings(enabled=False))
    room.pass_time(30.0, lambda: room.page.heard(Started("a")))
    room.page.end()
    assert not room.path.exists()
    assert room.page.due is None


def test_one_that_is_not_wanted_any_more_is_removed(room: Room) -> None:
    room.page.keep()
    room.page.use(PageSettings(enabled=False))
    assert room.gathered.forgets == 0
    room.pass_time(60.0)
    assert not room.path.exists()
    assert room.gathered.forgets == 1
    room.page.use(PageSettings(seconds=SECONDS))
    room.page.keep()
    assert room.shown == "0 True"


def test_but_nobody_else_s_file_is(room: Room) -> None:
    mine(room.path)
    room.page.use(PageSettings(enabled=False))
    with capture_logs() as logs:
        room.pass_time(30.0)
    assert room.path.exists()
    assert logs == []


def test_how_often_it_is_written_can_be_changed(room: Room) -> None:
    room.page.use(PageSettings(seconds=20.0))
    room.page.keep()

    def paint() -> None:
        room.gathered.painted += 1
        room.page.heard(PROGRESSED)

    written = room.pass_time(59.0, paint)
    assert written == [pytest.approx(20.0, abs=0.11), pytest.approx(40.0, abs=0.22)]


def test_without_anybody_who_draws_there_is_none(share: Share) -> None:
    clock = Clock()
    page = StatusPage(share, PageSettings(), Gathered(clock), None, clock=clock)
    page.heard(Started("a"))
    page.keep()
    page.end()
    assert page.due is None
    assert not (share.root / NAME).exists()
