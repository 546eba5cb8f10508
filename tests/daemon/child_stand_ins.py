"""Stand-ins for the engine, for tests that need a real child process and no trained network.

Each `..._worker` is what `LocalRunner(worker=...)` takes; the style picture's file decides what
happens, because a test can choose it for each job.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daemon import pictures, rations
from daemon.child import settle_in
from daemon.looking import Finding
from daemon.runners import decoding, worker
from daemon.settings import EngineSettings
from engine import DeviceReport, LossParts, Painting, Progress, Recipe, snapshot
from engine.errors import (
    DivergedError,
    PictureError,
    RecipeError,
    SnapshotError,
    WeightsMissingError,
)
from engine.sources import Sources

SHA256 = "0" * 64
OTHER_SHA256 = "1" * 64
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
TOO_LARGE = 100
"""At a style picture of this grey the photo is too large to be refined."""
_TRAIL = (8, 16)


class Steps:
    """One picture on its way, as `engine.work.Work`: given step by step, saved, gone on with.

    Each step leaves something in a trail, which a snapshot carries and the picture shows: whoever
    goes on with a wrong one, leaves out a step or takes one twice comes to another picture. The
    style is no part of what a snapshot depends on, so that a test may put a quick one in the place
    of a slow one.
    """

    def __init__(
        self,
        painter: StandIn,
        sources: Sources,
        recipe: Recipe,
        resume: snapshot.Snapshot | None = None,
        refine: int = 0,
    ) -> None:
        self._painter = painter
        self._content = content = sources.content
        self._style = sources.styles[0].picture
        self._mean = _mean(sources)
        self._recipe = recipe
        self._refine = refine
        parts = painter.weights_sha256, recipe.model_dump_json(), content.tobytes().hex()
        self._identity = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        self._trail = np.zeros(_TRAIL, np.uint8)
        self._done = 0
        if resume is not None:
            with closing(resume):
                self._go_on(resume)
        self.resumed_at = self._done
        self.largest = recipe.size
        self.total = recipe.total_iterations

    def _go_on(self, resume: snapshot.Snapshot) -> None:
        if resume.identity != self._identity:
            raise SnapshotError("it is of another picture, recipe or network")
        self._done = resume.state.numbers["iteration"]
        self._trail = resume.state.arrays["trail"]

    def save(self, path: Path) -> bool:
        if not self._done:
            return False
        state = snapshot.State({"iteration": self._done}, {"trail": self._trail})
        snapshot.write(path, self._identity, state)
        return True

    def preview(self) -> NDArray[np.uint8] | None:
        return self._picture().astype(np.uint8) if self._done else None

    def __iter__(self) -> Iterator[Progress | Painting]:
        """Obey the style's grey, then give the steps and the painting that the recipe asks for."""
        grey = int(self._style[0, 0, 0])
        if grey in ERRORS:
            raise ERRORS[grey]
        (height, width), total = self._size(), self._recipe.total_iterations
        while self._done < total:
            if grey == KILLS:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep({SLOW: 0.02, SLOWER: 8.0}.get(grey, 0))
            self._done += 1
            self._trail = _longer(self._trail, self._done)
            yield Progress(self._done, total, 1, 1, width, height, 1.0 / self._done, 0.0)
        yield self._painting()

    def _size(self) -> tuple[int, int]:
        height, width = self._content.shape[:2]
        scale = self._recipe.size / max(height, width)
        return round(height * scale), round(width * scale)

    def _picture(self) -> NDArray[np.float32]:
        """The sources, mixed to one colour, and the trail along the lower edge."""
        height, width = self._size()
        picture = np.broadcast_to(self._mean, (height, width, 3)).astype(np.float32)
        trail = (self._trail.astype(np.float32) - 127.5) / 16
        shown = np.concatenate([trail, -trail], axis=1)  # the colour stays as it is on the whole
        deep, wide = shown.shape
        picture[-deep:, :wide] += shown[:height, :width, None]
        return picture.clip(0, 255)

    def _painting(self) -> Painting:
        grey = int(self._style[0, 0, 0])
        return Painting(
            picture=self._picture(),
            loss=LossParts(1.0, 0.25, {"conv1_1": 0.75}, 0.0),
            iterations=self._done,
            seconds=0.5,
            seconds_per_iteration=0.25,
            stopped_by="steps",
            device=self._painter.device,
            normalization=self._recipe.normalization,
            weights_sha256=self._painter.weights_sha256,
            tiles=1,
            predicted_memory_mb=100.0,
            refined=self._refine if grey != TOO_LARGE else 0,
            left_out="Too large to be refined." if self._refine and grey == TOO_LARGE else "",
        )


def _mean(sources: Sources) -> NDArray[np.float64]:
    """Half of what it starts from, and half of the styles by their weights."""
    begun = sources.content if sources.start is None else sources.start
    weights = [style.weight for style in sources.styles]
    means = [style.picture.mean(axis=(0, 1)) for style in sources.styles]
    mixed: NDArray[np.float64] = begun.mean(axis=(0, 1)) / 2 + np.average(means, 0, weights) / 2
    return mixed


