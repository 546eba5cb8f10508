"""Whose turn it is, what is said about it, and what happens when files or engine are away."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import loading, publishing
from daemon.dispatch import Dispatcher
from daemon.endings import Endings
from daemon.errors import JournalError, PublishError
from daemon.jobs import JobState, NewJob
from daemon.journal import Journal
from daemon.looks import Part
from daemon.runners.base import (
    EngineLost,
    EngineUnavailable,
    Event,
    Failed,
    Glimpse,
    GlimpseTrouble,
    NotesTrouble,
    NotRefined,
    Progressed,
    Started,
)
from daemon.runners.request import PaintRequest
from daemon.settings import EngineSettings, PageSettings, Settings, ShareSettings, WatchSettings
from daemon.share import Share, make_share, open_share
from engine import PRESETS, Progress
from tests.daemon.standins import READY, StandInRunner, paint, picture


@dataclass
class Room:
    share: Share
    journal: Journal
    settings: Settings
    now: float = 0.0
    letters: list[Event] | None = None

    def __post_init__(self) -> None:
        """Put the room together; again after a change of the settings."""
        self.letters = []
        self.runner = StandInRunner(self.letters.append)
        clock = lambda: self.now  # noqa: E731 - it reads what the test sets
        self.endings = Endings(self.share, self.journal, clock)
        self.dispatcher = Dispatcher(
            self.share, self.settings, self.journal, self.endings, self.runner, clock=clock
        )

    def add(
        self, job_id: str, lane: str = "Waves", style: str = "Waves.jpg", size: int = 0
    ) -> Path:
        folder = self.share.work / "jobs" / job_id
        folder.mkdir(parents=True)
        where = (folder if ".style." in style else self.share.styles) / style
        where.write_bytes(picture())
        photo = folder / f"{job_id}.jpg"
        photo.write_bytes(picture())
        usual = PRESETS["draft"]
        recipe = usual.model_copy(update={"size": size or usual.size}).model_dump_json()
        relative = PurePath(lane) / photo.name
        self.journal.add(NewJob(job_id, lane, lane, relative, photo, where, None, recipe))
        return photo

    def read(self) -> None:
        """Handle all that the runner has said."""
        assert self.letters is not None
        while self.letters:
            self.dispatcher.handle(self.letters.pop(0))

    def states(self) -> dict[str, str]:
        return {job.id: state.value for state in JobState for job in self.journal.having(state)}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as journal:
        yield Room(share, journal, Settings(engine=EngineSettings(max_attempts=2)))


def begin(room: Room) -> None:
    room.dispatcher.start()
    room.read()
    room.dispatcher.fill()


def test_nothing_is_handed_over_before_the_engine_is_ready(room: Room) -> None:
    room.add("a")
    room.dispatcher.fill()
    assert room.states() == {"a": "queued"}
    begin(room)
    assert room.states() == {"a": "running"}


def test_never_more_than_the_runner_takes(room: Room) -> None:
    room.runner.answer = lambda _request: []
    for job_id in "abc":
        room.add(job_id)
    begin(room)
    assert [request.job_id for request in room.runner.requests] == ["a"]
    room.runner.capacity = 2
    room.dispatcher.fill()
    assert [request.job_id for request in room.runner.requests] == ["a", "b"]


def test_the_request_holds_the_files_and_the_settings(room: Room) -> None:
    room.settings = Settings(watch=WatchSettings(max_megapixels=7))
    room.__post_init__()
    photo = room.add("a")
    begin(room)
    (request,) = room.runner.requests
    assert (request.content, request.styles[0].data) == (photo.read_bytes(), picture())
    assert request.recipe == PRESETS["draft"]
    assert request.max_pixels == 7_000_000
    assert (request.format, request.quality) == ("auto", 95)
    assert request.glimpses


def test_small_pictures_are_asked_for_only_where_there_is_a_page(room: Room) -> None:
    room.settings = Settings(page=PageSettings(enabled=False))
    room.__post_init__()
    room.add("a")
    begin(room)
    assert not room.runner.requests[0].glimpses


def test_small_pictures_change_nothing_and_trouble_with_them_is_told(room: Room) -> None:
    room.runner.answer = lambda _request: []
    room.add("a")
    begin(room)
    with capture_logs() as logs:
        room.dispatcher.handle(Glimpse("a", "photo", picture()))
        room.dispatcher.handle(GlimpseTrouble("a", "It cannot be shown."))
    assert [(one["event"], one["job"], one["why"]) for one in logs] == [
        ("job.not_shown", "a", "It cannot be shown.")
    ]
    assert room.states() == {"a": "running"}


def test_a_painting_that_is_not_refined_is_told(room: Room) -> None:
    room.runner.answer = lambda _request: []
    room.add("a")
    begin(room)
    with capture_logs() as logs:
        room.dispatcher.handle(NotRefined("a", "Too large."))
    (told,) = logs
    assert (told["event"], told["log_level"], told["why"]) == (
        "job.not_refined", "warning", "Too large.",
    )  # fmt: skip
    assert room.states() == {"a": "running"}


def test_what_is_missing_from_a_result_is_told(room: Room) -> None:
    room.runner.answer = lambda _request: []
    room.add("a")
    begin(room)
    with capture_logs() as logs:
        room.dispatcher.handle(NotesTrouble("a", "Notes are missing.", "Traceback"))
    (told,) = logs
    assert (told["event"], told["log_level"]) == ("job.without_notes", "warning")
    assert (told["why"], told["detail"]) == ("Notes are missing.", "Traceback")
    assert room.states() == {"a": "running"}


@pytest.mark.parametrize(
    ("seconds_a_step", "total", "told"),
    [
        (0.001, 100, 21),  # quick steps: one line for each twentieth, and the first
        (0.1, 1000, 101),  # slow ones: one a second, and the first and the last
        (5.0, 10, 10),  # all of them
    ],
)
def test_progress_is_said_as_often_as_somebody_can_read(
    room: Room, seconds_a_step: float, total: int, told: int
) -> None:
    room.runner.answer = lambda _request: []
    room.add("a")
    begin(room)
    with capture_logs() as logs:
        for step in range(1, total + 1):
            room.now += seconds_a_step
            progress = Progress(step, total, 1, 1, 8, 8, 1.0, 2.0)
            room.dispatcher.handle(Progressed("a", progress))
    assert told * 0.9 <= len(logs) <= told  # rounding makes a step late now and then
    assert [logs[0]["iteration"], logs[-1]["iteration"]] == [1, total]
    job = room.journal.get("a")
    assert (job.iteration, job.total, job.eta_seconds) == (total, total, 2.0)


def test_progress_that_nobody_can_note_down_is_said_once_and_holds_up_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> None:
        raise JournalError("The disk is full.")

    room.add("a")
    begin(room)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(Journal, "progress", refuse)
        room.read()
    events = [line["event"] for line in logs]
    assert events.count("job.progress") == 4
    assert [line["why"] for line in logs if line["log_level"] == "warning"] == ["The disk is full."]
    assert room.states() == {"a": "done"}


def cannot_read(number: int, what: Path) -> Any:
    """A disk that gives all files but this one, or those below this folder."""
    read = loading.read_bounded

    def read_or_not(path: Path, most: int) -> bytes:
        if path == what or what in path.parents:
            raise OSError(number, os.strerror(number), str(path))
        return read(path, most)

    return read_or_not


def test_a_style_that_cannot_be_read_holds_up_its_lane_alone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job_id in "ab":
        room.add(job_id, "Broken", "Broken.jpg")
    room.add("c")
    broken = room.share.styles / "Broken.jpg"
    monkeypatch.setattr(loading, "read_bounded", cannot_read(errno.EIO, broken))
    room.dispatcher.start()
    with capture_logs() as logs:
        work(room)
    assert room.states() == {"a": "queued", "b": "queued", "c": "done"}
    assert [line["lane"] for line in logs if line["event"] == "lane.held"] == ["Broken"]
    assert room.dispatcher.due == 1.0
    assert {room.journal.get(job_id).attempts for job_id in "ab"} == {0}


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_photo_that_alone_cannot_be_read_holds_up_nobody_and_has_an_end(
    room: Room, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    broken = room.add("a")
    room.add("b")
    monkeypatch.setattr(loading, "read_bounded", cannot_read(number, broken))
    room.dispatcher.start()
    work(room)
    assert room.states() == {"a": "queued", "b": "done"}
    while room.states()["a"] == "queued":
        assert room.dispatcher.due is not None
        room.now = room.dispatcher.due
        work(room)
    assert room.now == 60.0
    assert room.states() == {"a": "failed", "b": "done"}
    job = room.journal.get("a")
    assert os.strerror(number) in str(job.error)
    assert "save it anew" in str(job.error)
    assert "just now" not in str(job.error)
    assert (job.attempts, job.started_at) == (0, None)  # nobody has begun it


def test_a_photo_that_could_only_be_moved_by_reading_it_waits_and_holds_up_nobody(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Path("/dev/shm")  # noqa: S108 - wanted for being another device
    if not memory.is_dir() or memory.stat().st_dev == room.share.root.stat().st_dev:
        pytest.skip("needs /dev/shm on another device than the temporary folder")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        room.share = replace(room.share, failed=Path(folder))
        room.__post_init__()
        broken = room.add("a")
        room.add("b")
        monkeypatch.setattr(loading, "read_bounded", cannot_read(errno.EACCES, broken))
        room.dispatcher.start()
        for _ in range(10):
            work(room)
            room.now = room.dispatcher.due or room.now
    assert room.now > 60.0
    assert room.states() == {"a": "queued", "b": "done"}
    assert room.journal.get("a").error is None
    assert not room.dispatcher.expecting


def test_a_claim_that_was_removed_fails_its_job_and_the_lane_goes_on(room: Room) -> None:
    shutil.rmtree(room.add("a").parent)
    room.add("b")
    room.dispatcher.start()
    work(room)
    assert room.states() == {"a": "failed", "b": "done"}


def test_a_claim_that_was_swapped_waits_alone(room: Room) -> None:
    folder = room.add("a").parent
    folder.rename(room.share.root / "away")
    folder.symlink_to(room.share.root / "away")
    room.add("b")
    room.dispatcher.start()
    for _ in range(10):
        work(room)
        room.now = room.dispatcher.due or room.now
    assert room.states() == {"a": "queued", "b": "done"}
    assert not room.dispatcher.expecting


def wait_for_lost_style(room: Room, job_id: str, *times: float) -> None:
    """Add a job whose style is gone at once, and work at these times."""
    room.add(job_id)
    (room.share.styles / "Waves.jpg").unlink()
    for room.now in times:
        work(room)


def test_patience_with_a_style_begins_anew_once_its_photos_were_told(room: Room) -> None:
    room.dispatcher.start()
    wait_for_lost_style(room, "a", 0.0, 60.0)
    assert room.states() == {"a": "failed"}
    wait_for_lost_style(room, "b", 1800.0)
    assert room.states() == {"a": "failed", "b": "queued"}


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EHOSTDOWN])
def test_a_share_that_cannot_be_read_fails_no_job_however_long_it_lasts(
    room: Room, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    room.add("a")
    room.dispatcher.start()
    room.read()
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(loading, "read_bounded", cannot_read(number, room.share.root))
        for _ in range(20):
            room.dispatcher.fill()
            assert room.dispatcher.due is not None
            assert room.now < room.dispatcher.due <= room.now + 60
            room.now = room.dispatcher.due
    assert [line["event"] for line in logs] == ["lane.held"]
    assert os.strerror(number) in logs[0]["why"]
    assert room.states() == {"a": "queued"}
    assert room.journal.get("a").attempts == 0
    room.dispatcher.fill()
    room.read()
    assert room.states() == {"a": "done"}
    assert room.dispatcher.due is None


def test_a_share_that_is_away_for_a_moment_fails_no_photo(room: Room) -> None:
    for number in range(12):
        room.add(str(number), f"lane {number % 3}")
    room.dispatcher.start()
    room.read()
    away = room.share.root.with_name("away")
    room.share.root.rename(away)
    room.share.root.mkdir()  # as an empty folder lies where a drive was
    room.dispatcher.fill()
    assert set(room.states().values()) == {"queued"}
    room.share.root.rmdir()
    away.rename(room.share.root)
    room.now = 1.0
    for _ in range(12):
        room.dispatcher.fill()
        room.read()
    assert set(room.states().values()) == {"done"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda photo: photo.unlink(), "Drop it into the inbox again"),
        (lambda photo: (photo.unlink(), photo.parent.joinpath("other").touch()), "Drop it into"),
        (lambda photo: (photo.unlink(), photo.symlink_to("/etc/passwd")), "link"),
    ],
)
def test_files_that_cannot_be_used_fail_their_job(room: Room, spoil: Any, reason: str) -> None:
    spoil(room.add("a"))
    begin(room)
    assert room.states() == {"a": "failed"}
    assert reason in str(room.journal.get("a").error)


def test_a_style_that_is_closed_to_us_fails_its_photos_after_all_patience(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job_id in "abc":
        room.add(job_id)
    closed = room.share.styles / "Waves.jpg"
    monkeypatch.setattr(loading, "read_bounded", cannot_read(errno.EACCES, closed))
    room.dispatcher.start()
    while "queued" in room.states().values():
        work(room)
        assert set(room.states().values()) == ({"queued"} if room.now < 60.0 else {"failed"})
        room.now = room.dispatcher.due or room.now
    errors = {str(room.journal.get(job_id).error) for job_id in "abc"}
    assert len(errors) == 1
    assert '"Waves.jpg" may not be opened' in errors.pop()


def test_a_styles_folder_that_is_closed_to_us_is_no_fault_of_the_style(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.add("a")
    cannot = cannot_read(errno.EACCES, room.share.styles)
    monkeypatch.setattr(loading, "read_bounded", cannot)
    monkeypatch.setattr(loading, "is_gone", lambda path, _folder: cannot(path, 1))
    room.dispatcher.start()
    for _ in range(10):
        work(room)
        room.now = room.dispatcher.due or room.now
    assert room.now > 60.0
    assert room.states() == {"a": "queued"}


def test_a_style_that_is_replaced_by_another_kind_of_picture_is_used(room: Room) -> None:
    for job_id in "abc":
        room.add(job_id)
    room.dispatcher.start()
    room.read()
    old, new = room.share.styles / "Waves.jpg", room.share.styles / "Waves.png"
    old.unlink()
    for now in (0.0, 1.0, 3.0):
        room.now = now
        work(room)
    assert set(room.states().values()) == {"queued"}
    new.write_bytes(picture(kind="PNG"))
    room.now = 7.0
    work(room)
    assert room.states() == dict.fromkeys("abc", "done")
    assert {request.styles[0].data for request in room.runner.requests} == {new.read_bytes()}
    assert {room.journal.get(job_id).style for job_id in "abc"} == {new}


def add_blend(room: Room, job_id: str, lane: str = "Waves + Dots") -> tuple[Path, Path]:
    """Add a job that is to be painted in two styles."""
    room.add(f"{job_id}-of-one", "Waves")
    waves, dots = room.share.styles / "Waves.jpg", room.share.styles / "Dots.jpg"
    dots.write_bytes(picture())
    folder = room.share.work / "jobs" / job_id
    folder.mkdir()
    photo = folder / f"{job_id}.jpg"
    photo.write_bytes(picture())
    recipe = PRESETS["draft"].model_dump_json()
    relative = PurePath(lane) / photo.name
    styles = (Part(waves, 0.7), Part(dots, 0.3))
    room.journal.add(
        NewJob(job_id, lane, lane, relative, photo, waves, None, recipe, styles=styles)
    )
    return waves, dots


def test_a_blend_waits_for_each_of_its_styles_and_holds_up_no_other_lane(room: Room) -> None:
    waves, dots = add_blend(room, "a")
    dots.unlink()
    room.dispatcher.start()
    work(room)
    assert room.states() == {"a-of-one": "done", "a": "queued"}
    new = room.share.styles / "Dots.png"
    new.write_bytes(picture(kind="PNG"))
    room.now = 3.0
    work(room)
    assert room.states() == {"a-of-one": "done", "a": "done"}
    assert [(one.name, one.weight) for one in room.runner.requests[-1].styles] == [
        ("Waves.jpg", 0.7),
        ("Dots.png", 0.3),
    ]
    assert room.journal.get("a").styles == (Part(waves, 0.7), Part(new, 0.3))


@pytest.mark.parametrize("spoil", [lambda style: style.write_bytes(b"half"), Path.unlink])
def test_a_blend_fails_when_all_patience_with_one_of_its_styles_is_over(
    room: Room, spoil: Any
) -> None:
    def paint_whole(request: PaintRequest) -> list[Event]:
        if all(style.data == picture() for style in request.styles):
            return paint(request)
        bad = Failed(request.job_id, "style", 'The style picture "Dots.jpg" cannot be used. Torn.')
        return [bad]

    room.runner.answer = paint_whole
    spoil(add_blend(room, "a")[1])
    room.dispatcher.start()
    for room.now in (0.0, 1.0, 59.0):
        work(room)
        assert room.states() == {"a-of-one": "done", "a": "queued"}
    for room.now in (60.0, 120.0):
        work(room)
    assert room.states() == {"a-of-one": "done", "a": "failed"}
    error = str(room.journal.get("a").error)
    assert "Dots.jpg" in error
    assert "in its place in the folder Styles" in error or "Put it back" in error


def test_patience_with_a_style_begins_anew_with_another_kind_of_picture(room: Room) -> None:
    room.runner.answer = paint_whole_styles
    room.add("a")
    room.dispatcher.start()
    old, new = room.share.styles / "Waves.jpg", room.share.styles / "Waves.png"
    old.unlink()
    work(room)
    room.now = 59.0
    new.write_bytes(b"half")
    work(room)
    room.now = 60.0
    work(room)
    new.unlink()
    room.now = 110.0
    work(room)
    assert room.states() == {"a": "queued"}
    room.now = 169.0
    work(room)
    assert room.states() == {"a": "queued"}
    room.now = 170.0
    work(room)
    assert room.states() == {"a": "failed"}


def test_while_a_style_is_of_no_use_no_photo_is_read(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [room.add(str(number)) for number in range(20)]
    (room.share.styles / "Waves.jpg").unlink()
    read, seen = loading.read_bounded, list[Path]()

    def watch(path: Path, most: int) -> bytes:
        seen.append(path)
        return read(path, most)

    monkeypatch.setattr(loading, "read_bounded", watch)
    room.dispatcher.start()
    for now in (0.0, 60.0):
        room.now = now
        work(room)
    assert set(room.states().values()) == {"failed"}
    assert not {*photos} & {*seen}


def test_a_turn_ends_after_a_while_and_the_next_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing is given to the runner nobody hears of a stop, or of anything else."""
    for number in range(20):
        room.add(str(number))
    (room.share.styles / "Waves.jpg").unlink()
    room.dispatcher.start()
    work(room)
    room.now, fail = 60.0, publishing.fail

    def slow(*args: Any) -> Path:
        room.now += 0.4
        return fail(*args)

    monkeypatch.setattr(publishing, "fail", slow)
    for turn in range(1, 7):
        room.dispatcher.fill()
        assert list(room.states().values()).count("failed") == 3 * turn
        assert room.dispatcher.due == room.now
    room.dispatcher.fill()
    assert set(room.states().values()) == {"failed"}
    assert room.dispatcher.due is None


