"""The resident child: every job ends exactly once, whatever happens to the process."""

from __future__ import annotations

import functools
import gc
import io
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from daemon.runners import local
from daemon.runners.base import (
    Cancelled,
    CheckpointTrouble,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    Painted,
    Progressed,
    Resumed,
    Started,
)
from daemon.runners.local import LocalRunner, Restarts, _Keeper
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings
from engine import Recipe
from tests.daemon import bad_pictures
from tests.daemon import child_stand_ins as stand_ins

E = TypeVar("E")
ENDS = (Painted, Failed, Cancelled)
ROOT = Path(__file__).resolve().parents[3]
QUICK = Restarts(first_seconds=0.01, longest_seconds=0.02, starts=3)
PATIENCE = 120
"""Seconds in which a process has started and said something, however busy the machine is."""


@functools.cache
def grey(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (value,) * 3).save(file, "PNG")
    return file.getvalue()


def request(job_id: str, style: int = 200, *, steps: int = 3) -> PaintRequest:
    recipe = Recipe(size=96, scales=(1.0,), iterations=(steps,))
    return PaintRequest(job_id, grey(100), (StyleFile(grey(style)),), recipe, "png")


class Ear:
    """Collects events and waits for the one that a test is about."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Event] = SimpleQueue()
        self.heard: list[Event] = []

    def next(self, kind: type[E], job_id: str | None = None) -> E:
        while True:
            event = self.queue.get(timeout=PATIENCE)
            self.heard.append(event)
            if isinstance(event, kind) and job_id in {None, getattr(event, "job_id", None)}:
                return event

    def end(self, job_id: str) -> Painted | Failed | Cancelled:
        while True:
            event = self.next(object, job_id)
            if isinstance(event, ENDS):
                return event

    def rest(self) -> list[Event]:
        while not self.queue.empty():
            self.heard.append(self.queue.get())
        return self.heard

    def ends(self) -> list[tuple[str, str]]:
        """Which jobs have ended, and how, sorted."""
        return sorted(
            (one.job_id, type(one).__name__) for one in self.rest() if isinstance(one, ENDS)
        )


@contextmanager
def running(
    worker: Any = stand_ins.stand_in_worker, **settings: Any
) -> Iterator[tuple[LocalRunner, Ear]]:
    ear = Ear()
    runner = LocalRunner(EngineSettings(**settings), ear.queue.put, worker=worker, restarts=QUICK)
    runner.start()
    try:
        yield runner, ear
    finally:
        runner.close(30)


_OTHERS: set[int] = set()  # children that were there before the test: another file's servers


@pytest.fixture(autouse=True)
def _others() -> Iterator[None]:
    _OTHERS.update(children())
    yield
    _OTHERS.clear()


def expect(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def children() -> set[int]:
    """Processes of this test, alive or not yet reaped, without multiprocessing's tracker."""
    here: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            here.update((task / "children").read_text().split())
    return {int(pid) for pid in here if _is_of_a_test(pid)} - _OTHERS


def _is_of_a_test(pid: str) -> bool:
    try:
        return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # another thread has just seen it out
        return False


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_a_job_is_painted_and_its_events_come_in_order() -> None:
    with running() as (runner, ear):
        runner.submit(request("a"))
        painted = ear.next(Painted)
        kinds = [type(event) for event in ear.heard]
        assert kinds[:2] == [EngineReady, Started]
        assert set(kinds[2:-1]) == {Progressed}
        steps = [one.progress.iteration for one in ear.heard if isinstance(one, Progressed)]
        assert steps[0] == 1
        assert steps[-1] == 3
        with Image.open(io.BytesIO(painted.picture)) as image:
            assert image.size == (96, 72)
            assert image.getpixel((5, 5)) == (150, 150, 150)
        assert painted.suffix == ".png"


def test_the_report_says_what_the_command_line_promises() -> None:
    with running() as (runner, ear):
        runner.submit(request("a"))
        report = ear.next(Painted).report
    peak = report.pop("peak_memory_mb")
    assert 10 < peak < 100_000
    assert report == {
        "width": 96,
        "height": 72,
        "iterations": 3,
        "seconds": 0.5,
        "seconds_per_iteration": 0.25,
        "steps_per_second": 4.0,
        "tiles": 1,
        "refined": 0,
        "predicted_memory_mb": 100.0,
        "device": "cpu",
        "precision": "float32",
        "normalization": "relative",
        "loss": {
            "total": 1.0,
            "content": 0.25,
            "style": {"conv1_1": 0.75},
            "tv": 0.0,
            "realism": 0.0,
        },
        "weights_sha256": stand_ins.SHA256,
    }


