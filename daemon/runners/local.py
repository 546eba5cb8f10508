"""The runner on this machine: one resident child process that paints, started again when it dies.

One thread keeps the child: it starts it, hands it one job after the other, passes on what it says,
and notices its end.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Final

import structlog

from daemon.child import Bell, Child, describe_exit
from daemon.runners.base import (
    LONGEST_LOAD_SECONDS,
    Cancelled,
    Deliver,
    End,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
)
from daemon.runners.entry import serve
from daemon.runners.noted import Note, NotedRunner, StartRequest
from daemon.runners.request import CancelRequest, PaintRequest
from daemon.settings import EngineSettings
from engine.malloc import environment

Worker = Callable[[Connection, EngineSettings], None]
"""What the child runs; a function of a module that the child can import."""

_LOST: Final = (
    "The engine stopped while it painted this picture: {}. Try again, with a smaller size or with "
    "fewer programs running beside it."
)
_NO_START: Final = (
    "The engine stopped {} times in a row while it started: {}. Run `atelierd doctor` to see why."
)
_HANGS: Final = (
    "The engine did not come to the end of loading within {:.0f} minutes, and was ended. It is "
    "tried again in a while. See whether the drive with the weights answers, and the graphics card "
    "if there is one; `atelierd doctor` looks at both."
)
_BUG: Final = (
    "The program met an error of its own while it kept the engine ({}). It starts the engine again "
    "in a while; if that happens again, show the log to whoever looks after it."
)
_MINUTE: Final = 60
_EXIT_SECONDS: Final = 5.0  # for a child that has closed its pipe to end
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class Restarts:
    """How a child that dies is started again.

    Attributes:
        first_seconds: pause after the second death in a row of an engine that had nothing to do;
            after the first there is none, nor after one at a job: whose photo it was, waits then
            (`daemon.relapses`), and the others need not.
        longest_seconds: the pause doubles up to this.
        starts: so many deaths in a row before the engine was ready, and it is given up.
        load_seconds: a child that is not ready after so long hangs (in a drive or a driver that
            does not answer), and is ended; the pause before the next one grows as above.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    starts: int = 3
    load_seconds: float = LONGEST_LOAD_SECONDS

    def pause(self, deaths: int) -> float:
        """Seconds to wait after so many deaths in a row."""
        if deaths <= 1:
            return 0.0
        return min(self.first_seconds * 2.0 ** min(deaths - 2, 32), self.longest_seconds)


class LocalRunner(NotedRunner):
    """Paints in a resident child process; see `daemon.runners.base.Runner`.

    Jobs wait until the engine is ready, also after `EngineUnavailable`: `start` then tries once
    more, and `close` cancels them.

    Args:
        settings: of the engine.
        deliver: takes the events, from this runner's thread.
        worker: what the child runs; tests put a quick stand-in here.
        variables: of the child's environment, besides ours.
        restarts: how a child that died is started again.
        clock: monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - each is another one's matter
        self,
        settings: EngineSettings,
        deliver: Deliver,
        *,
        worker: Worker = serve,
        variables: Mapping[str, str] | None = None,
        restarts: Restarts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        notes: deque[Note] = deque()
        self._keeper: Final = _Keeper(
            lambda: Child(
                worker,
                (settings,),
                "atelierd-engine",
                {**environment(os.environ), **(variables or {})},
            ),
            deliver,
            notes,
            restarts or Restarts(),
            clock,
        )
        super().__init__(self._keeper, notes, "engine-keeper")

    @property
    def capacity(self) -> int:
        """One: a second engine would only take the first one's cores."""
        return 1

    def kill(self, job_id: str) -> None:
        """End the child at once, if it has that job; it is started again."""
        self._keeper.kill(job_id)

    def close(self, timeout: float) -> None:
        """Cancel all jobs and end the child, by force after `timeout` seconds.

        No event is delivered after this returns. Not to be called from within `deliver`.
        """
        if not self._shut(timeout):
            self._ended(timeout)  # somebody else is closing it
            return
        if not self._has_begun:
            self._keeper.run()  # nothing was started: this only answers the jobs that wait
        elif not self._ended(timeout):
            # A child that does not read holds up the thread that writes to it.
            self._keeper.kill_whatever()
            self._ended(None)
        self._keeper.close()


