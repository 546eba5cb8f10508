"""A painter whose scheduler goes and comes back: it joins again, with the same engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from distributed import Scheduler, Security
from distributed.core import Status
from structlog.testing import capture_logs

from daemon.cluster.joining import Joining, Pace, Where
from daemon.cluster.security import security
from daemon.cluster.studio import Studio
from daemon.runners.base import Deliver, Runner
from daemon.runners.local import LocalRunner
from daemon.settings import ClusterSettings, EngineSettings
from tests.daemon import child_stand_ins as stand_ins
from tests.daemon.cluster.test_security import ADDRESS, certificates, guarded
from tests.daemon.ports import LOOPBACK, kept_port
from tests.daemon.runners.test_local import PATIENCE

QUICK = Pace(told_seconds=0.05, pause_seconds=0.02, engine_seconds=0.02)


class Painter:
    """One that is told to go on until it is stopped, and what it has said."""

    def __init__(
        self, folder: Path, worker: Callable[..., None] | None = None, name: str = "one"
    ) -> None:
        self.folder, self.name = folder, name
        stand_in = partial(stand_ins.stand_in_worker, checkpoints=folder / "checkpoints")
        self.worker = worker or stand_in
        self.runners = 0
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self.studio = Studio(self._runner, folder / "checkpoints")

    def _runner(self, deliver: Deliver) -> Runner:
        self.runners += 1
        return LocalRunner(EngineSettings(weights=self.folder), deliver, worker=self.worker)

    def joining(self, address: str, secure: Security | None = None) -> Joining:
        where = Where(address, secure, self.name, 1, self.folder / "dask", "127.0.0.1")
        return Joining(self.studio, where, self.lines.put_nowait, QUICK)

    async def says(self) -> str:
        """The next that it says."""
        return await asyncio.wait_for(self.lines.get(), PATIENCE)

    async def until(self, *, joined: bool) -> str:
        """What it says once that is so."""
        while True:
            line = await self.says()
            if line.startswith("Paints as") == joined:
                return line


def scheduler(port: int = 0) -> Scheduler:
    return Scheduler(host="127.0.0.1", port=port, dashboard=False, dashboard_address=":0")


def test_it_joins_again_with_the_same_engines_and_leaves_in_order(tmp_path: Path) -> None:
    async def life(painter: Painter) -> None:
        stop = asyncio.Event()
        async with scheduler(port) as first:
            staying = asyncio.ensure_future(painter.joining(first.address).stay(stop))
            line = f"Paints as one for the scheduler at {first.address}."
            assert await painter.until(joined=True) == line
        assert await painter.until(joined=False)
        async with scheduler(port) as second:
            await painter.until(joined=True)
            (worker,) = second.workers.values()
            assert (worker.name, worker.status) == ("one", Status.running)
            stop.set()
            await asyncio.wait_for(staying, PATIENCE)
            assert not second.workers
        assert painter.lines.empty()  # nothing is told a second time

    painter = Painter(tmp_path)
    try:
        with kept_port() as port:
            asyncio.run(life(painter))
    finally:
        painter.studio.close(20)
    assert painter.runners == 1


def test_an_engine_that_loads_slowly_does_not_hide_that_the_scheduler_is_away(
    tmp_path: Path,
) -> None:
    async def life(painter: Painter) -> None:
        stop = asyncio.Event()
        address = f"tcp://{LOOPBACK}:{port}"
        staying = asyncio.ensure_future(painter.joining(address).stay(stop))
        assert await painter.says() == "Waits for its engines to load."
        (tmp_path / "leave").touch()
        away = f"Waits for the scheduler at {address}, which does not answer."
        assert await painter.says() == away
        async with scheduler(port):
            assert await painter.until(joined=True)
            stop.set()
            await asyncio.wait_for(staying, PATIENCE)

    painter = Painter(tmp_path, stand_ins.waits_for_leave_worker)
    try:
        with kept_port() as port:
            asyncio.run(life(painter))
    finally:
        painter.studio.close(20)


def test_it_joins_with_certificates_where_they_are_asked_for(tmp_path: Path) -> None:
    secure = security(ClusterSettings(scheduler=ADDRESS, **certificates(tmp_path)))
    assert secure is not None

    async def life(painter: Painter) -> list[str]:
        stop = asyncio.Event()
        async with guarded(secure) as one:
            staying = asyncio.ensure_future(painter.joining(one.address, secure).stay(stop))
            await painter.until(joined=True)
            addresses = list(one.workers)
            stop.set()
            await asyncio.wait_for(staying, PATIENCE)
        return addresses

    painter = Painter(tmp_path)
    try:
        (address,) = asyncio.run(life(painter))
    finally:
        painter.studio.close(20)
    assert address.startswith("tls://")


def test_without_weights_it_stays_away_and_says_why(tmp_path: Path) -> None:
    async def life(painter: Painter) -> str:
        stop = asyncio.Event()
        async with scheduler() as one:
            staying = asyncio.ensure_future(painter.joining(one.address).stay(stop))
            line = await painter.until(joined=False)
            while line.startswith("Waits"):
                line = await painter.until(joined=False)
            assert not one.workers
            stop.set()
            await asyncio.wait_for(staying, PATIENCE)
        return line

    painter = Painter(tmp_path, stand_ins.no_weights_worker)
    try:
        with capture_logs() as logs:
            assert asyncio.run(life(painter)) == "run fetch"
        events = {line["event"] for line in logs if line.get("why") == "run fetch"}
        assert events == {"engine.unavailable"}  # it is told by one alone
    finally:
        painter.studio.close(20)


def test_of_two_with_the_same_name_the_second_takes_another_one(tmp_path: Path) -> None:
    async def life(first: Painter, second: Painter) -> list[str]:
        stop = asyncio.Event()
        async with scheduler() as one:
            first.name = second.name = "anna"
            living = []
            for painter in (first, second):
                living.append(asyncio.ensure_future(painter.joining(one.address).stay(stop)))
                await painter.until(joined=True)
            names = [str(worker.name) for worker in one.workers.values()]
            stop.set()
            await asyncio.gather(*living)
            return names

    both = [Painter(tmp_path / name) for name in "ab"]
    try:
        assert sorted(asyncio.run(life(*both))) == ["anna", "anna-2"]
    finally:
        for painter in both:
            painter.studio.close(10)