def test_a_lane_of_failures_keeps_no_turn_from_the_others(room: Room) -> None:
    for number in range(4):
        room.add(f"gone-{number}", "Gone").unlink()
    room.add("b")
    begin(room)
    states = room.states()
    assert states.pop("b") == "running"
    assert list(states.values()).count("failed") == 1
    work(room)
    assert set(room.states().values()) == {"failed", "done"}
    assert {room.journal.get(f"gone-{number}").attempts for number in range(4)} == {0}


def test_a_failure_that_nobody_began_holds_up_nobody_and_is_not_shown_as_being_painted(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        room.add(f"gone-{number}", "Gone").unlink()
    room.add("b")

    def refuse(*_args: Any) -> Path:
        raise PublishError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "fail", refuse)
        begin(room)
        states = room.states()
        assert states.pop("b") == "running"
        assert set(states.values()) == {"queued"}
        work(room)
        assert set(room.states().values()) == {"queued", "done"}
    room.now = 1.0
    room.endings.retry()
    assert {room.journal.get(f"gone-{number}").attempts for number in range(3)} == {0}
    assert list(room.states().values()).count("failed") == 3


def test_patience_begins_anew_also_while_those_that_were_told_cannot_be_moved(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> Path:
        raise PublishError("The disk is full.")

    monkeypatch.setattr(publishing, "fail", refuse)
    room.dispatcher.start()
    wait_for_lost_style(room, "a", 0.0, 60.0)
    assert room.endings.jobs == ["a"]
    wait_for_lost_style(room, "b", 1800.0)
    assert room.endings.jobs == ["a"]
    assert room.states() == {"a": "queued", "b": "queued"}


def paint_whole_styles(request: PaintRequest) -> list[Event]:
    if request.styles[0].data == picture():
        return paint(request)
    bad = Failed(request.job_id, "style", "The style picture is incomplete.")
    return [Started(request.job_id), bad]


def work(room: Room) -> None:
    """Hand over and handle until nothing moves by itself."""
    room.read()
    before = -1
    while before != len(room.runner.requests):
        before = len(room.runner.requests)
        room.dispatcher.fill()
        room.read()


@pytest.mark.parametrize("spoil", [lambda style: style.write_bytes(b"half"), Path.unlink])
def test_photos_wait_for_a_style_that_is_being_replaced(room: Room, spoil: Any) -> None:
    room.runner.answer = paint_whole_styles
    for number in range(40):
        room.add(str(number))
    room.add("other", "Dots", "Dots.jpg")
    room.dispatcher.start()
    style = room.share.styles / "Waves.jpg"
    spoil(style)
    with capture_logs() as logs:
        for now in (0.0, 1.0, 3.0, 7.0):
            room.now = now
            work(room)
            states = room.states()
            assert states.pop("other") == "done"
            assert set(states.values()) == {"queued"}
            assert room.dispatcher.due is not None
    assert len([line for line in logs if line["event"] == "lane.held"]) == 1
    assert {room.journal.get(str(number)).attempts for number in range(40)} == {0}
    style.write_bytes(picture())
    room.now = 15.0
    work(room)
    assert set(room.states().values()) == {"done"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda style: style.write_bytes(b"half"), "incomplete"),
        (Path.unlink, '"Waves.jpg" is no longer there'),
        (lambda style: (style.unlink(), style.symlink_to("Dots.jpg")), "link"),
    ],
)
def test_a_style_that_stays_of_no_use_fails_its_photos(room: Room, spoil: Any, reason: str) -> None:
    room.runner.answer = paint_whole_styles
    for job_id in "abc":
        room.add(job_id)
    room.dispatcher.start()
    spoil(room.share.styles / "Waves.jpg")
    for _ in range(6):
        work(room)
        assert set(room.states().values()) == {"queued"}
        assert room.dispatcher.due is not None
        room.now = room.dispatcher.due
    assert room.now == 60.0
    for _ in range(3):
        work(room)
    assert set(room.states().values()) == {"failed"}
    errors = {str(room.journal.get(job_id).error) for job_id in "abc"}
    assert all(reason in error for error in errors)
    # Where to mend it: the photo lies in failed, and is not at fault.
    assert all("folder Styles" in error or "Put it back" in error for error in errors)
    assert not room.dispatcher.expecting


