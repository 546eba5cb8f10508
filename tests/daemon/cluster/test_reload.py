"""A service that is told to read its settings again while painters of a cluster paint for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.cluster.grid import Grid, grid
from tests.daemon.cluster.shares import config, drop, expect_painted_once, service
from tests.daemon.cluster.stand_ins import HELD
from tests.daemon.test_run import Program

LARGE = b"1" * 1_500_000
"""More than the one megabyte that may go through the network at first."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A cluster with one painter."""
    folder = tmp_path_factory.mktemp("grid")
    with grid(folder, "anna", **{HELD: str(held_in(folder))}) as one:
        yield one


def held_in(folder: Path) -> Path:
    """While this is there, no photo is painted to its end."""
    return folder / "held"


@pytest.fixture
def held(shared: Grid) -> Path:
    """That of the cluster, which is there."""
    file = held_in(shared.folder)
    file.touch()
    return file


def read_again(program: Program, text: str, held: Path) -> None:
    """While one photo is being painted, and another one waits."""
    program.wait(lambda: len(program.said("job.queued")) == 2 and program.said("job.progress"))
    (program.folder / "config.toml").write_text(text)
    program.processes[-1].send_signal(signal.SIGHUP)
    program.wait(lambda: program.said("settings.read"))
    held.unlink()


def expect_in_turn(program: Program) -> None:
    """One photo came to its end; then the settings changed; and only then the next one began."""
    expect_painted_once(program, "a", "b")
    told = ("job.started", "job.finished", "engine.replaced")
    events = [line["event"] for line in program.log() if line["event"] in told]
    assert events == [*told[:2], told[2], *told[:2]]
    assert {line["attempt"] for line in program.said("job.started")} == {1}


def test_what_may_go_through_the_network_changes_from_one_photo_to_the_next(
    tmp_path: Path, shared: Grid, held: Path
) -> None:
    with service(tmp_path, shared.address, cluster="max_megabytes = 1\n") as program:
        drop(program, "a")
        program.wait(lambda: program.said("job.progress"))
        drop(program, "b", behind=LARGE)
        read_again(program, config(shared.address, cluster="max_megabytes = 10\n"), held)
        expect_in_turn(program)


def test_settings_of_the_engine_and_another_scheduler_are_gone_to_as_well(
    tmp_path: Path, shared: Grid, held: Path
) -> None:
    (tmp_path / "another").mkdir()
    with (
        grid(tmp_path / "another", "bert") as another,
        service(tmp_path, shared.address) as program,
    ):
        drop(program, "a", "b")
        read_again(program, config(another.address, engine="threads = 1\n"), held)
        expect_in_turn(program)
        assert [line["engine"] for line in program.said("engine.ready")] == ["anna", "bert"]
