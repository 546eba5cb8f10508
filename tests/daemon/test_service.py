"""The service on real folders and a real journal; the two processes beside it are stood in for."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import claims, files, loading, publishing, wishes
from daemon.endings import Endings
from daemon.errors import (
    ClaimStuckError,
    ExitCode,
    JournalError,
    PublishError,
    ShareAwayError,
)
from daemon.intake import Intake
from daemon.jobs import JobState, NewJob
from daemon.journal import Journal
from daemon.mailbox import Letter, Mailbox
from daemon.names import INBOX_NOTE
from daemon.overrides import MAX_BYTES
from daemon.parts import Parts
from daemon.runners.base import EngineLost, EngineUnavailable, Event, Failed, Started
from daemon.runners.request import PaintRequest
from daemon.service import Service
from daemon.settings import (
    EngineSettings,
    PaintSettings,
    Settings,
    ShareSettings,
    WatchSettings,
)
from daemon.share import Share, make_share, open_share
from tests.daemon.standins import READY, Clock, StandInInspector, StandInRunner, paint, picture
from tests.daemon.walking import files_below

QUICK = WatchSettings(
    mode="poll", settle_seconds=0.05, settle_scans=2, poll_seconds=0.05, patience_seconds=0.3
)
LONG = 60.0


@dataclass
class House:
    """A share, its journal, and the services that are run on it one after the other."""

    share: Share
    journal: Journal
    settings: Settings
    answer: Callable[[PaintRequest], list[Event]] = paint
    on_start: Event = READY
    capacity: int = 1
    runners: list[StandInRunner] = field(default_factory=list)
    inspectors: list[StandInInspector] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic

    def service(self, *, once: bool = True) -> Service:
        def make_runner(deliver: Callable[[Event], None]) -> StandInRunner:
            self.runners.append(StandInRunner(deliver, self.answer, self.on_start, self.capacity))
            return self.runners[-1]

        def make_inspector(deliver: Callable[..., None]) -> StandInInspector:
            self.inspectors.append(StandInInspector(deliver))
            return self.inspectors[-1]

        start = sum(self.journal.counts().values())
        ids = (f"job-{number}" for number in count(start))
        parts = Parts(
            make_runner,
            make_inspector,
            self.clock,
            lambda: next(ids),
            **self.more_parts(),
        )
        return Service(self.share, self.settings, self.journal, parts, once=once)

    def more_parts(self) -> dict[str, Any]:
        """For those who build on this: what else the service is put together from."""
        return {}

    def once(self) -> ExitCode:
        with capture_logs() as self.logs:
            return self.service().run()

    def run_until(self, done: Callable[[], bool]) -> ExitCode:
        """Run a service that does not end by itself, in this thread, and stop it from another."""
        service = self.service(once=False)

        def watch() -> None:
            end = time.monotonic() + LONG
            try:
                while not done() and time.monotonic() < end:
                    time.sleep(0.02)
            finally:
                service.stop("the test")

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with capture_logs() as self.logs:
                return service.run()
        finally:
            watcher.join()

    def style(self, name: str = "Waves") -> Path:
        (self.share.styles / f"{name}.jpg").write_bytes(picture((0, 0, 200)))
        folder = self.share.inbox / name
        folder.mkdir(exist_ok=True)
        return folder

    def files(self, folder: Path) -> list[str]:
        return files_below(folder)

    def said(self, event: str) -> list[Any]:
        return [line for line in self.logs if line["event"] == event]

    def states(self) -> dict[str, int]:
        # As `atelierd status` does it: SQLite's connections belong to the threads that made them.
        with closing(Journal(self.journal._path, time.time, read_only=True)) as reader:
            return {state.value: number for state, number in reader.counts().items() if number}


def refuse(*_args: Any) -> Path:
    raise PublishError("The disk is full.")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "state" / "journal.sqlite", time.time)) as journal:
        yield House(share, journal, Settings(watch=QUICK, paint=PaintSettings(preset="draft")))


@pytest.fixture
def _acts_take_no_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass only while the service waits: nothing else comes due on a slow disk."""
    clock, read = Clock(), Mailbox.read

    def wait_and_read(mail: Mailbox, until: float) -> Iterator[Letter]:
        if mail.is_empty:
            clock.now = max(clock.now, until)
        return read(mail, clock.now)

    monkeypatch.setattr(Mailbox, "read", wait_and_read)
    house.clock = clock


def before_each_look(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], None]) -> None:
    """Do something before each look at the inbox, which is given its number, and not during one."""
    look, numbers = Intake.look, count(1)

    def act_and_look(intake: Intake) -> None:
        act(next(numbers))
        look(intake)

    monkeypatch.setattr(Intake, "look", act_and_look)


