"""Stand-ins for the clock and the processes beside the daemon, for tests of what it does itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from daemon.companions import NOBODY, SAYING, Role
from daemon.inspector import Inspected
from daemon.runners.base import (
    Cancelled,
    Deliver,
    EngineReady,
    Event,
    Painted,
    Progressed,
    Started,
)
from daemon.runners.request import PaintRequest
from daemon.settings import WatchSettings
from engine import DeviceReport, Progress

READY = EngineReady(DeviceReport("cpu", "float32", 2, "a stand-in"), "5" * 64, 0.5)


@dataclass
class Clock:
    """A clock that the test sets."""

    now: float = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


def picture(colour: tuple[int, int, int] = (200, 30, 90), kind: str = "JPEG") -> bytes:
    """A small picture's file."""
    data = io.BytesIO()
    Image.new("RGB", (48, 32), colour).save(data, kind)
    return data.getvalue()


def progress(step: int = 1, total: int = 4) -> Progress:
    """One step of a job."""
    return Progress(step, total, 1, 1, 48, 32, 100.0 / step, float(total - step))


def paint(request: PaintRequest) -> list[Event]:
    """What a good engine says about a job: its steps, and a picture of one colour."""
    steps = [Progressed(request.job_id, progress(step)) for step in range(1, 5)]
    report = {"width": 48, "height": 32, "loss": {"total": 25.0}, "seconds": 0.1}
    painted = Painted(request.job_id, picture((1, 2, 3)), ".jpg", report)
    return [Started(request.job_id), *steps, painted]


@dataclass
class StandInRunner:
    """A runner that answers at once with what `answer` says, from the caller's thread.

    An empty answer keeps the job for good.
    """

    deliver: Deliver
    answer: Callable[[PaintRequest], list[Event]] = paint
    on_start: Event = READY
    capacity: int = 1
    starts: int = 0
    requests: list[PaintRequest] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    closed: bool = False
    killed: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.starts += 1
        self.deliver(self.on_start)

    def submit(self, request: PaintRequest) -> None:
        self.requests.append(request)
        events = self.answer(request)
        if not events:
            self.kept.append(request.job_id)
        for event in events:
            self.deliver(event)

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        if self.closed:
            raise RuntimeError("the runner is closed")
        self.cancelled.append(job_id)
        self.saved += [job_id] if keep else []

    def kill(self, job_id: str) -> None:
        self.killed.append(job_id)

    def close(self, timeout: float) -> None:
        assert timeout > 0
        self.closed = True
        for job_id in self.kept:
            self.deliver(Cancelled(job_id))


@dataclass
class StandInInspector:
    """Decodes here and now, and answers from the caller's thread."""

    deliver: Callable[[Inspected], None]
    asked: list[Path] = field(default_factory=list)
    photos: list[Path] = field(default_factory=list)
    used: list[WatchSettings] = field(default_factory=list)
    closed: bool = False

    def use(self, settings: WatchSettings) -> None:
        self.used.append(settings)

    def submit(
        self, key: str, content: Path, *styles: Path, beside: Mapping[Role, Path] = NOBODY
    ) -> None:
        self.asked.append(content)
        if styles:  # else it is a style itself
            self.photos.append(content)
        self.deliver(self._inspect(key, content, styles, beside))

    def close(self) -> None:
        self.closed = True

    @staticmethod
    def _inspect(
        key: str, content: Path, styles: tuple[Path, ...], beside: Mapping[Role, Path]
    ) -> Inspected:
        if not _is_picture(content):
            return Inspected(key, ok=False, message="This photo is no picture.", blame="content")
        if not all(map(_is_picture, styles)):
            return Inspected(key, ok=False, message="This style is no picture.", blame="style")
        for role, path in beside.items():
            if not _is_picture(path):
                message = SAYING[role].format(path.name, "It is none.")
                return Inspected(key, ok=False, message=message, blame="beside")
        return Inspected(key, ok=True, message="", blame="")


def _is_picture(path: Path) -> bool:
    try:
        Image.open(io.BytesIO(path.read_bytes())).load()
    except OSError:
        return False
    return True
