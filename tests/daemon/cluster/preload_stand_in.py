"""As `daemon.cluster.preload`, with an engine that paints in no time: a process of its own."""

from __future__ import annotations

from pathlib import Path

from distributed import Worker

from daemon.cluster import preload
from daemon.cluster.studio import Studio
from daemon.settings import EngineSettings
from tests.daemon.cluster import test_painter


def _studio_in(folder: Path, settings: EngineSettings) -> Studio:
    del settings
    return test_painter.studio_in(folder)


def dask_setup(worker: Worker) -> None:
    preload.studio_in = _studio_in
    preload.dask_setup(worker)


def dask_teardown(worker: Worker) -> None:
    preload.dask_teardown(worker)
