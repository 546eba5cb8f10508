"""Several engines side by side: each job ends once, whichever of them comes, dies or hangs."""

from __future__ import annotations

import errno
import io
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from daemon.runners.base import (
    Cancelled,
    Deliver,
    EngineAside,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    Painted,
    Progressed,
    Runner,
    Started,
)
from daemon.runners.making import local
from daemon.runners.places import VISIBLE, Machine, Place, places
from daemon.runners.pool import Pool
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings
from engine import Recipe
from engine.cores import usable_cores
from engine.cuda import Card, Found
from tests.daemon import child_stand_ins as stand_ins
from tests.daemon.runners.test_local import ENDS, Ear, expect, grey
from tests.daemon.standins import READY, progress

RECIPE = Recipe(size=96, scales=(1.0,), iterations=(3,))


def request(job_id: str, style: int = 200, **more: Any) -> PaintRequest:
    return PaintRequest(job_id, grey(100), (StyleFile(grey(style)),), RECIPE, "png", **more)


@dataclass
class Scripted:
    """A runner that says what a test has it say."""

    say: Deliver
    starts: int = 0
    jobs: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    capacity: int = 1

    def start(self) -> None:
        self.starts += 1

    def submit(self, request: PaintRequest) -> None:
        self.jobs.append(request.job_id)

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        self.cancelled.append(job_id)
        self.saved += [job_id] if keep else []

    def kill(self, job_id: str) -> None:
        self.killed.append(job_id)

    def close(self, timeout: float) -> None:
        assert timeout > 0
        self.closed.set()
        for job_id in self.jobs[-1:]:
            self.say(Cancelled(job_id))

    def paints(self, job_id: str) -> None:
        self.say(Started(job_id))
        self.say(Painted(job_id, b"picture", ".jpg", {}))

    def dies(self, job_id: str = "") -> None:
        if job_id:
            self.say(Started(job_id))
        self.say(EngineLost(-9))
        if job_id:
            self.say(Failed(job_id, "lost", "It died."))


class House:
    """A pool of engines `a`, `b`, ... and what it has said."""

    def __init__(self, names: str = "ab") -> None:
        self.heard: list[Event] = []
        self.runners: dict[str, list[Scripted]] = {name: [] for name in names}
        self.names = names
        self.found = threading.Event()
        self.pool = Pool(self.find, self.make, self.heard.append)

    def find(self) -> list[Place]:
        return [Place(EngineSettings(), name) for name in self.names]

    def make(self, place: Place, deliver: Deliver) -> Scripted:
        self.runners[place.name].append(Scripted(deliver))
        return self.runners[place.name][-1]

    def __getitem__(self, name: str) -> Scripted:
        """The runner of one of them."""
        return self.runners[name][-1]

    def start(self, *ready: str) -> None:
        self.pool.start()
        for thread in threading.enumerate():
            if thread.name == "engine-places":
                thread.join()
        for name in ready:
            self[name].say(READY)

    def news(self) -> list[Event]:
        heard, self.heard[:] = list(self.heard), []
        return heard


@pytest.fixture
def house() -> House:
    house = House()
    house.start("a", "b")
    assert [one.engine for one in house.news() if isinstance(one, EngineReady)] == ["a", "b"]
    return house


def test_each_is_given_one_and_the_next_one_waits_for_whichever_is_free(house: House) -> None:
    for job in ("one", "two", "three"):
        house.pool.submit(request(job))
    assert (house["a"].jobs, house["b"].jobs) == (["one"], ["two"])
    house["b"].paints("two")
    assert house["b"].jobs == ["two", "three"]
    started, painted = house.news()
    assert started == Started("two", "b")
    assert isinstance(painted, Painted)


def test_there_is_room_for_as_many_as_have_loaded() -> None:
    house = House("abc")
    assert house.pool.capacity == 0
    house.start("a")
    assert house.pool.capacity == 1
    house["c"].say(READY)
    assert house.pool.capacity == 2
    house["a"].dies()
    assert house.pool.capacity == 1


def test_what_comes_before_any_has_loaded_waits() -> None:
    house = House()
    house.pool.submit(request("one"))
    house.start("b")
    assert house["b"].jobs == ["one"]


def test_one_that_dies_is_told_with_how_many_go_on(house: House) -> None:
    house.pool.submit(request("one"))
    house["a"].dies("one")
    assert house.news() == [
        Started("one", "a"), EngineLost(-9, "a", 1), Failed("one", "lost", "It died."),
    ]  # fmt: skip
    house["b"].dies()
    assert house.news() == [EngineLost(-9, "b", 0)]
    house["b"].say(READY)
    assert house.pool.capacity == 1


