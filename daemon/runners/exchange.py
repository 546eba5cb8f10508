"""A runner that another one can take the place of, between two jobs; and what it is doing now.

When the engine's settings change, the engine that has them is ended and one with the new ones is
started. That must not cost a picture: no job is taken any more, and those that are being painted
come to their end first. Everything here happens in the service's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from daemon.runners.base import (
    Deliver,
    End,
    EngineAside,
    EngineNews,
    EngineReady,
    EngineUnavailable,
    Event,
    Progressed,
    Resumed,
    Runner,
    Started,
)
from daemon.runners.request import PaintRequest

Make = Callable[[Deliver], Runner]
"""Makes a runner, given where to deliver events."""

_CLOSE_SECONDS: Final = 5.0
_NO_START: Final = (
    "The engine could not be started ({}). It is tried again in a while; if that goes on, let the "
    "program run more processes and threads."
)
_log: Final = structlog.get_logger()


@dataclass
class Painting:
    """A job that the runner has.

    Attributes:
        job_id: which.
        size: long side of the picture at its largest, pixels, as far as is known.
        heard_at: when there was news of it last: that it was handed over, at first.
        done: how much of it, 0 to 1.
        has_begun: whether an engine has said that it paints it.
        is_given_up: whether the engine was ended for its silence.
        engine: which of several has it; empty if there is only one, or none has begun with it.
    """

    job_id: str
    size: int
    heard_at: float
    done: float = 0.0
    has_begun: bool = False
    is_given_up: bool = False
    engine: str = ""


@dataclass(frozen=True)
class Engines:
    """How many engines there are.

    Attributes:
        ready: that paint, or wait for a photo.
        aside: that are of no use, while others go on.
    """

    ready: int = 0
    aside: int = 0


class Exchange:
    """A runner; see `daemon.runners.base.Runner`.

    Args:
        make: makes the first one.
        deliver: takes the events of whichever there is.
        clock: monotonic seconds.
    """

    def __init__(self, make: Make, deliver: Deliver, clock: Callable[[], float]) -> None:
        self._deliver = deliver
        self._clock = clock
        self._runner = make(deliver)
        self._next: Make | None = None
        self._paintings: dict[str, Painting] = {}
        self._is_ready = False
        self._loading_since: float | None = None
        self._unavailable: EngineUnavailable | None = None
        self._aside: dict[str, str] = {}
        self._closed = False

    @property
    def capacity(self) -> int:
        """As of the runner behind it; none while that is to go, or one in its place loads."""
        replaced = self._next is not None or self._loading_since is not None
        return 0 if replaced else self._runner.capacity

    @property
    def paintings(self) -> list[Painting]:
        """The jobs that it has, the oldest first."""
        return list(self._paintings.values())

    @property
    def engines(self) -> Engines:
        """How many there are, as things are now."""
        if self._closed:
            return Engines()
        # A runner of one engine has room for a job even while that is not there.
        return Engines(self.capacity if self._is_ready else 0, len(self._aside))

    @property
    def is_ready(self) -> bool:
        """Whether an engine is there."""
        return self._is_ready

    @property
    def loading_since(self) -> float | None:
        """Since when an engine is being started, by the clock; None if none is."""
        return self._loading_since

    @property
    def unavailable(self) -> EngineUnavailable | None:
        """Why no engine could be started, if so."""
        return self._unavailable

    @property
    def aside(self) -> dict[str, str]:
        """Why engines are set aside, each by its name, while others go on."""
        return dict(self._aside)

    def start(self) -> None:
        """Begin to load an engine; returns at once."""
        if not self._is_ready:  # else it has nothing to load, and says no more of that
            self._loads()
        try:
            self._runner.start()
        except OSError as error:  # as for an engine that could not: it is tried again in a while
            self._deliver(EngineUnavailable("engine", _NO_START.format(error.strerror)))

    def submit(self, request: PaintRequest) -> None:
        """Hand over one job; returns at once."""
        painting = Painting(request.job_id, request.recipe.size, self._clock())
        self._runner.submit(request)
        self._paintings[request.job_id] = painting  # now only: one that was refused is none

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        """Give a job up; what is painted of it is saved first, if that is to be kept."""
        self._runner.cancel(job_id, keep=keep)

    def give_up(self, painting: Painting) -> None:
        """End an engine that is silent for too long, once: another one is started by itself.

        Args:
            painting: what it was painting. It is lost, as if the engine had died.
        """
        if not painting.is_given_up:
            painting.is_given_up = True
            self.kill(painting.job_id)

    def kill(self, job_id: str) -> None:
        """End the engine that has a job, by force."""
        self._runner.kill(job_id)

    def close(self, timeout: float) -> None:
        """Give up all jobs and end the engine; no other one takes its place any more."""
        self._closed, self._next = True, None
        self._runner.close(timeout)

    def heard(self, event: Event) -> None:
        """Take note of an event; to be called before anybody acts upon it.

        Args:
            event: one that was delivered.
        """
        if isinstance(event, EngineNews):
            self._heard_of_engine(event)
        elif isinstance(event, End):
            self._paintings.pop(event.job_id, None)
        elif painting := self._paintings.get(event.job_id):
            painting.heard_at = self._clock()
            if isinstance(event, Started):
                painting.has_begun, painting.engine = True, event.engine
            if isinstance(event, Progressed):
                painting.done = event.progress.iteration / event.progress.total
                painting.size = max(painting.size, event.progress.largest)
            elif isinstance(event, Resumed):
                painting.size = max(painting.size, event.largest)
                painting.done = event.iteration / event.total if event.total else 0.0

    def _heard_of_engine(self, event: EngineNews) -> None:
        if isinstance(event, EngineReady):
            self._is_ready, self._loading_since, self._unavailable = True, None, None
            self._aside.pop(event.engine, None)
        elif isinstance(event, EngineUnavailable):
            self._is_ready, self._loading_since, self._unavailable = False, None, event
            self._aside.clear()
        elif isinstance(event, EngineAside):
            self._aside[event.engine] = event.message
        else:
            was_aside = self._aside.pop(event.engine, None)  # it has left, or is started again
            if not event.others and was_aside is None:
                self._is_ready = False
                self._loads()  # it is started again by itself, or another one comes

    def replace(self, make: Make) -> None:
        """Let another runner take the place of this one as soon as nothing is being painted.

        Args:
            make: makes it. Of several that wait, the last one counts.
        """
        self._next = make

    def change(self) -> None:
        """Let the one that waits take its place, if it may now; to be called at each turn."""
        if self._next is None or self._paintings or self._closed:
            return
        before, self._runner = self._runner, self._next(self._deliver)
        self._next = None  # now only: the settings would be lost with one that cannot be made
        _log.info("engine.replaced", why="its settings have changed")
        # An engine that has nothing to do ends at once. What it said last may still lie in the
        # mail: at worst a job is handed to the new one while that is loading, and waits there.
        before.close(_CLOSE_SECONDS)
        self._is_ready, self._unavailable, self._aside = False, None, {}
        self.start()

    def _loads(self) -> None:
        if self._loading_since is None:
            self._loading_since = self._clock()
