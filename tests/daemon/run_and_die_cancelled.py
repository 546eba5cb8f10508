"""As `run_and_die`, with a photo that somebody wants cancelled.

On each line comes what to do, and a number of changes to a disk:

- ``serve``: ``atelierd run --once``, with an engine that paints the unwanted photo without end; as
  soon as it is handed that, somebody asks the service to cancel it;
- ``begin``: the same, but nobody asks, and it dies as soon as it has begun with that photo;
- ``cancel``: ``atelierd cancel``, while no service runs.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from daemon.cli import main as command_line
from daemon.configuration import state_folder
from daemon.requests import Requests
from daemon.runners.base import Cancelled, Deliver, Event
from daemon.runners.request import PaintRequest
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import open_share
from tests.daemon.run_and_die import QUICK, Fate, _arm, answer, live_once_a_line, run_once
from tests.daemon.standins import StandInRunner, picture

UNWANTED = picture((200, 10, 10))
"""The photo that is painted without end."""

NAME = "Waves/unwanted.jpg"
"""Where it lies."""


@dataclass
class EndlessRunner(StandInRunner):
    """Gives up what it has when it is asked to."""

    unknown: list[str] = field(default_factory=list)

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        super().cancel(job_id, keep=keep)
        if job_id in self.kept:
            self.kept.remove(job_id)
            self.deliver(Cancelled(job_id))


def serve(settings: Settings, *, asks: bool) -> int:
    state = state_folder(settings, open_share(settings.share), {})

    def paint(request: PaintRequest) -> list[Event]:
        if request.content != UNWANTED:
            return answer(request)
        if not asks:
            os.kill(os.getpid(), signal.SIGKILL)
        Requests(state).cancel(request.job_id)
        return []

    def make_runner(_: Settings, deliver: Deliver) -> EndlessRunner:
        return EndlessRunner(deliver, paint)

    return run_once(settings, make_runner)


def cancel(root: str, state: str) -> int:
    try:
        command_line(["cancel", NAME, "--share.root", root, "--state_dir", state])
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("a command line ends")


def live(root: str, state: str, way: str, line: str) -> int:
    what, left = line.split()
    settings = Settings(
        share=ShareSettings(root=Path(root)),
        state_dir=Path(state),
        watch=QUICK,
        paint=PaintSettings(preset="draft"),
    )
    fate = Fate(int(left))
    _arm(fate, way, Path(root))
    answers, sys.stdout = sys.stdout, sys.stderr  # what the command says is no answer
    code = cancel(root, state) if what == "cancel" else serve(settings, asks=what == "serve")
    os.write(answers.fileno(), b"%d " % fate.made)
    return code


def main(root: str, state: str, way: str) -> None:
    live_once_a_line(lambda line: live(root, state, way, line))


if __name__ == "__main__":
    main(*sys.argv[1:])
