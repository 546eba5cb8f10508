"""Each photo ends exactly once, whenever the program is killed.

A real process takes five photos through their whole lives and is killed by SIGKILL right before its
n-th change to a disk: for some n, chosen anew by pytest's seed, or with `ATELIERD_EVERY_DEATH=1`
for every one until it gets through. Then it is started again, normally.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon import files
from daemon.jobs import JobState
from daemon.journal import JOURNAL, Journal
from daemon.notes import SIGNATURE
from tests.daemon.run_and_die import NEVER, TORN, WHY, painted
from tests.daemon.standins import picture

pytestmark = pytest.mark.timeout(7200)  # every death takes most of a second
ROOT = Path(__file__).resolve().parents[2]
EVERY = "ATELIERD_EVERY_DEATH"
KILLED = -9
ENDED = {0, 1}  # 1, because there are photos that fail
FEWEST = 100
MARGIN = 20
MOST_LIVES = 20
SAMPLE = 4
GOOD, PAIR, PARTY = (picture((shade, 90, 30)) for shade in (10, 80, 150))
STYLE = picture((0, 0, 200))
DROPPED = {
    "Waves/good.jpg": GOOD,
    "Waves/pair.jpg": PAIR,
    "Waves/pair.style.jpg": STYLE,
    "Waves/Party/content.jpg": PARTY,
    "Waves/Party/style.jpg": STYLE,
    "Waves/Party/mine.txt": b"who came",
    "Waves/torn.jpg": TORN,
    "Waves/torn.style.jpg": STYLE,
    "Waves/none.jpg": b"no picture at all",
}
THERE_BEFORE = {
    "Outbox/Waves/good.jpg": b"somebody else's",
    "Originals/Waves/pair.jpg": b"an older one",
    "Failed/Waves/torn.jpg": b"an older one too",
}
OUTBOX = {
    "Waves/good.jpg": b"somebody else's",
    "Waves/good (2).jpg": painted(GOOD),
    "Waves/pair.jpg": painted(PAIR),
    "Waves/Party.jpg": painted(PARTY),
}
ORIGINALS = {
    "Waves/pair.jpg": b"an older one",
    "Waves/good.jpg": GOOD,
    "Waves/pair (2).jpg": PAIR,
    "Waves/pair (2).style.jpg": STYLE,
    "Waves/Party/content.jpg": PARTY,
    "Waves/Party/style.jpg": STYLE,
    "Waves/Party/mine.txt": b"who came",
}
FAILED = {
    "Waves/torn.jpg": b"an older one too",
    "Waves/torn (2).jpg": TORN,
    "Waves/torn (2).style.jpg": STYLE,
    "Waves/none.jpg": b"no picture at all",
}
WORK = {"daemon.lock", "daemon.mark", "style-folders.json"}


@dataclass
class Mortal:
    """One share, and a process that runs the program on it and may die."""

    root: Path
    state: Path
    process: subprocess.Popen[str]
    changes: int = 0

    def live(self, changes: int = NEVER) -> int:
        """Run it once; `changes` says how many it made if it was not killed before that many."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{changes}\n")
        self.process.stdin.flush()
        *made, code = map(int, self.process.stdout.readline().split())
        self.changes = sum(made)
        return code

    def live_on(self) -> None:
        """Start it normally until nothing is left to do.

        More than once, because a busy machine may look too seldom: patience is short here.
        """
        for _ in range(MOST_LIVES):
            assert self.live() in ENDED
            if not tree(self.root / "Inbox"):
                return

    def die(self, number: int) -> int:
        """Let it die on a new share; again, if it gave up before its time."""
        for _ in range(MOST_LIVES):
            self.drop()
            code = self.live(number)
            if code == KILLED or not tree(self.root / "Inbox"):
                break
        return code

    def drop(self) -> None:
        for folder in (self.root, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        below = {f"Inbox/{name}": data for name, data in DROPPED.items()}
        for name, data in {**below, **THERE_BEFORE, "Styles/Waves.jpg": STYLE}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        os.mkfifo(self.root / "Inbox/Waves/Party/pipe")  # no copy of it can be made

    @property
    def journal(self) -> Path:
        return next(self.state.iterdir()) / JOURNAL

    def lose_journal(self) -> None:
        """Let the disk write something else over it, if it is there already."""
        for folder in self.state.glob("*"):
            if (folder / JOURNAL).exists():
                (folder / JOURNAL).write_bytes(b"something else " * 1000)

    def check(self) -> None:
        assert tree(self.root / "Outbox") == OUTBOX
        assert tree(self.root / "Originals") == ORIGINALS
        failed = tree(self.root / "Failed")
        for name, why in (("torn (2).jpg", WHY), ("none.jpg", "This photo is no picture.")):
            note = failed.pop(f"Waves/{name} - why.txt").decode()
            assert why in note
            assert note.rstrip().endswith(SIGNATURE)
        assert failed == FAILED
        assert tree(self.root / "Inbox") == {}
        assert tree(self.root / ".atelierd").keys() <= WORK
        assert list((self.root / ".atelierd/jobs").iterdir()) == []
        everywhere = [*self.root.rglob("*"), *self.state.rglob("*")]
        assert [path for path in everywhere if files.is_temporary(path.name)] == []

    def check_jobs(self) -> None:
        with closing(Journal(self.journal, lambda: 0.0)) as journal:
            counts = {state: number for state, number in journal.counts().items() if number}
            results = {job.result for job in journal.having(JobState.DONE)}
            assert counts == {JobState.DONE: 3, JobState.FAILED: 2}
        made = OUTBOX.keys() - {"Waves/good.jpg"}
        assert results == {self.root / "Outbox" / name for name in made}


def tree(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@contextmanager
def started(folder: Path, way: str) -> Iterator[Mortal]:
    root, state = folder / "share", folder / "state"
    command = [sys.executable, "-m", "tests.daemon.run_and_die", str(root), str(state), way]
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("w"))
        process = stack.enter_context(
            subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **quiet}, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )
        )  # fmt: skip
        yield Mortal(root, state, process)


