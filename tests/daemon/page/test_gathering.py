"""What the page is told is true to the journal and the folders, and costs little."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from urllib.parse import unquote_to_bytes

import pytest

from daemon.glimpses import Glimpses
from daemon.inbox_note import Asked, Few
from daemon.jobs import Job, JobState, NewJob
from daemon.journal import Journal
from daemon.obstacles import Aside, Obstacle
from daemon.page.board import (
    MOST_ASKED,
    MOST_FAILURES,
    MOST_RESULTS,
    MOST_WAITING,
    Asking,
    BadStyle,
    Board,
    Places,
    Point,
)
from daemon.page.gathering import KEPT, LOOK_SECONDS, Asks, Gathering, link_to, places_of
from daemon.page.whereabouts import Whereabouts
from daemon.runners.base import Glimpse, Progressed, Started
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from engine import Progress
from tests.daemon.standins import Clock, picture

REPORT = {"width": 512, "height": 384, "seconds": 83.1}
NO_UTF_8 = os.fsdecode(b"caf\xe9 #1.jpg")


@dataclass
class Room:
    """A share with a journal, in which jobs come to their ends."""

    share: Share
    journal: Journal
    state: Path
    clock: Clock = field(default_factory=Clock)
    styles: tuple[str, ...] = ("Dots", "Waves")
    trouble: tuple[Obstacle, ...] = ()
    loading: bool = False
    asked: Asked = field(default_factory=Asked)
    bad_styles: dict[Path, str] = field(default_factory=dict)
    aside: tuple[Aside, ...] = ()

    def __post_init__(self) -> None:
        """Gather."""
        self.glimpses = Glimpses(self.state / "glimpses")
        asks = Asks(
            lambda: self.styles,
            lambda: self.trouble,
            lambda: self.loading,
            lambda: self.asked,
            lambda: self.bad_styles,
            lambda: self.aside,
        )
        self.gathering = Gathering(
            self.share, self.journal, self.glimpses, asks, now=lambda: 77.0, clock=self.clock
        )

    def board(self) -> Board:
        return self.gathering.board()

    def add(self, job_id: str, photo: str = "Waves/a.jpg") -> Job:
        relative = PurePath(photo)
        claim = self.share.work / "jobs" / job_id
        is_folder = relative.name.startswith("content")
        return self.journal.add(
            NewJob(
                id=job_id,
                lane=relative.parts[0],
                style_name=relative.parts[0],
                relative=relative,
                content=(claim / relative.parent.name if is_folder else claim) / relative.name,
                style=self.share.styles / "Waves.jpg",
                overrides=None,
                recipe="{}",
            )
        )

    def paint(self, job_id: str, photo: str = "Waves/a.jpg") -> tuple[Path, Path]:
        """Have a photo painted; where the result is, and where the photo."""
        job = self.add(job_id, photo)
        self.journal.start(job_id)
        self.gathering.heard(Glimpse(job_id, "photo", picture((1, 1, 1))))
        self.gathering.heard(Glimpse(job_id, "painting", picture((2, 2, 2))))
        result, original = self.share.outbox / job.relative, self.share.originals / job.relative
        for path in (result, original):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"picture")
        kept = original if job.is_loose else original.parent
        self.journal.published(job_id, result, REPORT)
        self.journal.finish(job_id, kept)
        return result, original

    def fail(self, job_id: str, photo: str = "Waves/a.jpg", *, noted: bool = True) -> Path:
        job = self.add(job_id, photo)
        where = self.share.failed / job.relative
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(b"torn")
        kept = where if job.is_loose else where.parent
        self.journal.fail(job_id, "It is torn.", kept if noted else None)
        return where

    def wait(self) -> None:
        self.clock.now += LOOK_SECONDS

    def small_pictures(self) -> set[str]:
        return {path.name.partition(".")[0] for path in (self.state / "glimpses").iterdir()}


@pytest.fixture
def moments() -> Callable[[], float]:
    times = iter(range(1, 1_000_000))
    return lambda: float(next(times))


@pytest.fixture
def room(tmp_path: Path, moments: Callable[[], float]) -> Iterator[Room]:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "state" / "journal.sqlite", moments)) as journal:
        yield Room(share, journal, tmp_path / "state")


def test_a_share_in_which_nothing_has_happened(room: Room) -> None:
    places = Places("Inbox", "Outbox", "Styles", "Originals", "Failed")
    nothing = Board(places, 77.0, styles=("Dots", "Waves"), whereabouts=Whereabouts.of(room.share))
    assert room.board() == nothing


def test_what_the_service_says_of_itself(room: Room) -> None:
    room.trouble, room.loading, room.styles = (Obstacle("The disk is full"),), True, ()
    room.aside = (Aside("anna", "It died"),)
    board = room.board()
    assert (board.trouble, board.loading, board.styles) == (room.trouble, True, ())
    assert (board.aside, room.gathering.last(board).aside) == (room.aside, ())


def test_the_board_knows_how_the_servers_paths_are_seen(room: Room) -> None:
    assert room.board().whereabouts.seen(f"{room.share.outbox}/Waves") == "Outbox/Waves"
    assert room.board().whereabouts.seen("/var/lib/x") is None


# What waits for people.


def test_photos_that_wait_for_people_are_told_as_long_as_they_do(room: Room) -> None:
    photos = tuple(PurePath(f"Holiday/{number}.jpg") for number in range(20))
    half, shut = PurePath("Party/content.jpg"), PurePath("mine")
    room.asked = Asked(Few(photos, 200), Few((half,), 1), Few((shut,), 1))
    board = room.board()
    named = tuple(f"Holiday/{number}.jpg" for number in range(MOST_ASKED))
    assert board.homeless == Asking(named, 200)
    assert board.halves == Asking(("Party/content.jpg",), 1)
    assert board.closed == Asking(("mine",), 1)
    assert board.asks
    room.asked = Asked()
    assert not room.board().asks


def test_styles_that_cannot_be_used_are_told_as_long_as_they_cannot(room: Room) -> None:
    many = [room.share.styles / f"Style {number}.jpg" for number in range(MOST_ASKED + 2)]
    room.bad_styles = dict.fromkeys(reversed(many), "It is torn.")
    board = room.board()
    assert board.bad_styles == tuple(
        BadStyle(f"Style {number}.jpg", "It is torn.") for number in range(MOST_ASKED)
    )
    assert (board.bad_styles_in_all, board.asks) == (MOST_ASKED + 2, True)
    room.bad_styles = {}
    assert not room.board().asks


def test_after_the_end_nothing_is_painted(room: Room) -> None:
    room.add("a")
    room.journal.start("a")
    before = room.board()
    last = room.gathering.last(before)
    assert (before.running, last.running, last.now) == (True, False, ())
    assert last.made == 77.0


# What is being painted.


def test_a_photo_that_is_just_begun(room: Room) -> None:
    room.add("a", "Waves/Holiday/sea.jpg")
    room.journal.start("a")
    (now,) = room.board().now
    assert (now.job, now.name, now.style, now.attempt) == ("a", "sea.jpg", "Waves", 1)
    assert (now.step, now.total, now.scale, now.points, now.preview) == (0, 0, 0, (), None)


def test_a_photo_on_its_way(room: Room) -> None:
    room.add("a")
    room.journal.start("a")
    room.gathering.heard(Started("a"))
    small, early = picture((1, 1, 1)), picture((2, 2, 2))
    room.gathering.heard(Glimpse("a", "photo", small))
    for number, scale in ((1, 1), (2, 1), (3, 2)):
        progress = Progress(number, 9, scale, 2, 80, 60, 10.0 / number, 4.5)
        room.gathering.heard(Progressed("a", progress))
    room.gathering.heard(Glimpse("a", "painting", early))
    (now,) = room.board().now
    assert (now.step, now.total, now.scale, now.scales) == (3, 9, 2, 2)
    assert (now.width, now.height, now.seconds_left) == (80, 60, 4.5)
    assert (now.photo, now.preview) == (small, early)
    assert now.points == (Point(1, 10.0, 1), Point(2, 5.0, 1), Point(3, 10.0 / 3, 2))


def test_who_paints_one_where_there_are_several(room: Room) -> None:
    for job, engine in (("a", "anna"), ("b", "")):
        room.add(job)
        room.journal.start(job)
        room.gathering.heard(Started(job, engine))
    assert [now.painter for now in room.board().now] == ["anna", ""]
    room.gathering.heard(Started("a", "bert"))  # again
    assert room.board().now[0].painter == "bert"


def test_what_only_the_journal_knows_of_one(room: Room) -> None:
    room.add("a")
    room.journal.start("a")
    room.journal.progress("a", 5, 9, 3.5)
    (now,) = room.board().now
    assert (now.step, now.total, now.seconds_left, now.scales) == (5, 9, 3.5, 0)


def test_a_folder_that_is_one_job_is_called_as_who_made_it_called_it(room: Room) -> None:
    room.add("a", "Party/content.jpg")
    room.add("b", "Party/content.jpg")
    room.journal.start("a")
    board = room.board()
    assert [one.name for one in (*board.now, *board.waiting)] == ["Party", "Party"]


# Who waits.


def test_folders_take_turns(room: Room) -> None:
    for name in ("Waves/1.jpg", "Waves/2.jpg", "Dots/3.jpg", "Waves/4.jpg"):
        room.add(name[-5], name)
    board = room.board()
    assert [(one.place, one.name, one.style) for one in board.waiting] == [
        (1, "1.jpg", "Waves"), (2, "3.jpg", "Dots"), (3, "2.jpg", "Waves"), (4, "4.jpg", "Waves"),
    ]  # fmt: skip
    assert board.waiting_in_all == 4
    assert [one.since for one in board.waiting] == [1.0, 3.0, 2.0, 4.0]


def test_of_many_only_the_first_are_told(room: Room) -> None:
    for number in range(MOST_WAITING + 5):
        room.add(f"{number}", f"Waves/{number}.jpg")
    board = room.board()
    assert len(board.waiting) == MOST_WAITING
    assert board.waiting_in_all == MOST_WAITING + 5


# What was painted.


def test_a_result_leads_to_its_files(room: Room) -> None:
    room.paint("a", "Waves/Ünter #2%.jpg")
    board = room.board()
    (result,) = board.results
    assert (result.job, result.name, result.style) == ("a", "Ünter #2%.jpg", "Waves")
    assert result.link == "Outbox/Waves/%C3%9Cnter%20%232%25.jpg"
    assert result.original == "Originals/Waves/%C3%9Cnter%20%232%25.jpg"
    assert (result.width, result.height, result.seconds, result.finished) == (512, 384, 83.1, 3.0)
    assert (result.before, result.after) == (picture((1, 1, 1)), picture((2, 2, 2)))
    assert board.painted_in_all == 1


def test_a_name_that_is_no_utf_8_leads_there_too(room: Room) -> None:
    room.paint("a", f"Waves/{NO_UTF_8}")
    (result,) = room.board().results
    assert result.name == NO_UTF_8
    assert result.link == "Outbox/Waves/caf%E9%20%231.jpg"
    path = room.share.root / os.fsdecode(unquote_to_bytes(result.link))
    assert path.read_bytes() == b"picture"


@pytest.mark.parametrize("name", ["picture.html", "picture.svg", "picture"])
def test_a_photo_that_is_not_called_one_is_not_opened_from_here(room: Room, name: str) -> None:
    _, original = room.paint("a", f"Waves/{name}")
    assert original.name == name
    (result,) = room.board().results
    assert result.original is None
    assert result.before is not None


def test_a_folder_job_s_photo_lies_in_its_folder(room: Room) -> None:
    room.paint("a", "Party/content.jpg")
    (result,) = room.board().results
    assert result.original == "Originals/Party/content.jpg"


def test_what_has_gone_has_no_link(room: Room) -> None:
    result, original = room.paint("a")
    room.board()
    result.unlink()
    shutil.rmtree(original.parent)
    room.wait()
    (told,) = room.board().results
    assert (told.link, told.original, told.before, told.after) == (None, None, None, None)
    assert room.small_pictures() == set()


def test_each_small_picture_is_shown_while_the_large_one_is_there(room: Room) -> None:
    _, original = room.paint("a")
    result, _ = room.paint("b", "Waves/b.jpg")
    original.unlink()
    result.unlink()
    of_b, of_a = room.board().results
    assert (of_a.before, of_a.after) == (None, picture((2, 2, 2)))
    assert (of_b.before, of_b.after) == (picture((1, 1, 1)), None)
    left = {path.name for path in (room.state / "glimpses").iterdir()}
    assert left == {"a.painting.jpg", "b.photo.jpg"}


def test_also_those_that_are_kept_without_being_shown_are_let_go(room: Room) -> None:
    result, original = room.paint("a")
    for number in range(MOST_RESULTS):
        room.paint(f"{number}", f"Waves/{number}.jpg")
    result.unlink()
    original.unlink()
    room.board()
    assert room.small_pictures() == {f"{number}" for number in range(MOST_RESULTS)}


def test_while_a_folder_is_away_its_small_pictures_are_kept(room: Room) -> None:
    room.paint("a")
    away = room.share.outbox.rename(room.share.root / "away")
    (result,) = room.board().results
    assert result.after is None
    away.rename(room.share.outbox)
    room.wait()
    (result,) = room.board().results
    assert result.after == picture((2, 2, 2))


def test_without_a_page_none_are_kept(room: Room) -> None:
    room.paint("a")
    room.board()
    room.gathering.forget()
    assert room.small_pictures() == set()


def test_nor_has_what_lies_elsewhere(tmp_path: Path, moments: Callable[[], float]) -> None:
    elsewhere = ShareSettings(root=tmp_path / "share", outbox=tmp_path / "drive" / "Out")
    share = open_share(elsewhere)
    make_share(share)
    with closing(Journal(tmp_path / "state" / "j.sqlite", moments)) as journal:
        room = Room(share, journal, tmp_path / "state")
        room.paint("a")
        board = room.board()
    assert board.places.outbox == str(tmp_path / "drive" / "Out")
    (result,) = board.results
    assert (result.link, result.original) == (None, "Originals/Waves/a.jpg")
    assert (result.before, result.after) == (picture((1, 1, 1)), picture((2, 2, 2)))


def test_a_link_is_never_taken_for_a_protocol(tmp_path: Path) -> None:
    (tmp_path / "javascript:alert(1)").touch()
    link = link_to(tmp_path / "javascript:alert(1)", tmp_path)
    assert link is not None
    assert ":" not in link


def test_results_of_an_older_version_have_no_original(room: Room) -> None:
    room.add("a")
    room.journal.start("a")
    room.journal.published("a", room.share.outbox / "a.jpg", {})
    room.journal.finish("a")
    (result,) = room.board().results
    assert (result.original, result.width, result.seconds) == (None, 0, 0.0)


def test_the_last_results_are_told_and_some_more_small_pictures_kept(room: Room) -> None:
    for number in range(KEPT + 6):
        room.paint(f"{number}", f"Waves/{number}.jpg")
    room.add("now")
    room.journal.start("now")
    room.gathering.heard(Glimpse("now", "photo", picture()))
    board = room.board()
    last = [f"{number}" for number in range(KEPT + 5, KEPT + 5 - MOST_RESULTS, -1)]
    assert [one.job for one in board.results] == last
    assert board.painted_in_all == KEPT + 6
    assert room.small_pictures() == {"now", *(f"{n}" for n in range(6, KEPT + 6))}


def test_small_pictures_of_jobs_that_the_journal_forgot_are_let_go(room: Room) -> None:
    room.paint("a")
    room.board()
    assert room.small_pictures() == {"a"}
    room.journal.prune(0, -1e9, 10)
    room.board()
    assert room.small_pictures() == set()


# What failed.


def test_a_failure_says_why_and_leads_to_its_photo(room: Room) -> None:
    room.fail("a", "Waves/Holiday/a b.jpg")
    board = room.board()
    (failure,) = board.failures
    assert (failure.job, failure.name, failure.style) == ("a", "a b.jpg", "Waves")
    assert failure.reason == "It is torn."
    assert failure.link == "Failed/Waves/Holiday/a%20b.jpg"
    assert board.failed_in_all == 1


@pytest.mark.parametrize("noted", [True, False])
def test_one_that_somebody_put_right_is_told_no_more(room: Room, *, noted: bool) -> None:
    photo = room.fail("a", "Waves/a.jpg", noted=noted)
    room.fail("b", "Waves/b.jpg", noted=noted)
    assert [one.job for one in room.board().failures] == ["b", "a"]
    photo.unlink()
    room.wait()
    board = room.board()
    assert [one.job for one in board.failures] == ["b"]
    assert board.failed_in_all == 2


def test_a_folder_job_that_failed_leads_to_its_folder(room: Room) -> None:
    room.fail("a", "Party/content.jpg")
    (failure,) = room.board().failures
    assert (failure.name, failure.link, failure.kind) == ("Party", "Failed/Party", "folder")
    assert failure.back_to == "Inbox"


def test_of_many_failures_the_last_are_told(room: Room) -> None:
    for number in range(MOST_FAILURES + 3):
        room.fail(f"{number}", f"Waves/{number}.jpg")
    failures = room.board().failures
    assert [one.job for one in failures][:2] == [f"{MOST_FAILURES + 2}", f"{MOST_FAILURES + 1}"]
    assert len(failures) == MOST_FAILURES


# How often the share is asked, and what that costs.


def test_the_share_is_asked_again_when_a_job_has_ended(room: Room) -> None:
    first, _ = room.paint("a")
    room.board()
    first.unlink()
    room.paint("b", "Waves/b.jpg")
    assert [one.link for one in room.board().results] == ["Outbox/Waves/b.jpg", None]


def test_and_not_at_each_step(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.paint("a")
    room.fail("b")
    room.add("c")
    room.journal.start("c")
    before = room.board()

    def asked(*_what: object) -> bool:
        raise AssertionError("the share was asked")

    with monkeypatch.context() as patch:
        patch.setattr("daemon.page.gathering.is_there", asked)
        patch.setattr("daemon.page.gathering.is_gone", asked)
        patch.setattr("daemon.failures.is_there", asked)
        room.gathering.heard(Progressed("c", Progress(1, 9, 1, 1, 80, 60, 1.0, 1.0)))
        after = room.board()
    assert (after.results, after.failures) == (before.results, before.failures)
    assert after.now[0].step == 1


def test_news_is_told_without_gathering(room: Room) -> None:
    same = room.gathering.news()
    assert room.gathering.news() == same
    for change in (
        lambda: room.add("a"),
        lambda: setattr(room, "trouble", (Obstacle("The disk is full"),)),
        lambda: setattr(room, "aside", (Aside("anna", "It died"),)),
        lambda: setattr(room, "loading", True),
        lambda: setattr(room, "styles", ("Dots",)),
        lambda: setattr(room, "asked", Asked(Few((PurePath("a.jpg"),), 1))),
        lambda: setattr(room, "bad_styles", {room.share.styles / "Dots.jpg": "It is torn."}),
    ):
        before = room.gathering.news()
        change()
        assert room.gathering.news() != before


def test_a_long_queue_and_a_long_past_cost_next_to_nothing(room: Room) -> None:
    fill(room, 10_000)
    room.paint("last", "Waves/last.jpg")
    began = time.process_time()
    board = room.board()
    spent = time.process_time() - began
    assert (board.waiting_in_all, len(board.waiting)) == (5_000, MOST_WAITING)
    assert board.painted_in_all == 5_001
    assert spent < 1.0  # of a busy machine; else some milliseconds


def fill(room: Room, jobs: int) -> None:
    with closing(sqlite3.connect(room.state / "journal.sqlite")) as database, database:
        for state in ("queued", "done"):
            lanes = [f"lane {number % 100}".encode() for number in range(jobs // 2)]
            database.executemany(
                "INSERT INTO jobs (id, state, lane, style_name, relative, content, style, recipe, "
                "queued_at, finished_at) VALUES (?, ?, ?, 'Waves', 'Waves/a.jpg', '/w/1/a.jpg', "
                "'/s.jpg', '{}', 1, 1)",
                [(f"{state} {number}", state, lane) for number, lane in enumerate(lanes)],
            )


def test_each_question_is_answered_by_an_index(room: Room) -> None:
    """Whatever the journal is asked for a board, no table is walked through, nor sorted whole."""
    asked: list[str] = []
    room.journal._database.set_trace_callback(asked.append)
    room.add("a")
    asked.clear()
    room.board()
    room.journal._database.set_trace_callback(None)
    assert len(asked) >= 5
    plans = [
        (question, str(step[3]))
        for question in asked
        for step in room.journal._database.execute(f"EXPLAIN QUERY PLAN {question}")
    ]
    for question, step in plans:
        assert "USING" in step or step.startswith(("USE TEMP B-TREE", "CORRELATED")), (
            question,
            step,
        )


def test_places_are_named_as_people_see_them(tmp_path: Path) -> None:
    settings = ShareSettings(root=tmp_path / "share", failed=tmp_path / "else", inbox="In/here")
    places = places_of(open_share(settings))
    assert (places.inbox, places.failed) == ("In/here", str(tmp_path / "else"))


def test_what_waits_to_be_published_is_painted_still(room: Room) -> None:
    room.add("a")
    room.journal.start("a")
    assert [one.job for one in room.board().now] == ["a"]
    assert room.journal.get("a").state is JobState.RUNNING
