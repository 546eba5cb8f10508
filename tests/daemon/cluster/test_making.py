"""The runner that the settings name, with the real engine: the same pictures as without."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.cluster.making import dask
from daemon.runners.base import (
    Cancelled,
    Deliver,
    EngineGone,
    EngineReady,
    EngineUnavailable,
    Painted,
    Progressed,
    Runner,
)
from daemon.runners.making import local
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import ClusterSettings, EngineSettings, Settings
from engine import Recipe
from engine.snapshot import Snapshot
from tests.daemon.cluster.grid import grid, wait_until
from tests.daemon.runners.test_local import Ear
from tests.daemon.standins import picture


def request(job_id: str, steps: int = 3) -> PaintRequest:
    recipe = Recipe(size=64, scales=(1.0,), iterations=(steps,), init="noise", seed=7)
    return PaintRequest(job_id, picture(), (StyleFile(picture((0, 90, 200))),), recipe, "png")


def painted(make: Callable[[Deliver], Runner], **more: Any) -> Painted:
    ear = Ear()
    runner = make(ear.queue.put)
    runner.start()
    try:
        ear.next(EngineReady)
        runner.submit(replace(request("a"), **more))
        end = ear.end("a")
    finally:
        runner.close(20)
    assert isinstance(end, Painted)
    return end


@pytest.mark.weights
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_cluster_paints_the_same_to_the_last_bit(
    weights: Path, tmp_path: Path, *, elsewhere: bool
) -> None:
    engine = EngineSettings(weights=weights.parent, threads=1, device="cpu", precision="float32")
    alone = painted(lambda deliver: local(engine, deliver, state=tmp_path / "alone"))
    with grid(tmp_path) as one:
        if elsewhere:
            words = ("--engine.weights", str(weights.parent), "--engine.threads", "1")
            one.start_painter("anna", *words, "--engine.precision", "float32")
        cluster = ClusterSettings(scheduler=one.address if elsewhere else None)
        settings = Settings(runner="dask", engine=engine, cluster=cluster)
        together = painted(lambda deliver: dask(settings, deliver, state=tmp_path / "state"))
    assert together.picture == alone.picture
    assert together.report["weights_sha256"] == alone.report["weights_sha256"]


@pytest.mark.weights
@pytest.mark.parametrize("of", ["atelierd", "dask"])
def test_a_painter_that_is_stopped_gives_back_what_it_paints(
    weights: Path, tmp_path: Path, of: str
) -> None:
    ear = Ear()
    with grid(tmp_path) as one:
        if of == "atelierd":
            words = ("--engine.weights", str(weights.parent), "--engine.threads", "1")
            one.start_painter("anna", *words)
        else:
            own = {"WEIGHTS": str(weights.parent), "THREADS": "1"}
            one.start_preloaded("anna", **{f"ATELIERD_ENGINE__{key}": own[key] for key in own})
        settings = Settings(
            runner="dask",
            engine=EngineSettings(weights=weights.parent),
            cluster=ClusterSettings(scheduler=one.address),
        )
        runner = dask(settings, ear.queue.put, state=tmp_path / "state")
        runner.start()
        try:
            ear.next(EngineReady)
            runner.submit(request("a", steps=5000))
            last = ear.next(Progressed).progress.iteration
            one.workers["anna"].terminate()
            # Nobody is to blame for that, and what was done goes on elsewhere, or later.
            assert isinstance(ear.end("a"), Cancelled)
            with closing(Snapshot(tmp_path / "state" / "checkpoints" / "a.snapshot")) as snapshot:
                assert snapshot.state.numbers["steps"] >= last
            gone = ear.next(EngineGone)
            assert (gone.engine, gone.others) == ("anna", 0)
            assert one.workers["anna"].wait(60) == 0
        finally:
            runner.close(20)


def test_without_weights_here_it_is_said(tmp_path: Path) -> None:
    settings = Settings(runner="dask", engine=EngineSettings(weights=tmp_path / "none"))
    ear = Ear()
    runner = dask(settings, ear.queue.put, state=tmp_path)
    runner.start()
    try:
        assert ear.next(EngineUnavailable).blame == "weights"
        runner.submit(request("a"))
    finally:
        runner.close(20)
    assert ear.ends() == [("a", "Cancelled")]


def test_one_that_is_closed_while_it_loads_leaves_no_engine_behind(
    weights: Path, tmp_path: Path
) -> None:
    ear, others = Ear(), {*multiprocessing.active_children()}
    settings = Settings(runner="dask", engine=EngineSettings(weights=weights.parent))
    runner = dask(settings, ear.queue.put, state=tmp_path)
    runner.start()
    wait_until(lambda: {*multiprocessing.active_children()} - others)
    runner.close(20)
    assert {*multiprocessing.active_children()} <= others
    assert ear.rest() == []
