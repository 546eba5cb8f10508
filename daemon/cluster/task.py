"""What the daemon has painters do: functions that Dask calls in a worker that is one.

Dask cannot stop a task that runs, but marks it when nobody wants it any more: it was cancelled, or
whoever gave it is gone. So the task looks, and gives its picture up.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, cast

from distributed import Worker, get_worker
from distributed.core import Status

from daemon.cluster.messages import PAINTER, Credentials, GivenBack, Order, Said, Saved, pack
from daemon.cluster.painter import Painter
from daemon.cluster.studio import Studio
from daemon.runners.base import End, News

_ENDING: Final = frozenset({Status.closing, Status.closed, Status.failed})
_WANTED: Final = frozenset({"executing", "long-running"})


def paint(order: Order) -> End | GivenBack:
    """The task: paint a picture.

    Args:
        order: what is to be painted.

    Raises:
        LookupError: this worker is no painter.
    """
    worker = get_worker()
    say, is_wanted = partial(_say, worker, order), partial(_is_wanted, worker, _key(worker))
    return _studio(worker).paint(order, say, is_wanted)


async def fetch(run: str, dask_worker: Worker) -> bytes:
    """What was saved of a run that is painted here; empty if nothing was."""
    return await asyncio.to_thread(_studio(dask_worker).fetch, run)


def credentials(dask_worker: Worker) -> Credentials | None:
    """What this painter is; None while its engines load."""
    return _studio(dask_worker).credentials


def cancel(run: str, keep: bool, dask_worker: Worker) -> bool:  # noqa: FBT001 - as Dask gives it
    """Give a run up; say whether it was here."""
    return _studio(dask_worker).cancel(run, keep=keep)


def kill(run: str, dask_worker: Worker) -> None:
    """End, by force, an engine here that has this run and does not answer."""
    _studio(dask_worker).kill(run)


def tell(why: str, dask_worker: Worker) -> None:
    """Let the painter know why it gets no photos; empty: it does."""
    _painter(dask_worker).hear(why)


def _say(worker: Worker, order: Order, news: News | Saved) -> None:
    worker.log_event(order.topic, pack(Said(order.run, worker.address, news)))


def _key(worker: Worker) -> str:
    return str(worker.get_current_task())


def _is_wanted(worker: Worker, key: str) -> bool:
    task = worker.state.tasks.get(key)
    return worker.status not in _ENDING and task is not None and task.state in _WANTED


def _studio(worker: Worker) -> Studio:
    return _painter(worker).studio


def _painter(worker: Worker) -> Painter:
    plugin = worker.plugins.get(PAINTER)
    if plugin is None:
        raise LookupError(f"the worker {worker.address} is no painter: it has no engine")
    return cast("Painter", plugin)
