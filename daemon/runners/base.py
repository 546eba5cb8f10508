"""The door between the daemon and whatever paints: one small interface, plain data through it.

A runner is given whole jobs as bytes (never paths), so that it may stand in this machine or in
another one. It answers with events. The daemon keeps all state: a runner that dies loses nothing
but the time it spent.

The way of one job through a runner::

    submit(request) -> Started -> Resumed? -> Progressed ... -> Painted | Failed | Cancelled

where a `Glimpse` may come at any moment in between.

Exactly one of the last three ends each job, whatever happens to the engine in between.

A runner may have one engine or many, here or elsewhere, which come and go::

    start -> EngineReady ... EngineLost ... EngineReady ... EngineAside ...

It has an engine from an `EngineReady` on until an `EngineLost` without `others`, or until
`EngineUnavailable`. Where there are many, each event names the one that it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from daemon.runners.request import PaintRequest
from engine import DeviceReport, Progress

Blame = Literal["content", "style", "start", "guide", "recipe", "engine", "lost"]

LONGEST_LOAD_SECONDS: Final = 1800.0
"""An engine that loads for longer hangs: weights on a slow disk, an import and the self-checks take
minutes."""

GLIMPSE_SIDE: Final = 480
"""Long side of the small pictures on the page, pixels, at most."""


@dataclass(frozen=True)
class EngineReady:
    """An engine has loaded its weights and waits for work.

    Attributes:
        device: where it computes and why there.
        weights_sha256: of the weights file it loaded.
        seconds: from the start of its process until now.
        engine: which of several; empty if there is only one.
    """

    device: DeviceReport
    weights_sha256: str
    seconds: float
    engine: str = ""


@dataclass(frozen=True)
class EngineUnavailable:
    """There is no engine at all; nothing will be painted until somebody acts.

    Attributes:
        blame: `weights` or `engine`.
        message: what to do, in plain words.
    """

    blame: Literal["weights", "engine"]
    message: str


@dataclass(frozen=True)
class EngineLost:
    """An engine died (a crash, or the kernel took its memory); a new one is started.

    Attributes:
        exit_status: as `Process.exitcode` gives it: negative is a signal. None: not known.
        engine: which of several; empty if there was only one.
        others: how many are ready beside it, and go on.
    """

    exit_status: int | None
    engine: str = ""
    others: int = 0


@dataclass(frozen=True)
class EngineAside:
    """One of several engines is of no use, and no photo is given to it any more; others go on.

    Until its `EngineReady`, if ever one comes.

    Attributes:
        engine: which.
        message: why, and what to do, in plain words.
    """

    engine: str
    message: str


@dataclass(frozen=True)
class EngineGone:
    """One of several engines has left, as it should, and is not missed.

    Attributes:
        engine: which.
        others: how many are ready beside it, and go on.
    """

    engine: str
    others: int = 0


@dataclass(frozen=True)
class Started:
    """An engine has begun with a job.

    Attributes:
        job_id: the request's.
        engine: which of several; empty if there is only one.
    """

    job_id: str
    engine: str = ""


@dataclass(frozen=True)
class Resumed:
    """A job goes on from where an earlier attempt had come to.

    Attributes:
        job_id: the request's.
        iteration: optimiser steps that had been taken then.
        largest: long side of the picture at its largest, pixels.
        total: steps that it may take in all; 0 if that is not known.
    """

    job_id: str
    iteration: int
    largest: int = 0
    total: int = 0


@dataclass(frozen=True)
class CheckpointTrouble:
    """What was saved of a job is of no use, or nothing could be saved; it is painted all the same.

    Attributes:
        job_id: the request's.
        message: for the log.
    """

    job_id: str
    message: str


@dataclass(frozen=True)
class Progressed:
    """One optimiser step of a job is done."""

    job_id: str
    progress: Progress


@dataclass(frozen=True)
class Glimpse:
    """A small picture of a job, for people who look on: the photo once, the painting as it grows.

    Attributes:
        job_id: the request's.
        of: the photo as it was decoded, or what it has become by now.
        jpeg: its file, at most `GLIMPSE_SIDE` pixels long.
    """

    job_id: str
    of: Literal["photo", "painting"]
    jpeg: bytes


@dataclass(frozen=True)
class GlimpseTrouble:
    """A glimpse could not be made; the job is painted all the same. Told once for each job.

    Attributes:
        job_id: the request's.
        message: for the log.
    """

    job_id: str
    message: str


@dataclass(frozen=True)
class NotRefined:
    """The picture that comes next is not refined in the photo's own size, but enlarged to that.

    Attributes:
        job_id: the request's.
        message: why.
    """

    job_id: str
    message: str


@dataclass(frozen=True)
class NotesTrouble:
    """What a photo's file says besides its colours is missing from the result that comes next.

    Attributes:
        job_id: the request's.
        message: what is missing, and why.
        detail: for the log alone; a traceback.
    """

    job_id: str
    message: str
    detail: str


@dataclass(frozen=True)
class Painted:
    """A job's result.

    Attributes:
        job_id: the request's.
        picture: the finished picture's file, in the request's format.
        suffix: of its file name, with the dot.
        report: JSON-ready: width, height, iterations, seconds, seconds_per_iteration, device,
            precision, normalization, loss {total, content, style {layer: value}, tv, realism},
            steps_per_second, tiles, refined, predicted_memory_mb, peak_memory_mb, weights_sha256.
    """

    job_id: str
    picture: bytes
    suffix: str
    report: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """A job ended without a picture.

    Attributes:
        job_id: the request's.
        blame: what was at fault. `content`, `style` and `start`: that picture cannot be used; of
            several styles the message names the one. `guide`: a mask or a picture that marks
            regions cannot; the message names it. `recipe`: the wish makes no sense. `engine`:
            the optimisation went wrong. `lost`: the engine's process died while it had the job
            (trying once more may help).
        message: what happened and what to do, in plain words.
        detail: for the log alone; may hold a traceback.
        unexpected: whether `message` can say no more than that something went wrong. Whoever
            mends it needs the detail then.
    """

    job_id: str
    blame: Blame
    message: str
    detail: str = ""
    unexpected: bool = False


@dataclass(frozen=True)
class Cancelled:
    """A job was given up because `cancel` asked for it."""

    job_id: str


News = (
    Started
    | Resumed
    | CheckpointTrouble
    | Progressed
    | Glimpse
    | GlimpseTrouble
    | NotRefined
    | NotesTrouble
)
"""What a runner says of a job on its way."""

End = Painted | Failed | Cancelled
"""The last that a runner says of a job."""

EngineNews = EngineReady | EngineUnavailable | EngineLost | EngineAside | EngineGone
"""What a runner says of its engines, apart from any job."""

Event = EngineNews | News | End


class Runner(Protocol):
    """Whatever paints.

    Events are delivered by calling `deliver`, which the constructor of each runner takes, from a
    thread of the runner's own; `deliver` must be quick and thread-safe (the service puts the event
    into its queue).
    """

    @property
    def capacity(self) -> int:
        """How many jobs it can have at once, as things are now; at least 1 while it has an engine.

        May be asked for from any thread. Jobs beyond it wait in the runner until there is room.
        When an event of engines is delivered, it heeds that already.
        """
        ...

    def start(self) -> None:
        """Begin to load its engines; returns at once.

        `EngineReady` or `EngineUnavailable` follows; after the latter, this tries again, also with
        those that were set aside.

        Raises:
            OSError: nothing can be started just now; try again later.
        """
        ...

    def submit(self, request: PaintRequest) -> None:
        """Hand over one job; returns at once, even before an engine is ready."""
        ...

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        """Give a job up; its `Cancelled` follows, unless it ended before.

        Args:
            job_id: which. Unknown ids are ignored.
            keep: what is painted of it is saved first, where there is a folder for that.
        """
        ...

    def kill(self, job_id: str) -> None:
        """End an engine that does not answer, by force; what follows is what follows its death.

        Args:
            job_id: which it has. Unknown ids are ignored.
        """
        ...

    def close(self, timeout: float) -> None:
        """Give up all jobs and end all engines, by force if it takes more than `timeout` seconds.

        No event is delivered after this returns.
        """
        ...


Deliver = Callable[[Event], None]
