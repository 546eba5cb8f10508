"""A painter that is told to stop: real processes, and what they give back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

import pytest
from distributed import Client

from daemon.cluster import task
from daemon.cluster.messages import RESOURCE, GivenBack, Order, Said, unpack
from daemon.runners.base import Cancelled, EngineReady, Painted, Progressed, Resumed, Started
from daemon.runners.request import PaintRequest, StyleFile
from engine import Recipe
from engine.snapshot import Snapshot
from tests.daemon import child_stand_ins
from tests.daemon.cluster.grid import Grid, grid
from tests.daemon.cluster.test_nanny import PRELOAD, WITH_ENGINES, engine_request
from tests.daemon.cluster.test_runner import running
from tests.daemon.standins import picture

TOPIC = "news"


def order() -> Order:
    recipe = Recipe(size=64, scales=(1.0,), iterations=(5000,), init="noise", seed=7)
    styles = (StyleFile(picture((0, 90, 200))),)
    return Order("run", TOPIC, PaintRequest("job", picture(), styles, recipe, "png"))


@contextmanager
def daemon(one: Grid) -> Iterator[tuple[Client, SimpleQueue[Said]]]:
    """What it is to painters, and what they say to it."""
    said: SimpleQueue[Said] = SimpleQueue()
    with Client(one.address, set_as_default=False) as client:
        client.subscribe_topic(TOPIC, lambda event: said.put(unpack(event[1])))
        yield client, said


def children(pid: int) -> list[int]:
    found = list[int]()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # it has just ended
            found += map(int, (thread / "children").read_text().split())
    return found


@pytest.mark.weights
@pytest.mark.parametrize("of", ["atelierd", "dask"])
def test_a_painter_that_is_stopped_gives_back_what_it_has_painted(
    weights: Path, tmp_path: Path, of: str
) -> None:
    with grid(tmp_path) as one:
        if of == "atelierd":
            one.start_painter("anna", "--engine.weights", str(weights.parent))
        else:
            one.start_preloaded("anna", ATELIERD_ENGINE__WEIGHTS=str(weights.parent))
        with daemon(one) as (client, said):
            end = client.submit(task.paint, order(), resources={RESOURCE: 1}, pure=False)
            while not isinstance((news := said.get(timeout=120).news), Progressed):
                pass
            # As a batch system does: its engine hears of it too, and first.
            for process in (*children(one.workers["anna"].pid), one.workers["anna"].pid):
                os.kill(process, signal.SIGTERM)
            back = end.result(timeout=60)
            del end
            assert one.workers["anna"].wait(60) == 0
    assert isinstance(back, GivenBack)
    file = tmp_path / "back"
    file.write_bytes(back.snapshot)
    snapshot = Snapshot(file)
    assert snapshot.state.numbers["steps"] >= news.progress.iteration
    snapshot.close()
    assert not list(tmp_path.rglob("*.snapshot"))


def test_another_painter_goes_on_from_where_one_was_that_is_stopped(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    words, saved = ("--no-nanny", "--preload", PRELOAD), tmp_path / "saved"
    with (
        grid(tmp_path) as one,
        running(one.address, calls=WITH_ENGINES, checkpoints=saved) as (runner, ear),
    ):
        for name in ("anna", "bert"):
            one.start_worker(name, words=words, ATELIERD_CONFIG=str(config))
        assert {ear.next(EngineReady).engine for _ in "ab"} == {"anna", "bert"}
        runner.submit(engine_request(child_stand_ins.SLOW, 2000))
        first = ear.next(Started).engine
        ear.next(Progressed)
        one.workers[first].terminate()
        assert isinstance(ear.end("a"), Cancelled)
        last = max(each.progress.iteration for each in ear.heard if isinstance(each, Progressed))
        runner.submit(engine_request(200, 2000))
        assert ear.next(Started).engine != first
        assert ear.next(Resumed).iteration >= last
        assert isinstance(ear.end("a"), Painted)
        assert one.workers[first].wait(60) == 0
