"""A cluster of real processes: every job ends exactly once, whoever dies."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Client

from daemon.cluster.calls import Calls, Pace, Terms
from daemon.cluster.errands import Errands
from daemon.cluster.messages import Credentials
from daemon.cluster.roster import Seat
from daemon.cluster.runner import DaskRunner
from daemon.cluster.session import Session
from daemon.runners.base import (
    Cancelled,
    CheckpointTrouble,
    EngineAside,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    Glimpse,
    Painted,
    Progressed,
    Resumed,
    Started,
)
from tests.daemon.cluster import stand_ins
from tests.daemon.cluster.grid import Grid, grid, wait_until
from tests.daemon.cluster.stand_ins import CALLS, request
from tests.daemon.runners.test_local import PATIENCE, Ear

QUICK = Pace(poll_seconds=0.1, connect_seconds=30, join_seconds=PATIENCE, pause_seconds=0.1)
SLOW = {"steps": 2000, "seconds": 0.05}
SAME = replace(CALLS, refusal=stand_ins.another)


@asynccontextmanager
async def at(address: str) -> AsyncIterator[str]:
    yield address


@contextmanager
def running(
    address: str, pace: Pace = QUICK, calls: Calls = CALLS, **terms: Any
) -> Iterator[tuple[DaskRunner, Ear]]:
    ear = Ear()
    terms = {"most_bytes": 2**20, **terms}
    runner = DaskRunner(partial(at, address), Terms(**terms), calls, ear.queue.put, pace=pace)
    runner.start()
    try:
        yield runner, ear
    finally:
        runner.close(10)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A cluster with one painter that nobody kills."""
    with grid(tmp_path_factory.mktemp("grid"), "anna") as one:
        yield one


def test_a_job_is_painted_and_its_painter_named(shared: Grid) -> None:
    with running(shared.address) as (runner, ear):
        ready = ear.next(EngineReady)
        assert (ready.engine, ready.weights_sha256) == ("anna", stand_ins.GOOD)
        assert runner.capacity == 1
        runner.submit(request("a"))
        assert ear.next(Started) == Started("a", "anna")
        assert ear.end("a") == Painted("a", b"1-3", ".jpg", {})
        assert [one.progress.iteration for one in ear.heard if isinstance(one, Progressed)] == [
            1,
            2,
            3,
        ]


def test_there_is_room_when_a_painter_is_told_of_and_none_when_its_loss_is(tmp_path: Path) -> None:
    def hear(event: Event) -> None:
        heard.put((type(event), runner.capacity))

    heard: SimpleQueue[tuple[type[Event], int]] = SimpleQueue()
    with grid(tmp_path, "anna") as one:
        runner = DaskRunner(partial(at, one.address), Terms(1), CALLS, hear, pace=QUICK)
        runner.start()
        try:
            assert heard.get(timeout=PATIENCE) == (EngineReady, 1)
            one.kill_worker("anna")
            assert heard.get(timeout=PATIENCE) == (EngineLost, 0)
        finally:
            runner.close(10)


def test_what_a_painter_shows_of_a_job_arrives(shared: Grid) -> None:
    with running(shared.address) as (runner, ear):
        runner.submit(request("a", shows=True))
        assert ear.next(Glimpse) == Glimpse("a", "painting", stand_ins.SHOWN)
        assert isinstance(ear.end("a"), Painted)


def test_what_was_saved_and_cannot_be_had_is_told_and_the_job_goes_on(
    shared: Grid, tmp_path: Path
) -> None:
    with running(shared.address, checkpoints=tmp_path) as (runner, ear):
        runner.submit(request("a", **SLOW, saves_at=1, forgets=True))
        trouble = ear.next(CheckpointTrouble)
        assert trouble.job_id == "a"
        assert "could not be fetched" in trouble.message
        assert "KeyError" in trouble.message
        ear.next(Progressed, "a")
        runner.cancel("a")
        assert isinstance(ear.end("a"), Cancelled)
    assert not list(tmp_path.iterdir())