def test_a_photo_comes_back_painted_and_the_original_is_kept(house: House) -> None:
    (house.style() / "photo.png").write_bytes(picture(kind="PNG"))
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert (house.share.outbox / "Waves/photo.jpg").read_bytes() == picture((1, 2, 3))
    assert house.files(house.share.originals) == ["Waves/photo.png"]
    assert house.files(house.share.inbox) == []
    assert claims.find_claims(house.share) == []
    (request,) = house.runners[0].requests
    assert request.content == picture(kind="PNG")
    assert request.styles[0].data == picture((0, 0, 200))
    assert request.recipe.size == 256
    job = house.journal.get(request.job_id)
    assert (job.state, job.attempts) == (JobState.DONE, 1)
    assert job.result == house.share.outbox / "Waves/photo.jpg"
    assert job.report is not None
    assert job.report["loss"] == {"total": 25.0}


def test_the_log_tells_the_way_of_a_job(house: House) -> None:
    (house.style() / "photo.jpg").write_bytes(picture())
    house.once()
    events = [line["event"] for line in house.logs]
    assert events[:2] == ["watching.started", "service.started"]
    mine = [line["event"] for line in house.logs if line.get("job") == "job-0"]
    assert mine == ["job.queued", "job.started", *["job.progress"] * 4, "job.finished"]
    assert house.said("engine.ready")[0]["reason"] == "a stand-in"
    step = house.said("job.progress")[-1]
    assert (step["iteration"], step["total"], step["scale"], step["scales"]) == (4, 4, 1, 1)
    assert {"loss", "eta_seconds"} <= step.keys()
    assert events[-2:] == ["service.stopping", "service.stopped"]


def test_every_form_of_pairing_is_painted(house: House) -> None:
    house.settings = Settings(watch=QUICK, paint=PaintSettings(default_style="Waves"))
    inbox = house.share.inbox
    (house.style() / "deep").mkdir()
    (inbox / "Waves/deep/a.jpg").write_bytes(picture())
    (inbox / "b.jpg").write_bytes(picture())
    (inbox / "b.style.jpg").write_bytes(picture((9, 9, 9)))
    (inbox / "c.jpg").write_bytes(picture())
    (inbox / "Party").mkdir()
    (inbox / "Party/content.jpg").write_bytes(picture())
    (inbox / "Party/style.jpg").write_bytes(picture((7, 7, 7)))
    (inbox / "Party/job.toml").write_text("size = 64\niterations = 5\n")
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Party.jpg", "Waves/deep/a.jpg", "b.jpg", "c.jpg"]
    assert house.files(house.share.originals) == [
        "Party/content.jpg", "Party/job.toml", "Party/style.jpg",
        "Waves/deep/a.jpg", "b.jpg", "b.style.jpg", "c.jpg",
    ]  # fmt: skip
    party = next(r for r in house.runners[0].requests if r.styles[0].data == picture((7, 7, 7)))
    assert (party.recipe.size, party.recipe.total_iterations) == (64, 5)


def test_an_empty_inbox_is_done_at_once(house: House) -> None:
    house.style()
    assert house.once() is ExitCode.OK
    assert house.states() == {}


@pytest.mark.parametrize("name", ["mine.h5", "read me.txt"])
def test_once_with_nothing_to_paint_waits_for_an_import_of_weights_and_for_nothing_else(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "param").mkdir()
    (tmp_path / "param" / name).write_bytes(b"put there by hand")
    house.settings = Settings(watch=QUICK, engine=EngineSettings(weights=tmp_path / "param"))
    loaded, ended = list[str](), threading.Event()

    def start(runner: StandInRunner) -> None:
        def load() -> None:
            ended.wait(0.3 if name == "mine.h5" else LONG)
            loaded.append("too late" if runner.closed else "in time")
            runner.deliver(READY)

        loader = threading.Thread(target=load)
        loader.start()
        runners.append(loader)

    runners = list[threading.Thread]()
    monkeypatch.setattr(StandInRunner, "start", start)
    assert house.once() is ExitCode.OK
    ended.set()
    runners[0].join()
    assert loaded == ["in time" if name == "mine.h5" else "too late"]


def test_lanes_take_turns(house: House) -> None:
    for name in ("a1", "a2", "a3", "a4"):
        (house.style("Apples") / f"{name}.jpg").write_bytes(picture())
    (house.style("Pears") / "p.jpg").write_bytes(picture())
    house.once()
    order = [house.journal.get(r.job_id).relative.name for r in house.runners[0].requests]
    assert order.index("p.jpg") <= 1


def test_results_never_overwrite(house: House) -> None:
    (house.share.outbox / "Waves").mkdir()
    (house.share.outbox / "Waves/photo.jpg").write_bytes(b"somebody's")
    for suffix in ("jpg", "png"):
        (house.style() / f"photo.{suffix}").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == [
        "Waves/photo (2).jpg", "Waves/photo (3).jpg", "Waves/photo.jpg",
    ]  # fmt: skip
    assert (house.share.outbox / "Waves/photo.jpg").read_bytes() == b"somebody's"


