"""The child's side of the local runner: bytes to arrays, arrays to paint, paint to bytes.

What comes through the pipe is a `PaintRequest` or a `CancelRequest`; what goes back are events of
`daemon.runners.base`. One job at a time; whatever goes wrong with it, the next one is taken. The
end of the pipe is the order to stop.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from daemon import pictures
from daemon.checkpoints import Checkpoints, Saves, Saving
from daemon.child import settle_in
from daemon.runners.base import (
    Blame,
    Cancelled,
    CheckpointTrouble,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    NotesTrouble,
    NotRefined,
    Painted,
    Progressed,
    Resumed,
    Started,
)
from daemon.runners.decoding import RefusedError, sources_of
from daemon.runners.finishing import finished
from daemon.runners.glimpsing import Glimpsing, Previews
from daemon.runners.reporting import report_on
from daemon.runners.request import CancelRequest, PaintRequest
from daemon.runners.throttle import Throttle
from daemon.settings import EngineSettings
from engine import DeviceReport, EngineError, Painting, Progress, Recipe
from engine.errors import GuideError, PictureError, RecipeError, SnapshotError, WeightsError
from engine.room import give_back
from engine.snapshot import Snapshot
from engine.sources import Sources
from engine.style_store import StyleStore

_NO_MEMORY: Final = (
    "There was not enough memory to paint this picture. Choose a smaller size, or let fewer "
    "programs run beside this one."
)
_ASK: Final = "Try again; if it stays so, tell whoever looks after this program."


class Work(Saves, Previews, Protocol):
    """What `engine.work.Work` is to this side."""

    @property
    def resumed_at(self) -> int:
        """Steps that had been taken when it went on from a snapshot; 0 if it is new."""
        ...

    @property
    def total(self) -> int:
        """Steps that it may take in all."""
        ...

    @property
    def largest(self) -> int:
        """Long side of the picture at its largest, pixels."""
        ...

    def __iter__(self) -> Iterator[Progress | Painting]:
        """Progress after each step, and last the painting."""
        ...


class Painter(Protocol):
    """What `engine.painter.Painter` is to this side; tests put others in its place."""

    @property
    def device(self) -> DeviceReport:
        """Where it computes, and why there."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Of the weights that it loaded."""
        ...

    def first_look(self, sources: Sources, recipe: Recipe) -> NDArray[Any] | None:
        """What a picture may become, small and quick; None if there is no such look."""
        ...

    def paint(
        self, sources: Sources, recipe: Recipe, resume: Snapshot | None = None, refine: int = 0
    ) -> Work:
        """Begin with a picture, or go on with it."""
        ...


OpenPainter = Callable[[EngineSettings], Painter]


class _GivenUpError(Exception):
    """The job that is being painted is not wanted any more.

    Args:
        keep: but what is painted of it is.
    """

    def __init__(self, *, keep: bool) -> None:
        super().__init__()
        self.keep: Final = keep


class _HungUpError(Exception):
    """The parent has closed the pipe, or is gone: nobody waits for anything any more."""


def open_engine(settings: EngineSettings, styles: Path | None = None) -> Painter:
    """Load the real engine: MXNet is imported here, and nowhere before.

    Args:
        settings: of the engine.
        styles: folder in which what is known of styles is kept; None, in memory alone.

    Raises:
        EngineError: no weights, or no such device.
    """
    from engine.first_look import FirstLooks  # noqa: PLC0415 - it imports MXNet
    from engine.painter import Painter as EnginePainter  # noqa: PLC0415 - likewise

    limit = None if settings.max_memory is None else settings.max_memory * 2**20
    most = settings.style_cache * 2**20
    store = StyleStore(styles if most else None, most)
    return EnginePainter(
        settings.weights,
        settings.device,
        precision=settings.precision,
        max_memory=limit,
        styles=store,
        first_looks=FirstLooks(settings.weights) if settings.first_look == "auto" else None,
    )


