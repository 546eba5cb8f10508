"""A scheduler that dies, and another one in its place before anybody has looked.

The other one has loaded all that it needs beforehand, and only has to listen.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.cluster.calls import Pace
from daemon.runners.base import Cancelled, EngineReady, EngineUnavailable, Painted, Progressed
from tests.daemon.cluster.grid import LOOPBACK, ROOT, Grid, grid, kill, wait_until
from tests.daemon.cluster.run_scheduler import LOADED
from tests.daemon.cluster.shares import drop, expect_painted_once, service
from tests.daemon.cluster.stand_ins import request
from tests.daemon.cluster.test_runner import SLOW, running

SELDOM = Pace(poll_seconds=10, connect_seconds=60, join_seconds=600, pause_seconds=0.1)
"""Between two looks there is time for more than that."""


@contextmanager
def another(one: Grid) -> Iterator[Callable[[], None]]:
    """Gives what puts another scheduler in the place of a cluster's."""
    words = ("--host", LOOPBACK, "--port", one.port, "--no-dashboard")
    path = one.folder / "another.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.daemon.cluster.run_scheduler", *words],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=ROOT,
        )

    def replace() -> None:
        assert process.stdin is not None
        one.kill_scheduler()
        process.stdin.write(b"\n")
        process.stdin.flush()
        one.scheduler = process

    try:
        wait_until(lambda: LOADED in path.read_text())
        yield replace
    finally:
        kill(process)
        assert process.stdin is not None
        process.stdin.close()


def test_photos_that_were_out_are_given_back_once_and_painted_by_the_other_one(
    tmp_path: Path,
) -> None:
    with (
        grid(tmp_path, "anna") as one,
        another(one) as replace,
        running(one.address, SELDOM) as (runner, ear),
    ):
        for name in "ab":  # the second waits for a place
            runner.submit(request(name, **SLOW))
        ear.next(Progressed, "a")
        replace()
        ear.next(EngineUnavailable)
        assert [ear.end(name) for name in "ab"] == [Cancelled("a"), Cancelled("b")]
        for name in "ab":
            runner.submit(request(name))
        one.start_worker("bert")
        assert ear.next(EngineReady).engine == "bert"
        wait_until(lambda: len(ear.ends()) == len("abab"))
    assert ear.ends() == [(name, end) for name in "ab" for end in ("Cancelled", "Painted")]


def test_one_that_nobody_was_waiting_for_is_seen_to_be_another_one(tmp_path: Path) -> None:
    with (
        grid(tmp_path, "anna") as one,
        another(one) as replace,
        running(one.address, SELDOM) as (runner, ear),
    ):
        ear.next(EngineReady)
        wait_until(lambda: runner.capacity)
        replace()
        one.start_worker("bert")
        wait_until(lambda: "Registered to" in (tmp_path / "bert.log").read_text())
        runner.submit(request("a"))  # that it looks now
        while not isinstance(end := ear.end("a"), Painted):
            assert end == Cancelled("a")
            runner.submit(request("a"))
    told = [type(event) for event in ear.heard if isinstance(event, (EngineReady, Painted))]
    assert told == [EngineReady, EngineReady, Painted]


def test_a_real_service_has_every_photo_painted_once_all_the_same(tmp_path: Path) -> None:
    names = [f"{number}" for number in range(8)]
    with (
        grid(tmp_path, "anna") as one,
        another(one) as replace,
        service(tmp_path / "mine", one.address) as program,
    ):
        drop(program, *names)
        program.wait(lambda: len(program.said("job.started")) > 1)
        replace()
        one.start_worker("bert")
        expect_painted_once(program, *names)
        assert not program.said("job.requeued")
        program.wait(lambda: len(program.said("engine.ready")) > 1)  # anna may have been quick
        assert [line["engine"] for line in program.said("engine.ready")] == ["anna", "bert"]
