"""A painter: real processes of engines, a real worker and a real scheduler, all on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Scheduler, Worker

from daemon.cluster import task
from daemon.cluster.messages import CHANGED, RESOURCE, Order, Said, Saved, unpack
from daemon.cluster.painter import Painter
from daemon.cluster.studio import Studio
from daemon.errors import EngineLostError
from daemon.runners.base import Failed, Painted, Progressed, Resumed, Started
from daemon.runners.local import LocalRunner, Restarts
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings
from engine import Recipe
from tests.daemon import child_stand_ins as stand_ins
from tests.daemon.runners.test_local import PATIENCE, grey

TOPIC = "news"
QUICK = Restarts(first_seconds=0.01, longest_seconds=0.02, starts=3)
STEPS = 2000
"""So many slow ones are never done in a test."""


def order(run: str, style: int = 200, *, steps: int = 3, **given: Any) -> Order:
    recipe = Recipe(size=96, scales=(1.0,), iterations=(steps,))
    request = PaintRequest("job", grey(100), (StyleFile(grey(style)),), recipe, "png")
    return Order(run, TOPIC, request, **given)


def studio_in(
    folder: Path, worker: Any = stand_ins.stand_in_worker, *, seconds: float = 0.01
) -> Studio:
    saved, settings = folder / "checkpoints", EngineSettings(checkpoint_seconds=seconds)
    start = partial(worker, checkpoints=saved)
    return Studio(
        lambda deliver: LocalRunner(settings, deliver, worker=start, restarts=QUICK), saved
    )


@dataclass
class Room:
    """A cluster of one painter."""

    client: Client
    worker: Worker
    studio: Studio
    heard: list[Said] = field(default_factory=list)

    def give(self, one: Order) -> Any:
        return self.client.submit(task.paint, one, resources={RESOURCE: 1}, pure=False)

    async def until(self, is_so: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    def news(self, kind: type) -> list[Any]:
        return [said.news for said in self.heard if isinstance(said.news, kind)]

    async def ask(self, what: Callable[..., Any], *given: Any) -> Any:
        return (await self.client.run(what, *given))[self.worker.address]


@asynccontextmanager
async def room(studio: Studio) -> AsyncIterator[Room]:
    quiet = {"dashboard": False, "dashboard_address": ":0", "host": "127.0.0.1"}
    plugin = Painter(lambda: studio, None)
    try:
        async with (
            Scheduler(port=0, **quiet) as scheduler,
            Worker(
                scheduler.address, nthreads=2, resources={RESOURCE: 1}, plugins=[plugin],
                memory_limit=0, **quiet,
            ) as worker,
            Client(scheduler.address, asynchronous=True, set_as_default=False) as client,
        ):  # fmt: skip
            one = Room(client, worker, studio)
            client.subscribe_topic(TOPIC, lambda event: one.heard.append(unpack(event[1])))
            yield one
    finally:
        await asyncio.to_thread(studio.close, 10)


def in_a_room(studio: Studio, story: Callable[[Room], Awaitable[None]]) -> None:
    async def live() -> None:
        async with room(studio) as one:
            await story(one)

    asyncio.run(live())


def test_a_picture_is_painted_and_told_of_and_nothing_stays_of_it(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        told = await here.ask(task.credentials)
        assert told == here.studio.credentials
        assert (told.weights_sha256, told.engines) == ("0" * 64, ("cpu, float32, 1 thread",))
        end = await here.give(order("one"))
        assert isinstance(end, Painted)
        assert (end.job_id, end.suffix) == ("job", ".png")
        await here.until(lambda: here.news(Progressed))
        assert here.heard[0] == Said("one", here.worker.address, Started("job"))
        assert {said.news.job_id for said in here.heard} == {"job"}

    in_a_room(studio_in(tmp_path), story)
    assert not list(tmp_path.rglob("*.snapshot"))


def test_another_attempt_goes_on_from_what_was_fetched_of_the_one_before(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        assert await here.ask(task.fetch, "one") == b""
        first = here.give(order("one", stand_ins.SLOW, steps=STEPS))
        await here.until(lambda: here.news(Saved))
        saved = await here.ask(task.fetch, "one")
        assert saved
        await here.client.cancel([first], force=True)
        end = await here.give(order("two", steps=STEPS, snapshot=saved))
        await here.until(lambda: here.news(Resumed))
        assert here.news(Resumed)[0].iteration > 0
        assert isinstance(end, Painted)

    in_a_room(studio_in(tmp_path), story)


def test_what_nobody_wants_any_more_is_given_up(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        future = here.give(order("one", stand_ins.SLOW, steps=10_000))
        await here.until(lambda: here.news(Progressed))
        await here.client.cancel([future], force=True)
        # The painter has one place: the next one gets it once that is given up.
        assert isinstance(await here.give(order("two")), Painted)

    in_a_room(studio_in(tmp_path), story)


def test_so_is_what_a_daemon_wanted_that_is_gone(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        scheduler = here.client.scheduler.address
        async with Client(scheduler, asynchronous=True, set_as_default=False) as other:
            one = order("one", stand_ins.SLOW, steps=10_000)
            future = other.submit(task.paint, one, key="left")
            await here.until(lambda: here.news(Progressed))
            assert future.status == "pending"
        assert isinstance(await here.give(order("two")), Painted)
        await here.until(lambda: "left" not in here.worker.state.tasks)

    in_a_room(studio_in(tmp_path), story)


def test_an_engine_that_dies_loses_its_picture_and_the_next_one_is_painted(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        end = await here.give(order("one", stand_ins.KILLS))
        assert isinstance(end, Failed)
        assert (end.job_id, end.blame) == ("job", "lost")
        assert isinstance(await here.give(order("two")), Painted)

    in_a_room(studio_in(tmp_path), story)


def test_it_says_when_its_engine_goes_and_when_it_is_back(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        said: list[str] = []
        here.client.subscribe_topic(CHANGED, lambda event: said.append(event[1]))
        await here.give(order("one", stand_ins.KILLS))
        await here.until(lambda: len(said) >= 1)
        await here.until(lambda: here.studio.capacity == 1)
        assert set(said) == {here.worker.address}
        assert len((await here.ask(task.credentials)).engines) == 1

    in_a_room(studio_in(tmp_path), story)


def test_nothing_of_a_worker_that_has_left_stays_with_the_engines(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    heard: list[int] = []
    forget = studio.listen(lambda: heard.append(1))

    async def story(here: Room) -> None:
        assert len(here.studio._listeners) == 2

    in_a_room(studio, story)
    assert len(studio._listeners) == 1
    forget()
    assert (studio._listeners, heard[:1]) == ([], [1])


def test_a_picture_that_is_too_large_for_the_network_is_not_sent(tmp_path: Path) -> None:
    async def story(here: Room) -> None:
        end = await here.give(order("one", most_bytes=10))
        assert isinstance(end, Failed)
        assert end.blame == "recipe"
        assert "max_megabytes" in end.message

    in_a_room(studio_in(tmp_path), story)


def test_without_weights_it_does_not_join_and_says_why(tmp_path: Path) -> None:
    async def live() -> None:
        with pytest.raises(RuntimeError) as refused:
            async with room(studio):
                raise AssertionError("it joined")
        assert isinstance(refused.value.__cause__, EngineLostError)
        assert "run fetch" in str(refused.value.__cause__)

    studio = studio_in(tmp_path, no_weights_worker)
    asyncio.run(live())


def no_weights_worker(connection: Any, settings: EngineSettings, checkpoints: Path) -> None:
    del checkpoints
    stand_ins.no_weights_worker(connection, settings)
