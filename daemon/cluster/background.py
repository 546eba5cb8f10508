"""What goes on beside the loop's main thread of thought, and is not forgotten if it fails."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from daemon import threads

T = TypeVar("T")

_log: Final = structlog.get_logger()


class Background:
    """Coroutines that run by themselves until `close`."""

    def __init__(self) -> None:
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin with one; a fault of it is for the log."""
        task = asyncio.ensure_future(_watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End all of them, and see them out."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watched(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - nobody waits for it who could say so
        _log.error("cluster.fault", exc_info=error)


async def in_thread(work: Callable[[], T]) -> T:
    """Have something done in a thread of its own, which nobody has to wait for at the end.

    Those of `asyncio.to_thread` the interpreter waits for: for ever, if a disk does not answer.

    Raises:
        OSError: no thread can be started just now.
    """
    done: concurrent.futures.Future[T] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()  # who waits may go away: it goes on all the same

    def live() -> None:
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            done.set_exception(error)
        else:
            done.set_result(found)

    threads.start(threading.Thread(target=live, name="cluster-aside", daemon=True))
    return await asyncio.wrap_future(done)


async def rung(bell: asyncio.Event, seconds: float) -> None:
    """Wait until a bell rings, or time is up.

    `asyncio.wait_for` loses, before Python 3.12, a cancellation that comes with the ring.
    """
    waiter = asyncio.ensure_future(bell.wait())
    try:
        await asyncio.wait({waiter}, timeout=seconds)
    finally:
        waiter.cancel()


def in_words(error: BaseException) -> str:
    """A fault that Dask or a painter raised, in one line."""
    return " ".join(f"{type(error).__name__} {error}".split())
