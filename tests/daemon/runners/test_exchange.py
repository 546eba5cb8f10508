"""Another runner takes the place of one only between two jobs, and nothing is lost by it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.runners.base import (
    Cancelled,
    EngineAside,
    EngineGone,
    EngineLost,
    EngineUnavailable,
    Event,
    Failed,
    Progressed,
    Resumed,
    Started,
)
from daemon.runners.exchange import Engines, Exchange
from daemon.runners.request import PaintRequest
from engine import Recipe
from tests.daemon.standins import READY, StandInRunner, progress

UNAVAILABLE = EngineUnavailable("weights", "Fetch them.")


class House:
    """An exchange of stand-ins, whose events are heard when a test says so."""

    def __init__(self, on_start: Event = READY) -> None:
        self.mail: list[Event] = []
        self.runners: list[StandInRunner] = []
        self.on_start, self.now = on_start, 100.0
        self.exchange = Exchange(self.make, self.mail.append, lambda: self.now)

    def make(self, deliver: object) -> StandInRunner:
        assert deliver == self.mail.append
        self.runners.append(StandInRunner(self.mail.append, lambda _: [], self.on_start))
        return self.runners[-1]

    def hear(self, *events: Event) -> None:
        for event in [*self.mail, *events]:
            self.exchange.heard(event)
        self.mail.clear()

    def start(self) -> None:
        self.exchange.start()
        self.hear()

    def submit(self, job_id: str) -> None:
        recipe = Recipe(size=96, scales=(1.0,), iterations=(4,))
        self.exchange.submit(PaintRequest(job_id, b"", (), recipe))


def test_it_has_room_as_soon_as_there_is_an_engine() -> None:
    house = House()
    house.exchange.start()
    assert (house.exchange.capacity, house.exchange.loading_since) == (0, 100.0)
    house.hear()
    assert (house.exchange.capacity, house.exchange.loading_since) == (1, None)
    house.hear(EngineLost(-9))
    assert house.exchange.capacity == 0
    house.hear(READY)
    assert house.exchange.capacity == 1


def test_how_large_a_picture_becomes_is_known_from_its_first_step() -> None:
    house = House()
    house.start()
    house.submit("a")
    (painting,) = house.exchange.paintings
    assert painting.size == 96
    step = Progressed("a", replace(progress(), largest=4032))
    house.hear(step)
    assert painting.size == 4032
    house.hear(replace(step, progress=replace(step.progress, largest=0)))
    assert painting.size == 4032


def test_of_one_that_is_gone_on_with_it_is_known_before_any_step() -> None:
    house = House()
    house.start()
    house.submit("a")
    (painting,) = house.exchange.paintings
    house.hear(Resumed("a", 94, 2048))
    assert (painting.size, painting.done) == (2048, 0.0)
    house.hear(Resumed("a", 94, 2048, 188))
    assert painting.done == 0.5


def test_of_several_engines_those_that_are_set_aside_are_known_until_they_go() -> None:
    house = House()
    house.start()
    house.hear(EngineAside("a", "It died."), EngineAside("b", "No such card."))
    assert house.exchange.aside == {"a": "It died.", "b": "No such card."}
    assert house.exchange.engines == Engines(ready=1, aside=2)
    house.hear(replace(READY, engine="a"), EngineGone("b", 1))
    assert (house.exchange.aside, house.exchange.is_ready) == ({}, True)


def test_an_engine_counts_once_it_has_loaded_and_until_the_end() -> None:
    house = House()
    house.exchange.start()
    assert house.exchange.engines == Engines()
    house.hear()
    assert house.exchange.engines == Engines(ready=1)
    house.hear(UNAVAILABLE)
    assert house.exchange.engines == Engines()
    house.hear(READY)
    house.exchange.close(1)
    assert house.exchange.engines == Engines()


def test_the_death_of_one_of_several_engines_is_not_the_end_of_all() -> None:
    house = House()
    house.start()
    house.submit("one")
    house.hear(Started("one", "a"), EngineLost(-9, "b", 1))
    assert (house.exchange.is_ready, house.exchange.loading_since) == (True, None)
    assert house.exchange.paintings[0].engine == "a"
    house.hear(EngineGone("a", 0))
    assert (house.exchange.is_ready, house.exchange.loading_since) == (False, 100.0)


def test_a_second_start_of_an_engine_that_is_there_loads_nothing() -> None:
    house = House()
    house.start()
    house.runners[0].on_start = Started("none")  # an engine that is there says nothing
    house.start()
    assert (house.exchange.capacity, house.exchange.is_ready) == (1, True)


def test_why_there_is_no_engine_is_known_until_there_is_one() -> None:
    house = House(UNAVAILABLE)
    house.start()
    assert (house.exchange.unavailable, house.exchange.is_ready) == (UNAVAILABLE, False)
    assert house.exchange.loading_since is None
    house.exchange.start()
    assert house.exchange.loading_since == 100.0
    house.hear(READY)
    assert house.exchange.unavailable is None


def test_news_of_a_job_are_remembered_until_its_end() -> None:
    house = House()
    house.start()
    house.submit("a")
    (painting,) = house.exchange.paintings
    assert (painting.job_id, painting.size, painting.heard_at) == ("a", 96, 100.0)
    house.now = 130.0
    house.hear(Started("a"), Progressed("a", progress(1)), Progressed("unknown", progress(3)))
    assert (painting.heard_at, painting.done) == (130.0, 0.25)
    house.hear(Failed("a", "content", "No picture."))
    assert house.exchange.paintings == []


def test_a_job_that_is_refused_is_not_being_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: StandInRunner, _request: PaintRequest) -> None:
        raise OSError(errno.ENOMEM, "no memory")

    house = House()
    house.start()
    monkeypatch.setattr(StandInRunner, "submit", refuse)
    with pytest.raises(OSError, match="no memory"):
        house.submit("a")
    assert house.exchange.paintings == []


def test_the_next_one_waits_for_the_end_of_a_job_and_lets_no_other_begin() -> None:
    house = House()
    house.start()
    house.submit("a")
    house.exchange.replace(house.make)
    house.exchange.change()
    assert len(house.runners) == 1
    assert house.exchange.capacity == 0
    house.hear(Cancelled("a"))
    house.exchange.change()
    first, second = house.runners
    assert (first.closed, second.starts) == (True, 1)
    assert house.exchange.capacity == 0
    house.hear()
    assert house.exchange.capacity == 1
    house.submit("b")
    assert second.kept == ["b"]
    house.exchange.cancel("b")
    assert (second.cancelled, second.saved) == (["b"], [])
    house.exchange.cancel("b", keep=True)
    assert second.saved == ["b"]


def test_nothing_changes_without_a_wish_and_of_two_the_last_one_counts() -> None:
    house = House()
    house.start()
    house.exchange.change()
    assert len(house.runners) == 1
    house.exchange.replace(lambda _deliver: StandInRunner(house.mail.append, on_start=UNAVAILABLE))
    house.exchange.replace(house.make)
    house.exchange.change()
    house.exchange.change()
    house.hear()
    assert (len(house.runners), house.exchange.is_ready) == (2, True)


def test_one_that_was_of_no_use_is_forgotten_with_its_settings() -> None:
    house = House(UNAVAILABLE)
    house.start()
    house.on_start = READY
    house.exchange.replace(house.make)
    house.exchange.change()
    assert house.exchange.unavailable is None
    house.hear()
    assert house.exchange.is_ready


def test_after_the_end_nobody_takes_its_place() -> None:
    house = House()
    house.start()
    house.exchange.replace(house.make)
    house.exchange.close(1.0)
    house.exchange.replace(house.make)
    house.exchange.change()
    assert len(house.runners) == 1
    assert house.runners[0].closed


def test_settings_are_not_lost_with_a_runner_that_cannot_be_made() -> None:
    house = House()
    house.start()
    made, tries = house.make, list[int]()

    def make(_deliver: Callable[[Event], None]) -> StandInRunner:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return made(house.mail.append)

    house.exchange.replace(make)
    with pytest.raises(OSError, match="open files"):
        house.exchange.change()
    assert not house.runners[0].closed
    house.exchange.change()
    assert (len(house.runners), house.runners[0].closed) == (2, True)


def test_a_runner_that_cannot_start_is_an_engine_that_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House()

    def refuse(_runner: StandInRunner) -> None:
        raise OSError(errno.EAGAIN, "no thread can be started")

    monkeypatch.setattr(StandInRunner, "start", refuse)
    house.start()
    assert house.exchange.loading_since is None
    assert "no thread can be started" in str(house.exchange.unavailable)


def test_a_silent_engine_is_ended_once() -> None:
    house = House()
    house.start()
    house.submit("a")
    (painting,) = house.exchange.paintings
    house.exchange.give_up(painting)
    house.exchange.give_up(painting)
    assert house.runners[0].killed == [painting.job_id]
