"""What a person sees while the demo runs: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

STEP = 25
"""Per cent between two plain lines about the same picture."""


class Screen:
    """Shows the daemon's events. To be entered while bars may move.

    Args:
        console: where to; the standard output if none is given.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._names: dict[str, str] = {}
        self._told: dict[str, int] = {}
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]}"), console=self._console,
        )  # fmt: skip

    def __enter__(self) -> None:
        """Begin to draw bars, if this is a terminal."""
        if self._console.is_terminal:
            self._bars.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bars as they are."""
        if self._console.is_terminal:
            self._bars.stop()

    def say(self, text: str) -> None:
        """One line for people."""
        self._console.print(text, markup=False)

    def show(self, event: dict[str, Any]) -> None:
        """One event of the daemon's log; most are not worth a line."""
        name = event["event"]
        if name == "engine.ready":
            self.say(
                f"The engine is ready on {event['device']}: {event['reason']}.".replace("..", ".")
            )
        elif name == "engine.lost":
            self.say("The engine died and is started again.")
        elif name == "job.queued":
            self._names[event["job"]] = str(event["photo"])
            self._move(event["job"], 0, "waiting")
        elif name == "job.progress":
            done = 100 * event["iteration"] / max(event["total"], 1)
            left = event["eta_seconds"]
            self._move(
                event["job"],
                done,
                f"step {event['iteration']} of {event['total']}, {left:.0f} s left",
            )
        elif name == "job.finished":
            self._move(event["job"], 100, f"painted in {event['seconds']:.0f} s")

    def _move(self, job: str, done: float, note: str) -> None:
        """Bring one picture's bar to so many per cent."""
        photo = self._names.get(job, job)
        if self._console.is_terminal:
            if job not in self._tasks:
                self._tasks[job] = self._bars.add_task(escape(photo), total=100, note="")
            self._bars.update(self._tasks[job], completed=done, note=escape(note))
            return
        step = int(done // STEP) if note != "waiting" else -1
        if job in self._told and step <= self._told[job] and not note.startswith("painted"):
            return
        self._told[job] = step
        self.say(f"{photo}: {note}")
