"""Stand-ins for the engine, for tests that need a real child process and no trained network.

Each `..._worker` is what `LocalRunner(worker=...)` takes; the style picture's file decides what
happens, because a test can choose it for each job.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daemon.child import settle_in
from daemon.runners import worker
from daemon.settings import EngineSettings
from engine import DeviceReport, LossParts, Painting, Progress, Recipe, snapshot
from engine.errors import DivergedError, PictureError, RecipeError, WeightsMissingError

SHA256 = "0" * 64
ERRORS = {
    10: DivergedError("it blew up"),
    20: PictureError("too narrow"),
    30: RecipeError("no sense"),
    40: MemoryError(),
    50: ZeroDivisionError("a bug"),
    60: EOFError("a bug that looks like the end of the pipe"),
}
"""What `StandIn` raises for a style picture of this even grey."""
KILLS = 70
"""At a style picture of this grey it kills its own process."""
SLOW = 80
"""At a style picture of this grey a step takes a while."""
SLOWER = 90
"""At a style picture of this grey a step takes as long as one of a large picture."""


class Steps:
    """What a stand-in gives, step by step; saved and gone on with as the engine's work is."""

    def __init__(self, steps: Iterator[Progress | Painting], resumed_at: int) -> None:
        self._steps = steps
        self.resumed_at = self._iteration = resumed_at

    def __iter__(self) -> Iterator[Progress | Painting]:
        """Obey, step by step."""
        for step in self._steps:
            if isinstance(step, Progress):
                self._iteration = step.iteration
            yield step

    def save(self, path: Path) -> bool:
        snapshot.write(path, SHA256, snapshot.State({"iteration": self._iteration}))
        return True


class StandIn:
    """Paints in no time: the content at the recipe's size, mixed with the style's mean colour."""

    device = DeviceReport("cpu", "float32", 1, "a stand-in")
    weights_sha256 = SHA256

    def paint(
        self,
        content: NDArray[np.uint8],
        style: NDArray[np.uint8],
        recipe: Recipe,
        resume: snapshot.Snapshot | None = None,
    ) -> Steps:
        """Begin with a picture, or go on with it."""
        done = 0
        if resume is not None:
            done = resume.state.numbers["iteration"]
            resume.close()
        return Steps(self._steps(content, style, recipe, done), done)

    def _steps(
        self, content: NDArray[np.uint8], style: NDArray[np.uint8], recipe: Recipe, done: int
    ) -> Iterator[Progress | Painting]:
        """Obey the style's grey, then give the steps and the painting that the recipe asks for."""
        grey = int(style[0, 0, 0])
        if grey in ERRORS:
            raise ERRORS[grey]
        height, width = content.shape[:2]
        scale = recipe.size / max(height, width)
        height, width = round(height * scale), round(width * scale)
        for number in range(done + 1, recipe.total_iterations + 1):
            if grey == KILLS:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep({SLOW: 0.02, SLOWER: 8.0}.get(grey, 0))
            yield Progress(number, recipe.total_iterations, 1, 1, width, height, 1.0 / number, 0.0)
        mean = content.mean(axis=(0, 1)) / 2 + style.mean(axis=(0, 1)) / 2
        yield Painting(
            picture=np.broadcast_to(mean, (height, width, 3)).astype(np.float32),
            loss=LossParts(1.0, 0.25, {"conv1_1": 0.75}, 0.0),
            iterations=recipe.total_iterations,
            seconds=0.5,
            seconds_per_iteration=0.25,
            stopped_by="steps",
            device=self.device,
            normalization=recipe.normalization,
            weights_sha256=SHA256,
            tiles=1,
            predicted_memory_mb=100.0,
        )


def stand_in_worker(
    connection: Connection, settings: EngineSettings, checkpoints: Path | None = None
) -> None:
    worker.serve(connection, settings, open_painter=lambda _: StandIn(), checkpoints=checkpoints)


def hang(what: str) -> None:
    """Hang while a file of this name lies in the folder that ``HANGING`` names."""
    folder = Path(os.environ["HANGING"])
    while (folder / what).exists():
        (folder / f"{what} hangs").touch()
        time.sleep(0.02)


class Hanging(StandIn):
    """Hangs before each of its steps."""

    def _steps(self, *arguments: Any) -> Iterator[Progress | Painting]:
        for step in super()._steps(*arguments):
            hang("painting")
            yield step


def hanging_worker(connection: Connection, settings: EngineSettings) -> None:
    worker.serve(connection, settings, open_painter=lambda _: Hanging())


def no_weights_worker(connection: Connection, settings: EngineSettings) -> None:
    worker.serve(connection, settings, open_painter=_raises(WeightsMissingError("run fetch")))


def no_start_worker(connection: Connection, settings: EngineSettings) -> None:
    worker.serve(connection, settings, open_painter=_raises(OSError("no library")))


def dies_at_start_worker(_: Connection, __: EngineSettings) -> None:
    os._exit(7)


def starts_at_second_try_worker(connection: Connection, settings: EngineSettings) -> None:
    """Dies at its first start; the folder of the weights remembers that."""
    mark = settings.weights / "died"
    if not mark.exists():
        mark.touch()
        os._exit(7)
    stand_in_worker(connection, settings)


def waits_for_leave_worker(connection: Connection, settings: EngineSettings) -> None:
    """Loads for as long as there is no file ``leave`` in the folder of the weights."""
    while not (settings.weights / "leave").exists():
        time.sleep(0.02)
    stand_in_worker(connection, settings)


def deaf_worker(connection: Connection, _: EngineSettings) -> None:
    """Says that it is ready, and never reads or ends of its own will."""
    settle_in()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection.send(worker.EngineReady(StandIn.device, SHA256, 0.0))
    while True:
        time.sleep(60)


def _raises(error: Exception) -> Any:
    def open_painter(_: EngineSettings) -> StandIn:
        raise error

    return open_painter


def crashing_reader(connection: Connection, _: object) -> None:
    """An inspector's child that is killed by files named crash.*, hangs at hang.*, else agrees."""
    settle_in()
    connection.send("")
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        if path.stem == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if path.stem == "hang":
            time.sleep(60)
        connection.send("")


def reader_that_cannot_start(_: Connection, __: object) -> None:
    os._exit(1)