def test_the_engine_stays_for_the_next_job() -> None:
    with running() as (runner, ear):
        for number in range(5):
            runner.submit(request(str(number)))
        for number in range(5):
            ear.next(Painted, str(number))
        assert [type(one) for one in ear.rest()].count(EngineReady) == 1
        started = [one.job_id for one in ear.heard if isinstance(one, Started)]
        assert started == [str(number) for number in range(5)]


def test_jobs_may_be_submitted_before_the_start() -> None:
    ear = Ear()
    runner = LocalRunner(EngineSettings(), ear.queue.put, worker=stand_ins.stand_in_worker)
    runner.submit(request("early"))
    runner.start()
    ear.next(Painted, "early")
    runner.close(5)


@pytest.mark.parametrize(
    ("style", "blame", "words"),
    [
        (10, "engine", "it blew up"),
        (20, "content", "too narrow"),
        (30, "recipe", "no sense"),
        (40, "engine", "not enough memory"),
        (50, "engine", "ZeroDivisionError"),
        (60, "engine", "EOFError"),
    ],
)
def test_an_error_fails_the_job_and_nothing_else(style: int, blame: str, words: str) -> None:
    with running() as (runner, ear):
        runner.submit(request("bad", style))
        runner.submit(request("good"))
        failed = ear.next(Failed)
        assert (failed.job_id, failed.blame) == ("bad", blame)
        assert words in failed.message
        assert "Traceback" not in failed.message
        assert "Traceback" in failed.detail
        assert failed.unexpected == (style in {50, 60})
        ear.next(Painted, "good")
        assert not [one for one in ear.rest() if isinstance(one, EngineLost)]


@pytest.mark.parametrize(("which", "blame"), [(0, "content"), (1, "style")])
def test_an_unreadable_picture_is_blamed(which: int, blame: str) -> None:
    pictures = [grey(100), grey(200)]
    pictures[which] = b"no picture"
    with running() as (runner, ear):
        runner.submit(PaintRequest("bad", pictures[0], (StyleFile(pictures[1]),), Recipe()))
        failed = ear.next(Failed)
        assert failed.blame == blame
        assert "not a picture" in failed.message
        assert ("style" in failed.message) == (blame == "style")


def test_all_that_is_handed_over_reaches_the_painter() -> None:
    styles = (StyleFile(grey(200), "a", 1.0), StyleFile(grey(40), "b", 3.0))
    with running() as (runner, ear):
        runner.submit(replace(request("blend"), styles=styles))
        runner.submit(replace(request("begun"), styles=styles, start=grey(20)))
        for job_id, seen in (("blend", (100 + 80) / 2), ("begun", (20 + 80) / 2)):
            picture = ear.next(Painted, job_id).picture
            with Image.open(io.BytesIO(picture)) as image:
                assert np.asarray(image, float).mean() == pytest.approx(seen, abs=0.5)


def test_too_many_pixels_are_refused() -> None:
    with running() as (runner, ear):
        runner.submit(replace(request("big"), max_pixels=64 * 48 - 1))
        assert "64 x 48" in ear.next(Failed).message


@pytest.mark.parametrize(
    ("worker", "picture", "words"),
    [
        (stand_ins.hasty_worker, lambda: bad_pictures.many_scans(1400, 2_000), "too long"),
        (
            stand_ins.thrifty_worker,
            lambda: bad_pictures.saved(bad_pictures.scene((1400, 1400)), "PNG"),
            "memory",
        ),
    ],
)
@pytest.mark.parametrize("which", ["content", "styles", "start"])
def test_a_picture_that_costs_too_much_to_read_fails_its_job_and_the_engine_lives(
    worker: Any, picture: Callable[[], bytes], words: str, which: str
) -> None:
    given: Any = (StyleFile(picture()),) if which == "styles" else picture()
    costly = replace(request("costly"), **{which: given})
    large = replace(request("large"), recipe=Recipe(size=1600, scales=(1.0,), iterations=(1,)))
    with running(worker) as (runner, ear):
        ear.next(EngineReady)
        before = children()
        runner.submit(costly)
        runner.submit(large)
        end = ear.end("costly")
        assert isinstance(end, Failed)
        assert end.blame == which.removesuffix("s")
        assert words in end.message
        assert isinstance(ear.end("large"), Painted)  # for which there is no ration
        assert children() == before
        assert not [one for one in ear.rest() if isinstance(one, EngineLost)]