def test_a_style_that_changes_is_waited_for_anew(room: Room) -> None:
    room.runner.answer = paint_whole_styles
    room.add("a")
    room.dispatcher.start()
    style = room.share.styles / "Waves.jpg"
    for size in range(1, 6):
        style.write_bytes(b"x" * size)
        work(room)
        assert room.states() == {"a": "queued"}
        room.now += 59.0
    assert not room.dispatcher.expecting  # with --once nobody waits for ever
    style.write_bytes(picture())
    room.now += 60.0
    work(room)
    assert room.states() == {"a": "done"}


def test_a_style_that_came_with_its_photo_fails_at_once(room: Room) -> None:
    room.runner.answer = paint_whole_styles
    (room.add("a", style="a.style.jpg").parent / "a.style.jpg").write_bytes(b"half")
    (room.add("b", style="b.style.jpg").parent / "b.style.jpg").unlink()
    room.dispatcher.start()
    work(room)
    assert room.states() == {"a": "failed", "b": "failed"}
    assert not any("folder Styles" in str(room.journal.get(job_id).error) for job_id in "ab")


def test_an_engine_that_was_given_up_is_started_again(room: Room) -> None:
    room.runner.on_start = EngineUnavailable("weights", "There are none.")
    room.add("a")
    begin(room)
    assert room.dispatcher.unavailable == room.runner.on_start
    assert room.dispatcher.due == 30.0
    with capture_logs() as logs:
        room.now = 30.0
        room.dispatcher.fill()
        room.read()
    assert (room.runner.starts, logs) == (2, [])  # the same trouble is said once
    room.runner.on_start = READY
    room.now = 60.0
    with capture_logs() as logs:
        room.dispatcher.fill()
        room.read()
        room.dispatcher.fill()
    assert "engine.available" in [line["event"] for line in logs]
    assert room.dispatcher.unavailable is None
    assert room.states() == {"a": "running"}