@pytest.mark.parametrize("content", [b"this is no picture", picture()[:300], b""])
def test_what_stays_unreadable_fails_with_a_note_and_a_second_try_works(
    house: House, content: bytes
) -> None:
    folder = house.style()
    (folder / "photo.jpg").write_bytes(content)
    (folder / "good.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    assert house.files(house.share.failed) == ["Waves/photo.jpg", "Waves/photo.jpg - why.txt"]
    assert "no picture" in (house.share.failed / "Waves/photo.jpg - why.txt").read_text()
    assert house.files(house.share.outbox) == ["Waves/good.jpg"]
    assert house.states() == {"done": 1, "failed": 1}
    (failed,) = house.journal.recent(JobState.FAILED, 9)
    assert failed.attempts == 0
    assert house.said("job.failed")[0]["reason"] == failed.error
    for name in ("photo.jpg", "photo.jpg - why.txt"):
        shutil.move(house.share.failed / "Waves" / name, folder / name)
    (folder / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert house.files(house.share.inbox) == house.files(house.share.failed) == []
    assert house.files(house.share.outbox) == ["Waves/good.jpg", "Waves/photo.jpg"]


def test_what_becomes_readable_in_time_is_painted(house: House) -> None:
    house.settings = Settings(watch=QUICK.model_copy(update={"patience_seconds": LONG}))
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture()[:300])
    repaired = False

    def done() -> bool:
        nonlocal repaired
        if not repaired and photo in house.inspectors[0].asked:
            photo.write_bytes(picture())
            repaired = True
        return house.states() == {"done": 1}

    assert house.run_until(done) is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]


@pytest.mark.usefixtures("_acts_take_no_time")
def test_a_file_that_never_settles_does_not_hold_up_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = WatchSettings(mode="poll", settle_seconds=1, poll_seconds=0.05, patience_seconds=0.3)
    house.settings = Settings(watch=watch)
    photo = house.style() / "photo.jpg"
    photo.write_bytes(b"the first")

    def write(_look: int) -> None:
        with photo.open("ab") as file:
            file.write(b"more")

    before_each_look(monkeypatch, write)
    assert house.once() is ExitCode.OK
    assert photo.exists()
    assert house.states() == {}


def test_a_bad_style_is_named(house: House) -> None:
    (house.style() / "photo.jpg").write_bytes(picture())
    (house.share.styles / "Waves.jpg").write_bytes(b"no picture")
    assert house.once() is ExitCode.FAILED
    (failed,) = house.journal.recent(JobState.FAILED, 9)
    assert "style" in str(failed.error)


def test_a_style_that_cannot_be_read_is_told_of_before_photos_come(house: House) -> None:
    house.style("Dots")
    style = house.share.styles / "Waves.jpg"
    style.write_bytes(b"no picture")

    def done() -> bool:
        told = len(house.said("style.unreadable"))
        if told == 1 and style.stat().st_size == len(b"no picture"):
            style.write_bytes(b"no picture either")
        return told == 2

    house.run_until(done)
    told = [(line["style"], line["why"]) for line in house.said("style.unreadable")]
    assert told == [(str(style), "This photo is no picture.")] * 2
    assert house.states() == {}


