"""``atelierd run``: what it logs of the weights. What it does, `tests/daemon/test_run.py` shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import structlog

from daemon.cli.run import logging_weights
from daemon.runners.base import EngineReady, Event
from engine import DeviceReport
from engine.weights import load

READY = EngineReady(DeviceReport("cpu", "float32", 1, "a test"), "0" * 64, 1.0)


@pytest.mark.weights
def test_the_weights_are_logged_once_and_as_imported_when_they_were(
    weights: Path, tmp_path: Path
) -> None:
    shutil.copy(weights, tmp_path / "mine.params")
    delivered = list[Event]()
    first = logging_weights(tmp_path, delivered.append)
    load(tmp_path)  # what the engine does
    with structlog.testing.capture_logs() as logs:
        first(READY)
    assert [(line["event"], line["source"]) for line in logs] == [
        ("weights.imported", "mine.params")
    ]
    second = logging_weights(tmp_path, delivered.append)
    with structlog.testing.capture_logs() as logs:
        second(READY)
        second(READY)  # the engine died and was started again
    assert [(line["event"], line["source"]) for line in logs] == [("weights.loaded", "mine.params")]
    assert delivered == [READY] * 3


def test_nothing_is_logged_of_what_is_not_there(tmp_path: Path) -> None:
    delivered = list[Event]()
    with structlog.testing.capture_logs() as logs:
        logging_weights(tmp_path, delivered.append)(READY)
    assert (logs, delivered) == ([], [READY])