def test_jobs_beyond_the_capacity_wait(shared: Grid) -> None:
    with running(shared.address) as (runner, ear):
        for name in "abc":
            runner.submit(request(name))
        assert [type(ear.end(name)) for name in "abc"] == [Painted] * 3


def test_a_job_that_is_cancelled_ends_at_once(shared: Grid) -> None:
    with running(shared.address) as (runner, ear):
        runner.submit(request("a", **SLOW))
        runner.submit(request("b", **SLOW))
        ear.next(Progressed, "a")
        runner.cancel("b")
        runner.cancel("a")
        runner.cancel("unknown")
        runner.submit(request("c"))
        assert isinstance(ear.end("c"), Painted)
        assert ear.ends() == [("a", "Cancelled"), ("b", "Cancelled"), ("c", "Painted")]


def test_closing_gives_back_what_is_painted_and_what_waits(shared: Grid) -> None:
    with running(shared.address) as (runner, ear):
        runner.submit(request("a", **SLOW))
        runner.submit(request("b", **SLOW))
        ear.next(Progressed, "a")
        runner.close(10)
        assert ear.ends() == [("a", "Cancelled"), ("b", "Cancelled")]
        with pytest.raises(RuntimeError):
            runner.submit(request("c"))


def test_a_runner_that_was_not_started_gives_back_what_waits() -> None:
    ear = Ear()
    runner = DaskRunner(None, Terms(1), CALLS, ear.queue.put)  # type: ignore[arg-type]
    runner.submit(request("a"))
    runner.close(1)
    assert ear.ends() == [("a", "Cancelled")]


def test_what_a_task_raises_fails_its_job_alone(shared: Grid) -> None:
    with running(shared.address) as (runner, ear):
        runner.submit(request("a", raises=True))
        failed = ear.end("a")
        assert isinstance(failed, Failed)
        assert (failed.blame, failed.unexpected) == ("lost", True)
        assert "ValueError: a bug" in failed.detail
        runner.submit(request("b", fails=True))
        assert ear.end("b") == Failed("b", "recipe", "It makes no sense.")


def test_files_that_are_too_large_are_not_sent(shared: Grid) -> None:
    with running(shared.address, most_bytes=50) as (runner, ear):
        runner.submit(request("a"))
        failed = ear.end("a")
        assert isinstance(failed, Failed)
        assert (failed.blame, ear.ends()) == ("content", [("a", "Failed")])


def test_what_is_saved_and_too_large_is_told_of_once(shared: Grid, tmp_path: Path) -> None:
    one = request("a", steps=5, saves_at=2, saved_bytes=2000)
    with running(shared.address, checkpoints=tmp_path, most_bytes=1000) as (runner, ear):
        runner.submit(one)
        assert isinstance(ear.end("a"), Painted)
        (trouble,) = (event for event in ear.heard if isinstance(event, CheckpointTrouble))
        assert "cluster.max_megabytes" in trouble.message
        assert list(tmp_path.iterdir()) == []


def test_what_a_lost_painter_has_saved_is_gone_on_with(tmp_path: Path) -> None:
    saved = tmp_path / "checkpoints"
    with grid(tmp_path, "anna") as one, running(one.address, checkpoints=saved) as (runner, ear):
        runner.submit(request("a", **SLOW, saves_at=2))
        wait_until((saved / "a.snapshot").exists)
        one.start_worker("bert")
        assert [ear.next(EngineReady).engine for _ in "ab"] == ["anna", "bert"]
        one.kill_worker("anna")
        lost = ear.end("a")
        assert isinstance(lost, Failed)
        assert lost.blame == "lost"
        assert EngineLost(None, "anna", 1) in ear.heard
        runner.submit(request("a", steps=4))
        assert ear.next(Resumed) == Resumed("a", 2)
        assert ear.end("a") == Painted("a", b"3-4", ".jpg", {})
        assert ear.ends() == [("a", "Failed"), ("a", "Painted")]


