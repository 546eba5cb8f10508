"""The engines of one painter, and who waits there for which picture.

They are resident: they outlive any one connection to a scheduler. An attempt goes by the id of its
run, so that one that is given up and the next one of the same job may be here at the same time.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from daemon.checkpoints import Checkpoints
from daemon.cluster.diary import Tell, TellEnd, nothing, silence
from daemon.cluster.identity import own
from daemon.cluster.messages import Credentials, GivenBack, Order, Saved
from daemon.figures import number
from daemon.files import write_atomically
from daemon.once import Once
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
_FETCH_SECONDS: Final = 0.05  # between two looks whether all ends have been fetched
_MEGABYTE: Final = 1_000_000
_TOO_LARGE: Final = (
    "The picture has {:.0f} MB, and {:.0f} may go through the network. Choose a smaller size, or "
    "another format, or let whoever looks after the program allow more (cluster.max_megabytes)."
)
_log: Final = structlog.get_logger()


@dataclass
class _Run:
    """A picture that somebody waits for.

    Attributes:
        news: of it, from the runner's thread.
        keep: it is given up, and whether what is painted of it is given back then. None: it goes
            on for as long as there are engines.
        tell_end: hears how it ends, if it was told that it began.
    """

    news: queue.SimpleQueue[News | End] = field(default_factory=queue.SimpleQueue)
    keep: bool | None = None
    tell_end: TellEnd = nothing


class Studio:
    """Paints what comes, in any thread that calls.

    Args:
        make_runner: makes who paints, given where to deliver events.
        checkpoints: folder in which its engines save paintings on their way; None, nowhere.
        tell: hears of each picture.
    """

    def __init__(
        self,
        make_runner: Callable[[Deliver], Runner],
        checkpoints: Path | None,
        tell: Tell = silence,
    ) -> None:
        self._tell: Final = tell
        self._checkpoints: Final = Checkpoints(checkpoints)
        self._ready: dict[str, EngineReady] = {}
        self._unavailable: EngineUnavailable | None = None
        self._runs: dict[str, _Run] = {}
        self._said: Final = Once()
        self._listeners: list[Callable[[], None]] = []
        self._counters: list[Callable[[], int]] = []
        self._is_closing, self._weights = False, ""
        self._checkpoints.sweep(())  # whoever was here before us waits for nothing any more
        self._runner: Final = make_runner(self._hear)

    @property
    def capacity(self) -> int:
        """How many pictures it paints at once, as things are now."""
        return self._runner.capacity if self._ready and not self._is_closing else 0

    @property
    def credentials(self) -> Credentials | None:
        """What it is; None while no engine has loaded. It has no engines once it is being closed.

        Of engines that have loaded different weights all of these are named.
        """
        if self._is_closing:
            return own(self._weights)
        ready = list(self._ready.values())
        return own(self._weights, [_about(one) for one in ready]) if ready else None

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
        with contextlib.suppress(RuntimeError):  # it is being closed: there is no engine any more
            self._runner.start()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have something called, from another thread, whenever engines come or go.

        Returns:
            What ends that; to be called once.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def await_fetching(self, count: Callable[[], int]) -> Callable[[], None]:
        """Have `close` wait until whoever waits for pictures knows how they have ended.

        Args:
            count: says from any thread of how many that is not so yet.

        Returns:
            What ends that; to be called once.
        """
        self._counters.append(count)
        return lambda: self._counters.remove(count)

    def close(self, timeout: float) -> None:
        """Give up all that is painted, and give it back; end the engines, by force if need be.

        Args:
            timeout: seconds in which the engines have to end; and then, in what is left of them,
                what is given back is fetched.
        """
        until, was_closing, self._is_closing = time.monotonic() + timeout, self._is_closing, True
        if not was_closing:
            self._tell_listeners()
        self._runner.close(timeout)
        while time.monotonic() < until and any(count() for count in list(self._counters)):
            time.sleep(_FETCH_SECONDS)

    def fetch(self, run: str) -> bytes:
        """What was saved of a run that is painted here; empty if nothing was."""
        path = self._checkpoints.path(run)
        try:
            return b"" if path is None else path.read_bytes()
        except OSError:  # not yet, or not any more
            return b""

    def cancel(self, run: str, *, keep: bool) -> bool:
        """Give a run up; say whether it was here.

        Args:
            run: which.
            keep: it ends as `GivenBack`, with what was painted of it.
        """
        known = self._runs.get(run)
        if known is None:
            return False
        known.keep = keep
        self._give_up(run, keep=keep)
        return True

    def kill(self, run: str) -> None:
        """End, by force, the engine that has a run; it is started again."""
        self._runner.kill(run)

    def paint(self, order: Order, say: Say, is_wanted: Callable[[], bool]) -> End | GivenBack:
        """Paint a picture; returns once it has ended.

        Args:
            order: what is to be painted.
            say: takes what is said on the way, in the caller's thread.
            is_wanted: asked now and then; once it says no, the picture is given up.
        """
        run = self._runs[order.run] = _Run()
        try:
            self._put_back(order)
            end = self._ended(order, run, self._follow(order, run, say, is_wanted))
            run.tell_end(end)
            return end
        finally:
            del self._runs[order.run]
            self._checkpoints.forget(order.run)

    def _ended(self, order: Order, run: _Run, end: End) -> End | GivenBack:
        is_kept = self._is_closing if run.keep is None else run.keep
        if isinstance(end, Cancelled) and is_kept:
            return GivenBack(end.job_id, self._snapshot(order))
        return _refuse_if_large(end, order.most_bytes)

    def _snapshot(self, order: Order) -> bytes:
        """What there is of a picture; empty if that is too large for the network."""
        saved = self._saved_at(order.run)
        return b"" if saved is None or saved[1] > order.most_bytes else self.fetch(order.run)

    def _put_back(self, order: Order) -> None:
        path = self._checkpoints.path(order.run)
        if path is None or not order.snapshot:
            return
        with contextlib.suppress(OSError):  # it is begun anew, then
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, order.snapshot, sync=False)

    def _follow(self, order: Order, run: _Run, say: Say, is_wanted: Callable[[], bool]) -> End:
        saved = self._saved_at(order.run)
        if not self._submitted(order, run):
            return Cancelled(order.request.job_id)
        while True:
            with contextlib.suppress(queue.Empty):
                event = run.news.get(timeout=_LOOK_SECONDS)
                named = replace(event, job_id=order.request.job_id)
                if isinstance(named, End):
                    return named
                say(named)
            if run.keep is not False and not is_wanted():
                self.cancel(order.run, keep=False)
            before, saved = saved, self._saved_at(order.run)
            if saved is not None and saved != before:
                say(Saved(order.request.job_id, saved[1]))

    def _submitted(self, order: Order, run: _Run) -> bool:
        """Hand a picture to the engines; say whether they take any."""
        request = order.request
        named = replace(request, job_id=order.run, attempt_of=request.photo_id)
        try:
            self._runner.submit(named)
        except RuntimeError:  # it is being closed: another painter begins with it
            return False
        run.tell_end = self._tell(order)
        if run.keep is not None:  # since before the engines had it
            self._give_up(order.run, keep=run.keep)
        return True

    def _give_up(self, run: str, *, keep: bool = False) -> None:
        with contextlib.suppress(RuntimeError):  # it is being closed, and gives up all
            self._runner.cancel(run, keep=keep)

    def _saved_at(self, run: str) -> tuple[int, int] | None:
        """When something was saved last, and how large it is; None if nothing was."""
        path = self._checkpoints.path(run)
        try:
            status = None if path is None else path.stat()
        except OSError:
            return None
        return None if status is None else (status.st_mtime_ns, status.st_size)

    def _tell_listeners(self) -> None:
        for listener in list(self._listeners):  # one may be leaving just now
            listener()

    # In the runner's thread.

    def _hear(self, event: Event) -> None:
        if isinstance(event, EngineNews):
            tell_of_engine(event)
            self._take_note(event)
            self._tell_listeners()
        elif run := self._runs.get(event.job_id):
            run.news.put(event)

    def _take_note(self, event: EngineNews) -> None:
        if isinstance(event, EngineReady):
            self._ready[event.engine] = event
            self._said.is_over()
        elif isinstance(event, (EngineLost, EngineGone, EngineAside)):
            self._ready.pop(event.engine, None)
        else:
            self._ready.clear()
            self._unavailable = event
            if self._said.is_new(event.message):  # it is tried again and again
                _log.error("engine.unavailable", blame=event.blame, why=event.message)
            for run in list(self._runs):  # none is to blame: others may paint them
                self._give_up(run)
        if self._ready:
            loaded = {one.weights_sha256 for one in self._ready.values()}
            self._weights = "+".join(sorted(loaded))


def _about(ready: EngineReady) -> str:
    device = ready.device
    where = f"{device.name}, {device.precision}, {number(device.threads, 'thread')}"
    return f"{ready.engine}: {where}" if ready.engine else where


def _refuse_if_large(end: End, most_bytes: int) -> End:
    if not isinstance(end, Painted) or len(end.picture) <= most_bytes:
        return end
    message = _TOO_LARGE.format(len(end.picture) / _MEGABYTE, most_bytes / _MEGABYTE)
    return Failed(end.job_id, "recipe", message)