def test_a_job_that_was_lost_goes_to_another_one_if_that_is_free(house: House) -> None:
    house.pool.submit(request("one"))
    house["a"].dies("one")
    house["a"].say(READY)
    house.pool.submit(request("one"))
    assert (house["a"].jobs, house["b"].jobs) == (["one"], ["one"])
    house["b"].dies("one")
    house["b"].say(READY)
    house.pool.submit(request("one"))  # it was lost at both: any one will do
    assert house["a"].jobs == ["one", "one"]


def test_so_does_another_attempt_at_its_photo(house: House) -> None:
    for run, name in (("1", "a"), ("2", "b")):
        house.pool.submit(request(run, attempt_of="photo"))
        house[name].dies(run)
        house[name].say(READY)
    assert (house["a"].jobs, house["b"].jobs) == (["1"], ["2"])
    house.pool.submit(request("3", attempt_of="photo"))
    house["a"].paints("3")
    house.pool.submit(request("4", attempt_of="photo"))  # it is forgotten where it was lost
    assert house["a"].jobs == ["1", "3", "4"]


@pytest.mark.parametrize("has_runs", [False, True])
def test_one_photo_alone_sets_no_engine_aside(*, has_runs: bool) -> None:
    house = House("ab")
    house.start("a")
    for number in range(5):
        run = f"run {number}" if has_runs else "bad"
        house.pool.submit(request(run, attempt_of="bad" if has_runs else ""))
        house["a"].dies(run)
        house["a"].say(READY)
    house["b"].say(READY)  # from now on there is another one
    assert not any(isinstance(event, EngineAside) for event in house.news())
    assert house.pool.capacity == 2


@pytest.mark.parametrize("jobs", [("one", "two", "two"), ("", "", ""), ("one", "", "one")])
def test_one_that_dies_whatever_it_paints_is_set_aside(house: House, jobs: tuple[str, ...]) -> None:
    house["b"].say(EngineLost(-9))  # so that all goes to the other one
    for job in jobs:
        house["a"].say(READY)
        if job:
            house.pool.submit(request(job))
        house["a"].dies(job)
    aside = [event for event in house.news() if isinstance(event, EngineAside)]
    assert [one.engine for one in aside] == ["a"]
    assert "3 times" in aside[0].message
    assert house["a"].closed.wait(10)
    house["a"].say(READY)  # its last words
    assert (house.pool.capacity, house.news()) == (0, [])
    house["b"].say(READY)
    house.pool.submit(request("next"))
    assert house["b"].jobs[-1] == "next"


def test_a_picture_in_between_makes_it_whole_again(house: House) -> None:
    for _ in range(4):
        house["a"].dies()
        house["a"].say(READY)
        house["a"].dies()
        house["a"].say(READY)
        house.pool.submit(request("good"))
        house["a"].paints("good")
    assert not any(isinstance(event, EngineAside) for event in house.news())


def test_the_last_one_is_never_set_aside_for_its_deaths(house: House) -> None:
    house["b"].say(EngineUnavailable("engine", "No such card."))
    for _ in range(9):
        house["a"].dies()
        house["a"].say(READY)
    aside = [event for event in house.news() if isinstance(event, EngineAside)]
    assert aside == [EngineAside("b", "No such card.")]


def test_one_that_cannot_start_is_set_aside_once_it_is_known_that_another_can() -> None:
    house = House("abc")
    house.start()
    house["a"].say(EngineUnavailable("engine", "No such card."))
    assert house.news() == []
    house["b"].say(READY)
    ready, aside = house.news()
    assert isinstance(ready, EngineReady)
    assert aside == EngineAside("a", "No such card.")


def test_where_none_can_start_that_is_told_once_and_all_are_tried_again() -> None:
    house = House()
    house.start()
    trouble = EngineUnavailable("weights", "Fetch them.")
    house["a"].say(trouble)
    house["b"].say(trouble)
    assert house.news() == [trouble]
    house.start("a")
    assert (house["a"].starts, house["b"].starts) == (2, 2)
    house["b"].say(trouble)
    ready, aside = house.news()
    assert isinstance(ready, EngineReady)
    assert aside == EngineAside("b", "Fetch them.")


