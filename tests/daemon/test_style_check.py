"""Each version of each style is inspected once, and a bad one told of once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.inspector import Inspected
from daemon.style_check import StyleCheck
from daemon.styles import find_styles

SETTLE = 5.0


class Room:
    """A styles folder, and an inspector that answers when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 0.0
        self.asked: list[tuple[str, str]] = []
        self.check = StyleCheck(self, SETTLE, lambda: self.now)

    def submit(self, key: str, content: Path, *styles: Path, beside: object = None) -> None:
        assert not styles
        assert not beside
        self.asked.append((key, content.name))

    def put(self, name: str, content: bytes = b"picture", mtime: int = 1) -> None:
        (self.folder / name).write_bytes(content)
        os.utime(self.folder / name, (mtime, mtime))

    def look(self, now: float) -> list[str]:
        """Look, and give what was asked about since the start."""
        self.now = now
        self.check.look(find_styles(self.folder).values())
        return [name for _, name in self.asked]

    def answer(self, why: str = "") -> bool:
        blame = "content" if why else ""
        return self.check.answer(Inspected(self.asked[-1][0], not why, why, blame))


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def logs() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as logs:
        yield logs  # type: ignore[misc]


def test_a_bad_style_is_told_of_once_a_version(room: Room, logs: list[dict[str, object]]) -> None:
    room.put("a.jpg")
    room.look(0)
    assert room.look(5) == ["a.jpg"]
    assert room.answer("It is empty.")
    assert room.look(10) == room.look(100) == ["a.jpg"]
    assert logs == [
        {
            "event": "style.unreadable",
            "log_level": "warning",
            "style": str(room.folder / "a.jpg"),
            "why": "It is empty.",
        }
    ]
    room.put("a.jpg", mtime=2)
    room.look(101)
    assert room.look(106) == ["a.jpg", "a.jpg"]
    assert room.answer("It is torn.")
    assert [line["why"] for line in logs] == ["It is empty.", "It is torn."]


def test_an_answer_of_the_time_when_the_share_was_away_counts_for_nothing(
    room: Room, logs: list[dict[str, object]]
) -> None:
    room.put("a.jpg")
    room.look(0)
    room.look(5)
    room.check.drop()
    assert not room.answer("It cannot be opened.")
    assert room.look(6) == ["a.jpg", "a.jpg"]
    first, second = (key for key, _ in room.asked)
    assert first != second
    assert not room.check.answer(Inspected(first, ok=False, message="No.", blame="content"))
    assert room.answer()
    assert room.look(7) == ["a.jpg", "a.jpg"]
    assert logs == []


def test_a_style_that_somebody_opens_to_us_is_looked_at_again(room: Room) -> None:
    """That changes neither its size nor its time."""
    room.put("a.jpg")
    style = room.folder / "a.jpg"
    style.chmod(0)
    room.look(0)
    assert room.look(5) == ["a.jpg"]
    assert room.answer("The file cannot be read.")
    before = style.stat().st_ctime_ns
    while (
        style.stat().st_ctime_ns == before
    ):  # the kernel's clock may tick only every few milliseconds
        style.chmod(0o644)
    assert room.look(6) == ["a.jpg"]
    assert room.look(11) == ["a.jpg", "a.jpg"]


def test_what_is_still_being_copied_is_let_alone(room: Room) -> None:
    room.put("a.jpg")
    assert room.look(0) == []
    room.put("a.jpg", b"picture and more")
    assert room.look(4) == room.look(8) == []
    assert room.look(9) == ["a.jpg"]


def test_one_is_asked_about_at_a_time_and_the_next_at_the_answer(
    room: Room, logs: list[dict[str, object]]
) -> None:
    for name in ("a.jpg", "b.jpg", "notes.txt"):
        room.put(name)
    room.look(0)
    assert room.look(5) == room.look(6) == ["a.jpg"]
    assert room.answer()
    assert room.look(7) == ["a.jpg", "b.jpg"]
    assert room.answer()
    assert room.look(99) == ["a.jpg", "b.jpg"]
    assert logs == []


def test_answers_to_others_are_left_to_them(room: Room) -> None:
    other = Inspected("7", ok=True, message="", blame="")
    assert not room.check.answer(other)
    room.put("a.jpg")
    room.look(0)
    room.look(5)
    assert not room.check.answer(other)
    assert room.answer()
    assert not room.answer()


def test_one_that_has_just_gone_is_others_to_tell_of(room: Room) -> None:
    room.check.look([room.folder / "gone.jpg"])
    assert room.look(10) == []


def test_what_is_wrong_is_known_until_the_picture_is_another_one(room: Room) -> None:
    room.put("a.jpg")
    room.put("b.jpg")
    a, b = room.folder / "a.jpg", room.folder / "b.jpg"
    room.look(0)
    assert room.check.undecided == {a, b}
    room.look(5)
    room.answer("It is torn.")
    assert (room.check.faults, room.check.undecided) == ({a: "It is torn."}, {b})
    room.answer()
    assert (room.check.faults, room.check.undecided) == ({a: "It is torn."}, set())
    room.put("a.jpg", mtime=2)
    room.look(6)
    assert (room.check.faults, room.check.undecided) == ({}, {a})
    a.unlink()
    b.unlink()
    room.look(7)
    assert (room.check.faults, room.check.undecided) == ({}, set())


def test_one_that_could_not_be_read_is_tried_again_now_and_then(
    room: Room, logs: list[dict[str, object]]
) -> None:
    """It may have been the disk, or the memory."""
    room.put("a.jpg")
    room.look(0)
    room.look(5)
    room.answer("It needs more memory than there is.")
    assert room.look(604) == ["a.jpg"]
    assert room.look(605) == ["a.jpg", "a.jpg"]
    room.answer("It needs more memory than there is.")
    assert len(logs) == 1
    assert len(room.look(1804)) == 2
    assert len(room.look(1805)) == 3
    assert room.check.faults
    room.answer()
    assert not room.check.faults
    assert len(room.look(9999)) == 3


def test_the_pause_of_one_that_stays_bad_doubles_up_to_a_day(room: Room) -> None:
    """It may take the processor for as long as it is granted, each time."""
    room.put("a.jpg")
    room.look(0)
    room.look(5)
    now = 5.0
    for pause in (600, 1200, 2400, 4800, 9600, 19_200, 38_400, 76_800, 86_400, 86_400):
        room.answer("It takes too long.")
        asked = len(room.asked)
        assert len(room.look(now + pause - 1)) == asked
        now += pause
        assert len(room.look(now)) == asked + 1
    room.put("a.jpg", mtime=2)
    room.look(now)
    room.answer("It takes too long.")
    room.look(now + 5)
    room.answer("It takes too long.")
    asked = len(room.asked)
    assert len(room.look(now + 604)) == asked  # another version begins anew
    assert len(room.look(now + 605)) == asked + 1
