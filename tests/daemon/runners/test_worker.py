"""How progress is thinned out, and what the child does before anything else."""

from __future__ import annotations

import multiprocessing
import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.runners import reporting, throttle, worker
from daemon.settings import EngineSettings
from engine import DeviceReport, LossParts, Painting, Progress
from tests.daemon.standins import Clock


def step(iteration: int, scale: int = 1) -> Progress:
    return Progress(iteration, 100, scale, 9, 10, 10, 1.0, 1.0)


@given(st.lists(st.tuples(st.floats(0, 0.3), st.booleans()), min_size=1, max_size=60))
def test_progress_is_thinned_out_but_each_scale_ends_with_its_last_step(
    course: list[tuple[float, bool]],
) -> None:
    clock = Clock()
    thinned = throttle.Throttle(clock)
    scale, steps, told, times = 1, [], [], []
    for number, (pause, next_scale) in enumerate(course, 1):
        clock.now += pause
        scale += next_scale
        steps.append(step(number, scale))
        due = thinned.due(steps[-1])
        told += due
        if due[-1:] == steps[-1:]:
            times.append(clock.now)
    told += thinned.rest()
    assert told == [one for one in steps if one in told]
    last = {one.scale: one for one in steps}
    assert set(last.values()) <= set(told)
    assert told[0] == steps[0]
    assert all(b - a >= throttle.PROGRESS_SECONDS * 0.999 for a, b in pairwise(times))


def painting(seconds: float, pace: float) -> Painting:
    return Painting(
        picture=np.zeros((2, 3, 3), np.float32),
        loss=LossParts(1.2345678, 1.2345678),
        iterations=3,
        seconds=seconds,
        seconds_per_iteration=pace,
        stopped_by="steps",
        device=DeviceReport("cpu", "float32", 1, ""),
        normalization="relative",
        weights_sha256="",
        tiles=1,
        predicted_memory_mb=1234.5678,
    )


@pytest.mark.parametrize(
    ("seconds", "pace", "told"),
    [
        (83.123456, 0.0123456789, (83.12, 0.01235, 81.0)),
        (12345.678, 61.73, (12350.0, 61.73, 0.0162)),
        (0.0, 0.0, (0.0, 0.0, None)),
    ],
)
def test_what_was_measured_is_told_with_four_digits(
    seconds: float, pace: float, told: tuple[float | None, ...]
) -> None:
    report = reporting.report_on(painting(seconds, pace))
    keys = ("seconds", "seconds_per_iteration", "steps_per_second")
    assert tuple(report[key] for key in keys) == told
    assert report["predicted_memory_mb"] == 1235.0
    assert len(f"{report['peak_memory_mb']:g}".strip("0.").replace(".", "")) <= 4
    assert report["loss"]["total"] == 1.2345678


def test_threads_are_set_before_the_engine_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "settle_in", lambda: None)  # this process is no child
    monkeypatch.setenv("OMP_NUM_THREADS", "99")
    seen = []

    class Painter:
        device = DeviceReport("cpu", "float32", 3, "")
        weights_sha256 = ""

    def open_painter(_: EngineSettings) -> Painter:
        seen.append(os.environ["OMP_NUM_THREADS"])
        return Painter()

    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        ours.send("neither a request nor a wish to cancel: ignored")
        ours.close()
        worker.serve(theirs, EngineSettings(threads=3), open_painter=open_painter)  # type: ignore[arg-type]
    assert seen == ["3"]


def test_the_end_of_the_pipe_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "settle_in", lambda: None)
    ours, theirs = multiprocessing.Pipe()
    with theirs:
        ours.close()
        worker.serve(theirs, EngineSettings(), open_painter=_no_painter)


def _no_painter(_: EngineSettings) -> worker.Painter:
    class Painter:
        device = DeviceReport("cpu", "float32", 1, "")
        weights_sha256 = ""

    return Painter()  # type: ignore[return-value]