def test_what_it_was_given_in_the_moment_of_its_death_another_one_paints(house: House) -> None:
    house["b"].say(EngineLost(-9))
    house.pool.submit(request("one"))  # the first is dead, and has not said so yet
    house["b"].say(READY)
    house.news()
    house["a"].say(EngineLost(-9))
    assert house["a"].cancelled == ["one"]
    assert house["b"].jobs == ["one"]
    house["a"].say(Failed("one", "lost", "It died."))  # it had been handed over, and not begun
    house["b"].paints("one")
    ends = [event for event in house.news() if isinstance(event, ENDS)]
    assert [type(event) for event in ends] == [Painted]


def test_one_that_is_taken_back_may_come_to_the_same_engine(house: House) -> None:
    house["b"].say(EngineLost(-9))
    house.pool.submit(request("one"))
    house["a"].say(EngineLost(-9))
    house["a"].say(Cancelled("one"))
    house.news()
    house["a"].say(READY)
    assert house["a"].jobs == ["one", "one"]
    house["a"].paints("one")
    assert [type(event) for event in house.news()] == [EngineReady, Started, Painted]


def test_of_several_reasons_missing_weights_are_told() -> None:
    house = House("abc")
    house.start()
    house["a"].say(EngineUnavailable("engine", "No such card."))
    house["b"].say(EngineUnavailable("weights", "Fetch them."))
    house["c"].say(EngineUnavailable("engine", "No such card."))
    assert house.news() == [EngineUnavailable("weights", "Fetch them.")]


def test_deaths_while_it_loads_are_its_runners_to_count() -> None:
    house = House()
    house.start("a")
    for _ in range(5):
        house["b"].dies()
    house["b"].say(EngineUnavailable("engine", "It died 5 times: how."))
    aside = [event for event in house.news() if isinstance(event, EngineAside)]
    assert aside == [EngineAside("b", "It died 5 times: how.")]


def test_one_that_was_set_aside_for_its_deaths_is_made_anew_when_all_are_tried_again(
    house: House,
) -> None:
    for _ in range(3):
        house["a"].say(READY)
        house["a"].dies()
    house["b"].say(EngineUnavailable("engine", "It hangs."))
    assert isinstance(house.news()[-1], EngineUnavailable)
    house.start()
    assert [len(house.runners[name]) for name in "ab"] == [2, 1]
    house["a"].say(READY)
    assert house.pool.capacity == 1


def test_one_that_no_thread_could_close_is_closed_with_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise OSError(errno.EAGAIN, "no thread can be started")

    first = house["a"]
    with monkeypatch.context() as scarce:
        scarce.setattr("daemon.runners.pool.threads.start", refuse)
        for _ in range(3):
            first.say(READY)
            first.dies()
    house.start()  # another one is in its place
    assert (house["a"] is first, first.closed.is_set()) == (False, False)
    house.pool.close(1)
    assert first.closed.is_set()


def test_a_job_is_cancelled_and_killed_where_it_is(house: House) -> None:
    for job in ("one", "two", "three"):
        house.pool.submit(request(job))
    house["a"].say(Started("one"))
    for job in ("one", "two", "three", "nobody's"):
        house.pool.kill(job)  # of what has not begun no engine is to blame
    assert (house["a"].cancelled, house["b"].cancelled) == ([], ["two"])
    assert (house["a"].killed, house["b"].killed) == (["one"], [])
    house.pool.cancel("one")
    assert (house["a"].cancelled, house["a"].saved) == (["one"], [])
    assert house.news() == [Started("one", "a"), Cancelled("three")]


def test_what_is_to_be_kept_is_saved_where_it_is(house: House) -> None:
    for job in ("one", "two", "three"):
        house.pool.submit(request(job))
        house.pool.cancel(job, keep=True)
    assert (house["a"].saved, house["b"].saved) == (["one"], ["two"])
    assert house.news() == [Cancelled("three")]  # of which there is nothing


def test_progress_is_passed_on(house: House) -> None:
    house.pool.submit(request("one"))
    step = Progressed("one", progress())
    house["a"].say(step)
    assert house.news() == [step]


def test_all_are_closed_and_nothing_is_said_after_that(house: House) -> None:
    for job in ("one", "two", "three"):
        house.pool.submit(request(job))
    house.pool.close(5)
    house.pool.close(5)
    ended = sorted(event.job_id for event in house.news() if isinstance(event, Cancelled))
    assert ended == ["one", "three", "two"]
    house["a"].say(READY)
    assert house.news() == []
    with pytest.raises(RuntimeError):
        house.pool.submit(request("four"))
    with pytest.raises(RuntimeError):
        house.pool.cancel("one")


