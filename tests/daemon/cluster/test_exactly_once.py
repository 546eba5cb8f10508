"""Photos of a real share, painted by workers that are killed all the while: each ends once.

The service, the journal and the share are real; so are scheduler and workers. The painters are
killed by chance, chosen anew by pytest's seed. `ATELIERD_CLUSTER_JOBS` says how many photos it is.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon import checkpoints
from daemon.cli import run
from daemon.cluster.calls import Calls, Pace, Terms
from daemon.cluster.runner import DaskRunner
from daemon.configuration import state_folder
from daemon.errors import ExitCode
from daemon.jobs import JobState
from daemon.journal import JOURNAL, Journal
from daemon.runners.base import Deliver, End, Event, Failed, Runner, Started
from daemon.settings import (
    EngineSettings,
    LogSettings,
    PageSettings,
    Settings,
    ShareSettings,
    WatchSettings,
)
from daemon.share import make_share, open_share
from tests.daemon.cluster.grid import Grid, grid
from tests.daemon.cluster.stand_ins import CALLS
from tests.daemon.standins import picture

JOBS = int(os.environ.get("ATELIERD_CLUSTER_JOBS", "200"))
LANES = 20
BETWEEN = (4, 20)
"""So many photos are finished from one death of a painter to the next."""
HALF = 0.5
NAMES = ("anna", "bert", "carl", "dora")
PATIENT = Pace(poll_seconds=0.2, connect_seconds=60, join_seconds=600)


def settings_of(folder: Path) -> Settings:
    return Settings(
        state_dir=folder / "state",
        share=ShareSettings(root=folder / "share", contact_sheet=False),
        watch=WatchSettings(settle_seconds=0, settle_scans=2, poll_seconds=0.2),
        engine=EngineSettings(max_attempts=100),
        page=PageSettings(enabled=False),
        log=LogSettings(level="error"),
    )


def drop(settings: Settings) -> list[str]:
    """The photos, in the folders of their styles; their names in the outbox."""
    share = open_share(settings.share)
    make_share(share)
    names = []
    for number in range(JOBS):
        lane = share.inbox / f"Style {number % LANES}"
        lane.mkdir(exist_ok=True)
        (share.styles / f"{lane.name}.jpg").write_bytes(picture((0, number % LANES, 200)))
        (lane / f"{number:04}.jpg").write_bytes(picture((number % 256, 90, number // 256)))
        names.append(f"{lane.name}/{number:04}.jpg")
    return sorted(names)


class Ear:
    """Passes all on that is said of jobs, and remembers who has one, and which were lost."""

    def __init__(self) -> None:
        self.painters: dict[str, str] = {}
        self.lost: list[str] = []

    def hearing(self, deliver: Deliver) -> Deliver:
        def hear(event: Event) -> None:
            if isinstance(event, Started):
                self.painters[event.job_id] = event.engine
            elif isinstance(event, End):
                self.painters.pop(event.job_id, None)
            if isinstance(event, Failed) and event.blame == "lost":
                self.lost.append(event.job_id)
            deliver(event)

        return hear


@contextmanager
def killing(one: Grid, outbox: Path, ear: Ear, chance: random.Random) -> Iterator[list[str]]:
    """Meanwhile, kill a worker after every few photos, and start another one in its place.

    Not after some time: on a busy machine they would be killed before they had begun. Half of them
    are killed because they have a photo.
    """
    over, killed = threading.Event(), list[str]()

    def live() -> None:
        due = chance.randint(*BETWEEN)
        while not over.wait(0.05):
            if sum(path.is_file() for path in outbox.rglob("*")) < due:
                continue
            due += chance.randint(*BETWEEN)
            busy = one.workers.keys() & set(ear.painters.copy().values())
            name = chance.choice(sorted(busy if busy and chance.random() < HALF else one.workers))
            killed.append(name)
            one.kill_worker(name)
            one.start_worker(f"{name.rstrip('0123456789')}{len(killed)}")

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def runner_at(address: str, state: Path, deliver: Deliver, calls: Calls = CALLS) -> Runner:
    @asynccontextmanager
    async def place() -> Any:
        yield address

    terms = Terms(10**7, checkpoints=state / checkpoints.FOLDER)
    return DaskRunner(place, terms, calls, deliver, pace=PATIENT)


@pytest.mark.timeout(3600)
def test_each_photo_ends_exactly_once_whoever_is_killed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    names = drop(settings)
    chance = random.Random(random.getrandbits(32))  # noqa: S311 - nobody is to be fooled
    share = open_share(settings.share)
    state = state_folder(settings, share, os.environ)
    ear = Ear()
    with grid(tmp_path, *NAMES) as one, killing(one, share.outbox, ear, chance) as killed:
        code = run.keep(
            settings,
            once=True,
            make_runner=lambda _, deliver: runner_at(one.address, state, ear.hearing(deliver)),
        )
    painted = [path for path in share.outbox.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(share.outbox)) for path in painted) == names
    assert {path.read_bytes() for path in painted} <= {b"1-6", b"4-6"}  # saved after the third
    assert not [path for path in share.failed.rglob("*") if path.is_file()]
    assert code is ExitCode.OK
    with closing(Journal(state / JOURNAL, lambda: 0.0, read_only=True)) as journal:
        counts = journal.counts()
    assert counts[JobState.DONE] == JOBS
    assert sum(counts.values()) == JOBS
    assert not list((state / checkpoints.FOLDER).glob("*"))
    assert killed
    assert ear.lost  # some of them had a photo
