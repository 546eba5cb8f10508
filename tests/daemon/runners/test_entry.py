"""Where a real engine's process begins: on the cores that are its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.runners.base import EngineReady
from daemon.settings import EngineSettings
from engine.cores import usable_cores
from tests.daemon.runners.test_local import children
from tests.daemon.runners.test_pool import engines


def cores_of_threads(process: int) -> list[set[int]]:
    """On which cores each of its threads may run."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return [os.sched_getaffinity(int(thread.name)) for thread in threads]


@pytest.mark.weights
@pytest.mark.skipif(usable_cores() < 2, reason="two engines want two cores")
def test_no_core_has_two_real_engines_and_none_is_idle(tmp_path: Path, weights: Path) -> None:
    before = children()
    settings = EngineSettings(device="cpu", weights=weights.parent, workers=2)
    with engines(tmp_path, settings) as (_, ear):
        ear.next(EngineReady)
        ear.next(EngineReady)
        one, other = (cores_of_threads(process) for process in children() - before)
    for threads in (one, other):
        assert len({frozenset(cores) for cores in threads}) == 1
    assert one[0].isdisjoint(other[0])
    assert one[0] | other[0] == os.sched_getaffinity(0)
