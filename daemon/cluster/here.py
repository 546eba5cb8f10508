"""A cluster in this very process, where no scheduler is named: Dask's way, without a network.

Scheduler and workers speak to one another in memory. So nobody else on the machine can speak to
them, who could have them run whatever he likes. Their engines are processes all the same.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, cast

from distributed import Scheduler, SpecCluster, Worker
from distributed.diagnostics.plugin import WorkerPlugin

from daemon.cluster.messages import RESOURCE
from daemon.errors import EngineLostError

_IN_MEMORY: Final = "inproc://"
_CLOSE_SECONDS: Final = 30.0

MakePainters = Callable[[Path], Sequence[WorkerPlugin]]
"""Gives what holds the engines of each worker, given a folder that goes with them."""


@asynccontextmanager
async def cluster_here(make_painters: MakePainters) -> AsyncIterator[str]:
    """A cluster, for as long as it is wanted.

    Args:
        make_painters: gives the painters.

    Yields:
        The address of its scheduler.

    Raises:
        EngineLostError: one of them has no engine; says why.
    """
    with tempfile.TemporaryDirectory(prefix="atelierd-cluster-") as folder:
        workers = {
            f"painter-{number}": {"cls": Worker, "options": _options(painter, folder)}
            for number, painter in enumerate(make_painters(Path(folder)), 1)
        }
        scheduler = {
            "cls": Scheduler,
            "options": {"protocol": _IN_MEMORY, "dashboard": False, "dashboard_address": None},
        }
        cluster = SpecCluster(scheduler=scheduler, workers=workers, asynchronous=True)
        try:
            await _started(cluster)
            yield cluster.scheduler_address
        finally:
            closing = cast("Awaitable[None]", cluster.close())  # since it is asynchronous
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(closing, _CLOSE_SECONDS)


async def _started(cluster: SpecCluster) -> None:
    try:
        await cluster
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, EngineLostError):
            cause = cause.__cause__
        raise (error if cause is None else cause) from None


def _options(painter: WorkerPlugin, folder: str) -> dict[str, Any]:
    return {
        "protocol": _IN_MEMORY,
        "nthreads": 1,
        "resources": {RESOURCE: 1},
        "plugins": [painter],
        "local_directory": folder,
        "memory_limit": 0,
        "dashboard": False,
    }
