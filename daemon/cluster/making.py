"""Makes the runner that paints by Dask, as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from daemon import checkpoints
from daemon.cluster import task
from daemon.cluster.background import in_thread
from daemon.cluster.calls import Calls, Terms
from daemon.cluster.hand import studio_in
from daemon.cluster.here import cluster_here
from daemon.cluster.identity import Comparing, own, weights_in
from daemon.cluster.painter import Painter
from daemon.cluster.runner import DaskRunner, NoPaintersError, Place
from daemon.cluster.security import security
from daemon.errors import EngineLostError
from daemon.runners.base import Deliver, EngineUnavailable, Runner
from daemon.runners.places import places
from daemon.settings import EngineSettings, Settings

HERE: Final = "painter"
"""Folder beside the journal for the engines of this machine, where there is no scheduler."""

_MEGABYTE: Final = 1_000_000
_CLOSE_SECONDS: Final = 4.0  # what they paint was given up before; new ones may be waiting


def dask(settings: Settings, deliver: Deliver, *, state: Path) -> Runner:
    """The runner that paints by Dask.

    Args:
        settings: all of them.
        deliver: takes the events.
        state: folder beside the journal, in which paintings are saved on their way.

    Raises:
        SettingsError: the settings of the cluster contradict one another.
    """
    engine = settings.engine
    refusal = Comparing(lambda: own(weights_in(engine.weights)))
    calls = Calls(
        task.paint, task.cancel, task.fetch, task.credentials, task.kill, task.tell, refusal
    )
    most = settings.cluster.max_megabytes * _MEGABYTE
    terms = Terms(most, state / checkpoints.FOLDER)
    secure, place = security(settings.cluster), _place(settings, state)
    return DaskRunner(place, terms, calls, deliver, security=secure)


def _place(settings: Settings, state: Path) -> Place:
    if settings.cluster.scheduler is not None:
        return partial(_at, settings.cluster.scheduler)
    return partial(_here, settings.engine, state / HERE)


@asynccontextmanager
async def _at(address: str) -> AsyncIterator[str]:
    yield address


@asynccontextmanager
async def _here(engine: EngineSettings, folder: Path) -> AsyncIterator[str]:
    found = await in_thread(partial(places, engine))  # a card's driver may be long in answering
    studio = await in_thread(partial(studio_in, folder, engine, found))
    end = partial(studio.close, _CLOSE_SECONDS)
    try:
        # The engines end first, whatever becomes of the cluster: what they paint ends with them.
        async with cluster_here([(Painter(lambda: studio, None), len(found))]) as address:
            try:
                yield address
            finally:
                await in_thread(end)
    except EngineLostError as error:
        why = str(error)
        no_weights = not weights_in(engine.weights)
        raise NoPaintersError(
            EngineUnavailable("weights" if no_weights else "engine", why)
        ) from error
    finally:
        await in_thread(end)
