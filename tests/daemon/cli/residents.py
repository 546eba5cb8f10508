"""Engines that stay from one command to the next: to start one takes longer than to paint."""

from __future__ import annotations

import threading
from typing import Any

from daemon.runners.base import (
    Deliver,
    End,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Event,
)
from daemon.runners.local import LocalRunner, Worker
from daemon.runners.request import PaintRequest
from daemon.runners.worker import serve
from daemon.settings import EngineSettings


class Residents:
    """Keeps a real runner, and so a child, for each worker and settings that commands ask for."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, str], Resident] = {}

    def lend(self, settings: EngineSettings, deliver: Deliver, *, worker: Worker = serve) -> Loan:
        """What a command takes for a `LocalRunner` of its own."""
        wanted = worker, settings.model_dump_json()
        found = self._kept.get(wanted)
        if found is None or found.is_spent:
            if found is not None:
                found.runner.close(5.0)
            found = self._kept[wanted] = Resident(settings, worker)
        return Loan(found, deliver)

    def close(self) -> None:
        """End the children."""
        for each in self._kept.values():
            each.runner.close(5.0)


class Resident:
    """A runner whose events go to the command that has it now.

    Attributes:
        is_spent: whether the next command needs another one: it did not come to its end with this.
    """

    def __init__(self, settings: EngineSettings, worker: Worker) -> None:
        self.runner = LocalRunner(settings, self._deliver, worker=worker)
        self.is_spent = False
        self._lock = threading.Lock()
        self._ready: EngineReady | None = None
        self._busy = False
        self._listener: Deliver | None = None

    def lend(self, listener: Deliver) -> None:
        """Let a command hear it; of an engine that is ready it hears at once."""
        with self._lock:
            self._listener = listener
            if self._ready is not None:
                listener(self._ready)
                return
        self.runner.start()

    def submit(self, request: PaintRequest) -> None:
        """Paint."""
        with self._lock:
            self._busy = True
        self.runner.submit(request)

    def take_back(self) -> None:
        """The command has ended: nobody hears any more; unfinished work ends it, too."""
        with self._lock:
            self._listener = None
            self.is_spent = self.is_spent or self._busy
        if self.is_spent:
            self.runner.close(5.0)

    def _deliver(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, EngineReady):
                self._ready = event
            elif isinstance(event, EngineLost | EngineUnavailable):
                self._ready = None
                self.is_spent = self.is_spent or isinstance(event, EngineUnavailable)
            elif isinstance(event, End):
                self._busy = False
            if self._listener is not None:
                self._listener(event)


class Loan:
    """One command's view of a resident: of `LocalRunner` what `atelierd stylize` uses."""

    def __init__(self, resident: Resident, deliver: Deliver) -> None:
        self._resident = resident
        self._deliver = deliver

    def start(self) -> None:
        """Hear of the engine."""
        self._resident.lend(self._deliver)

    def submit(self, request: PaintRequest) -> None:
        """Paint."""
        self._resident.submit(request)

    def close(self, _timeout: float) -> None:
        """Give it back."""
        self._resident.take_back()