def test_what_a_painter_was_given_and_had_not_begun_is_for_the_next(tmp_path: Path) -> None:
    with grid(tmp_path, "anna") as one, running(one.address) as (runner, ear):
        ear.next(EngineReady)
        one.workers["anna"].send_signal(signal.SIGSTOP)  # it is there, and hears nothing
        runner.submit(request("a"))
        wait_until(lambda: any(errand.future for errand in runner._keeper._errands.all))
        one.kill_worker("anna")
        ear.next(EngineLost)
        one.start_worker("bert")
        assert ear.next(Started) == Started("a", "bert")
        assert isinstance(ear.end("a"), Painted)


def test_when_all_painters_are_killed_new_ones_paint_what_they_had(tmp_path: Path) -> None:
    with grid(tmp_path, "anna", "bert") as one, running(one.address) as (runner, ear):
        for job in "ab":
            runner.submit(request(job, **SLOW))
        wait_until(lambda: {"a", "b"} <= {_job_of(event) for event in ear.rest()})
        one.kill_worker("anna")
        one.kill_worker("bert")
        wait_until(lambda: ear.ends() == [("a", "Failed"), ("b", "Failed")])
        wait_until(lambda: runner.capacity == 0)
        one.start_worker("carl")
        assert ear.next(EngineReady).engine == "carl"
        for job in "ab":
            runner.submit(request(job))
        painted = [("a", "Painted"), ("b", "Painted")]
        wait_until(lambda: [end for end in ear.ends() if end[1] == "Painted"] == painted)


def _job_of(event: object) -> str:
    return event.job_id if isinstance(event, Progressed) else ""


def test_a_scheduler_that_is_lost_gives_all_back_and_is_found_again(tmp_path: Path) -> None:
    with grid(tmp_path, "anna") as one, running(one.address) as (runner, ear):
        runner.submit(request("a", **SLOW))
        ear.next(Progressed)
        one.kill_scheduler()
        gone = ear.next(EngineUnavailable)
        assert one.address in gone.message
        assert ear.end("a") == Cancelled("a")
        assert runner.capacity == 0
        one.kill_worker("anna")
        one.start_scheduler()
        one.start_worker("bert")
        assert ear.next(EngineReady).engine == "bert"
        runner.submit(request("a"))
        assert isinstance(ear.end("a"), Painted)
        told = [event for event in ear.rest() if isinstance(event, EngineUnavailable)]
        assert told == [gone]


def test_a_scheduler_that_is_not_there_is_told_of_at_each_start() -> None:
    with running("tcp://127.0.0.1:9", replace(QUICK, connect_seconds=0.1)) as (runner, ear):
        assert "tcp://127.0.0.1:9" in ear.next(EngineUnavailable).message
        runner.start()
        ear.next(EngineUnavailable)


def test_a_painter_with_other_weights_gets_nothing_and_others_go_on(tmp_path: Path) -> None:
    with grid(tmp_path) as one, running(one.address) as (runner, ear):
        one.start_worker("anna", **{stand_ins.WEIGHTS: "b" * 64})
        assert "anna: It has other weights" in ear.next(EngineUnavailable).message
        runner.start()
        ear.next(EngineUnavailable)
        one.start_worker("bert")
        assert ear.next(EngineReady).engine == "bert"
        aside = ear.next(EngineAside)
        assert (aside.engine, aside.message) == ("anna", "anna: It has other weights.")
        with Client(one.address) as client:  # it has been told itself
            anna, why = [_address(client, "anna")], {"anna: It has other weights."}
            wait_until(lambda: set(*client.run(stand_ins.told, workers=anna).values()) == why)
        one.start_worker("carl", **{stand_ins.WEIGHTS: "broken"})
        assert "of another version" in ear.next(EngineAside).message
        for name in "abc":
            runner.submit(request(name))
        assert [type(ear.end(name)) for name in "abc"] == [Painted] * 3
        assert {event.engine for event in ear.heard if isinstance(event, Started)} == {"bert"}