def test_a_killed_child_fails_its_job_alone_and_comes_back() -> None:
    with running() as (runner, ear):
        runner.submit(request("killer", stand_ins.KILLS))
        runner.submit(request("next"))
        assert ear.next(EngineLost).exit_status == -signal.SIGKILL
        failed = ear.next(Failed)
        assert (failed.job_id, failed.blame) == ("killer", "lost")
        assert "memory" in failed.message
        ear.next(EngineReady)
        ear.next(Painted, "next")
        assert ear.ends() == [("killer", "Failed"), ("next", "Painted")]


def test_many_deaths_in_a_row_are_survived() -> None:
    with running() as (runner, ear):
        for number in range(4):
            runner.submit(request(str(number), stand_ins.KILLS))
        runner.submit(request("z"))
        ear.next(Painted, "z")
        assert ear.ends() == [*((str(n), "Failed") for n in range(4)), ("z", "Painted")]


def test_an_idle_child_that_dies_comes_back() -> None:
    with running() as (runner, ear):
        ear.next(EngineReady)
        (child,) = children()
        os.kill(child, signal.SIGTERM)
        assert ear.next(EngineLost).exit_status == -signal.SIGTERM
        ear.next(EngineReady)
        runner.submit(request("after"))
        ear.next(Painted, "after")


def test_a_running_job_is_cancelled_between_steps() -> None:
    with running() as (runner, ear):
        runner.submit(request("long", stand_ins.SLOW, steps=5000))
        ear.next(Progressed)
        runner.cancel("long")
        ear.next(Cancelled, "long")
        runner.submit(request("next"))
        ear.next(Painted, "next")
        assert ear.ends() == [("long", "Cancelled"), ("next", "Painted")]


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_given_up_but_kept_is_gone_on_with(tmp_path: Path, *, keep: bool) -> None:
    worker = functools.partial(stand_ins.stand_in_worker, checkpoints=tmp_path / "saved")
    with running(worker) as (runner, ear):
        runner.submit(request("long", stand_ins.SLOW, steps=2000))
        ear.next(Progressed)
        runner.cancel("long", keep=keep)
        assert isinstance(ear.end("long"), Cancelled)
        last = max(one.progress.iteration for one in ear.heard if isinstance(one, Progressed))
        assert (tmp_path / "saved" / "long.snapshot").exists() == keep
        runner.submit(request("long", steps=2000))
        assert isinstance(ear.end("long"), Painted)
        resumed = [one.iteration for one in ear.rest() if isinstance(one, Resumed)]
        assert len(resumed) == keep
        assert all(iteration >= last for iteration in resumed)