def test_a_bad_job_file_fails_its_job_alone(house: House) -> None:
    (house.share.inbox / "Party").mkdir()
    for name in ("content", "style"):
        (house.share.inbox / f"Party/{name}.jpg").write_bytes(picture())
    (house.share.inbox / "Party/job.toml").write_text("sise = 64")
    (house.style() / "good.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    assert "Party/job.toml" in house.files(house.share.failed)
    assert "sise" in (house.share.failed / "Party - why.txt").read_text()
    assert house.files(house.share.outbox) == ["Waves/good.jpg"]


def test_photos_without_a_style_are_asked_about_until_they_have_one(house: House) -> None:
    folder = house.style()
    (house.share.inbox / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert "Waves" in (house.share.inbox / INBOX_NOTE).read_text()
    assert house.states() == {}
    (house.share.inbox / "photo.jpg").rename(folder / "photo.jpg")
    assert house.once() is ExitCode.OK
    assert house.files(house.share.inbox) == []
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]


def test_a_folder_that_cannot_be_opened_gets_a_word(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.share.inbox / "shut").mkdir()
    scandir = os.scandir

    def refuse(folder: Any) -> Any:
        if isinstance(folder, Path) and folder.resolve().name == "shut":  # it may be held
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert "- shut" in (house.share.inbox / INBOX_NOTE).read_text()
    assert [line["names"] for line in house.said("inbox.closed")] == [["shut"]]


def test_a_note_that_cannot_be_written_holds_up_no_photo(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_more: Any) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("daemon.notes.write_inbox_note", refuse)
    (house.share.inbox / "lost.jpg").write_bytes(picture())
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert len(house.said("note.failed")) == 1


def test_a_failure_of_the_engine_fails_the_job_and_the_next_goes_on(house: House) -> None:
    def answer(request: PaintRequest) -> list[Event]:
        if request.content == picture((1, 1, 1)):
            return [Started(request.job_id), Failed(request.job_id, "engine", "It blew up.", "x")]
        return paint(request)

    house.answer = answer
    (house.style() / "bad.jpg").write_bytes(picture((1, 1, 1)))
    (house.style() / "good.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    assert house.files(house.share.outbox) == ["Waves/good.jpg"]
    assert "It blew up." in (house.share.failed / "Waves/bad.jpg - why.txt").read_text()


@pytest.mark.parametrize(("deaths", "state"), [(2, "done"), (3, "failed")])
def test_a_job_at_which_the_engine_dies_is_tried_again_a_few_times(
    house: House, deaths: int, state: str
) -> None:
    left = deaths

    def answer(request: PaintRequest) -> list[Event]:
        nonlocal left
        if left == 0:
            return paint(request)
        left -= 1
        lost = Failed(request.job_id, "lost", "The memory ran out.")
        return [Started(request.job_id), EngineLost(-9), lost, READY]

    house.answer = answer
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is (ExitCode.OK if state == "done" else ExitCode.FAILED)
    assert house.states() == {state: 1}
    assert house.journal.get("job-0").attempts == 3
    if state == "failed":
        assert "The memory ran out." in str(house.journal.get("job-0").error)


@pytest.mark.parametrize(
    ("blame", "code"), [("weights", ExitCode.WEIGHTS), ("engine", ExitCode.FAILED)]
)
def test_without_an_engine_nothing_fails_and_once_says_why(
    house: House, blame: Any, code: ExitCode
) -> None:
    house.on_start = EngineUnavailable(blame, "Run `atelierd weights fetch`.")
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is code
    assert house.said("engine.unavailable")[0]["why"] == "Run `atelierd weights fetch`."
    assert house.files(house.share.failed) == []
    house.on_start = READY
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]


def test_a_running_service_waits_for_an_engine(house: House) -> None:
    house.on_start = EngineUnavailable("weights", "There are none.")
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.run_until(lambda: house.states() == {"queued": 1}) is ExitCode.OK
    assert house.states() == {"queued": 1}
    assert house.journal.get("job-0").attempts == 0


def test_an_engine_that_goes_away_gives_its_job_back(house: House) -> None:
    gone = EngineUnavailable("engine", "It does not start any more.")
    house.answer = lambda request: [Started(request.job_id), EngineLost(1), gone]
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    assert house.states() == {"queued": 1}
    assert house.journal.get("job-0").attempts == 0
    assert house.runners[0].cancelled == ["job-0"]


@pytest.mark.parametrize("asked", [False, True])
def test_stop_ends_the_sweep_of_a_large_archive_too(house: House, *, asked: bool) -> None:
    left = house.share.outbox / ".atelierd-0123456789abcdef.tmp"
    left.touch()
    service = house.service(once=True)
    if asked:
        service.stop("a test")
    service.run()
    assert left.exists() is asked


def test_stop_ends_the_search_for_notes_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    service, answers = house.service(once=False), list[bool]()

    def sweep(_share: Share, stop: Callable[[], bool]) -> list[Path]:
        answers.append(stop())
        service.stop("a test")
        answers.append(stop())
        return []

    monkeypatch.setattr(publishing, "sweep_notes", sweep)
    service.run()
    assert answers == [False, True]


def test_the_first_of_many_photos_is_painted_while_the_others_are_taken(house: House) -> None:
    folder = house.style()
    for number in range(30):
        (folder / f"{number}.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    order = [line["event"] for line in house.logs if line["event"] in {"job.queued", "job.started"}]
    assert order.count("job.queued") == order.count("job.started") == 30
    assert order.index("job.started") < 10


class Away(House):
    """A house one of whose drives is away while `is_away` says so."""

    is_away: Callable[[], bool] = staticmethod(lambda: False)

    def more_parts(self) -> dict[str, Any]:
        def expect() -> None:
            if self.is_away():
                raise ShareAwayError("The outbox is away.")

        return {"expect": expect}


def test_nothing_is_taken_while_a_drive_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what waits to be inspected, nor what was inspected already."""
    monkeypatch.setattr("daemon.setbacks._PAUSE_SECONDS", 0.1)
    away = Away(house.share, house.journal, house.settings)
    folder, since = away.style(), list[float]()
    for number in range(30):
        (folder / f"{number:02}.jpg").write_bytes(picture())
    inspect, asked = StandInInspector.submit, list[int]()

    def inspect_and_go(self: StandInInspector, *args: Any, **_beside: Any) -> None:
        inspect(self, *args)
        if len(self.photos) == 5 and not since:
            since.append(time.monotonic())
            away.is_away = lambda: time.monotonic() < since[0] + 0.5 or len(asked) < 3
            asked.append(sum(away.states().values()))
        elif since and away.is_away():
            asked.append(-1)

    def done() -> bool:
        was_away = bool(since) and away.is_away()
        taken = sum(away.states().values())
        if was_away and away.is_away():
            asked.append(taken)
        return away.states() == {"done": 30}

    monkeypatch.setattr(StandInInspector, "submit", inspect_and_go)
    assert away.run_until(done) is ExitCode.OK
    assert away.states() == {"done": 30}
    assert len({*asked}) == 1
    assert len(asked) > 1
    assert len(away.said("service.trouble")) == len(away.said("service.goes_on")) == 1


def test_stop_does_not_wait_until_all_photos_are_taken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, inspect = house.style(), StandInInspector.submit
    for number in range(30):
        (folder / f"{number:02}.jpg").write_bytes(picture())
    service = house.service(once=False)

    def inspect_and_stop(self: StandInInspector, *args: Any, **_beside: Any) -> None:
        inspect(self, *args)
        if len(self.asked) == 5:
            service.stop("a test")

    monkeypatch.setattr(StandInInspector, "submit", inspect_and_stop)
    assert service.run() is ExitCode.OK
    assert house.states() == {"queued": 1}
    assert len(house.files(house.share.inbox)) == 29


def test_the_note_of_a_photo_that_is_dragged_back_goes_soon(house: House) -> None:
    """While the service runs: what it does at its start would remove the note in any case."""
    failures = ["It blew up."]

    def answer(request: PaintRequest) -> list[Event]:
        return [Failed(request.job_id, "engine", failures.pop())] if failures else paint(request)

    house.answer = answer
    folder = house.style()
    (folder / "photo.jpg").write_bytes(picture())
    note = house.share.failed / "Waves/photo.jpg - why.txt"

    def done() -> bool:
        if house.states() == {"failed": 1} and (note.parent / "photo.jpg").exists():
            (note.parent / "photo.jpg").rename(folder / "photo.jpg")
        return house.states() == {"failed": 1, "done": 1} and not note.exists()

    house.run_until(done)
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.failed) == []


def test_stop_puts_the_running_job_back_and_does_not_hold_it_against_it(house: House) -> None:
    house.answer = lambda _request: []
    (house.style() / "a.jpg").write_bytes(picture())
    assert house.run_until(lambda: house.states() == {"running": 1}) is ExitCode.OK
    assert house.runners[0].closed
    assert house.inspectors[0].closed
    assert house.states() == {"queued": 1}
    assert house.journal.get("job-0").attempts == 0
    house.answer = paint
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/a.jpg"]


def test_new_photos_are_noticed_while_it_runs(house: House) -> None:
    watch = WatchSettings(settle_seconds=0.05, settle_scans=2, poll_seconds=0.05, scan_seconds=3600)
    house.settings = Settings(watch=watch)
    folder = house.style()
    dropped = False

    def done() -> bool:
        nonlocal dropped
        if not dropped and house.runners[0].starts:
            (folder / "late.jpg").write_bytes(picture())
            dropped = True
        return house.states() == {"done": 1}

    assert house.run_until(done) is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/late.jpg"]


def test_a_full_outbox_delays_and_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, refused = publishing.publish_result, 0

    def full_once(*args: Any) -> Path:
        nonlocal refused
        refused += 1
        if refused == 1:
            raise PublishError("The disk is full.")
        return publish(*args)

    monkeypatch.setattr(publishing, "publish_result", full_once)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.said("job.stuck")[0]["why"] == "The disk is full."


def test_a_photo_that_cannot_be_moved_is_not_published_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, refused = publishing.keep_original, 0

    def refuse_once(*args: Any) -> Path:
        nonlocal refused
        refused += 1
        if refused == 1:
            raise OSError(errno.EIO, "the share is away")
        return keep(*args)

    monkeypatch.setattr(publishing, "keep_original", refuse_once)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]


def test_a_photo_that_cannot_be_taken_is_tried_again_and_holds_up_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, refused = claims.take, 0

    def refuse_once(candidate: Any, *more: Any) -> claims.Claim:
        nonlocal refused
        if candidate.relative.name == "a.jpg" and refused < 1:
            refused += 1
            raise OSError(errno.EACCES, "not yours")
        return take(candidate, *more)

    monkeypatch.setattr(claims, "take", refuse_once)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    for name in ("a.jpg", "b.jpg"):
        (house.style() / name).write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/a.jpg", "Waves/b.jpg"]
    assert len(house.said("claim.failed")) == 1


def lose_the_share(monkeypatch: pytest.MonkeyPatch, *, refusals: int) -> None:
    """The share drops right after the first photo is moved, and refuses so many moves back."""
    move, dropped, left = files.move_exactly, False, refusals

    def move_and_drop(source: Path, *more: Any) -> None:
        nonlocal dropped
        if "jobs" in source.parts:
            refuse()
        move(source, *more)
        if not dropped:
            dropped = True
            raise OSError(errno.EIO, "Input/output error")

    def refuse() -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "move_exactly", move_and_drop)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)


def test_a_photo_that_could_not_be_put_back_is_put_back_later_and_painted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_share(monkeypatch, refusals=2)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.OK
    assert len(house.said("claim.stuck")) == 2
    assert len(house.said("claim.returned")) == 1
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert claims.find_claims(house.share) == []


def test_a_photo_that_can_never_be_put_back_does_not_hold_up_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_share(monkeypatch, refusals=999)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    left = ["job-0/.origin", "job-0/photo.jpg"]
    assert house.files(house.share.work / "jobs") == left
    monkeypatch.undo()
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]


def test_a_claim_that_cannot_be_put_back_at_the_start_is_put_back_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.style() / "photo.jpg").write_bytes(picture())
    kill_after(house, "claims.take", monkeypatch)
    lose_the_share(monkeypatch, refusals=2)
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert claims.find_claims(house.share) == []


@pytest.mark.usefixtures("_acts_take_no_time")
def test_a_start_tries_each_claim_once_before_it_reads_its_mail(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop is among the mail, and each try may take as long as the share likes."""
    tried = list[str]()

    def put_back(_share: Share, job_id: str, _tick: object) -> list[Path]:
        tried.append(job_id)
        raise ClaimStuckError("It is stuck.")

    for name in "abc":
        (house.share.work / "jobs" / name).mkdir(parents=True)
    monkeypatch.setattr(claims, "put_back", put_back)
    service = house.service()
    with capture_logs() as house.logs:
        service._begin()
        service._act()
        service.stop("a test")
        service._end()
    assert sorted(tried) == ["a", "b", "c"]
    assert sorted(line["job"] for line in house.said("claim.stuck")) == ["a", "b", "c"]


def test_a_work_folder_that_somebody_removes_is_made_again(house: House) -> None:
    folder, looks = house.style(), 0

    def done() -> bool:
        nonlocal looks
        looks += 1
        if looks == 5:
            house.share.work.rename(house.share.root / "removed")  # all of it at once
            (folder / "photo.jpg").write_bytes(picture())
        return house.states() == {"done": 1}

    house.run_until(done)
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert len(house.said("work.made_again")) == 1
    assert house.said("claim.stuck") == []


def test_photos_wait_unread_while_the_drive_of_the_work_folder_is_away(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive, away = tmp_path / "drive", tmp_path / "away"
    house.share = replace(house.share, work=drive / "work")
    make_share(house.share)
    folder, inspected = house.style(), list[int]()

    def come_and_go(look: int) -> None:
        if look == 3:
            drive.rename(away)
            for name in "ab":
                (folder / f"{name}.jpg").write_bytes(picture())
        elif look == 20:
            inspected.append(len(house.inspectors[0].photos))
            away.rename(drive)

    before_each_look(monkeypatch, come_and_go)
    house.run_until(lambda: house.states() == {"done": 2})
    assert house.files(house.share.outbox) == ["Waves/a.jpg", "Waves/b.jpg"]
    assert inspected == [0]
    assert len(house.said("scan.failed")) == 1
    assert len(house.said("scan.works_again")) == 1
    assert house.said("claim.stuck") == []


@pytest.mark.usefixtures("_acts_take_no_time")
def test_photos_that_are_stuck_again_and_again_do_not_hold_up_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> claims.Claim:
        raise ClaimStuckError("It is stuck.")

    monkeypatch.setattr(claims, "take", refuse)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    assert len(house.inspectors[0].photos) <= 6


def folder_job(house: House) -> None:
    (house.share.inbox / "Party").mkdir()
    for name in ("content", "style"):
        (house.share.inbox / f"Party/{name}.jpg").write_bytes(picture())
    (house.share.inbox / "Party/job.toml").write_text("size = 64")


def refuse_job_files(
    monkeypatch: pytest.MonkeyPatch, refusals: int, number: int = errno.EIO
) -> None:
    read, left = wishes.read_bounded, refusals

    def refuse(path: Path, *more: Any) -> bytes:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(number, os.strerror(number), str(path))
        return read(path, *more)

    monkeypatch.setattr(wishes, "read_bounded", refuse)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)


def test_wishes_that_cannot_be_read_just_now_are_read_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_job_files(monkeypatch, refusals=2)
    folder_job(house)
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Party.jpg"]
    assert house.runners[0].requests[0].recipe.size == 64
    tries = [line["again_in_seconds"] for line in house.said("claim.failed")]
    assert tries == [0.01, 0.02]


def test_wishes_that_can_never_be_read_do_not_hold_up_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_job_files(monkeypatch, refusals=999)
    folder_job(house)
    before = house.files(house.share.inbox)
    assert house.once() is ExitCode.FAILED
    assert house.files(house.share.inbox) == before
    assert house.files(house.share.failed) == []
    assert house.states() == {}


def test_wishes_that_are_closed_to_us_fail_with_a_word(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_job_files(monkeypatch, refusals=999, number=errno.EACCES)
    folder_job(house)
    assert house.once() is ExitCode.FAILED
    why = (house.share.failed / "Party - why.txt").read_text()
    assert '"job.toml" beside the photo may not be opened' in why
    assert "Errno" not in why


@pytest.mark.parametrize("swapped", ["link", "pipe", "large file"])
def test_wishes_that_are_swapped_for_something_else_are_not_read(
    house: House, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    take, secret = claims.take, house.share.root / "secret"
    secret.write_text("secret = 64")

    def take_and_swap(*args: Any) -> claims.Claim:
        claim = take(*args)
        assert claim.overrides is not None
        claim.overrides.unlink()
        if swapped == "link":
            claim.overrides.symlink_to(secret)
        elif swapped == "pipe":
            os.mkfifo(claim.overrides)
        else:
            claim.overrides.write_bytes(b"secret = 64\n".ljust(MAX_BYTES + 1, b"#"))
        return claim

    monkeypatch.setattr(claims, "take", take_and_swap)
    folder_job(house)
    assert house.once() is ExitCode.FAILED
    why = (house.share.failed / "Party - why.txt").read_text()
    assert "job.toml is a link, no file, or larger than 16 KB" in why
    assert "secret" not in why


@pytest.mark.usefixtures("_acts_take_no_time")
def test_a_journal_that_takes_nothing_does_not_hold_up_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> None:
        raise JournalError("The journal cannot be written.")

    monkeypatch.setattr(Journal, "add", refuse)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    assert house.files(house.share.inbox) == ["Waves/photo.jpg"]
    assert len(house.said("claim.failed")) == 3


def test_an_inbox_that_is_away_is_said_once_and_comes_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = house.style()
    away = house.share.root / "away"

    def come_and_go(look: int) -> None:
        # Gone in the midst of a look it is told twice: each step of that has words of its own.
        if look == 2:
            house.share.inbox.rename(away)
        elif look == 12:
            away.rename(house.share.inbox)
            (folder / "photo.jpg").write_bytes(picture())

    before_each_look(monkeypatch, come_and_go)
    assert house.run_until(lambda: house.states() == {"done": 1}) is ExitCode.OK
    assert len(house.said("scan.failed")) == 1
    assert len(house.said("scan.works_again")) == 1


class _KilledError(BaseException):
    """Ends a service at one point as SIGKILL would: nothing is cleaned up after it."""


KILLED_AFTER = [
    "claims.take",
    "journal.add",
    "journal.start",
    "publishing.publish_result",
    "journal.published",
    "publishing.keep_original",
    "journal.finish",
]
KILLED_AFTER_FAILURE = ["journal.given_up", "publishing.fail", "journal.fail"]


def kill_after(house: House, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a service that dies just after a step; the next one starts from what it left."""
    owner, name = step.split(".")
    place: Any = {"claims": claims, "publishing": publishing, "journal": Journal}[owner]
    original = getattr(place, name)

    def die(*args: Any, **kwargs: Any) -> Any:
        original(*args, **kwargs)
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(place, name, die)
        patch.setattr(Service, "_end", lambda self: self._watcher.stop())
        with pytest.raises(_KilledError):
            house.once()


@pytest.mark.parametrize("step", KILLED_AFTER)
def test_a_kill_after_any_step_loses_nothing(
    house: House, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.style() / "photo.jpg").write_bytes(picture())
    kill_after(house, step, monkeypatch)
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert house.files(house.share.inbox) == []
    assert claims.find_claims(house.share) == []
    assert house.states() == {"done": 1}


@pytest.mark.parametrize("step", KILLED_AFTER_FAILURE)
def test_a_kill_in_the_middle_of_a_failure_loses_nothing(
    house: House, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.answer = lambda request: [Failed(request.job_id, "engine", "It blew up.")]
    (house.style() / "photo.jpg").write_bytes(picture())
    kill_after(house, step, monkeypatch)
    house.once()
    assert house.files(house.share.failed) == ["Waves/photo.jpg", "Waves/photo.jpg - why.txt"]
    assert house.states() == {"failed": 1}
    assert house.journal.get("job-0").error == "It blew up."
    assert claims.find_claims(house.share) == []


def test_a_job_that_stops_the_daemon_again_and_again_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.settings = Settings(watch=QUICK, engine=EngineSettings(max_attempts=2))
    (house.style() / "photo.jpg").write_bytes(picture())
    kill_after(house, "journal.start", monkeypatch)
    kill_after(house, "journal.start", monkeypatch)
    assert house.once() is ExitCode.FAILED
    assert house.states() == {"failed": 1}
    assert "stopped 2 times" in str(house.journal.get("job-0").error)
    assert "Waves/photo.jpg" in house.files(house.share.failed)


def test_a_queued_job_whose_photo_vanished_fails(house: House) -> None:
    folder = house.share.work / "jobs" / "x"
    waiting = NewJob(
        "x", "Waves", "Waves", Path("Waves/a.jpg"), folder / "a.jpg", folder / "s", None, "{}"
    )
    house.journal.add(waiting)
    (house.share.work / "daemon.lock").touch()  # as whoever keeps the share leaves it
    assert house.once() is ExitCode.FAILED
    assert "no longer in the work folder" in str(house.journal.get("x").error)


def queue_one(house: House) -> Path:
    """Let a photo be taken and not painted; its style may be spoilt then."""
    house.on_start = EngineUnavailable("engine", "not yet")
    (house.style() / "photo.jpg").write_bytes(picture())
    house.run_until(lambda: house.states() == {"queued": 1})
    house.on_start = READY
    return house.share.styles / "Waves.jpg"


def test_a_style_that_vanished_after_its_photo_was_taken(house: House) -> None:
    queue_one(house).unlink()
    assert house.once() is ExitCode.FAILED
    assert len(house.said("lane.held")) == 1
    assert "Waves.jpg" in str(house.journal.get("job-0").error)
    assert "Waves/photo.jpg" in house.files(house.share.failed)


def test_a_style_that_is_replaced_after_its_photo_was_taken(house: House) -> None:
    house.settings = Settings(watch=QUICK.model_copy(update={"patience_seconds": LONG}))
    style = queue_one(house)

    def answer(request: PaintRequest) -> list[Event]:
        if request.styles[0].data == picture():
            return paint(request)
        style.write_bytes(picture())
        return [Started(request.job_id), Failed(request.job_id, "style", "It is incomplete.")]

    style.write_bytes(b"half of a picture")
    house.answer = answer
    assert house.once() is ExitCode.OK
    assert house.journal.get("job-0").attempts == 1
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]


def test_an_ending_that_never_works_does_not_hold_up_once_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "publish_result", refuse)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    (house.style() / "photo.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    monkeypatch.undo()
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]


def test_an_ending_that_never_works_does_not_keep_once_from_the_other_photos(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    publish, tries, painting = publishing.publish_result, 0, []

    def answer(request: PaintRequest) -> list[Event]:
        if request.content == picture((1, 1, 1)):
            return paint(request)
        painting.append(request)
        return []

    def shut(share: Share, relative: Path, *args: Any) -> Path:
        nonlocal tries
        if relative.name != "stuck.jpg":
            return publish(share, relative, *args)
        tries += 1
        if tries >= 6 and painting:  # so long did it take to paint the other one
            for event in paint(painting.pop()):
                house.runners[-1].deliver(event)
        return refuse()

    house.answer, house.capacity = answer, 2
    monkeypatch.setattr(publishing, "publish_result", shut)
    (house.style() / "stuck.jpg").write_bytes(picture((1, 1, 1)))
    (house.style() / "slow.jpg").write_bytes(picture())
    assert house.once() is ExitCode.FAILED
    assert house.files(house.share.outbox) == ["Waves/slow.jpg"]
    assert house.states() == {"done": 1, "queued": 1}


def test_photos_that_stay_out_of_reach_wait_for_the_next_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_to_read(*_args: Any) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    for name in "abcd":
        (house.style() / f"{name}.jpg").write_bytes(picture())
    with monkeypatch.context() as patch:
        patch.setattr(loading, "read_bounded", refuse_to_read)
        assert house.once() is ExitCode.FAILED
    assert house.states() == {"queued": 4}
    assert len(house.said("lane.held")) == 1
    assert house.once() is ExitCode.OK
    assert house.states() == {"done": 4}


def test_a_full_outbox_is_not_held_against_a_photo_however_often_the_program_is_started(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    (house.style() / "photo.jpg").write_bytes(picture())
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "publish_result", refuse)
        for _ in range(4):
            assert house.once() is ExitCode.FAILED
            assert house.states() == {"queued": 1}
            assert house.journal.get("job-0").attempts == 0
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.failed) == []


@pytest.mark.parametrize("step", ["keep_original", "fail"])
def test_a_photo_that_cannot_be_moved_at_the_end_is_moved_at_the_next_start(
    house: House, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    failed = step == "fail"
    if failed:
        house.answer = lambda request: [Failed(request.job_id, "engine", "It blew up.")]
    (house.style() / "photo.jpg").write_bytes(picture())
    with monkeypatch.context() as patch:
        patch.setattr(publishing, step, refuse)
        assert house.once() is ExitCode.FAILED
    house.answer = paint
    assert house.once() is (ExitCode.FAILED if failed else ExitCode.OK)
    assert house.runners[-1].requests == []
    assert house.states() == {"failed" if failed else "done": 1}


def test_endings_say_when_they_are_due(house: House) -> None:
    endings = Endings(house.share, house.journal, lambda: 0.0)
    assert endings.due is None
    assert endings.pending == endings.tries == endings.failures == 0


class Spoiled(House):
    """One whose journal turns out to be of no use before the service comes to its mail."""

    def more_parts(self) -> dict[str, Any]:
        return {"damage": lambda: "malformed"}


def test_that_settings_were_to_be_read_again_is_known_after_a_damaged_journal(house: House) -> None:
    service = Spoiled(house.share, house.journal, house.settings).service(once=False)
    assert not service.is_to_reload
    service.reload()
    with capture_logs():
        service.run()
    assert service.is_to_reload
    service._reload()
    assert not service.is_to_reload


def test_an_engine_that_is_silent_for_too_long_is_ended_also_without_systemd(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.condition.longest_silence", lambda _size: 0.05)
    (house.style() / "photo.jpg").write_bytes(picture())
    house.answer = lambda _request: []
    house.run_until(lambda: bool(house.runners and house.runners[0].killed))
    assert house.runners[0].killed == ["job-0"]
    assert len(house.said("engine.not_begun")) == 1


def test_an_engine_whose_news_lie_unread_is_not_silent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.style() / "photo.jpg").write_bytes(picture())
    house.answer = lambda _request: []
    service = house.service(once=False)
    service._begin()
    while not service._engine.paintings:
        service._act()
        service._read_mail()
    monkeypatch.setattr("daemon.condition.longest_silence", lambda _size: -1.0)
    service._mail.put(Started(service._engine.paintings[0].job_id))
    with capture_logs() as logs:
        service._end_the_silent()
        service._reports.tell(service._advances)
        assert (house.runners[0].killed, logs) == ([], [])
        assert len(list(service._mail.rest())) == 1
        service._end_the_silent()
    assert house.runners[0].killed == ["job-0"]
    assert [line["event"] for line in logs] == ["engine.not_begun"]
    service._end()
