"""The life of a painter: it joins a scheduler, and joins again when that was away.

Its engines stay meanwhile. What is told is told once: that it waits, and that it has joined.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from distributed import Security, Worker
from distributed.core import Status

from daemon.cluster.messages import HERE_ALONE, RESOURCE
from daemon.cluster.painter import Painter
from daemon.cluster.studio import Studio

_CLOSE_SECONDS: Final = 10.0
_TAKEN: Final = "name taken"  # Dask's words
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class Pace:
    """How patient a painter is; tests are less.

    Attributes:
        told_seconds: without a scheduler after so long, that is told.
        pause_seconds: between two attempts.
        engine_seconds: likewise, where the engines were at fault.
    """

    told_seconds: float = 5.0
    pause_seconds: float = 2.0
    engine_seconds: float = 30.0


@dataclass(frozen=True)
class Where:
    """Where a painter works.

    Attributes:
        scheduler: address of it.
        security: how to speak to it; None: as anybody may.
        name: of the painter, for people; empty: its address.
        engines: how many pictures it paints at once, at most.
        folder: for what Dask keeps; a local one.
        host: address of this machine by which the others reach it; empty: as Dask finds it.
        port: at which they do; 0: any that is free.
    """

    scheduler: str
    security: Security | None
    name: str
    engines: int
    folder: Path
    host: str = ""
    port: int = 0


class Joining:
    """One painter, for as long as `stay` lasts.

    Args:
        studio: its engines; started by this, and the caller's to close.
        where: it works.
        tell: takes one line on how it is, whenever that changes.
        pace: how patient it is.
    """

    def __init__(
        self,
        studio: Studio,
        where: Where,
        tell: Callable[[str], None],
        pace: Pace | None = None,
    ) -> None:
        self._studio: Final = studio
        self._where: Final = where
        self._tell: Final = tell
        self._pace: Final = pace or Pace()
        self._said, self._others = "", 0

    async def stay(self, stop: asyncio.Event) -> None:
        """Join, and join again, until `stop` is set."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                worker = self._worker()
                try:
                    await self._one(worker, stopping)
                finally:
                    await leave(worker)
                pace, at_fault = self._pace, self._studio.unavailable
                await _first(
                    stopping, timeout=pace.engine_seconds if at_fault else pace.pause_seconds
                )
        finally:
            stopping.cancel()

    async def _one(self, worker: Worker, stopping: asyncio.Future[Any]) -> None:
        """Join once, and stay until the scheduler is lost, the engines are, or the end is asked."""
        joining = asyncio.ensure_future(_started(worker))
        try:
            await self._joined(joining, stopping)
            if not joining.done():
                return
            joining.result()
        except (OSError, RuntimeError, ValueError, asyncio.TimeoutError) as error:
            if _TAKEN in _why(error):
                self._others += 1  # of its name; the next attempt is with another one
            else:
                self._say_why_not(_why(error))
            return
        finally:
            joining.cancel()
        self._hear()
        ended = asyncio.ensure_future(worker.finished())
        await _first(ended, stopping)
        ended.cancel()
        self._say_why_not()

    def _hear(self, why: str = "") -> None:
        """It is in the cluster, and is given photos, or for some reason is not."""
        where, name = self._where.scheduler, self._name()
        called = f" as {name}" if name else ""
        no = f"Is given no photos{called} by a service at {where}: {why}"
        self._say(no if why else f"Paints{called} for the scheduler at {where}.", joined=True)

    def _say_why_not(self, why: str = "") -> None:
        """Why it is not in the cluster, if there is more to say than that it is not."""
        if self._studio.unavailable:
            self._say(self._studio.unavailable, is_logged=True)  # by the studio itself
        elif why:
            self._say(why)

    async def _joined(self, joining: asyncio.Future[Any], stopping: asyncio.Future[Any]) -> None:
        """Wait until it has joined, or cannot, or the end is asked.

        What it waits for is said once it has waited for that alone between two looks: it loads
        its engines first, and asks the scheduler only then.
        """
        before = self._waits_for()
        while not joining.done() and not stopping.done():
            await _first(joining, stopping, timeout=self._pace.told_seconds)
            now = self._waits_for()
            if now == before and not joining.done() and not stopping.done():
                self._say(f"Waits for {now}.")
            before = now

    def _waits_for(self) -> str:
        if self._studio.credentials is None:
            return "its engines to load"
        return f"the scheduler at {self._where.scheduler}, which does not answer"

    def _say(self, line: str, *, joined: bool = False, is_logged: bool = False) -> None:
        if line == self._said:
            return
        self._said = line
        if not is_logged:
            _log.info("painter.state", joined=joined, why=line)
        self._tell(line)

    def _name(self) -> str:
        """What it is called: others there may have the name that was chosen."""
        name = self._where.name
        return f"{name}-{self._others + 1}" if self._others else name

    def _worker(self) -> Worker:
        where = self._where
        return Worker(
            where.scheduler,
            name=self._name() or None,
            nthreads=where.engines,
            resources={RESOURCE: where.engines},
            plugins=(Painter(lambda: self._studio, None, self._hear),),
            local_directory=str(where.folder),
            security=where.security,
            memory_limit=0,
            dashboard=False,
            dashboard_address=HERE_ALONE,
            host=where.host or None,
            port=where.port,
        )


async def _started(worker: Worker) -> None:
    await worker


async def leave(worker: Worker) -> None:
    """Leave in order, so that no attempt is counted at what it still paints."""
    ways: list[Callable[..., Awaitable[Any]]] = [worker.close_gracefully, worker.close]
    for way in ways if worker.status is Status.running else ways[1:]:
        if worker.status not in {Status.closed, Status.failed}:
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(way(reason="atelierd-painter-leaves"), _CLOSE_SECONDS)


async def _first(*futures: asyncio.Future[Any], timeout: float | None = None) -> None:
    await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)


def _why(error: BaseException) -> str:
    while error.__cause__ is not None:  # Dask wraps what was the matter
        error = error.__cause__
    return f"It could not join: {error or type(error).__name__}."
