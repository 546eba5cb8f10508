"""Nothing grows while a service lives: the soak at its smallest, with an engine that is quick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak import ALLOWED_MB, BATCH, Sample, grown, soak

PROGRAM = ("tests.daemon.run_with_stand_in", "stand_in_worker")
COUNTED = ("service_files", "engine_files", "service_threads", "engine_threads")


@pytest.mark.parametrize("kills", [False, True])
def test_thirty_jobs_leave_nothing_behind(tmp_path: Path, kills: bool) -> None:  # noqa: FBT001
    samples = list(soak(tmp_path, 3 * BATCH, tmp_path / "weights", PROGRAM, kills=kills))
    first, *others = samples
    assert first.jobs == BATCH
    assert len(others) == 2
    for other in others:
        assert {name: getattr(other, name) for name in (*COUNTED, "left")} == {
            name: getattr(first, name) for name in (*COUNTED, "left")
        }
        assert other.service_mb < first.service_mb + ALLOWED_MB["service_mb"]
    log = (tmp_path / "atelierd.log").read_text()
    assert log.count("engine.lost") == (3 if kills else 0)


SAMPLES = [Sample(10 * number, 50.0, 500.0, 20, 8, 7, 6, 11) for number in range(1, 31)]


def test_a_life_in_which_nothing_grows_is_all_right() -> None:
    warming = [replace(one, engine_mb=100.0 * one.jobs / 10) for one in SAMPLES[:5]]
    moods = [replace(one, engine_mb=480.0 + one.jobs % 40) for one in SAMPLES[5:]]
    assert grown(warming + moods) == []


@pytest.mark.parametrize("name", [*COUNTED, "left", "service_mb", "engine_mb"])
def test_what_grows_is_named(name: str) -> None:
    allowed = ALLOWED_MB.get(name, 0)
    growing = [
        replace(one, **{name: getattr(one, name) + (allowed + 1) * one.jobs // 100})
        for one in SAMPLES
    ]
    (complaint,) = grown(growing)
    assert complaint.startswith(f"{name} grew from ")
