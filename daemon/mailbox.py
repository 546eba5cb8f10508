"""The mailbox of the service: anybody puts letters in, from any thread; one thread reads them."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from daemon.inspector import Inspected
from daemon.runners.base import Event


@dataclass(frozen=True)
class Reload:
    """Somebody has changed the settings."""


@dataclass(frozen=True)
class Wake:
    """Something has changed in the watched folders."""


@dataclass(frozen=True)
class Stop:
    """Somebody wants the service to end: only to wake it."""


Letter = Wake | Stop | Reload | Inspected | Event


class Mailbox:
    """Letters, in the order in which they came.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        # Not `queue.Queue`: a signal may interrupt a `get` and then `put`, which only this allows.
        self._letters: queue.SimpleQueue[Letter] = queue.SimpleQueue()
        self._clock = clock
        self._is_woken = False

    @property
    def is_empty(self) -> bool:
        """Whether no letter lies there unread."""
        return self._letters.empty()

    def put(self, letter: Letter) -> None:
        """Put a letter in; from any thread, or from a signal handler."""
        self._letters.put(letter)

    def wake(self) -> None:
        """Put a `Wake` in, unless one lies there unread.

        One is enough, however many thousand changes there are before it is read.
        """
        if not self._is_woken:
            self._is_woken = True
            self._letters.put(Wake())

    def read(self, until: float) -> Iterator[Letter]:
        """Wait for a letter until a time by the clock, then read those that have come by then.

        No others: each answer of the inspector asks for the next one, and until the last of many
        photos was taken none would be painted, and nobody could stop the service.
        """
        try:
            first = self._letters.get(timeout=max(until - self._clock(), 0.0))
        except queue.Empty:
            return
        yield self._taken(first)
        for _ in range(self._letters.qsize()):
            yield self._taken(self._letters.get_nowait())

    def rest(self) -> Iterator[Letter]:
        """All that lie there, and those that come meanwhile."""
        while not self._letters.empty():
            yield self._letters.get_nowait()

    def _taken(self, letter: Letter) -> Letter:
        if isinstance(letter, Wake):
            self._is_woken = False
        return letter
