"""What a job costs besides the optimiser's steps: the first one of a process, and the second."""

from __future__ import annotations

import io
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from daemon.files import write_atomically
from daemon.runners.base import Event, Failed, Painted, Progressed
from daemon.runners.local import LocalRunner
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings
from engine import Recipe

_CLOSE_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Resident:
    """Costs besides the steps.

    Attributes:
        first_job_overhead_seconds: of the first job: process, MXNet, weights, the style's
            statistics, and all that the second one has too.
        warm_overhead_share: of the second job, same style and size: decoding, preparation, the
            content's maps, encoding, writing; over the whole job.
    """

    first_job_overhead_seconds: float
    warm_overhead_share: float


def measure(
    weights: Path, content: NDArray[np.uint8], style: NDArray[np.uint8], recipe: Recipe
) -> Resident:
    """Paint the same picture twice in a process of its own, as the daemon does."""
    events: SimpleQueue[tuple[float, Event]] = SimpleQueue()
    began = time.perf_counter()
    settings = EngineSettings(weights=weights, device="cpu")
    runner = LocalRunner(settings, lambda event: events.put((time.perf_counter(), event)))
    try:
        runner.start()
        first = _overhead(runner, events, _request("first", content, style, recipe), began)
        again = time.perf_counter()
        second = _overhead(runner, events, _request("second", content, style, recipe), again)
        return Resident(first, second / (time.perf_counter() - again))
    finally:
        runner.close(_CLOSE_SECONDS)


def _overhead(
    runner: LocalRunner,
    events: SimpleQueue[tuple[float, Event]],
    request: PaintRequest,
    began: float,
) -> float:
    """Seconds of one job that were no steps."""
    runner.submit(request)
    seen: dict[int, list[tuple[float, int]]] = defaultdict(list)
    while True:
        at, event = events.get()
        if isinstance(event, Failed):
            raise RuntimeError(event.message)  # noqa: TRY004 - no type is wrong
        if isinstance(event, Progressed):
            seen[event.progress.scale].append((at, event.progress.iteration))
        if isinstance(event, Painted):
            with tempfile.TemporaryDirectory() as folder:
                write_atomically(Path(folder) / "painted.jpg", event.picture)
            return time.perf_counter() - began - _stepping(request.recipe, seen)


def _stepping(recipe: Recipe, seen: dict[int, list[tuple[float, int]]]) -> float:
    """Seconds that went into steps: each scale's pace, and the evaluation of each start."""
    total = 0.0
    for steps, times in zip(recipe.iterations, seen.values(), strict=True):
        (first, number), (last, count) = times[0], times[-1]
        total += (steps + 1) * (last - first) / (count - number)
    return total


def _request(
    name: str, content: NDArray[np.uint8], style: NDArray[np.uint8], recipe: Recipe
) -> PaintRequest:
    return PaintRequest(
        job_id=name,
        content=_jpeg(content),
        styles=(StyleFile(_jpeg(style)),),
        recipe=recipe,
        format="jpeg",
        quality=95,
        max_pixels=content.size + style.size,
    )


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=95)
    return file.getvalue()