def test_when_those_that_came_first_are_gone_the_others_are_asked_anew(tmp_path: Path) -> None:
    with grid(tmp_path, "anna") as one, running(one.address, calls=SAME) as (_, ear):
        assert ear.next(EngineReady).engine == "anna"
        one.start_worker("bert", **{stand_ins.WEIGHTS: "b" * 64})
        assert ear.next(EngineAside) == EngineAside("bert", "bert: It is another one.")
        one.kill_worker("anna")
        assert ear.next(EngineReady).engine == "bert"


def test_a_painter_that_lacks_an_engine_is_given_no_more_than_it_can(tmp_path: Path) -> None:
    with grid(tmp_path) as one, running(one.address) as (runner, ear):
        one.start_worker("anna", places=2, **{stand_ins.ENGINES: "2"})
        one.start_worker("bert")
        ear.next(EngineReady)
        ear.next(EngineReady)
        wait_until(lambda: runner.capacity == 3)
        with Client(one.address) as client:
            client.run(stand_ins.say_that_engines_are, 1, workers=[_address(client, "anna")])
            wait_until(lambda: runner.capacity == 2)
            for name in "abc":
                runner.submit(request(name, **SLOW))
            begun = {ear.next(Started).engine, ear.next(Started).engine}
            assert begun == {"anna", "bert"}
            for _ in range(20):  # long enough for another one to begin
                assert not isinstance(ear.next(object), Started)
            client.run(stand_ins.say_that_engines_are, 2, workers=[_address(client, "anna")])
            assert ear.next(Started) == Started("c", "anna")
            assert runner.capacity == 3


def test_a_painter_whose_engine_loads_again_is_given_nothing(tmp_path: Path) -> None:
    with grid(tmp_path, "anna", "bert") as one, running(one.address) as (runner, ear):
        ear.next(EngineReady)
        ear.next(EngineReady)
        with Client(one.address) as client:
            client.run(stand_ins.say_that_engines_are, 0, workers=[_address(client, "anna")])
            wait_until(lambda: runner.capacity == 1)
            for name in "abc":
                runner.submit(request(name))
            assert [type(ear.end(name)) for name in "abc"] == [Painted] * 3
            assert {one.engine for one in ear.heard if isinstance(one, Started)} == {"bert"}
            client.run(stand_ins.say_that_engines_are, 1, workers=[_address(client, "anna")])
            wait_until(lambda: runner.capacity == 2)


@contextmanager
def beside_a_sick_one(folder: Path) -> Iterator[tuple[Grid, DaskRunner, Ear]]:
    """Two painters, of which one loses each photo."""
    with grid(folder) as one, running(one.address) as (runner, ear):
        one.start_worker("sick", **{stand_ins.SICK: "2"})
        one.start_worker("well")
        ear.next(EngineReady)
        ear.next(EngineReady)
        yield one, runner, ear


def come_to_an_end(runner: DaskRunner, ear: Ear, names: list[str]) -> None:
    """Have photos painted at the same time, and wait for all of them, however they end."""
    for name in names:
        runner.submit(request(name))
    wait_until(lambda: {job for job, _ in ear.ends()} >= set(names))


def test_a_photo_that_was_lost_goes_to_another_painter_and_a_sick_one_gets_no_more(
    tmp_path: Path,
) -> None:
    with beside_a_sick_one(tmp_path) as (_, runner, ear):
        lost = []
        for number in range(50):  # the other one is quick, and may paint both
            if len(lost) == 3:
                break
            both = [f"{number}{letter}" for letter in "ab"]
            come_to_an_end(runner, ear, both)
            lost += [job for job, end in ear.ends() if end == "Failed" and job in both]
        assert len(lost) == 3
        for name in lost:
            runner.submit(request(name))
        wait_until(lambda: all((name, "Painted") in ear.ends() for name in lost))
        assert runner.capacity == 1
        (aside,) = (event for event in ear.rest() if isinstance(event, EngineAside))
        assert aside.engine == "sick"


