"""The plugin that makes a Dask worker a painter.

It holds the engines, and lets the worker join the cluster once one has loaded. A worker that is
left without any, and without the hope of one, leaves the cluster.

How many pictures it takes is said once to Dask, when it joins: a scheduler that is told that they
are fewer, and then more again, forgets the tasks that it could not place meanwhile. So the daemons
are told when engines come or go, and give it no more than it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

from daemon.cluster.messages import CHANGED, PAINTER, TASK
from daemon.cluster.studio import Studio
from daemon.errors import EngineLostError


class Painter(WorkerPlugin):
    """Engines of a worker.

    Args:
        studio: makes what holds the engines, or gives one that is there.
        close_seconds: in which the engines have to end when the worker leaves; then by force. None:
            they stay, and are the caller's to close.
        hear: takes why a service gives it no photos; empty once it does.
    """

    name = PAINTER

    def __init__(
        self,
        studio: Callable[[], Studio],
        close_seconds: float | None,
        hear: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.hear: Final = hear
        self._make: Final = studio
        self._close_seconds: Final = close_seconds
        self._studio: Studio | None = None
        self._watching: asyncio.Task[None] | None = None
        self._forget: Final = ExitStack()
        self._leaving: asyncio.Future[Any] | None = None  # held, or Python would let go of it

    @property
    def studio(self) -> Studio:
        """The engines.

        Raises:
            RuntimeError: the worker has not been set up.
        """
        if self._studio is None:
            raise RuntimeError("this worker is not set up as a painter yet")
        return self._studio

    async def setup(self, worker: Worker) -> None:
        """Load the engines; Dask calls this before the worker joins.

        Raises:
            EngineLostError: there are none; says why.
        """
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        studio = self._studio = await asyncio.to_thread(self._make)
        self._forget.callback(studio.listen(partial(_call, loop, changed.set)))
        self._forget.callback(studio.await_fetching(partial(_held_by, worker)))
        if not studio.capacity:
            studio.start()
        while not studio.capacity:
            if studio.unavailable:
                raise EngineLostError(studio.unavailable)
            await changed.wait()
            changed.clear()
        self._watching = loop.create_task(self._watch(worker, changed))

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask names it so
        """End the engines, unless they stay; Dask calls this when the worker leaves."""
        if self._watching is not None:
            self._watching.cancel()
        self._forget.close()
        await self.end()

    async def end(self) -> None:
        """End the engines, unless they stay: what they paint is given back, and fetched."""
        if self._studio is not None and self._close_seconds is not None:
            await asyncio.to_thread(self._studio.close, self._close_seconds)

    async def _watch(self, worker: Worker, changed: asyncio.Event) -> None:
        while not self.studio.unavailable:
            await changed.wait()
            changed.clear()
            worker.log_event(CHANGED, worker.address)
        # Not to be waited for: the worker ends this very task.
        self._leaving = asyncio.ensure_future(worker.close(reason="atelierd-engine-unavailable"))


def _held_by(worker: Worker) -> int:
    """How many orders a worker has, or their ends, which the scheduler lets it forget once fetched.

    It may be in its loop meanwhile: a list is made in one go.
    """
    return sum(str(key).startswith(TASK) for key in list(worker.state.tasks))


def _call(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    """From another thread; a loop that has ended needs to know nothing."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(act)
