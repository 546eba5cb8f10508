"""What makes a painter of a worker that somebody else starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from distributed import Scheduler, Worker

from daemon.cluster import preload
from daemon.cluster.messages import PAINTER, RESOURCE
from daemon.cluster.studio import Studio
from daemon.settings import EngineSettings
from tests.daemon.cluster import test_painter

SECONDS = 7.0


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of settings that the environment names."""

    def stand_in(folder: Path, settings: EngineSettings) -> Studio:
        assert settings.checkpoint_seconds == SECONDS
        return test_painter.studio_in(folder)

    monkeypatch.setattr(preload, "studio_in", stand_in)
    file = tmp_path / "config.toml"
    file.write_text(f'state_dir = "{tmp_path}"\n[engine]\ncheckpoint_seconds = {SECONDS}\n')
    monkeypatch.setenv("ATELIERD_CONFIG", str(file))
    return file


async def engines(folder: Path) -> int:
    """Of a worker that has joined."""
    scheduler = Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address=":0")
    async with scheduler:
        worker = Worker(
            scheduler.address,
            preload=["daemon.cluster.preload"],
            resources={RESOURCE: 1},
            nthreads=1,
            memory_limit=0,
            dashboard_address=":0",
            local_directory=str(folder),
        )
        try:
            await worker
            plugin = worker.plugins[PAINTER]
            assert isinstance(plugin, preload.Painter)
            return plugin.studio.capacity
        finally:
            await worker.close()


def test_any_worker_becomes_a_painter_and_leaves_no_lock(tmp_path: Path) -> None:
    assert asyncio.run(engines(tmp_path)) == 1
    assert asyncio.run(engines(tmp_path)) == 1
    assert [folder.name for folder in (tmp_path / "painters").iterdir()] == ["1"]


def test_a_worker_with_wrong_settings_does_not_join(tmp_path: Path, config: Path) -> None:
    config.write_text("[engine]\ncheckpoint_seconds = -1\n")
    with pytest.raises(RuntimeError, match="failed to start"):
        asyncio.run(engines(tmp_path))