@pytest.fixture
def mortal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mortal]:
    # In memory, if that can be had: a thousand deaths wait for ten thousand syncs elsewhere.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
    top = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=top) as folder, started(Path(folder), request.param) as it:
        yield it


def deaths(mortal: Mortal, sample: int = SAMPLE) -> Iterator[int]:
    """Let it die at one change after the other, or at some; each time on a new share."""
    assert mortal.die(NEVER) in ENDED
    life = mortal.changes
    assert life > FEWEST
    mortal.check()
    # How often it looks before all is settled, a clock decides too: a life may be a bit longer.
    every, some = range(life + MARGIN), sorted(random.sample(range(life), sample))
    for number in every if os.environ.get(EVERY) else some:
        code = mortal.die(number)
        assert code == KILLED or (code in ENDED and number > life - MARGIN), (number, code)
        yield number


def explained(number: int, mortal: Mortal, check: Any) -> None:
    try:
        mortal.live_on()
        check()
    except AssertionError as error:
        raise AssertionError(f"killed before change {number}: {error}") from error


@pytest.mark.parametrize("mortal", ["kernel", "link", "reserve", "far"], indirect=True)
def test_a_kill_at_any_moment(mortal: Mortal) -> None:
    def check() -> None:
        mortal.check()
        mortal.check_jobs()

    for number in deaths(mortal):
        explained(number, mortal, check)


@pytest.mark.parametrize("mortal", ["kernel", "link", "reserve", "far"], indirect=True)
def test_a_kill_at_any_moment_that_takes_the_journal_with_it(mortal: Mortal) -> None:
    for number in deaths(mortal):
        mortal.lose_journal()
        explained(number, mortal, mortal.check)


@pytest.mark.parametrize("mortal", ["kernel", "far"], indirect=True)
def test_a_second_kill_while_the_first_is_put_right(mortal: Mortal) -> None:
    for number in deaths(mortal, SAMPLE // 2):
        mortal.live(random.randrange(60))  # noqa: S311 - no secret
        explained(number, mortal, mortal.check)