def test_what_cannot_be_found_out_is_told_and_tried_again() -> None:
    house = House()
    answers = iter([_raises, house.find])

    def find() -> list[Place]:
        return next(answers)()

    house.pool = Pool(find, house.make, house.heard.append)
    house.start()
    (trouble,) = house.news()
    assert isinstance(trouble, EngineUnavailable)
    assert "ZeroDivisionError" in trouble.message
    house.start("a")
    assert house.pool.capacity == 1


def _raises() -> list[Place]:
    raise ZeroDivisionError


# Real processes.


@contextmanager
def engines(state: Path, settings: EngineSettings, **more: Any) -> Iterator[tuple[Runner, Ear]]:
    ear = Ear()
    runner = local(settings, ear.queue.put, state=state, **more)
    try:
        runner.start()
        yield runner, ear
    finally:
        runner.close(20)


def ends(ear: Ear, number: int) -> dict[str, Event]:
    """How so many jobs have ended."""
    while True:
        found = {one.job_id: one for one in ear.heard if isinstance(one, ENDS)}
        if len(found) >= number:
            return found
        ear.next(object)


def readies(ear: Ear) -> list[EngineReady]:
    """Who has loaded, each as often as that was told."""
    return [event for event in ear.rest() if isinstance(event, EngineReady)]


def stand_in_serve(connection: Any, settings: Any, *, checkpoints: Path, **_: Any) -> None:
    stand_ins.stand_in_worker(connection, settings, checkpoints)


def no_card_serve(connection: Any, settings: Any, *, checkpoints: Path, **_: Any) -> None:
    if os.environ[VISIBLE] == "0":
        stand_ins.stand_in_worker(connection, settings, checkpoints)
    else:
        connection.send(EngineUnavailable("engine", "There is no such card."))


def test_one_process_is_killed_and_the_other_one_goes_on(tmp_path: Path) -> None:
    settings = EngineSettings(device="cpu", workers=2)
    found = places(settings, Machine(cpus=range(2)))
    with engines(tmp_path, settings, serve=stand_in_serve, found=found) as (runner, ear):
        names = {ear.next(EngineReady).engine for _ in range(2)}
        assert names == {"engine 1", "engine 2"}
        runner.submit(request("bad", stand_ins.KILLS))
        runner.submit(request("good"))
        found = {name: type(end) for name, end in ends(ear, 2).items()}
        assert found == {"bad": Failed, "good": Painted}
        lost = next(event for event in ear.heard if isinstance(event, EngineLost))
        assert (lost.exit_status, lost.others) == (-signal.SIGKILL, 1)
        expect(lambda: len(readies(ear)) == 3)  # it may be back before the good one is painted
        assert readies(ear)[-1].engine == lost.engine


def test_a_card_that_is_not_there_is_set_aside(tmp_path: Path) -> None:
    machine = Machine(lambda: Found((Card(0, "a card", (8, 9)),)), lambda: True)
    settings = EngineSettings(devices="0, 5")
    found = places(settings, machine)
    with engines(tmp_path, settings, serve=no_card_serve, found=found) as (_, ear):
        aside = ear.next(EngineAside)
        assert aside == EngineAside("graphics card 5", "There is no such card.")
        (ready,) = (event for event in ear.heard if isinstance(event, EngineReady))
        assert ready.engine == "graphics card 0"


@pytest.mark.skipif(usable_cores() < 2, reason="two engines want two cores")
def test_two_real_engines_paint_the_same_as_one_of_as_many_threads(
    tmp_path: Path, weights: Path
) -> None:
    settings = EngineSettings(device="cpu", weights=weights.parent, workers=2, threads=2)
    with engines(tmp_path / "two", settings) as (runner, ear):
        assert {ear.next(EngineReady).device.threads for _ in range(2)} == {1}
        for job in ("one", "two", "three"):
            runner.submit(request(job))
        found = ends(ear, 3)
        assert {event.engine for event in ear.heard if isinstance(event, Started)} == {
            "engine 1", "engine 2",
        }  # fmt: skip
    settings = EngineSettings(device="cpu", weights=weights.parent, threads=1)
    with engines(tmp_path / "one", settings) as (runner, ear):
        runner.submit(request("alone"))
        found |= ends(ear, 1)
    pictures = [pixels(end.picture) for end in found.values() if isinstance(end, Painted)]
    assert len(pictures) == 4
    assert len(set(pictures)) == 1


def pixels(picture: bytes) -> bytes:
    return Image.open(io.BytesIO(picture)).tobytes()
