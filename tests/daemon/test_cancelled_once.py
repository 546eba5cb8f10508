"""A photo that is cancelled ends exactly once, whenever the program is killed.

As `test_exactly_once`: a real process is killed right before its n-th change to a disk, for some n,
or with `ATELIERD_EVERY_DEATH=1` for every one. The service is killed while it heeds a request, and
the command while it cancels a photo by itself.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon import files
from daemon.jobs import JobState
from daemon.journal import JOURNAL, Journal
from daemon.reasons import CANCELLED
from daemon.requests import FOLDER
from tests.daemon.run_and_die import NEVER, painted
from tests.daemon.run_and_die_cancelled import UNWANTED
from tests.daemon.standins import picture
from tests.daemon.test_exactly_once import ENDED, EVERY, KILLED, MARGIN, MOST_LIVES, ROOT, tree

pytestmark = pytest.mark.timeout(7200)
SAMPLE = 4
GOOD, STYLE = picture((10, 90, 30)), picture((0, 0, 200))
DROPPED = {
    "Inbox/Waves/good.jpg": GOOD,
    "Inbox/Waves/unwanted.jpg": UNWANTED,
    "Inbox/Waves/unwanted.style.jpg": STYLE,
    "Failed/Waves/unwanted.jpg": b"an older one",
    "Styles/Waves.jpg": STYLE,
}
OUTBOX = {"Waves/good.jpg": painted(GOOD)}
FAILED = {
    "Waves/unwanted.jpg": b"an older one",
    "Waves/unwanted (2).jpg": UNWANTED,
    "Waves/unwanted (2).style.jpg": STYLE,
}
NOTE = "Waves/unwanted (2).jpg - why.txt"


@dataclass
class Mortal:
    """One share, and a process that does on it what it is told, and may die."""

    root: Path
    state: Path
    process: subprocess.Popen[str]
    log: Path
    changes: int = 0

    def live(self, what: str, changes: int = NEVER) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what} {changes}\n")
        self.process.stdin.flush()
        *made, code = map(int, self.process.stdout.readline().split())
        self.changes = sum(made)
        return code

    def live_on(self) -> None:
        for _ in range(MOST_LIVES):
            assert self.live("serve") in ENDED
            if not tree(self.root / "Inbox"):
                return

    def drop(self) -> None:
        for folder in (self.root, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        for name, data in DROPPED.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def begin(self) -> None:
        """Have the photo taken and begun, and nobody there who goes on with it."""
        for _ in range(MOST_LIVES):
            self.drop()
            if self.live("begin") == KILLED:
                return
        raise AssertionError("it never began")

    def check(self) -> None:
        assert tree(self.root / "Outbox") == OUTBOX
        assert tree(self.root / "Originals") == {"Waves/good.jpg": GOOD}
        failed = tree(self.root / "Failed")
        assert CANCELLED.rstrip(".") in failed.pop(NOTE).decode()
        assert failed == FAILED
        assert tree(self.root / "Inbox") == {}
        assert list((self.root / ".atelierd/jobs").iterdir()) == []
        everywhere = [*self.root.rglob("*"), *self.state.rglob("*")]
        assert [path for path in everywhere if files.is_temporary(path.name)] == []
        (state,) = self.state.iterdir()
        assert list((state / FOLDER).iterdir()) == []
        with closing(Journal(state / JOURNAL, lambda: 0.0)) as journal:
            counts = {one: number for one, number in journal.counts().items() if number}
            (cancelled,) = journal.having(JobState.FAILED)
        assert counts == {JobState.DONE: 1, JobState.FAILED: 1}
        assert cancelled.error == CANCELLED


@contextmanager
def started(folder: Path, way: str) -> Iterator[Mortal]:
    root, state = folder / "share", folder / "state"
    module = "tests.daemon.run_and_die_cancelled"
    command = [sys.executable, "-m", module, str(root), str(state), way]
    ours = {name: value for name, value in os.environ.items() if name != EVERY}  # no setting
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=ROOT, env={**ours, **quiet}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        ) as process,
    ):  # fmt: skip
        yield Mortal(root, state, process, folder / "log")


@pytest.fixture
def mortal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mortal]:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
    top = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=top) as folder, started(Path(folder), request.param) as it:
        yield it


def moments(life: int) -> list[int]:
    """At which changes to die: all of a life, or some."""
    if os.environ.get(EVERY):
        return list(range(life + MARGIN))
    return sorted(random.sample(range(life), min(SAMPLE, life)))


@pytest.mark.parametrize("mortal", ["kernel", "link", "reserve", "far"], indirect=True)
def test_a_service_that_is_killed_while_it_cancels_a_photo(mortal: Mortal) -> None:
    mortal.drop()
    assert mortal.live("serve") in ENDED
    mortal.live_on()
    mortal.check()
    mortal.drop()
    mortal.live("serve")
    for number in moments(mortal.changes):
        mortal.drop()
        assert mortal.live("serve", number) in {KILLED, *ENDED}
        mortal.live_on()
        try:
            mortal.check()
        except AssertionError as error:
            raise AssertionError(f"killed before change {number}: {error}") from error


@pytest.mark.parametrize("mortal", ["kernel", "far"], indirect=True)
def test_a_command_that_is_killed_while_it_cancels_a_photo(mortal: Mortal) -> None:
    mortal.begin()
    assert mortal.live("cancel") == 0, mortal.log.read_text()[-2000:]
    for number in moments(mortal.changes):
        mortal.begin()
        assert mortal.live("cancel", number) in {KILLED, 0}
        # Once more, unless it is over: then there is no such photo, which is wrong usage.
        assert mortal.live("cancel") in {0, 2}
        mortal.live_on()
        try:
            mortal.check()
        except AssertionError as error:
            raise AssertionError(f"killed before change {number}: {error}") from error
