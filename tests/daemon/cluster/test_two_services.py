"""Two services on one scheduler: each one's photos are painted once, whoever is in front of them.

Each of them hands out as many photos as all painters have places, so that some wait at a painter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.cluster.runner import DaskRunner
from daemon.runners.base import Cancelled, EngineReady, Painted, Progressed
from tests.daemon.cluster import stand_ins
from tests.daemon.cluster.grid import Grid, grid, wait_until
from tests.daemon.cluster.shares import drop, expect_painted_once, service
from tests.daemon.cluster.stand_ins import request
from tests.daemon.cluster.test_runner import running
from tests.daemon.runners.test_local import Ear

ENDLESS = {"steps": 100_000, "seconds": 0.05}
Service = tuple[DaskRunner, Ear]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A cluster with one painter of one place."""
    with grid(tmp_path_factory.mktemp("grid"), "anna") as one:
        yield one


@contextmanager
def both(one: Grid) -> Iterator[tuple[Service, Service]]:
    with running(one.address) as mine, running(one.address) as other:
        for runner, ear in (mine, other):
            ear.next(EngineReady)
            wait_until(lambda runner=runner: runner.capacity == len(one.workers))
        yield mine, other


def wait_until_sent(runner: DaskRunner, job_id: str) -> None:
    """Until a job is at a painter, or on its way there."""

    def is_sent() -> bool:
        errand = runner._keeper._errands.of_job(job_id)
        return errand is not None and errand.future is not None

    wait_until(is_sent)


def test_one_painter_paints_the_photos_of_both(shared: Grid) -> None:
    names = [f"{number}" for number in range(6)]
    with both(shared) as services:
        for name in names:
            for runner, _ in services:
                runner.submit(request(name))
        for _, ear in services:
            for name in names:
                ear.end(name)
    for _, ear in services:  # also of what comes late
        assert ear.ends() == [(name, "Painted") for name in names]


def test_what_waits_behind_another_ones_photo_ends_at_once_when_it_is_cancelled(
    shared: Grid,
) -> None:
    with both(shared) as ((mine, my_ear), (other, other_ear)):
        mine.submit(request("long", **ENDLESS))
        my_ear.next(Progressed)
        for end in (other.cancel, other.kill):  # of one that nobody has begun with: the same
            other.submit(request("waits"))
            wait_until_sent(other, "waits")
            end("waits")
            assert other_ear.end("waits") == Cancelled("waits")
        other.submit(request("waits"))
        wait_until_sent(other, "waits")
        mine.submit(request("next"))
        assert my_ear.ends() == []  # nobody else's wish has ended it
        mine.cancel("long")
        assert isinstance(other_ear.end("waits"), Painted)
        assert isinstance(my_ear.end("next"), Painted)
    assert my_ear.ends() == [("long", "Cancelled"), ("next", "Painted")]
    assert other_ear.ends() == [("waits", "Cancelled")] * 2 + [("waits", "Painted")]


def test_a_painter_does_not_idle_while_another_one_has_photos_that_wait(tmp_path: Path) -> None:
    with grid(tmp_path, "anna", "bert") as one, both(one) as ((mine, my_ear), (other, other_ear)):
        for name in ("long", "longer"):
            mine.submit(request(name, **ENDLESS))
            my_ear.next(Progressed, name)
        for name in "ab":
            other.submit(request(name, seconds=0.1))
        wait_until_sent(other, "a")  # one may wait its turn at a painter, the rest waits here
        mine.cancel("long")
        # Whichever painter they wait at, the one that is free now paints both.
        wait_until(lambda: len(other_ear.ends()) == len("ab"))
        assert my_ear.ends() == [("long", "Cancelled")]
    assert other_ear.ends() == [("a", "Painted"), ("b", "Painted")]


def test_two_real_services_have_their_photos_painted_by_one_painter(tmp_path: Path) -> None:
    slow = {stand_ins.SECONDS: "0.1"}
    with (
        grid(tmp_path, "anna", **slow) as one,
        service(tmp_path / "mine", one.address) as mine,
        service(tmp_path / "other", one.address) as other,
    ):
        for program in (mine, other):
            program.wait(lambda program=program: program.said("engine.ready"))
        drop(mine, "a", "b", "c")
        drop(other, "b", "c", "d")
        expect_painted_once(mine, "a", "b", "c")
        expect_painted_once(other, "b", "c", "d")
        for program in (mine, other):
            assert {line["attempt"] for line in program.said("job.started")} == {1}
            assert not program.said("job.requeued")
