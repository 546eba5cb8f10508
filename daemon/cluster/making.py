"""Makes the runner that paints by Dask, as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from distributed.diagnostics.plugin import WorkerPlugin
from distributed.security import Security

from daemon import checkpoints
from daemon.cluster import task
from daemon.cluster.calls import Calls, Terms
from daemon.cluster.here import cluster_here
from daemon.cluster.identity import Comparing, own, weights_in
from daemon.cluster.painter import Painter
from daemon.cluster.runner import DaskRunner, NoPaintersError, Place
from daemon.cluster.studio import Studio
from daemon.errors import EngineLostError
from daemon.runners.base import Deliver, EngineUnavailable, Runner
from daemon.runners.entry import serve
from daemon.runners.local import LocalRunner
from daemon.settings import ClusterSettings, EngineSettings, Settings
from engine.cores import usable_cores

_MEGABYTE: Final = 1_000_000


def dask_runner(settings: Settings, state: Path, styles: Path, deliver: Deliver) -> Runner:
    """The runner that paints by Dask.

    Args:
        settings: all of them.
        state: folder beside the journal, in which paintings are saved on their way.
        styles: folder in which engines of this machine keep what they know of styles.
        deliver: takes the events.
    """
    cluster, engine = settings.cluster, settings.engine
    refusal = Comparing(own(weights_in(engine.weights)))
    calls = Calls(task.paint, task.fetch, task.credentials, task.kill, refusal)
    most = cluster.max_megabytes * _MEGABYTE
    terms = Terms(most, engine.checkpoint_seconds, state / checkpoints.FOLDER)
    return DaskRunner(
        _place(settings, styles), terms, calls, deliver, security=_security(cluster)
    )


def _security(cluster: ClusterSettings) -> Security | None:
    files = {
        "tls_ca_file": cluster.tls_ca,
        "tls_client_cert": cluster.tls_cert,
        "tls_client_key": cluster.tls_key,
    }
    if not any(files.values()):
        return None
    given = {name: str(path) for name, path in files.items() if path is not None}
    return Security(require_encryption=True, **given)


def _place(settings: Settings, styles: Path) -> Place:
    if settings.cluster.scheduler is not None:
        return partial(_at, settings.cluster.scheduler)
    return partial(_here, settings.engine, styles)


@asynccontextmanager
async def _at(address: str) -> AsyncIterator[str]:
    yield address


@asynccontextmanager
async def _here(engine: EngineSettings, styles: Path) -> AsyncIterator[str]:
    try:
        async with cluster_here(partial(_painters, engine, styles)) as address:
            yield address
    except EngineLostError as error:
        blame = "engine" if weights_in(engine.weights) else "weights"
        raise NoPaintersError(EngineUnavailable(blame, str(error))) from error  # type: ignore[arg-type]


def _painters(engine: EngineSettings, styles: Path, folder: Path) -> Sequence[WorkerPlugin]:
    return [
        Painter(partial(_studio, each, styles, folder / str(number)))
        for number, each in enumerate(shares_of(engine))
    ]


def _studio(engine: EngineSettings, styles: Path, folder: Path) -> Studio:
    worker = partial(serve, styles=styles, checkpoints=folder)
    return Studio(lambda deliver: LocalRunner(engine, deliver, worker=worker), folder)


def shares_of(engine: EngineSettings) -> list[EngineSettings]:
    """The settings of each engine, where several divide the processor's cores among them."""
    number = engine.workers
    threads = engine.threads if number == 1 else max((engine.threads or usable_cores()) // number, 1)
    memory = engine.max_memory if engine.max_memory is None else engine.max_memory // number
    return [engine.model_copy(update={"threads": threads, "max_memory": memory})] * number
