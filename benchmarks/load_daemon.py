"""``atelierd run`` with an engine that paints in no time: what is measured is the service alone.

The rest of the words are those of ``run``. The picture that comes back is the photo itself.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final

import click

from benchmarks.journal_times import telling
from daemon.cli import settings_options
from daemon.cli.failures import exit_code_of
from daemon.cli.run import keep
from daemon.configuration import Resolved
from daemon.errors import ExitCode
from daemon.runners.base import (
    Deliver,
    EngineReady,
    EngineUnavailable,
    Glimpse,
    Painted,
    Progressed,
    Runner,
    Started,
)
from daemon.runners.request import PaintRequest
from daemon.settings import Settings
from engine import DeviceReport, Progress

NEWS: Final = "BENCH_NEWS"
"""Variable of the environment: how many steps of each photo it tells of; unset: of none."""

NEVER: Final = "BENCH_NEVER"
"""Variable of the environment: if it is set, no engine is ever there, and photos only wait."""

_READY: Final = EngineReady(DeviceReport("cpu", "float32", 1, "it computes nothing"), "0" * 64, 0.0)


@dataclass
class AtOnce:
    """A runner; see `daemon.runners.base.Runner`. It answers before it is asked twice."""

    deliver: Deliver
    capacity: int = 1
    news: int = 0
    preview: bytes = b""
    is_there: bool = True

    def start(self) -> None:
        """There is nothing to load."""
        none = EngineUnavailable("engine", "There is none.")
        self.deliver(_READY if self.is_there else none)

    def submit(self, request: PaintRequest) -> None:
        """Give the photo back as the picture."""
        self.deliver(Started(request.job_id))
        for number in range(1, self.news + 1):
            self.deliver(self._told(request.job_id, number))
        report = {"width": 64, "height": 48, "seconds": 0.0, "loss": {"total": 1.0}}
        self.deliver(Painted(request.job_id, request.content, ".jpg", report))

    def _told(self, job_id: str, number: int) -> Progressed | Glimpse:
        if self.preview:
            return Glimpse(job_id, "painting", self.preview)
        return Progressed(job_id, Progress(number, self.news, 1, 1, 64, 48, 1.0, 1.0))

    def cancel(self, job_id: str) -> None:
        """Whatever was asked for has been answered."""

    def kill(self, job_id: str) -> None:
        """It never hangs."""

    def close(self, timeout: float) -> None:
        """There is nothing to end."""


def make_runner(_settings: Settings, deliver: Deliver) -> Runner:
    """In place of the engine's."""
    news, never = int(os.environ.get(NEWS, "0")), NEVER in os.environ
    return AtOnce(deliver, news=news, is_there=not never)


@click.command()
@settings_options()
def command(resolved: Resolved) -> ExitCode:
    """Keep a share."""
    with telling(os.environ):
        return keep(resolved.settings, once=False, make_runner=make_runner)


if __name__ == "__main__":
    sys.exit(exit_code_of(command, sys.argv[1:]))
