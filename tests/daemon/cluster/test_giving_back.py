"""What a painter gives back of a picture that is given up, for another one to go on from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from daemon.cluster import task
from daemon.cluster.identity import mismatch, own
from daemon.cluster.messages import CHANGED, GivenBack, Order, Saved
from daemon.cluster.studio import Studio
from daemon.runners.base import (
    Cancelled,
    End,
    EngineLost,
    Failed,
    Painted,
    Progressed,
    Resumed,
)
from tests.daemon import child_stand_ins as stand_ins
from tests.daemon.cluster.test_painter import STEPS, Room, in_a_room, order, studio_in
from tests.daemon.standins import READY, StandInRunner


def long(run: str, **given: Any) -> Order:
    return order(run, stand_ins.SLOW, steps=STEPS, **given)


async def gone_on_with(here: Room, back: GivenBack) -> None:
    """It is, from the step after which it was given up or a later one."""
    assert back.job_id == "job"
    last = max(news.progress.iteration for news in here.news(Progressed))
    end = await here.give(order("another", steps=STEPS, snapshot=back.snapshot))
    assert isinstance(end, Painted)
    await here.until(lambda: here.news(Resumed))
    assert here.news(Resumed)[0].iteration >= last


def test_what_is_given_up_but_kept_is_given_back_and_gone_on_with(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        assert await here.ask(task.cancel, "one", True) is False
        future = here.give(long("one"))
        await here.until(lambda: here.news(Progressed))
        assert await here.ask(task.cancel, "one", True) is True
        back = await future
        assert isinstance(back, GivenBack)
        await gone_on_with(here, back)

    in_a_room(studio_in(tmp_path, seconds=0), story)
    assert not list(tmp_path.rglob("*.snapshot"))


def test_what_is_given_up_and_not_kept_is_cancelled(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        future = here.give(long("one"))
        await here.until(lambda: here.news(Saved))
        await here.ask(task.cancel, "one", False)
        assert await future == Cancelled("job")

    in_a_room(studio_in(tmp_path), story)


def test_a_snapshot_that_is_too_large_for_the_network_stays(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        future = here.give(long("one", most_bytes=10))
        await here.until(lambda: here.news(Saved))
        await here.ask(task.cancel, "one", True)
        assert await future == GivenBack("job")

    in_a_room(studio_in(tmp_path), story)


def test_a_painter_that_is_closed_says_so_and_gives_back_what_it_has(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        async def wait() -> Any:
            return await here.give(long("one"))

        heard: list[str] = []
        here.client.subscribe_topic(CHANGED, lambda event: heard.append(event[1]))
        waiting = asyncio.ensure_future(wait())
        await here.until(lambda: here.news(Progressed))
        await asyncio.to_thread(here.studio.close, 30)
        assert not here.worker.state.tasks  # how it ended has been fetched
        back = await waiting
        assert isinstance(back, GivenBack)
        await here.until(lambda: heard == [here.worker.address])
        told = await here.ask(task.credentials)
        assert (told.weights_sha256, told.engines) == (stand_ins.SHA256, ())
        assert mismatch(own(stand_ins.SHA256), told) == ""
        # What comes now, since its daemon has not heard of it yet, is given back as it is.
        assert await here.give(order("late", snapshot=b"what was painted")) == GivenBack(
            "job", b"what was painted"
        )
        saved.append(back.snapshot)

    async def another_day(here: Room) -> None:
        assert isinstance(await here.give(order("two", steps=STEPS, snapshot=saved[0])), Painted)
        await here.until(lambda: here.news(Resumed))

    saved: list[bytes] = []
    in_a_room(studio_in(tmp_path / "one", seconds=0), story)
    in_a_room(studio_in(tmp_path / "two", seconds=0), another_day)


def test_an_engine_that_is_in_the_midst_of_a_long_step_is_ended(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        future = here.give(order("one", stand_ins.SLOWER, steps=40, snapshot=b"of before"))
        await here.until(lambda: "one" in here.studio._runs)
        await asyncio.to_thread(here.studio.close, 1)
        assert await future == GivenBack("job", b"of before")

    in_a_room(studio_in(tmp_path), story)


class Desk:
    """Somebody who gives a studio pictures to paint, in threads of theirs."""

    def __init__(self) -> None:
        self.runner: StandInRunner | None = None
        self.told: list[tuple[Order, End | GivenBack | None]] = []
        self.studio = Studio(self._make, None, self.begins)
        self.ends: SimpleQueue[End | GivenBack] = SimpleQueue()

    def _make(self, deliver: Callable[[Any], None]) -> StandInRunner:
        self.runner = StandInRunner(deliver, answer=lambda _: [])
        return self.runner

    @property
    def engines(self) -> StandInRunner:
        assert self.runner is not None
        return self.runner

    def give(self, one: Order, is_wanted: Callable[[], bool] = lambda: True) -> None:
        def paint() -> None:
            self.ends.put(self.studio.paint(one, lambda _: None, is_wanted))

        threading.Thread(target=paint, daemon=True).start()

    def begins(self, order: Order) -> Callable[[End | GivenBack], None]:
        self.told.append((order, None))
        return lambda end: self.told.append((order, end))

    def end(self) -> End | GivenBack:
        return self.ends.get(timeout=60)

    def until_it_has(self, *runs: str) -> None:
        while self.engines.kept != list(runs):
            threading.Event().wait(0.01)


@pytest.mark.parametrize("keep", [None, True])
def test_what_nobody_wants_is_cancelled_whatever_else_is_wished(*, keep: bool | None) -> None:
    desk, wanted = Desk(), threading.Event()
    asked = threading.Event()

    def is_wanted() -> bool:
        if wanted.is_set():
            asked.set()
        return not wanted.is_set()

    desk.give(order("one"), is_wanted)
    desk.until_it_has("one")
    if keep is not None:
        desk.studio.cancel("one", keep=keep)
    wanted.set()
    assert asked.wait(60)
    while desk.engines.cancelled[-1:] != ["one"] or len(desk.engines.cancelled) < 1 + bool(keep):
        threading.Event().wait(0.01)
    desk.studio.close(1)
    assert desk.end() == Cancelled("job")


def test_what_is_given_up_before_the_engines_have_it_is_given_up() -> None:
    desk = Desk()
    engines, studio = desk.engines, desk.studio
    submit = engines.submit

    def late(request: Any) -> None:
        assert studio.cancel("one", keep=True)
        engines.cancelled.clear()  # they did not know of it
        submit(request)

    engines.submit = late  # type: ignore[method-assign]
    desk.give(order("one"))
    desk.until_it_has("one")
    while not engines.cancelled:
        threading.Event().wait(0.01)
    assert engines.saved[-1:] == ["one"]
    engines.deliver(Cancelled("one"))
    assert desk.end() == GivenBack("job")


def test_engines_know_of_which_photo_a_run_is() -> None:
    desk = Desk()
    desk.give(order("run"))
    desk.until_it_has("run")
    (request,) = desk.engines.requests
    assert (request.job_id, request.photo_id) == ("run", "job")
    desk.studio.close(1)
    desk.end()


def test_whoever_tells_of_pictures_hears_how_each_ends_for_whoever_waits_for_it() -> None:
    desk, large, one = Desk(), order("large", most_bytes=3), order("one")
    for each in (large, one):
        desk.give(each)
        desk.until_it_has(*([each.run] if each is large else ["large", "one"]))
    desk.engines.deliver(Painted("large", b"1234", ".png", {}))
    too_large = desk.end()
    assert isinstance(too_large, Failed)
    desk.studio.close(1)
    assert desk.end() == GivenBack("job")
    assert [end for of, end in desk.told if of is large] == [None, too_large]
    assert [end for of, end in desk.told if of is one] == [None, GivenBack("job")]


def test_nobody_is_told_of_a_picture_that_no_engine_takes() -> None:
    desk = Desk()

    def refuse(_request: Any) -> None:
        raise RuntimeError

    desk.engines.submit = refuse  # type: ignore[method-assign]
    desk.give(order("one"))
    assert desk.end() == Cancelled("job")
    assert desk.told == []


def test_while_it_is_closed_it_has_no_engines_and_says_so_once() -> None:
    studio, told = Desk().studio, list[tuple[int, Any]]()
    studio.start()
    assert studio.capacity == 1
    studio.listen(lambda: told.append((studio.capacity, studio.credentials)))
    studio.close(1)
    studio.close(1)
    assert told == [(0, own(READY.weights_sha256))]
    studio.start()


def test_it_waits_until_what_it_gives_back_is_fetched_but_not_for_ever() -> None:
    studio, counts = Desk().studio, iter([2, 1, 1])
    forget = studio.await_fetching(lambda: next(counts, 0))
    studio.close(60)
    assert list(counts) == []
    forget()
    studio.await_fetching(lambda: 1)
    studio.close(0.1)


def test_engines_with_different_weights_are_all_told_of() -> None:
    desk = Desk()
    for name, weights in (("one", "b"), ("two", "a"), ("three", "b")):
        desk.engines.deliver(replace(READY, engine=name, weights_sha256=weights))
    told = desk.studio.credentials
    assert told is not None
    assert told.weights_sha256 == "a+b"
    desk.engines.deliver(EngineLost(-9, "two", 2))
    told = desk.studio.credentials
    assert told is not None
    assert told.weights_sha256 == "b"