def test_what_cannot_be_kept_is_given_up_all_the_same(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()
    worker = functools.partial(stand_ins.stand_in_worker, checkpoints=nowhere)
    with running(worker, checkpoint_seconds=0) as (runner, ear):
        runner.submit(request("long", stand_ins.SLOW, steps=5000))
        ear.next(Progressed)
        runner.cancel("long", keep=True)
        assert "could not be saved" in ear.next(CheckpointTrouble).message
        assert isinstance(ear.end("long"), Cancelled)


def test_a_waiting_job_is_cancelled_and_never_begun() -> None:
    with running() as (runner, ear):
        runner.submit(request("long", stand_ins.SLOW, steps=5000))
        runner.submit(request("waiting"))
        ear.next(Progressed)
        runner.cancel("waiting")
        ear.next(Cancelled, "waiting")
        runner.cancel("long")
        ear.next(Cancelled, "long")
        assert [one.job_id for one in ear.rest() if isinstance(one, Started)] == ["long"]


def test_cancelling_what_is_not_there_does_nothing() -> None:
    with running() as (runner, ear):
        runner.cancel("never heard of")
        runner.submit(request("a"))
        ear.next(Painted, "a")
        runner.cancel("a")
        runner.submit(request("b"))
        ear.next(Painted, "b")
        assert ear.ends() == [("a", "Painted"), ("b", "Painted")]


def test_missing_weights_make_the_engine_unavailable_and_jobs_wait() -> None:
    with running(stand_ins.no_weights_worker) as (runner, ear):
        runner.submit(request("patient"))
        unavailable = ear.next(EngineUnavailable)
        assert unavailable == EngineUnavailable("weights", "run fetch")
        runner.start()
        ear.next(EngineUnavailable)
    assert ear.ends() == [("patient", "Cancelled")]
    assert not [one for one in ear.heard if isinstance(one, EngineLost)]


def test_an_engine_that_cannot_start_says_why() -> None:
    with running(stand_ins.no_start_worker) as (_, ear):
        unavailable = ear.next(EngineUnavailable)
    assert unavailable.blame == "engine"
    assert "no library" in unavailable.message


def test_an_engine_that_dies_at_start_is_given_up_after_some_tries() -> None:
    with running(stand_ins.dies_at_start_worker) as (_, ear):
        unavailable = ear.next(EngineUnavailable)
        assert unavailable.blame == "engine"
        assert "status 7" in unavailable.message
        lost = [one for one in ear.rest() if isinstance(one, EngineLost)]
        assert lost == [EngineLost(7)] * QUICK.starts


def test_an_engine_that_dies_at_start_once_is_started_again(tmp_path: Path) -> None:
    worker = stand_ins.starts_at_second_try_worker
    with running(worker, weights=tmp_path) as (runner, ear):
        runner.submit(request("a"))
        ear.next(Painted, "a")
        assert [type(one) for one in ear.heard][:3] == [EngineLost, EngineReady, Started]


def test_close_cancels_all_and_leaves_nothing_behind() -> None:
    with running() as (runner, ear):  # starts what every later runner shares
        ear.next(EngineReady)
    gc.collect()  # what others have left to be closed is not closed meanwhile
    before = open_files(), {*threading.enumerate()}, children()
    with running() as (runner, ear):
        runner.submit(request("long", stand_ins.SLOW, steps=5000))
        runner.submit(request("waiting"))
        ear.next(Progressed)
        runner.close(10)
        assert ear.ends() == [("long", "Cancelled"), ("waiting", "Cancelled")]
        with pytest.raises(RuntimeError, match="closed"):
            runner.submit(request("late"))
        with pytest.raises(Empty):
            ear.queue.get(timeout=0.2)
    after = open_files(), {*threading.enumerate()}, children()
    assert [now - then for now, then in zip(after, before, strict=True)] == [set()] * 3


def test_close_ends_a_child_that_does_not_listen() -> None:
    with running(stand_ins.deaf_worker) as (runner, ear):
        ear.next(EngineReady)
        style = os.urandom(1_000_000)  # more than a pipe holds: the thread that sends it is stuck
        runner.submit(PaintRequest("stuck", grey(1), (StyleFile(style),), Recipe()))
        assert len(children()) == 1
        runner.close(0.2)
        assert not children()
        assert ear.ends() == [("stuck", "Cancelled")]


def test_a_child_that_hangs_can_be_ended_and_its_job_is_lost() -> None:
    with running(stand_ins.deaf_worker) as (runner, ear):
        ear.next(EngineReady)
        runner.submit(request("stuck"))
        while runner._keeper._current is None:
            time.sleep(0.01)
        runner.kill("another")
        runner.kill("stuck")
        assert ear.next(Failed).blame == "lost"
        ear.next(EngineReady)
        runner.close(0.1)  # nor does the next one heed that it is to end


def test_close_without_start_answers_the_jobs() -> None:
    ear = Ear()
    runner = LocalRunner(EngineSettings(), ear.queue.put)
    runner.submit(request("a"))
    runner.close(1)
    runner.close(1)
    assert ear.ends() == [("a", "Cancelled")]


def test_ctrl_c_is_left_to_the_parent() -> None:
    with running() as (runner, ear):
        ear.next(EngineReady)
        for child in children():
            os.kill(child, signal.SIGINT)
        runner.submit(request("a"))
        ear.next(Painted, "a")
        assert not [one for one in ear.rest() if isinstance(one, EngineLost)]


def test_a_bug_in_the_keeper_loses_one_job_and_is_survived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take, failing = _Keeper._take, True

    def fail_once(self: _Keeper, event: Event) -> None:
        nonlocal failing
        if failing and isinstance(event, Progressed):
            failing = False
            raise ZeroDivisionError("a bug")
        take(self, event)

    monkeypatch.setattr(_Keeper, "_take", fail_once)
    with capture_logs() as logs, running() as (runner, ear):
        runner.submit(request("a"))
        runner.submit(request("waiting"))
        failed, unavailable = ear.next(Failed), ear.next(EngineUnavailable)
        assert (failed.job_id, failed.blame, unavailable.blame) == ("a", "lost", "engine")
        assert "ZeroDivisionError" in unavailable.message
        assert not children()
        runner.start()
        ear.next(Painted, "waiting")
        assert ear.ends() == [("a", "Failed"), ("waiting", "Painted")]
    (line,) = (line for line in logs if line["event"] == "engine.keeper_failed")
    assert isinstance(line["exc_info"], ZeroDivisionError)


def test_a_bug_while_the_engine_is_started_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any) -> None:
        raise RuntimeError("no more threads")

    with monkeypatch.context() as patch:
        patch.setattr(local, "Child", fail)
        with capture_logs(), running() as (runner, ear):
            assert ear.next(EngineUnavailable).blame == "engine"
            patch.undo()
            runner.start()
            ear.next(EngineReady)