def serve(
    connection: Connection,
    settings: EngineSettings,
    *,
    open_painter: OpenPainter = open_engine,
    checkpoints: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """The child's whole life: load the engine, then paint what is asked for until the pipe ends.

    Args:
        connection: the child's end of the pipe.
        settings: of the engine.
        open_painter: makes the painter.
        checkpoints: folder in which paintings are saved on their way; None, nowhere.
        clock: seconds; for the rate of progress reports, of saving and of small pictures.
    """
    settle_in()
    pictures.get_ready()
    if settings.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(settings.threads)  # read once, when MXNet is imported
    try:
        painter = _open(connection, settings, open_painter)
        saved = Checkpoints(checkpoints)
        while painter is not None:
            request = _hear(connection)
            if isinstance(request, PaintRequest):
                saving = Saving(saved.path(request.job_id), settings.checkpoint_seconds, clock)
                _Job(connection, request, saved, saving, clock).do(painter)
                give_back()  # the next job may be long in coming
    except _HungUpError:
        return


def _open(
    connection: Connection, settings: EngineSettings, open_painter: OpenPainter
) -> Painter | None:
    began = time.monotonic()
    try:
        painter = open_painter(settings)
    except WeightsError as error:
        _say(connection, EngineUnavailable("weights", str(error)))
    except EngineError as error:
        _say(connection, EngineUnavailable("engine", str(error)))
    except Exception as error:  # noqa: BLE001 - MXNet's import and start fail in many ways
        _say(connection, EngineUnavailable("engine", _no_start(error)))
    else:
        seconds = time.monotonic() - began
        _say(connection, EngineReady(painter.device, painter.weights_sha256, seconds))
        return painter
    return None


def _no_start(error: Exception) -> str:
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"The engine cannot start ({what}). Run `atelierd doctor` to see what is missing."


def _say(connection: Connection, event: Event) -> None:
    try:
        connection.send(event)
    except OSError as error:
        raise _HungUpError from error


def _hear(connection: Connection) -> object:
    try:
        return connection.recv()
    except (EOFError, OSError) as error:
        raise _HungUpError from error


class _Job:
    """One request, from the bytes that came to the event that ends it."""

    def __init__(
        self,
        connection: Connection,
        request: PaintRequest,
        saved: Checkpoints,
        saving: Saving,
        clock: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._request = request
        self._saved = saved
        self._saving = saving
        self._throttle = Throttle(clock)
        self._glimpsing = Glimpsing(request, partial(_say, connection), clock)

    def do(self, painter: Painter) -> None:
        """Paint it; exactly one of `Painted`, `Failed` and `Cancelled` is sent."""
        _say(self._connection, Started(self._request.job_id))
        _say(self._connection, self._end(painter))

    def _end(self, painter: Painter) -> Event:
        try:
            return self._painted(self._paint(painter))
        except _GivenUpError:
            return Cancelled(self._request.job_id)
        except _HungUpError:
            raise
        except Exception as error:  # noqa: BLE001 - one job's bug must not take the engine along
            return _failed(self._request.job_id, error)

    def _paint(self, painter: Painter) -> Painting:
        work = self._begun(painter)
        for step in work:
            if isinstance(step, Painting):
                self._report(self._throttle.rest())
                return step
            self._between_steps(work, step)
        raise RuntimeError("the painter ended without a painting")

    def _begun(self, painter: Painter) -> Work:
        """Go on from where an earlier attempt was, if there is anything to go on from."""
        snapshot = self._snapshot()
        sources = sources_of(self._request, self._give_up_if_asked)
        self._glimpsing.photo(sources.content)
        if snapshot is None:
            recipe = self._request.recipe
            self._glimpsing.first_look(lambda: painter.first_look(sources, recipe))
            self._give_up_if_asked()
        work = self._gone_on_with(painter, sources, snapshot)
        # Outside of any `except`: what was made for the one that could not go on is let go before.
        work = work or painter.paint(sources, self._request.recipe, refine=self._request.refining)
        if work.resumed_at:
            self._go_on(work)
        return work

    def _go_on(self, work: Work) -> None:
        """Tell where it goes on; the next step of a large picture may be long in coming."""
        job_id = self._request.job_id
        _say(self._connection, Resumed(job_id, work.resumed_at, work.largest, work.total))
        self._glimpsing.gone_on(work)

    def _gone_on_with(
        self, painter: Painter, sources: Sources, snapshot: Snapshot | None
    ) -> Work | None:
        if snapshot is None:
            return None
        try:
            return painter.paint(
                sources, self._request.recipe, snapshot, refine=self._request.refining
            )
        except SnapshotError as error:
            self._not_used(error)
            return None

    def _snapshot(self) -> Snapshot | None:
        try:
            return self._saved.open(self._request.job_id)
        except SnapshotError as error:
            self._not_used(error)
            return None

    def _not_used(self, error: SnapshotError) -> None:
        self._trouble(f"What was saved of this picture is not used: {error}.")

    def _between_steps(self, work: Work, step: Progress) -> None:
        try:
            self._report(self._throttle.due(step))
            self._glimpsing.between_steps(work, step)
            self._give_up_if_asked()
        except _HungUpError:  # the daemon ends: the next one goes on from here
            with contextlib.suppress(OSError):  # and nobody is there to be told
                self._saving.save(work)
            raise
        except _GivenUpError as wish:
            if wish.keep:
                self._save(work, self._saving.save)
            raise
        self._save(work, self._saving.save_if_due)

    def _save(self, work: Work, save: Callable[[Work], None]) -> None:
        try:
            save(work)
        except OSError as error:
            self._trouble(f"The picture could not be saved on its way ({error.strerror}).")

    def _trouble(self, message: str) -> None:
        _say(self._connection, CheckpointTrouble(self._request.job_id, message))

    def _give_up_if_asked(self) -> None:
        while self._connection.poll():
            message = _hear(self._connection)
            if isinstance(message, CancelRequest) and message.job_id == self._request.job_id:
                raise _GivenUpError(keep=message.keep)

    def _report(self, steps: list[Progress]) -> None:
        for step in steps:
            _say(self._connection, Progressed(self._request.job_id, step))

    def _painted(self, painting: Painting) -> Painted:
        request = self._request
        if painting.left_out:
            _say(self._connection, NotRefined(request.job_id, painting.left_out))
        made = finished(painting, request)
        if made.trouble:
            _say(self._connection, NotesTrouble(request.job_id, made.trouble, made.detail))
        self._glimpsing.painted(painting.picture)
        width, height = made.size
        report = {**report_on(painting), "width": width, "height": height}
        return Painted(request.job_id, made.data, made.suffix, report)


def _failed(job_id: str, error: Exception) -> Failed:
    """Whose fault an error is, what to say about it, and what goes into the log."""
    detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if isinstance(error, RefusedError):
        return Failed(job_id, error.blame, str(error))
    if isinstance(error, PictureError):
        blame: Blame = "guide" if isinstance(error, GuideError) else "content"
        return Failed(job_id, blame, str(error), detail)
    if isinstance(error, RecipeError):
        return Failed(job_id, "recipe", str(error), detail)
    if isinstance(error, EngineError):
        return Failed(job_id, "engine", str(error), detail)
    if isinstance(error, MemoryError):
        return Failed(job_id, "engine", _NO_MEMORY, detail)
    message = f"The engine met an unexpected error ({type(error).__name__}). {_ASK}"
    return Failed(job_id, "engine", message, detail, unexpected=True)