def test_one_whose_engine_dies_of_every_photo_gets_no_more_whatever_it_says(
    tmp_path: Path,
) -> None:
    with beside_a_sick_one(tmp_path) as (one, runner, ear):
        with Client(one.address) as client:
            sick = _address(client, "sick")
            names = iter(range(100))
            while runner.capacity == 2:
                come_to_an_end(runner, ear, [f"{next(names)}", f"{next(names)}"])
                # As when an engine is lost, and another one has loaded.
                client.run(stand_ins.say_that_engines_are, 1, workers=[sick])
            client.run(stand_ins.say_that_engines_are, 1, workers=[sick])
            come_to_an_end(runner, ear, ["a", "b"])
        assert {("a", "Painted"), ("b", "Painted")} <= set(ear.ends())
        assert sum(isinstance(event, EngineAside) for event in ear.rest()) == 1
        assert runner.capacity == 1


def test_photos_that_kill_any_engine_take_no_painter_out(tmp_path: Path) -> None:
    with grid(tmp_path, "anna", "bert") as one, running(one.address) as (runner, ear):
        ear.next(EngineReady)
        ear.next(EngineReady)
        for _ in range(3):
            for name in ("one", "other"):
                runner.submit(request(name, steps=1000, seconds=0.05))
                ear.next(Progressed, name)
                runner.kill(name)
                assert isinstance(ear.end(name), Failed)
        assert runner.capacity == 2
        assert not [event for event in ear.rest() if isinstance(event, EngineAside)]


def test_one_that_is_cancelled_is_not_sent_to_another_painter() -> None:
    ears = Ear()
    errands = Errands(ears.queue.put, iter("abc").__next__)
    errands.add(request("a"))
    errand = errands.all[0]
    errand.is_unwanted = True
    errands.renew(errand)
    assert (errands.all, ears.ends()) == ([], [("a", "Cancelled")])


def test_the_last_painter_that_is_refused_when_it_is_asked_anew_is_told_of(tmp_path: Path) -> None:
    with grid(tmp_path, "anna") as one, running(one.address) as (runner, ear):
        ear.next(EngineReady)
        runner.submit(request("a", **SLOW))
        ear.next(Progressed)
        with Client(one.address) as client:
            client.run(stand_ins.say_that_weights_are, "b" * 64)
        # What it paints with other weights is not taken, and nobody is to blame for that.
        assert ear.end("a") == Cancelled("a")
        assert "It has other weights" in ear.next(EngineUnavailable).message
        one.start_worker("bert")
        assert ear.next(EngineReady).engine == "bert"


def test_while_a_photo_that_was_given_up_is_at_its_step_another_painter_has_the_next(
    tmp_path: Path,
) -> None:
    with grid(tmp_path, "anna", "bert") as one, running(one.address) as (runner, ear):
        ear.next(EngineReady)
        ear.next(EngineReady)
        held = tmp_path / "held"
        held.touch()
        runner.submit(request("long", **SLOW, held=str(held)))
        first = ear.next(Started).engine
        ear.next(Progressed)
        runner.cancel("long")
        runner.submit(request("next"))
        assert ear.next(Started, "next").engine != first
        assert isinstance(ear.end("next"), Painted)
        held.unlink()
        assert ear.end("long") == Cancelled("long")


def test_a_painter_that_gives_no_sign_of_life_is_let_go_until_it_does(tmp_path: Path) -> None:
    pace: Any = SimpleNamespace(**vars(QUICK))
    with grid(tmp_path, "anna") as one, running(one.address, pace) as (runner, ear):
        ear.next(EngineReady)
        runner.submit(request("a", **SLOW))
        ear.next(Progressed)
        one.workers["anna"].send_signal(signal.SIGSTOP)
        pace.silent_seconds = 1  # not before: whoever is busy may be silent for longer, and lives
        lost = ear.end("a")
        assert isinstance(lost, Failed)
        assert lost.blame == "lost"
        assert runner.capacity == 0
        pace.silent_seconds = PATIENCE
        one.workers["anna"].send_signal(signal.SIGCONT)
        assert ear.next(EngineReady).engine == "anna"
        runner.submit(request("b"))
        assert isinstance(ear.end("b"), Painted)


