"""The engines of one painter, and who waits there for which picture.

They are resident: they outlive any one connection to a scheduler. An attempt goes by the id of its
run, so that one that is given up and the next one of the same job may be here at the same time.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from daemon.checkpoints import Checkpoints
from daemon.cluster.identity import own
from daemon.cluster.messages import Credentials, Order, Saved
from daemon.files import write_atomically
from daemon.runners.base import (
    Cancelled,
    Deliver,
    End,
    EngineAside,
    EngineGone,
    EngineLost,
    EngineNews,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    News,
    Painted,
    Runner,
)
from daemon.telling import tell_of_engine

Say = Callable[[News | Saved], None]
"""Takes what is said of a picture on its way."""

_LOOK_SECONDS: Final = 0.2  # between two looks whether a picture is still wanted
_MEGABYTE: Final = 1_000_000
_TOO_LARGE: Final = (
    "The picture has {:.0f} MB, and {:.0f} may go through the network. Choose a smaller size, or "
    "another format, or let whoever looks after the program allow more (cluster.max_megabytes)."
)
_log: Final = structlog.get_logger()


class Studio:
    """Paints what comes, in any thread that calls.

    Args:
        make_runner: makes who paints, given where to deliver events.
        checkpoints: folder in which its engines save paintings on their way; None, nowhere.
    """

    def __init__(self, make_runner: Callable[[Deliver], Runner], checkpoints: Path | None) -> None:
        self._checkpoints: Final = Checkpoints(checkpoints)
        self._ready: dict[str, EngineReady] = {}
        self._unavailable: EngineUnavailable | None = None
        self._waiting: dict[str, queue.SimpleQueue[News | End]] = {}
        self._listeners: list[Callable[[], None]] = []
        self._checkpoints.sweep(())  # whoever was here before us waits for nothing any more
        self._runner: Final = make_runner(self._hear)

    @property
    def capacity(self) -> int:
        """How many pictures it paints at once, as things are now."""
        return self._runner.capacity if self._ready else 0

    @property
    def credentials(self) -> Credentials | None:
        """What it is; None while no engine has loaded."""
        ready = list(self._ready.values())
        if not ready:
            return None
        return own(ready[0].weights_sha256, [_about(one) for one in ready])

    @property
    def unavailable(self) -> str:
        """Why it has no engine, in plain words; empty if it has one, or loads one."""
        return "" if self._unavailable is None else self._unavailable.message

    def start(self) -> None:
        """Begin to load the engines, or try again; returns at once.

        Raises:
            OSError: nothing can be started just now.
        """
        self._unavailable = None
        self._runner.start()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have something called, from another thread, whenever engines come or go.

        Returns:
            What ends that; to be called once.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self, timeout: float) -> None:
        """Give up all that is painted, and end the engines, by force after `timeout` seconds."""
        self._runner.close(timeout)

    def fetch(self, run: str) -> bytes:
        """What was saved of a run that is painted here; empty if nothing was."""
        path = self._checkpoints.path(run)
        try:
            return b"" if path is None else path.read_bytes()
        except OSError:  # not yet, or not any more
            return b""

    def cancel(self, run: str, *, keep: bool) -> bool:
        """Give a run up; say whether it was here."""
        if run not in self._waiting:
            return False
        with contextlib.suppress(RuntimeError):  # it is being closed, and gives up all
            self._runner.cancel(run)
        return True

    def kill(self, run: str) -> None:
        """End, by force, the engine that has a run; it is started again."""
        self._runner.kill(run)

    def paint(self, order: Order, say: Say, is_wanted: Callable[[], bool]) -> End:
        """Paint a picture; returns once it has ended.

        Args:
            order: what is to be painted.
            say: takes what is said on the way, in the caller's thread.
            is_wanted: asked now and then; once it says no, the picture is given up.
        """
        waiting: queue.SimpleQueue[News | End] = queue.SimpleQueue()
        self._waiting[order.run] = waiting
        try:
            self._put_back(order)
            request = order.request
            self._runner.submit(replace(request, job_id=order.run, attempt_of=request.photo_id))
            end = self._follow(order, waiting, say, is_wanted)
        except RuntimeError:  # it is being closed: another painter begins with it
            return Cancelled(order.request.job_id)
        finally:
            del self._waiting[order.run]
            self._checkpoints.forget(order.run)
        return _refuse_if_large(end, order.most_bytes)

    def _put_back(self, order: Order) -> None:
        path = self._checkpoints.path(order.run)
        if path is None or not order.snapshot:
            return
        with contextlib.suppress(OSError):  # it is begun anew, then
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, order.snapshot, sync=False)

    def _follow(
        self,
        order: Order,
        waiting: queue.SimpleQueue[News | End],
        say: Say,
        is_wanted: Callable[[], bool],
    ) -> End:
        saved, is_given_up = self._saved_at(order.run), False
        while True:
            with contextlib.suppress(queue.Empty):
                event = waiting.get(timeout=_LOOK_SECONDS)
                named = replace(event, job_id=order.request.job_id)
                if isinstance(named, End):
                    return named
                say(named)
            if not is_given_up and not is_wanted():
                is_given_up = True
                with contextlib.suppress(RuntimeError):  # likewise
                    self._runner.cancel(order.run)
            before, saved = saved, self._saved_at(order.run)
            if saved is not None and saved != before:
                say(Saved(order.request.job_id, saved[1]))

    def _saved_at(self, run: str) -> tuple[int, int] | None:
        """When something was saved last, and how large it is; None if nothing was."""
        path = self._checkpoints.path(run)
        try:
            status = None if path is None else path.stat()
        except OSError:
            return None
        return None if status is None else (status.st_mtime_ns, status.st_size)

    # In the runner's thread.

    def _hear(self, event: Event) -> None:
        if isinstance(event, EngineNews):
            tell_of_engine(event)
            self._take_note(event)
            for listener in list(self._listeners):  # one may be leaving just now
                listener()
        elif waiting := self._waiting.get(event.job_id):
            waiting.put(event)

    def _take_note(self, event: EngineNews) -> None:
        if isinstance(event, EngineReady):
            self._ready[event.engine] = event
        elif isinstance(event, (EngineLost, EngineGone, EngineAside)):
            self._ready.pop(event.engine, None)
        else:
            self._ready.clear()
            self._unavailable = event
            _log.error("engine.unavailable", blame=event.blame, why=event.message)
            with contextlib.suppress(RuntimeError):  # it is being closed, and gives up all
                for run in list(self._waiting):  # none is to blame: others may paint them
                    self._runner.cancel(run)


def _about(ready: EngineReady) -> str:
    device = ready.device
    where = f"{device.name}, {device.precision}, {device.threads} threads"
    return f"{ready.engine}: {where}" if ready.engine else where


def _refuse_if_large(end: End, most_bytes: int) -> End:
    if not isinstance(end, Painted) or len(end.picture) <= most_bytes:
        return end
    message = _TOO_LARGE.format(len(end.picture) / _MEGABYTE, most_bytes / _MEGABYTE)
    return Failed(end.job_id, "recipe", message)
