"""A cluster in this very process, where no scheduler is named: Dask's `LocalCluster`, in memory.

So nobody else on the machine can speak to its parts, who could have them run whatever he likes; but
for figures, which Dask serves by HTTP, to this machine alone. Engines are processes all the same.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import structlog
from distributed import LocalCluster, Worker
from distributed.core import Status
from distributed.diagnostics.plugin import WorkerPlugin

from daemon.cluster.background import in_words
from daemon.cluster.messages import HERE_ALONE, IN_MEMORY, RESOURCE
from daemon.errors import EngineLostError

_CLOSE_SECONDS: Final = 30.0
_log: Final = structlog.get_logger()


@asynccontextmanager
async def cluster_here(painters: Sequence[tuple[WorkerPlugin, int]]) -> AsyncIterator[str]:
    """A cluster, for as long as it is wanted.

    Args:
        painters: what holds the engines of each worker, and how many pictures it paints at once.

    Yields:
        The address of its scheduler.

    Raises:
        EngineLostError: one of them has no engine; says why.
    """
    with tempfile.TemporaryDirectory(prefix="atelierd-cluster-") as folder:
        workers = {
            f"painter-{number}": {"cls": Worker, "options": _options(painter, places, folder)}
            for number, (painter, places) in enumerate(painters, 1)
        }
        cluster = _cluster()
        cluster.worker_spec.update(workers)
        try:
            await _started(cluster)
            yield cluster.scheduler_address
        finally:
            closing = cast("Awaitable[None]", cluster.close())  # since it is asynchronous
            try:
                await asyncio.wait_for(closing, _CLOSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - broken off in its start, it asserts what is not so
                _log.debug("cluster.not_closed", why=in_words(error))
                cluster.status = Status.closed  # else it tries once more when it is collected


def _cluster() -> LocalCluster:
    """One without workers: it would make them all alike, and each has engines of its own."""
    return LocalCluster(
        n_workers=0,
        processes=False,
        protocol=IN_MEMORY,
        dashboard_address=HERE_ALONE,
        scheduler_kwargs={"dashboard": False},
        silence_logs=False,
        asynchronous=True,
    )


async def _started(cluster: LocalCluster) -> None:
    try:
        await cluster
    except Exception as error:
        cause: BaseException | None = error  # Dask wraps what was the matter
        while cause is not None:
            if isinstance(cause, EngineLostError):
                raise cause from None
            cause = cause.__cause__
        raise


def _options(painter: WorkerPlugin, places: int, folder: str) -> dict[str, Any]:
    return {
        "protocol": IN_MEMORY,
        "nthreads": places,
        "resources": {RESOURCE: places},
        "plugins": [painter],
        "local_directory": folder,
        "memory_limit": 0,
        "dashboard": False,
        "dashboard_address": HERE_ALONE,
    }
