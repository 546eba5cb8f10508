"""A service whose scheduler dies, or whose photo kills painters: it goes on, and counts aright."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import run
from daemon.configuration import state_folder
from daemon.errors import ExitCode
from daemon.jobs import JobState
from daemon.journal import JOURNAL, Journal
from daemon.settings import EngineSettings, Settings
from daemon.share import make_share, open_share
from tests.daemon.cluster import stand_ins
from tests.daemon.cluster.grid import grid, wait_until
from tests.daemon.cluster.stand_ins import CALLS, Plan
from tests.daemon.cluster.test_exactly_once import runner_at, settings_of
from tests.daemon.cluster.test_real_painters import engine
from tests.daemon.standins import picture
from tests.daemon.test_run import CONFIG, Program, grey, prepared

SERVICE = (sys.executable, "-m", "daemon", "run")


def engines_of(painter: int) -> set[str]:
    """The processes that a painter has started."""
    found: set[str] = set()
    for task in Path(f"/proc/{painter}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            found.update((task / "children").read_text().split())
    return {one for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()}


def drop(program: Program, *names: str) -> None:
    for name in names:
        (program.share / "Inbox" / "Waves" / f"{name}.png").write_bytes(grey(int(name)))


@pytest.mark.weights
def test_painters_outlive_their_scheduler_and_each_photo_is_painted_once(
    weights: Path, tmp_path: Path
) -> None:
    first, second = ["0", "1", "2", "3"], ["4"]
    with grid(tmp_path) as one:
        for name in ("anna", "bert"):
            one.start_painter(name, *engine(weights.parent))
        config = f'runner = "dask"\n{CONFIG}[cluster]\nscheduler = "{one.address}"\n'
        with prepared(tmp_path, config) as program:
            program.style("Waves")
            program.start("--paint.iterations", "15", program=SERVICE)
            program.wait(lambda: len(program.said("engine.ready")) == 2)
            before = {name: engines_of(painter.pid) for name, painter in one.workers.items()}
            drop(program, *first)
            program.wait(lambda: len(program.said("job.started")) > 2)  # that has just begun
            one.kill_scheduler()
            program.wait(lambda: program.said("engine.unavailable"))
            one.start_scheduler()
            program.wait(lambda: len(program.said("engine.ready")) >= 4)
            drop(program, *second)
            program.wait(lambda: program.jobs() == {"done": len(first + second)})
            assert program.files("Outbox") == [f"Waves/{name}.jpg" for name in first + second]
            assert program.files("Failed") == []
            done = [line["job"] for line in program.said("job.finished")]
            assert len(done) == len(set(done)) == len(first + second)
            assert len(program.said("job.started")) > len(done)  # one was begun anew
            assert not program.said("job.requeued")  # and no attempt was counted
            assert all(len(engines) == 1 for engines in before.values())
            assert before == {name: engines_of(one.workers[name].pid) for name in one.workers}


def photo(colour: tuple[int, int, int], **plan: Any) -> bytes:
    """A real one, with a plan for the stand-in behind its end, where nobody else minds."""
    return picture(colour) + stand_ins.PLAN + json.dumps(asdict(Plan(**plan))).encode()


def counts(state: Path) -> Mapping[JobState, int]:
    """What the journal of a share says."""
    with closing(Journal(state / JOURNAL, lambda: 0.0, read_only=True)) as journal:
        return journal.counts()


def run_during(settings: Settings, make_runner: Any, story: Callable[[], None]) -> ExitCode:
    """Keep a share for as long as a story lasts, which another thread tells."""
    here = threading.get_ident()

    def tell() -> None:
        try:
            story()
        finally:
            signal.pthread_kill(here, signal.SIGTERM)

    with ThreadPoolExecutor(1) as teller:
        told = teller.submit(tell)
        code = run.keep(settings, once=False, make_runner=make_runner)
        told.result()
    return code


def test_a_photo_that_kills_painters_fails_at_the_third_and_the_next_is_painted(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path).model_copy(update={"engine": EngineSettings()})
    share = open_share(settings.share)
    make_share(share)
    (share.styles / "Waves.jpg").write_bytes(picture((0, 90, 200)))
    lane = share.inbox / "Waves"
    lane.mkdir()
    state = state_folder(settings, share, os.environ)
    calls = replace(CALLS, paint=stand_ins.paint_as_the_photo_says)

    with grid(tmp_path, "anna", "bert", "carl", "dora") as one:

        def story() -> None:
            (lane / "bad.jpg").write_bytes(photo((9, 9, 9), seconds=1, dies_at=2))
            wait_until(lambda: list((share.failed / "Waves").glob("bad.jpg")))
            (lane / "good.jpg").write_bytes(photo((99, 9, 9)))
            wait_until(lambda: counts(state)[JobState.DONE])

        code = run_during(
            settings, lambda _, deliver: runner_at(one.address, state, deliver, calls), story
        )
        gone = [name for name, worker in one.workers.items() if worker.poll() is not None]
    assert code is ExitCode.OK
    assert len(gone) == settings.engine.max_attempts == 3
    note = next((share.failed / "Waves").glob("bad*.txt")).read_text("utf-8")
    assert "It was tried 3 times" in " ".join(note.split())
    assert (share.outbox / "Waves" / "good.jpg").read_bytes() == b"1-3"
    told = counts(state)
    assert (told[JobState.FAILED], told[JobState.DONE], sum(told.values())) == (1, 1, 2)
