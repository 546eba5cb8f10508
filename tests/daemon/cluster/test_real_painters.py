"""What keeps a wrong painter, or a stranger, away from a service: real engines, real processes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from daemon.cluster.identity import weights_in
from daemon.cluster.making import dask
from daemon.errors import SettingsError
from daemon.runners.base import (
    EngineAside,
    EngineReady,
    EngineUnavailable,
    Painted,
    Runner,
    Started,
)
from daemon.settings import ClusterSettings, EngineSettings, Settings
from engine.weights import known, load
from engine.weights.manifest import MANIFEST, PARAMS, sha256_of, to_json
from tests.daemon.cluster.grid import Grid, grid
from tests.daemon.cluster.test_making import request
from tests.daemon.cluster.test_security import PAGE, certificates
from tests.daemon.runners.test_local import Ear

pytestmark = pytest.mark.weights
SHOWN = 12
"""So much of a SHA-256 is told to people."""


@contextmanager
def serving(folder: Path, weights: Path, **cluster: object) -> Iterator[tuple[Runner, Ear]]:
    """The runner that a service with these settings has."""
    settings = Settings(
        runner="dask",
        engine=EngineSettings(weights=weights),
        cluster=ClusterSettings.model_validate(cluster),
    )
    ear = Ear()
    runner = dask(settings, ear.queue.put, state=folder / "state")
    try:
        runner.start()
        yield runner, ear
    finally:
        runner.close(20)


def engine(weights: Path) -> tuple[str, ...]:
    return ("--engine.weights", str(weights), "--engine.threads", "1", "--engine.device", "cpu")


def slightly_others(weights: Path, folder: Path) -> Path:
    """Weights that an engine loads like those, and that paint something else."""
    folder.mkdir()
    kernel, _ = load(weights).layers["conv2_1"]
    changed = (kernel * np.float32(1.01)).astype(np.float32)
    before = (weights / PARAMS).read_bytes()
    after = before.replace(kernel.tobytes(), changed.tobytes())
    assert after != before
    (folder / PARAMS).write_bytes(after)
    note = replace(known(weights), sha256=sha256_of(folder / PARAMS))
    (folder / MANIFEST).write_text(to_json(note))
    return folder


def test_a_painter_with_other_weights_paints_nothing_beside_one_with_ours(
    weights: Path, tmp_path: Path
) -> None:
    ours, theirs = weights.parent, slightly_others(weights.parent, tmp_path / "theirs")
    with grid(tmp_path) as one:
        one.start_painter("anna", *engine(ours))
        one.start_painter("bert", *engine(theirs))
        with serving(tmp_path, ours, scheduler=one.address) as (runner, ear):
            assert ear.next(EngineReady).engine == "anna"
            aside = ear.next(EngineAside)
            assert aside.engine == "bert"
            for folder in (ours, theirs):
                assert weights_in(folder)[:SHOWN] in aside.message
            for job in "abc":
                runner.submit(request(job))
            ends = [ear.end(job) for job in "abc"]
    for end in ends:
        assert isinstance(end, Painted)
        assert end.report["weights_sha256"] == weights_in(ours)
    assert {event.engine for event in ear.heard if isinstance(event, Started)} == {"anna"}
    assert diary(tmp_path / "anna.log") == 3 * ["painter.begun", "painter.painted"]
    assert diary(tmp_path / "bert.log") == []


def diary(log: Path) -> list[str]:
    """What a painter's log says of photos."""
    return re.findall(r'"(painter\.(?!state|stopp)[a-z_]+)"', log.read_text())


def words_of_the_page(folder: Path) -> list[str]:
    """What docs/cluster.md has people start a scheduler with that has certificates."""
    (line,) = re.findall(r"^ *(--protocol tls --tls-ca-file .*)$", PAGE.read_text(), re.MULTILINE)
    return [str(folder / word) if (folder / word).is_file() else word for word in line.split()]


def test_with_certificates_a_picture_is_painted_and_without_nothing_comes_through(
    weights: Path, tmp_path: Path
) -> None:
    tls = {name: str(path) for name, path in certificates(tmp_path).items()}
    options = [word for name, path in tls.items() for word in (f"--cluster.{name}", path)]
    with closing(Grid(tmp_path)) as one:
        one.start_scheduler(*words_of_the_page(tmp_path))
        assert one.address.startswith("tls://")
        one.start_painter("anna", *engine(weights.parent), *options)
        with serving(tmp_path, weights.parent, scheduler=one.address, **tls) as (runner, ear):
            while not isinstance(event := ear.next(object), EngineReady):
                assert "No painter has joined" in str(event)  # on a busy machine
            assert event.engine == "anna"
            runner.submit(request("a"))
            assert isinstance(ear.end("a"), Painted)
            with pytest.raises(SettingsError, match="not set"):
                dask(_settings(one.address), ear.queue.put, state=tmp_path)
            plain = one.address.replace("tls://", "tcp://")
            with serving(tmp_path, weights.parent, scheduler=plain) as (_, stranger):
                assert plain in stranger.next(EngineUnavailable).message
            assert not [event for event in stranger.heard if isinstance(event, EngineReady)]
            runner.submit(request("b"))
            assert isinstance(ear.end("b"), Painted)


def _settings(scheduler: str) -> Settings:
    return Settings(runner="dask", cluster=ClusterSettings(scheduler=scheduler))
