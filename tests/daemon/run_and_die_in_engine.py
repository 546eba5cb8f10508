"""``atelierd run --once`` with a child that is killed right before its n-th step, or with both.

As `run_and_die`, but the engine's process is real, and dies by itself: whoever starts this writes
a line for each run, and reads how it has ended. The line says one death after the other, each for
one more process of the engine: at which of its steps, and who dies then, ``engine`` or ``both``
(such as ``12 engine 3 both``); ``stop`` kills nobody, but tells the daemon to end by SIGTERM, and
has this engine look for messages only once it has heard of that. What lives on after the last of
them is not killed any more.

A step is whatever `run_and_die` calls a change to a disk, and besides: each message before it is
read, after it was read, before it is sent, when half of it is sent and after it was sent; each
picture before and after it is decoded or encoded; each piece of a snapshot; each look for a message
between two steps of the painting. None is listed by who takes it. A snapshot is due after each step
of the painting, but for an engine that is to be stopped: it saves for that alone.

The arguments are the share's root, the state folder, a folder for what the engines tell, and the
folder of the weights, or ``-`` for the stand-in in the real engine's place.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

from daemon import pictures
from daemon.checkpoints import FOLDER
from daemon.configuration import state_folder
from daemon.runners import making, worker
from daemon.runners.base import Deliver, Failed, Painted, Runner
from daemon.runners.local import LocalRunner, Restarts
from daemon.runners.request import PaintRequest
from daemon.settings import EngineSettings, PaintSettings, Settings, ShareSettings
from daemon.share import open_share
from tests.daemon.child_stand_ins import StandIn
from tests.daemon.run_and_die import NEVER, QUICK, Fate, _before, live_once_a_line, run_once

DEATHS, TOLD = "deaths", "told"
"""Files: who is to die, one line for each engine to come; and what the engines tell of themselves.

A line there says which process it is of, how many steps it took, which job it has, how often it has
saved that, and at which steps it has looked for messages; of each process the last one counts.
"""
STOP = "stop"
SOON = Restarts(first_seconds=0.01, longest_seconds=0.01, starts=20)
_LONG = 1000.0
_PATIENCE = 60.0


@dataclass
class Doom(Fate):
    """Counts an engine's steps, and kills it, or the daemon too, before one of them."""

    told: Path
    victim: str
    left: int
    made: int = 0
    job: str = "-"
    saves: int = 0
    looks: list[int] = field(default_factory=list)
    stopped: bool = False

    def step(self) -> None:
        if self.made == self.left:
            self.tell()
            self._strike()
        self.made += 1

    def _strike(self) -> None:
        if self.victim != "engine":
            os.kill(os.getppid(), signal.SIGTERM if self.victim == STOP else signal.SIGKILL)
        if self.victim != STOP:
            os.kill(os.getpid(), signal.SIGKILL)
        self.stopped = True

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        super().hear(event, arguments)
        if event == "os.rename" and str(arguments[1]).endswith(f"/{self.job}.snapshot"):
            self.saves += 1  # the next step finds it whole

    def begin(self, job: str) -> None:
        """Have another job."""
        self.job, self.saves = job, 0

    def tell(self) -> None:
        """Write down how many steps it took, and which job it has; this is no step."""
        made, self.made = self.made, NEVER - 1_000_000
        with self.told.open("a") as file:
            steps = self.left if self.stopped else made
            print(os.getpid(), steps, self.job, self.saves, *self.looks, file=file)
        self.made = made


class Wire:
    """The child's end of the pipe."""

    def __init__(self, connection: Connection, doom: Doom) -> None:
        self._connection = connection
        self._doom = doom
        self.now = 0.0

    def clock(self) -> float:
        """Seconds: between two steps of the painting passes enough to save it."""
        return self.now

    def poll(self) -> bool:
        self._doom.looks.append(self._doom.made)
        self._doom.step()
        self.now += _LONG
        return self._connection.poll(_PATIENCE if self._doom.stopped else 0)

    def recv(self) -> Any:
        self._doom.step()
        message = self._connection.recv()
        if isinstance(message, PaintRequest):
            self._doom.begin(message.job_id)
        self._doom.step()
        return message

    def send(self, event: Any) -> None:
        self._doom.step()
        data = bytes(ForkingPickler.dumps(event))
        data = struct.pack("!i", len(data)) + data  # as `Connection` does it
        half = len(data) // 2
        self._write(data[:half])
        self._doom.step()
        self._write(data[half:])
        if isinstance(event, (Painted, Failed)):
            self._doom.begin("?")  # whether the daemon has heard it nobody knows
        self._doom.step()

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._connection.fileno(), data) :]


def _around(doom: Doom, function: Callable[..., Any]) -> Callable[..., Any]:
    def both(*arguments: Any, **named: Any) -> Any:
        doom.step()
        result = function(*arguments, **named)
        doom.step()
        return result

    return both


def _next_doom(book: Path) -> Doom:
    lines = (book / DEATHS).read_text().splitlines() or [f"{NEVER} engine"]
    (book / DEATHS).write_text("".join(f"{line}\n" for line in lines[1:]))
    number, victim = lines[0].split()
    return Doom(book / TOLD, victim, int(number))


def _arm(doom: Doom) -> None:
    pictures.decode = _around(doom, pictures.decode)
    pictures.encode = _around(doom, pictures.encode)
    zipfile.ZipFile.open = _before(doom, zipfile.ZipFile.open)  # type: ignore[method-assign]
    zipfile.ZipFile.close = _before(doom, zipfile.ZipFile.close)  # type: ignore[method-assign]
    sys.addaudithook(doom.hear)


def doomed_worker(
    connection: Connection,
    settings: EngineSettings,
    *,
    book: Path,
    checkpoints: Path,
    styles: Path | None,
) -> None:
    doom = _next_doom(book)
    opened = partial(worker.open_engine, styles=styles) if styles else lambda _: StandIn()
    wire = Wire(connection, doom)
    if doom.victim == STOP:
        settings = settings.model_copy(update={"checkpoint_seconds": 0.0})
    _arm(doom)
    worker.serve(
        wire,  # type: ignore[arg-type]
        settings,
        open_painter=opened,
        checkpoints=checkpoints,
        clock=wire.clock,
    )
    doom.tell()


def keep(root: Path, state: Path, book: Path, weights: str) -> int:
    def make_runner(settings: Settings, deliver: Deliver) -> Runner:
        beside = state_folder(settings, open_share(settings.share), os.environ)
        doomed = partial(
            doomed_worker,
            book=book,
            checkpoints=beside / FOLDER,
            styles=None if weights == "-" else beside / making.STYLES,
        )
        return LocalRunner(settings.engine, deliver, worker=doomed, restarts=SOON)

    settings = Settings(
        share=ShareSettings(root=root, contact_sheet=False),
        state_dir=state,
        watch=QUICK,
        engine=EngineSettings() if weights == "-" else EngineSettings(weights=Path(weights)),
        paint=PaintSettings(preset="draft", size=64, iterations=3),
    )
    return run_once(settings, make_runner)


def main(root: str, state: str, book: str, weights: str) -> None:
    def live(line: str) -> int:
        words = line.split()
        pairs = zip(words[::2], words[1::2], strict=True)
        (Path(book) / DEATHS).write_text("".join(f"{at} {who}\n" for at, who in pairs))
        return keep(Path(root), Path(state), Path(book), weights)

    live_once_a_line(live)


if __name__ == "__main__":
    main(*sys.argv[1:])