def test_a_lost_engine_is_waited_for(room: Room) -> None:
    lost = Failed("a", "lost", "It died.")
    room.runner.answer = lambda request: [Started(request.job_id), EngineLost(-9), lost]
    room.add("a")
    begin(room)
    room.read()
    room.dispatcher.fill()
    assert room.states() == {"a": "queued"}
    room.runner.answer = paint
    room.dispatcher.handle(READY)
    room.dispatcher.fill()
    room.read()
    assert room.states() == {"a": "done"}


def test_a_lane_at_whose_photos_the_engine_dies_rests_and_holds_up_nobody(tmp_path: Path) -> None:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as journal:
        room = Room(share, journal, Settings(engine=EngineSettings(max_attempts=3)))

        def answer(request: PaintRequest) -> list[Event]:
            lost = [EngineLost(-9), Failed(request.job_id, "lost", "It died."), READY]
            return lost if request.job_id.startswith("bad") else paint(request)

        room.runner.answer = answer
        room.add("bad", "Bad")
        begin(room)
        work(room)
        work(room)
        assert room.states() == {"bad": "queued"}
        assert journal.get("bad").attempts == 2
        assert room.dispatcher.due == 1.0
        assert room.dispatcher.expecting
        room.add("good", "Waves")
        work(room)
        work(room)
        assert room.states() == {"bad": "queued", "good": "done"}
        assert journal.get("bad").attempts == 2
        room.now = 1.0
        work(room)
        assert room.states() == {"bad": "failed", "good": "done"}
        room.add("bad too", "Bad")
        work(room)
        assert room.dispatcher.due == 3.0  # the lane rests for longer, whichever photo it is