def _longer(trail: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """What is left by a step and all before it: none is lost, since three is odd, nor its place."""
    return trail * np.uint8(3) + np.random.default_rng(step).integers(0, 256, _TRAIL, np.uint8)


class StandIn:
    """Paints in no time: the content at the recipe's size, mixed with the style's mean colour."""

    device = DeviceReport("cpu", "float32", 1, "a stand-in")

    def __init__(self, weights_sha256: str = SHA256) -> None:
        self.weights_sha256 = weights_sha256

    def first_look(self, _: Sources, __: Recipe) -> NDArray[np.float32] | None:
        """There is none."""
        return None

    def paint(
        self,
        sources: Sources,
        recipe: Recipe,
        resume: snapshot.Snapshot | None = None,
        refine: int = 0,
    ) -> Steps:
        """Begin with a picture, or go on with it; nothing is refined, and it says that it was."""
        return Steps(self, sources, recipe, resume, refine)


def stand_in_worker(
    connection: Connection, settings: EngineSettings, checkpoints: Path | None = None
) -> None:
    worker.serve(connection, settings, open_painter=lambda _: StandIn(), checkpoints=checkpoints)


def other_weights_worker(
    connection: Connection, settings: EngineSettings, checkpoints: Path | None = None
) -> None:
    opened = StandIn(OTHER_SHA256)
    worker.serve(connection, settings, open_painter=lambda _: opened, checkpoints=checkpoints)


class CameraShySteps(Steps):
    """Cannot be looked at before they are done."""

    def preview(self) -> NDArray[np.uint8] | None:
        raise MemoryError


class CameraShy(StandIn):
    """Paints, but shows nothing on the way."""

    def paint(self, *given: Any, **_: Any) -> Steps:
        return CameraShySteps(self, *given)


def camera_shy_worker(connection: Connection, settings: EngineSettings) -> None:
    worker.serve(connection, settings, open_painter=lambda _: CameraShy())


class FarSighted(StandIn):
    """Knows before its first step what it may come to."""

    def first_look(self, sources: Sources, _: Recipe) -> NDArray[np.float32] | None:
        """It is light grey."""
        return np.full(sources.content.shape, 200, np.float32)


def far_sighted_worker(
    connection: Connection, settings: EngineSettings, checkpoints: Path | None = None
) -> None:
    worker.serve(connection, settings, open_painter=lambda _: FarSighted(), checkpoints=checkpoints)


class ShortSighted(StandIn):
    """Fails to look."""

    def first_look(self, _: Sources, __: Recipe) -> NDArray[np.float32] | None:
        """There would be one."""
        raise OSError("the disk with the network is away")


def short_sighted_worker(connection: Connection, settings: EngineSettings) -> None:
    worker.serve(connection, settings, open_painter=lambda _: ShortSighted())


def forgetful_worker(connection: Connection, settings: EngineSettings) -> None:
    """Paints, and cannot read the photo once more at the end."""

    def about(*_: Any, **__: Any) -> pictures.About:
        raise MemoryError("of the photo")

    pictures.about = about
    stand_in_worker(connection, settings)


def hasty_worker(connection: Connection, settings: EngineSettings) -> None:
    """Takes no more than a moment to read a picture."""
    _with_rations(seconds=0.3)
    stand_in_worker(connection, settings)


def thrifty_worker(connection: Connection, settings: EngineSettings) -> None:
    """Takes next to no memory to read a picture."""
    _with_rations(memory_bytes=4_000_000)
    stand_in_worker(connection, settings)


def _with_rations(**changes: Any) -> None:
    """Have this process, a child of its own, give less for a picture than it would."""

    def smaller(pixels: int, file_bytes: int) -> rations.Ration:
        return replace(rations.ration_for(pixels, file_bytes), **changes)

    decoding.ration_for = smaller


def hang(what: str) -> None:
    """Hang while a file of this name lies in the folder that ``HANGING`` names."""
    folder = Path(os.environ["HANGING"])
    while (folder / what).exists():
        (folder / f"{what} hangs").touch()
        time.sleep(0.02)


class HangingSteps(Steps):
    """Hang before each of them."""

    def __iter__(self) -> Iterator[Progress | Painting]:
        """As ever, but for that."""
        for step in super().__iter__():
            hang("painting")
            yield step


class Hanging(StandIn):
    """Hangs before each of its steps."""

    def paint(self, *given: Any, **_: Any) -> Steps:
        return HangingSteps(self, *given)


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
    """An inspector's child that crashes at files named crash.*, hangs at hang.*, else agrees.

    At killed.* it ends as one does that the system has taken for the memory.
    """
    settle_in()
    connection.send(Finding())
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        if path.stem == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if path.stem == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if path.stem == "hang":
            time.sleep(60)
        connection.send(Finding())


def reader_that_cannot_start(_: Connection, __: object) -> None:
    os._exit(1)