def test_pauses_double_up_to_the_longest() -> None:
    restarts = Restarts(first_seconds=1, longest_seconds=5)
    assert [restarts.pause(deaths) for deaths in (1, 2, 3, 4, 5, 6, 1000)] == [0, 1, 2, 4, 5, 5, 5]


def test_the_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        parent.kill()
        assert ended(watch)
    os.close(watch)


def ended(watch: int, seconds: float = PATIENCE) -> bool:
    return bool(select.select([watch], [], [], seconds)[0])


PARENT = """
import os, queue, sys, time
from daemon.runners.base import EngineReady
from daemon.runners.local import LocalRunner
from daemon.settings import EngineSettings
from tests.daemon.child_stand_ins import deaf_worker
from pathlib import Path

if __name__ == "__main__":
    events = queue.SimpleQueue()
    runner = LocalRunner(EngineSettings(), events.put, worker=deaf_worker)
    runner.start()
    assert isinstance(events.get(timeout=60), EngineReady)
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                print(pid, flush=True)
    time.sleep(600)
"""


def test_an_engine_that_hangs_while_it_loads_is_ended_and_tried_again_later_and_later(
    tmp_path: Path,
) -> None:
    ear, now = Ear(), [0.0]
    settings = EngineSettings(weights=tmp_path)
    worker = stand_ins.waits_for_leave_worker
    runner = LocalRunner(settings, ear.queue.put, worker=worker, clock=lambda: now[0])

    def hang() -> EngineUnavailable:
        """Let it load for half an hour; another note wakes whoever keeps it."""
        expect(children)
        now[0] += 1799.0
        runner.cancel("none")
        time.sleep(0.05)
        assert ear.queue.empty()
        now[0] += 1.0
        runner.cancel("none")
        return ear.next(EngineUnavailable)

    def start_again() -> None:
        runner.start()
        expect(lambda: runner._keeper._wanted)

    try:
        runner.submit(request("a"))
        runner.start()
        told = hang()
        assert (told.blame, children()) == ("engine", set())
        assert "within 30 minutes" in told.message
        for pause in (1.0, 2.0):
            start_again()
            assert children() == set()
            now[0] += pause
            runner.cancel("none")
            assert hang() == told
        (tmp_path / "leave").touch()
        start_again()
        now[0] += 4.0
        runner.cancel("none")
        ear.next(EngineReady)
        now[0] += 3600.0  # it has loaded: from here on a painting's own silence counts
        ear.next(Painted, "a")
    finally:
        runner.close(5)
    assert ear.ends() == [("a", "Painted")]
