"""The progress bar for whoever waits at a terminal: how far the picture is, and for how long yet.

It is drawn from the runner's events alone, and so is the same for every command that paints. Where
nobody looks on (a file, a pipe) nothing is drawn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from daemon.figures import countdown
from daemon.runners.base import (
    Cancelled,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    Painted,
    Progressed,
    Resumed,
    Started,
)

if TYPE_CHECKING:
    from rich.progress import Progress

    from engine import Progress as Step

_LOADING: Final = "Loading the engine"
_AGAIN: Final = "Starting the engine again"
_READING: Final = "Reading the pictures"
_NARROW, _WIDE = 70, 100
"""In a terminal with fewer columns, name and bar need those of what can be done without."""

_LONGEST_NAME: Final = 24
_A_SECOND: Final = 4  # how often it is drawn: each time costs the painting some of its time


class Shows(Protocol):
    """Who can be shown what a runner says; from any thread."""

    def __call__(self, event: Event, /) -> None:
        """Show an event."""


def nameless(_job_id: str) -> str:
    """Show no name of the photo."""
    return ""


@contextmanager
def shown(
    stream: TextIO, name_of: Callable[[str], str] = nameless, *, is_idle_shown: bool = False
) -> Iterator[Shows]:
    """Draw a bar as long as this lasts, if a person is looking.

    What is written to `stream` meanwhile by its name in `sys` appears above the bar.

    Args:
        stream: standard error, usually.
        name_of: a photo's name, to be printed, given its job's id; empty for none. It is asked
            from whatever thread delivers the events.
        is_idle_shown: whether something is said between two pictures too.

    Yields:
        Who is told of the events.
    """
    if not stream.isatty():
        yield _nothing
        return
    from daemon.cli import console  # noqa: PLC0415 - rich is slow, and seldom needed

    bars = console.progress(console.steady(stream), _A_SECOND)
    bars.start()
    try:
        yield _Bar(bars, name_of, is_idle_shown=is_idle_shown)
    finally:
        with suppress(OSError):  # the terminal has gone, and nobody sees what is left there
            bars.stop()


def _nothing(_event: Event) -> None:
    """Draw nothing."""


class _Bar:
    """One bar for one picture at a time.

    Args:
        bars: rich's, running.
        name_of: see `shown`.
        is_idle_shown: likewise.
    """

    def __init__(
        self, bars: Progress, name_of: Callable[[str], str], *, is_idle_shown: bool
    ) -> None:
        self._bars, self._name_of, self._is_idle_shown = bars, name_of, is_idle_shown
        self._lock = threading.Lock()
        self._task = bars.add_task(_LOADING, total=None, state="")
        self._job, self._name = "", ""

    def __call__(self, event: Event) -> None:
        """Show an event."""
        # A terminal that has gone is no reason to paint nothing.
        with self._lock, suppress(OSError):
            self._show(event)

    def _show(self, event: Event) -> None:
        if isinstance(event, (EngineReady, Painted, Failed, Cancelled)):
            self._idle()
        elif isinstance(event, EngineLost):
            self._say(_AGAIN)
        elif isinstance(event, EngineUnavailable):
            self._bars.update(self._task, visible=False)
        elif isinstance(event, (Started, Resumed, Progressed)):
            self._paint(event)

    def _idle(self) -> None:
        self._job = ""
        if self._is_idle_shown:
            self._say(_READING)
        else:
            self._bars.update(self._task, visible=False)

    def _say(self, words: str) -> None:
        # Not `reset`: a total that was known once would be kept.
        before, self._task = self._task, self._bars.add_task(words, total=None, state="")
        self._bars.remove_task(before)

    def _paint(self, event: Started | Resumed | Progressed) -> None:
        if event.job_id != self._job:
            self._job, self._name = event.job_id, _short(self._name_of(event.job_id))
        name = self._name or "Painting"
        if isinstance(event, Progressed):
            step, width = event.progress, self._bars.console.width
            self._bars.update(
                self._task, total=step.total, completed=step.iteration, description=name,
                state=state(step, width), visible=True,
            )  # fmt: skip
        elif isinstance(event, Started):
            self._say(f"{name}: looking at the pictures")


def state(step: Step, width: int) -> str:
    """Where a painting stands, for the right of its bar.

    Args:
        step: its last one.
        width: columns of the terminal.
    """
    percent = 100 * step.iteration // step.total
    left = f"{countdown(step.eta_seconds)} left"
    if width < _NARROW:
        return f"{percent:>3} %  {left}"
    size = f"{step.width}x{step.height}  " if width >= _WIDE else ""
    scale = f"scale {step.scale}/{step.scales}"
    return f"{percent:>3} %  {size}{scale}  loss {step.loss:.3g}  {left}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
