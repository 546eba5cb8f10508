"""The callers' side of a runner whose engines one thread keeps: they leave a note, and wait never.

The thread is started with the first `start`, and everything that happens to engines happens in it.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from daemon import threads
from daemon.runners.request import CancelRequest, PaintRequest


@dataclass(frozen=True)
class StartRequest:
    """See to it that there is an engine."""


@dataclass(frozen=True)
class KillRequest:
    """The engine that has a job is to be ended by force."""

    job_id: str


Note = PaintRequest | CancelRequest | KillRequest | StartRequest


class Keeper(Protocol):
    """The thread's side."""

    def run(self) -> None:
        """Keep the engines, and heed notes, until `stop`."""
        ...

    def wake(self) -> None:
        """There is a note; from any thread."""
        ...

    def stop(self, patience: float) -> None:
        """Make `run` return, within so many seconds if it can; from any thread."""
        ...


class NotedRunner:
    """Part of a `daemon.runners.base.Runner`.

    Args:
        keeper: its thread's work.
        notes: read by the keeper. Callers append, it takes from the left: both are atomic.
        name: of the thread.
    """

    def __init__(self, keeper: Keeper, notes: deque[Note], name: str) -> None:
        self._thread_work: Final = keeper
        self._notes: Final = notes
        self._thread_name: Final = name
        self._lock: Final = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_shut = False

    def start(self) -> None:
        """Begin to load an engine, or try again after `EngineUnavailable`; returns at once.

        Raises:
            OSError: no thread can be started just now.
            RuntimeError: the runner is closed.
        """
        with self._lock:
            if self._thread is None and not self._is_shut:
                run, name = self._thread_work.run, self._thread_name
                thread = threading.Thread(target=run, name=name, daemon=True)
                threads.start(thread)
                self._thread = thread
        self._leave(StartRequest())

    def submit(self, request: PaintRequest) -> None:
        """Hand over one job; returns at once.

        Raises:
            RuntimeError: the runner is closed.
        """
        self._leave(request)

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        """Give a job up; `Cancelled` follows when the step that is being computed is done.

        Args:
            job_id: which.
            keep: what is painted of it is saved first.

        Raises:
            RuntimeError: the runner is closed.
        """
        self._leave(CancelRequest(job_id, keep))

    def _leave(self, note: Note) -> None:
        with self._lock:
            if self._is_shut:
                raise RuntimeError("the runner is closed")
            self._notes.append(note)
            self._thread_work.wake()

    def _shut(self, patience: float) -> bool:
        """Take no note any more, and stop the thread; say whether that was not so before."""
        with self._lock:
            was_shut, self._is_shut = self._is_shut, True
            if not was_shut:
                self._thread_work.stop(patience)
        return not was_shut

    def _ended(self, seconds: float | None) -> bool:
        """Wait for the thread; say whether it has ended, or never began."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def _has_begun(self) -> bool:
        return self._thread is not None