def test_what_the_journal_does_not_take_now_is_returned_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.runner.answer = lambda _request: []
    room.add("a")
    begin(room)

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise JournalError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "requeue", refuse)
        with pytest.raises(JournalError):
            room.dispatcher.handle(Failed("a", "lost", "It died."))
    assert room.states() == {"a": "running"}
    room.dispatcher.fill()
    assert [request.job_id for request in room.runner.requests] == ["a", "a"]


def test_an_engine_that_goes_away_while_the_runner_is_closed_gives_its_job_back(room: Room) -> None:
    room.runner.answer = lambda _request: []
    room.add("a")
    begin(room)
    room.dispatcher.close(1.0)
    room.dispatcher.handle(EngineUnavailable("engine", "It does not start any more."))
    assert room.states() == {"a": "queued"}
    assert room.journal.get("a").attempts == 0


def refuse_lane(lane: str, way_out: Any) -> Any:
    """A way out of the house that is shut for one lane: a full quota, a folder without rights."""

    def refuse(share: Share, *args: Any) -> Path:
        relative = next(one for one in args if isinstance(one, PurePath))
        if relative.parts[0] == lane:
            raise PublishError("It may not be written to.")
        where: Path = way_out(share, *args)
        return where

    return refuse


def paint_all(room: Room) -> None:
    begin(room)
    for _ in room.states():
        room.read()
        room.dispatcher.fill()