class _Keeper:
    """The thread's side: all that happens to the child happens in `run`."""

    def __init__(
        self,
        start_child: Callable[[], Child],
        deliver: Deliver,
        notes: deque[Note],
        restarts: Restarts,
        clock: Callable[[], float],
    ) -> None:
        self._start_child: Final = start_child
        self._deliver: Final = deliver
        self._notes: Final = notes  # callers append, `run` takes: both are atomic
        self._restarts: Final = restarts
        self._clock: Final = clock
        self._bell: Final = Bell()
        self._stopping = False
        self._patience = 0.0
        self._waiting: Final[deque[PaintRequest]] = deque()
        self._current: PaintRequest | None = None
        self._unwanted = False  # somebody has cancelled the current job
        self._child: Child | None = None
        self._wanted = False  # a child is to be there
        self._ready = False
        self._began = 0.0
        self._not_before = 0.0
        self._deaths = 0  # in a row, without a job
        self._false_starts = 0  # in a row, without an engine
        self._hangs = 0  # in a row, while it loaded

    # For other threads.

    def wake(self) -> None:
        """There is a note."""
        self._bell.ring()

    def stop(self, patience: float) -> None:
        """Make `run` return; the child has so many seconds to end by itself."""
        self._patience, self._stopping = patience, True
        self._bell.ring()

    def kill(self, job_id: str) -> None:
        """End the child at once, if it has that job."""
        current = self._current
        if current is not None and current.job_id == job_id:
            self.kill_whatever()

    def kill_whatever(self) -> None:
        """End the child at once."""
        child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """Give everything back, after `run` has returned."""
        self._bell.close()

    # The thread's own.

    def run(self) -> None:
        """Keep the engine until `stop`."""
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._give_up()

    def _turn(self) -> None:
        try:
            self._start_if_due()
            self._listen()
            self._read_notes()
            self._hand_over()
        except Exception as error:  # noqa: BLE001 - without this thread nothing is ever painted
            self._collapse(error)

    def _collapse(self, error: Exception) -> None:
        """The last resort for a bug of ours: end the child, and wait until `start` is called."""
        _log.error("engine.keeper_failed", exc_info=error)
        self._wanted = False
        with suppress(Exception):  # it may be the child that cannot be dealt with
            self._end_child(0.0)
        message = _BUG.format(type(error).__name__)
        self._lose_current(message)
        self._deliver(EngineUnavailable("engine", message))
        time.sleep(self._restarts.first_seconds)  # an error at every turn must not fill the log

    def _start_if_due(self) -> None:
        if self._child is not None or not self._wanted or self._clock() < self._not_before:
            return
        self._began, self._ready = self._clock(), False
        try:
            self._child = self._start_child()
        except OSError:  # no memory or no process number left; that may pass
            self._bury(None)

    def _listen(self) -> None:
        if self._child is None:
            self._bell.hear(max(self._not_before - self._clock(), 0) if self._wanted else None)
            return
        if self._child.wait(self._bell, self._time_to_load()):
            try:
                self._take(self._child.receive())
            except EOFError:
                self._bury(self._end_child(_EXIT_SECONDS))
        elif self._time_to_load() == 0:
            self._give_up_loading()

    def _time_to_load(self) -> float | None:
        """Seconds in which the child has to come to the end of loading; None if it has."""
        end = self._began + self._restarts.load_seconds
        return None if self._ready else max(end - self._clock(), 0)

    def _give_up_loading(self) -> None:
        self._hangs, self._wanted = self._hangs + 1, False
        self._end_child(0.0)
        message = _HANGS.format(self._restarts.load_seconds / _MINUTE)
        self._deliver(EngineUnavailable("engine", message))

    def _take(self, event: Event) -> None:
        if isinstance(event, EngineReady):
            self._ready, self._false_starts, self._hangs = True, 0, 0
            event = replace(event, seconds=self._clock() - self._began)
        elif isinstance(event, EngineUnavailable):
            self._wanted = False
            self._end_child(_EXIT_SECONDS)
        elif isinstance(event, End):
            self._current, self._deaths = None, 0
        self._deliver(event)

    def _bury(self, status: int | None) -> None:
        self._deaths = 0 if self._current is not None else self._deaths + 1
        self._false_starts += not self._ready
        self._not_before = self._clock() + self._restarts.pause(self._deaths)
        self._deliver(EngineLost(status))
        self._lose_current(_LOST.format(describe_exit(status)))
        if self._false_starts >= self._restarts.starts:
            self._wanted = False
            message = _NO_START.format(self._false_starts, describe_exit(status))
            self._deliver(EngineUnavailable("engine", message))

    def _lose_current(self, message: str) -> None:
        if self._current is not None:
            job_id, self._current = self._current.job_id, None
            cancelled, lost = Cancelled(job_id), Failed(job_id, "lost", message)
            self._deliver(cancelled if self._unwanted else lost)

    def _read_notes(self) -> None:
        self._bell.hear(0)
        while self._notes:
            note = self._notes.popleft()
            if isinstance(note, PaintRequest):
                self._waiting.append(note)
            elif isinstance(note, CancelRequest):
                self._cancel(note)
            elif isinstance(note, StartRequest) and not self._wanted:
                self._not_before = self._clock() + self._restarts.pause(self._hangs + 1)
                self._wanted, self._deaths, self._false_starts = True, 0, 0

    def _cancel(self, note: CancelRequest) -> None:
        if self._current is not None and self._current.job_id == note.job_id:
            self._unwanted = True
            if self._child is not None:
                self._child.send(note)
            return
        for request in [one for one in self._waiting if one.job_id == note.job_id]:
            self._waiting.remove(request)
            self._deliver(Cancelled(request.job_id))

    def _hand_over(self) -> None:
        if self._child is None or not self._ready or self._current is not None:
            return
        if self._waiting:
            self._current, self._unwanted = self._waiting.popleft(), False
            self._child.send(self._current)  # to a dead child: its end is heard next

    def _give_up(self) -> None:
        self._read_notes()
        if self._child is not None:
            # One that still loads its weights does not hear that it is asked to end.
            self._end_child(self._patience * 0.8 if self._ready else 0.0)
        current = [] if self._current is None else [self._current]
        for request in [*current, *self._waiting]:
            self._deliver(Cancelled(request.job_id))

    def _end_child(self, patience: float) -> int | None:
        child, self._child = self._child, None
        return None if child is None else child.end(patience)
