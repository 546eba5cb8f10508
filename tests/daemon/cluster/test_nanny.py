"""A painter under a nanny, which starts it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.cluster import task
from daemon.cluster.calls import Calls
from daemon.cluster.messages import Credentials
from daemon.runners.base import EngineLost, EngineReady, Failed, Painted, Progressed
from daemon.runners.request import PaintRequest
from tests.daemon import child_stand_ins
from tests.daemon.cluster import stand_ins
from tests.daemon.cluster.grid import grid
from tests.daemon.cluster.stand_ins import CALLS, request
from tests.daemon.cluster.test_painter import order
from tests.daemon.cluster.test_runner import running

PRELOAD = "tests.daemon.cluster.preload_stand_in"
MAY_HAVE_CHILDREN = {"DASK_DISTRIBUTED__WORKER__DAEMON": "False"}


def accepted(_told: Credentials, _others: Credentials | None) -> str:
    return ""


WITH_ENGINES = Calls(
    task.paint,
    task.cancel,
    task.fetch,
    task.credentials,
    stand_ins.kill,
    task.tell,
    accepted,
)


def engine_request(style: int, steps: int) -> PaintRequest:
    return replace(order("", style, steps=steps).request, job_id="a")


ENDLESS = engine_request(child_stand_ins.SLOW, 10_000)
SOON = engine_request(200, 3)


@pytest.mark.parametrize(
    ("calls", "words", "endless", "soon"),
    [
        (CALLS, (), request("a", steps=100_000, seconds=0.1, hangs=True), request("a")),
        (WITH_ENGINES, ("--preload", PRELOAD), ENDLESS, SOON),
    ],
    ids=["without a child", "with an engine"],
)
def test_a_painter_that_hangs_altogether_is_started_anew_by_its_nanny(
    tmp_path: Path,
    calls: Calls,
    words: tuple[str, ...],
    endless: PaintRequest,
    soon: PaintRequest,
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    environment = {"ATELIERD_CONFIG": str(config), stand_ins.DEAF: "1", **MAY_HAVE_CHILDREN}
    with grid(tmp_path) as one, running(one.address, calls=calls) as (runner, ear):
        one.start_worker("anna", words=("--nanny", *words), **environment)
        assert ear.next(EngineReady).engine == "anna"
        runner.submit(endless)
        ear.next(Progressed)
        runner.kill("a")
        end = ear.end("a")
        assert isinstance(end, Failed)
        assert end.blame == "lost"
        while not isinstance(end, Painted):  # it may be given to the painter that is being ended
            runner.submit(soon)
            end = ear.end("a")
    heard = [event.engine for event in ear.heard if isinstance(event, (EngineLost, EngineReady))]
    assert heard == ["anna"] * len(heard)
    assert ear.ends()[-1] == ("a", "Painted")
