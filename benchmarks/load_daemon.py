"""``atelierd run`` with an engine that paints in no time: what is measured is the service alone.

The rest of the words are those of ``run``. The picture that comes back is the photo itself.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

import click

from daemon.cli import settings_options
from daemon.cli.failures import exit_code_of
from daemon.cli.run import keep
from daemon.configuration import Resolved
from daemon.errors import ExitCode
from daemon.runners.base import Deliver, EngineReady, Painted, Runner, Started
from daemon.runners.request import PaintRequest
from daemon.settings import Settings
from engine import DeviceReport

_READY: Final = EngineReady(DeviceReport("cpu", "float32", 1, "it computes nothing"), "0" * 64, 0.0)


@dataclass
class AtOnce:
    """A runner; see `daemon.runners.base.Runner`. It answers before it is asked twice."""

    deliver: Deliver
    capacity: int = 1

    def start(self) -> None:
        """There is nothing to load."""
        self.deliver(_READY)

    def submit(self, request: PaintRequest) -> None:
        """Give the photo back as the picture."""
        self.deliver(Started(request.job_id))
        report = {"width": 64, "height": 48, "seconds": 0.0, "loss": {"total": 1.0}}
        self.deliver(Painted(request.job_id, request.content, ".jpg", report))

    def cancel(self, job_id: str) -> None:
        """Whatever was asked for has been answered."""

    def close(self, timeout: float) -> None:
        """There is nothing to end."""


def make_runner(_settings: Settings, deliver: Deliver) -> Runner:
    """In place of the engine's."""
    return AtOnce(deliver)


@click.command()
@settings_options()
def command(resolved: Resolved) -> ExitCode:
    """Keep a share."""
    return keep(resolved.settings, once=False, make_runner=make_runner)


if __name__ == "__main__":
    sys.exit(exit_code_of(command, sys.argv[1:]))
