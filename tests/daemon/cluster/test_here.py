"""A cluster in one process, whose painters are as many as the settings say."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

from daemon.cluster.calls import Terms
from daemon.cluster.here import cluster_here
from daemon.cluster.runner import DaskRunner
from daemon.runners.base import EngineReady, EngineUnavailable, Painted, Progressed, Started
from tests.daemon.cluster.stand_ins import CALLS, request
from tests.daemon.cluster.test_runner import QUICK, SLOW
from tests.daemon.runners.test_local import Ear


class Painter(WorkerPlugin):
    """One that has nothing to set up."""


def test_painters_of_this_machine_paint_side_by_side(tmp_path: Path) -> None:
    ear = Ear()
    place = partial(cluster_here, [(Painter(), 1), (Painter(), 1)])
    runner = DaskRunner(place, Terms(2**20, checkpoints=tmp_path), CALLS, ear.queue.put, pace=QUICK)
    runner.start()
    try:
        assert {ear.next(EngineReady).engine for _ in "ab"} == {"painter-1", "painter-2"}
        assert runner.capacity == 2
        runner.submit(request("a", **SLOW))
        runner.submit(request("b", saves_at=1))
        runner.submit(request("c", **SLOW))
        assert ear.end("b") == Painted("b", b"1-3", ".jpg", {})
        ear.next(Progressed, "c")
        started = [event for event in ear.heard if isinstance(event, Started)]
        assert {event.engine for event in started if event.job_id in {"a", "c"}} == {
            "painter-1",
            "painter-2",
        }
        runner.cancel("a")
    finally:
        runner.close(10)
    assert ear.ends() == [("a", "Cancelled"), ("b", "Painted"), ("c", "Cancelled")]


class Leaving(Painter):
    """One that leaves once, as a painter whose engines cannot be started again does."""

    def __init__(self) -> None:
        self.setups = 0
        self.worker: Worker | None = None

    def setup(self, worker: Worker) -> None:
        """Be there."""
        self.setups += 1
        self.worker = worker

    def leave(self) -> None:
        """Have the worker closed, from another thread."""
        worker = self.worker
        assert worker is not None
        worker.loop.add_callback(worker.close)


def test_where_no_engine_is_left_all_are_started_anew(tmp_path: Path) -> None:
    ear, painter = Ear(), Leaving()
    place = partial(cluster_here, [(painter, 1)])
    runner = DaskRunner(place, Terms(2**20, checkpoints=tmp_path), CALLS, ear.queue.put, pace=QUICK)
    runner.start()
    try:
        ear.next(EngineReady)
        painter.leave()
        assert "started again" in ear.next(EngineUnavailable).message
        ear.next(EngineReady)
        runner.submit(request("a"))
        assert isinstance(ear.end("a"), Painted)
    finally:
        runner.close(10)
    assert painter.setups == 2