def test_photos_that_cannot_be_moved_stop_nobody(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        room.add(f"stuck-{number}", "Shut")
    for number in range(3):
        room.add(f"free-{number}", "Open")
    shut = refuse_lane("Shut", publishing.keep_original)
    monkeypatch.setattr(publishing, "keep_original", shut)
    paint_all(room)
    assert len(room.runner.requests) == 15
    states = room.states()
    assert {states[f"free-{number}"] for number in range(3)} == {"done"}
    assert {states[f"stuck-{number}"] for number in range(12)} == {"running"}


def test_failures_that_cannot_be_moved_stop_nobody(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        room.add(f"stuck-{number}", "Shut").unlink()
    room.add("free", "Open")
    monkeypatch.setattr(publishing, "fail", refuse_lane("Shut", publishing.fail))
    paint_all(room)
    assert room.states()["free"] == "done"


def test_a_lane_whose_pictures_cannot_be_published_waits_and_the_others_go_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        room.add(f"stuck-{number}", "Shut")
    for number in range(5):
        room.add(f"free-{number}", "Open")
    with monkeypatch.context() as patch:
        shut = refuse_lane("Shut", publishing.publish_result)
        patch.setattr(publishing, "publish_result", shut)
        paint_all(room)
        states = room.states()
        assert {states[f"free-{number}"] for number in range(5)} == {"done"}
        assert [states[f"stuck-{number}"] for number in range(5)].count("running") == 3
        assert len(room.runner.requests) == 8
    room.now = 1.0
    room.endings.retry()
    paint_all(room)
    assert set(room.states().values()) == {"done"}
    assert len(room.runner.requests) == 10


def test_only_so_many_pictures_are_kept_in_memory(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        room.add(str(number), str(number))

    def refuse(*_args: Any) -> Path:
        raise PublishError("The disk is full.")

    monkeypatch.setattr(publishing, "publish_result", refuse)
    paint_all(room)
    assert len(room.runner.requests) == 8


def test_a_job_whose_failure_cannot_be_told_yet_is_not_painted(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.add("a")
    room.add("b")

    def refuse(*_args: Any) -> Path:
        raise PublishError("The disk is full.")

    monkeypatch.setattr(publishing, "fail", refuse)
    room.endings.failed(room.journal.get("a"), "It is no picture.")
    paint_all(room)
    assert [request.job_id for request in room.runner.requests] == ["b"]


def test_a_job_that_fails_is_not_painted_although_the_journal_could_not_note_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.add("a")
    room.add("b")

    def refuse(*_args: Any) -> None:
        raise JournalError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "given_up", refuse)
        room.endings.failed(room.journal.get("a"), "It is no picture.")
    paint_all(room)
    assert [request.job_id for request in room.runner.requests] == ["b"]
    room.now = 1.0
    room.endings.retry()
    assert room.states() == {"a": "failed", "b": "done"}


def test_a_job_that_has_ended_otherwise_holds_up_no_return(room: Room) -> None:
    room.runner.answer = lambda _request: []
    room.runner.capacity = 2
    room.add("a")
    room.add("b")
    begin(room)
    room.journal.fail("a", "It is no picture.")
    room.dispatcher.give_back()
    assert room.states() == {"a": "failed", "b": "queued"}


@pytest.mark.parametrize("unexpected", [True, False])
def test_where_in_the_program_it_failed_is_logged_apart_from_the_reason(
    room: Room,
    unexpected: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    room.runner.answer = lambda request: [
        Failed(request.job_id, "engine", "It blew up.", "Traceback: x", unexpected=unexpected)
    ]
    room.add("a")
    with capture_logs() as logs:
        begin(room)
        room.read()
    told = [(one["unexpected"], one["detail"]) for one in logs if one["event"] == "job.detail"]
    assert told == [(unexpected, "Traceback: x")]
    assert "detail" not in next(line for line in logs if line["event"] == "job.failed")


def test_events_of_a_job_that_was_given_back_are_ignored(room: Room) -> None:
    room.runner.answer = lambda _request: []
    room.add("a")
    begin(room)
    room.dispatcher.close(1.0)
    room.dispatcher.give_back()
    room.read()
    room.dispatcher.handle(Failed("a", "engine", "too late"))
    assert room.states() == {"a": "queued"}
    assert room.journal.get("a").attempts == 0
    room.dispatcher.fill()
    assert len(room.runner.requests) == 1


@pytest.mark.parametrize("is_other", [True, False])
def test_a_photo_that_was_changed_while_it_was_painted_fails(room: Room, *, is_other: bool) -> None:
    """By whoever had opened it before it was taken; what sets its time alone changes nothing."""
    photo = room.add("a")
    begin(room)
    if is_other:
        photo.write_bytes(picture((9, 9, 9)))
    os.utime(photo, (1, 1))
    room.read()
    failed = {path.name for path in (room.share.failed / "Waves").glob("*")}
    assert failed == ({"a.jpg", "a.jpg - why.txt"} if is_other else set())
    assert room.states() == {"a": "failed" if is_other else "done"}
    if is_other:
        assert "changed while" in (room.share.failed / "Waves/a.jpg - why.txt").read_text()
        assert (room.share.failed / "Waves/a.jpg").read_bytes() == picture((9, 9, 9))
        assert not list(room.share.outbox.rglob("*.jpg"))


def test_a_picture_for_which_there_is_no_room_holds_up_no_smaller_one(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.add("small")
    room.add("large", "Big", size=8192)
    free = SimpleNamespace(f_blocks=1000, f_bavail=150, f_frsize=1_000_000)
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", lambda _path: free)
        begin(room)
        room.read()
        room.dispatcher.fill()
        room.read()
        assert room.states() == {"small": "done", "large": "queued"}
        assert "has no room for a picture of 8192 pixels" in room.dispatcher.trouble
        free.f_bavail = 300
        room.now += 60.0
        room.dispatcher.fill()
    assert room.states() == {"small": "done", "large": "running"}
    assert room.dispatcher.trouble == ""


def test_many_pictures_for_which_there_is_no_room_cost_one_look_and_one_line(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        room.add(f"large-{number}", "Big", size=(8192, 9000)[number % 2])
    room.add("small", "Big")
    free = SimpleNamespace(f_blocks=1000, f_bavail=150, f_frsize=1_000_000)
    asked: list[Path] = []
    monkeypatch.setattr(os, "statvfs", lambda path: asked.append(path) or free)
    with capture_logs() as logs:
        begin(room)
        room.read()
    assert room.states().pop("small") == "done"
    assert len(asked) == 2  # for the first large one, and for the small one
    assert [line["event"] for line in logs if "held" in line["event"]] == ["size.held"]
    assert room.dispatcher.due is not None
    assert room.dispatcher.due > room.now
    assert room.dispatcher.expecting
    for _ in range(6):
        room.now += 100.0
        room.dispatcher.fill()
    assert not room.dispatcher.expecting  # with --once nobody waits for ever
    room.add("another", "Big")
    assert room.dispatcher.expecting


def test_a_wait_for_room_is_not_held_against_a_photo_that_cannot_be_read_for_a_moment(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = room.add("large", "Big", size=8192)
    free = SimpleNamespace(f_blocks=1000, f_bavail=150, f_frsize=1_000_000)
    monkeypatch.setattr(os, "statvfs", lambda _path: free)
    begin(room)
    for _ in range(9):
        room.now += 100.0
        room.dispatcher.fill()
    free.f_bavail = 300
    with monkeypatch.context() as patch:
        patch.setattr(loading, "read_bounded", cannot_read(errno.EACCES, photo))
        room.now += 100.0
        room.dispatcher.fill()
    assert room.states() == {"large": "queued"}
    assert room.dispatcher.trouble
    room.now += 100.0
    room.dispatcher.fill()
    assert room.states() == {"large": "running"}


def test_a_lane_of_which_no_job_is_left_is_no_trouble_any_more(room: Room) -> None:
    photo = room.add("a")
    style = room.share.styles / "Waves.jpg"
    style.unlink()
    begin(room)
    assert room.dispatcher.trouble
    room.journal.given_up("a", "It is of no use.")
    room.journal.fail("a", "It is of no use.")
    photo.unlink()
    room.dispatcher.fill()
    assert room.dispatcher.trouble == ""
