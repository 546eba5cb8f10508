"""Makes any Dask worker a painter: `dask worker --preload daemon.cluster.preload`.

For clusters whose workers somebody else starts, such as those of a batch system. The settings come
from the file that ATELIERD_CONFIG names, and from the environment; how it speaks to its scheduler,
from the options of `dask worker`. Such a worker needs `--resources PAINTER=1`, and `--no-nanny`: an
engine is a child, which a nanny's may not have, unless `distributed.worker.daemon` is false.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack, suppress
from typing import Any, Final

from distributed import Worker

from daemon.cluster.hand import CLOSE_SECONDS, own_folder, studio_in
from daemon.cluster.joining import leave
from daemon.cluster.painter import Painter
from daemon.cluster.studio import Studio
from daemon.configuration import load, painters_folder

_held: Final = ExitStack()  # the folder of this process, which holds one worker


def dask_setup(worker: Worker) -> None:
    """Have the engines loaded before the worker joins; Dask calls this.

    A worker whose engines, or settings, are of no use does not start.
    """
    # As if its constructor had been given it. What fails in here, or in `plugin_add`, Dask only
    # logs, and the worker would join without an engine.
    painter = Painter(_studio, CLOSE_SECONDS)
    worker._pending_plugins = (*worker._pending_plugins, painter)  # noqa: SLF001
    _leave_in_order(worker, painter)


def _leave_in_order(worker: Worker, painter: Painter) -> None:
    """At SIGTERM, which says that the time of a batch system's job is over.

    Without a nanny Dask would break off, and its painter would count as lost.
    """
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)
    leaving = list[asyncio.Task[None]]()  # held, or Python would let go of it

    def ask(number: int, _frame: Any) -> None:
        signal.signal(number, before)  # a second one ends it at once
        loop.call_soon_threadsafe(lambda: leaving.append(loop.create_task(end())))

    async def end() -> None:
        try:
            await painter.end()  # first: what it gives back is fetched while it is there
        finally:
            await leave(worker)

    with suppress(ValueError):  # not the main thread: signals are somebody else's matter
        signal.signal(signal.SIGTERM, ask)


def _studio() -> Studio:
    settings = load(None, {}, os.environ).settings
    folder = _held.enter_context(own_folder(painters_folder(settings, os.environ)))
    return studio_in(folder, settings.engine)


def dask_teardown(worker: Worker) -> None:  # noqa: ARG001 - Dask's signature
    """Let another painter have the folder; Dask calls this."""
    _held.close()