def test_a_painter_that_loads_is_asked_at_each_look_and_not_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    answers: list[str] = []
    look, judge = Session._look, Session._judge

    async def counted(session: Session) -> None:
        looks.append("a look")
        await look(session)

    def noted(session: Session, seat: Seat, told: Credentials | None) -> None:
        answers.append(seat.name)
        judge(session, seat, told)

    monkeypatch.setattr(Session, "_look", counted)
    monkeypatch.setattr(Session, "_judge", noted)
    with (
        grid(tmp_path) as one,
        running(one.address, Pace(poll_seconds=1000)) as (runner, _),
    ):
        one.start_worker("anna", **{stand_ins.WEIGHTS: "load"})
        wait_until(lambda: answers == ["anna"])
        runner.start()  # it looks once more
        wait_until(lambda: answers == ["anna", "anna"])
        time.sleep(0.5)  # in which it would be asked again and again
        assert answers == ["anna", "anna"]
        assert len(looks) < 10


def _address(client: Client, name: str) -> str:
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return next(address for address, told in workers.items() if told["name"] == name)


def test_a_cluster_without_painters_is_told_of(tmp_path: Path) -> None:
    with grid(tmp_path) as one, running(one.address, Pace(0.1, join_seconds=0.2)) as (_, ear):
        assert "No painter has joined" in ear.next(EngineUnavailable).message
        one.start_worker("anna")
        assert ear.next(EngineReady).engine == "anna"


def test_an_engine_that_hangs_is_ended_and_its_painter_goes_on(shared: Grid) -> None:
    with running(shared.address) as (runner, ear):
        runner.submit(request("a", steps=1000, seconds=0.1, hangs=True))
        ear.next(Progressed)
        runner.kill("a")
        runner.kill("unknown")
        lost = ear.end("a")
        assert isinstance(lost, Failed)
        assert lost.blame == "lost"
        runner.submit(request("b"))
        assert isinstance(ear.end("b"), Painted)
        assert ear.ends() == [("a", "Failed"), ("b", "Painted")]


def test_a_painter_that_hangs_altogether_is_set_aside(tmp_path: Path) -> None:
    deaf = {stand_ins.DEAF: "1"}
    with grid(tmp_path, "anna", **deaf) as one, running(one.address) as (runner, ear):
        runner.submit(request("a", steps=10_000, seconds=0.1, hangs=True))
        ear.next(Progressed)
        runner.kill("a")
        lost = ear.end("a")
        assert isinstance(lost, Failed)
        assert lost.blame == "lost"
        assert "anna did not answer" in ear.next(EngineUnavailable).message
        assert runner.capacity == 0
        one.start_worker("bert")
        assert ear.next(EngineReady).engine == "bert"


def test_a_job_that_kills_painters_is_lost_each_time(tmp_path: Path) -> None:
    with grid(tmp_path, "anna", "bert", "carl") as one, running(one.address) as (runner, ear):
        for _ in range(3):
            ear.next(EngineReady)
        for _ in range(2):
            runner.submit(request("a", dies_at=2))
            lost = ear.end("a")
            assert isinstance(lost, Failed)
            assert lost.blame == "lost"
        runner.submit(request("b"))
        assert isinstance(ear.end("b"), Painted)


def test_a_job_at_which_painters_die_before_they_can_say_so_is_lost(tmp_path: Path) -> None:
    names = ("anna", "bert", "carl", "dora")
    with grid(tmp_path, *names) as one, running(one.address) as (runner, ear):
        for _ in names:
            ear.next(EngineReady)
        runner.submit(request("a", dies_at=1, is_mute=True))
        lost = ear.end("a")
        assert isinstance(lost, Failed)
        assert lost.blame == "lost"
        assert "again and again" in lost.message
        runner.submit(request("b"))
        assert isinstance(ear.end("b"), Painted)
        assert sum(isinstance(event, EngineLost) for event in ear.rest()) == 3
