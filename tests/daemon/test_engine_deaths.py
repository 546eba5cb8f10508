"""Each photo ends exactly once, whenever the engine's process is killed, alone or with the daemon.

A real daemon with a real child takes two photos through their whole lives. The child is killed by
SIGKILL right before its n-th step, as `run_and_die_in_engine` counts them, or kills the daemon too
at that moment: for some n, chosen anew by pytest's seed, or with `ATELIERD_EVERY_DEATH=1` for every
one. A daemon that lives on goes on by itself; one that was killed is started again.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon import files
from daemon.jobs import Job, JobState
from daemon.journal import JOURNAL, Journal
from tests.daemon.run_and_die_in_engine import DEATHS, TOLD
from tests.daemon.standins import picture
from tests.daemon.test_exactly_once import ENDED, EVERY, KILLED, MOST_LIVES, ROOT, WORK, tree

pytestmark = pytest.mark.timeout(7200)  # every death takes a second or two
WHO = ("engine", "both")
SAMPLE = 2
PAIRS = 1
FEWEST = 60
HAS_IT = 4
"""The step before which an engine has its first job; a second one has it still `LATER` steps on."""
LATER = 12
PHOTOS = {"Waves/a.jpg": picture((10, 90, 30)), "Waves/b.jpg": picture((150, 90, 30))}
ONE = {"Waves/a.jpg": PHOTOS["Waves/a.jpg"]}

Death = tuple[int, str]


@dataclass
class Mortals:
    """One share, and a process that runs the program on it; both that and its engines may die."""

    folder: Path
    process: subprocess.Popen[str]

    @property
    def root(self) -> Path:
        return self.folder / "share"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def ended(self) -> list[tuple[int, str]]:
        """Of each engine so far how many steps it took, and which job it had."""
        lines = (self.folder / TOLD).read_text().splitlines()
        return [(int(made), job) for made, job in map(str.split, lines)]

    def drop(self, photos: dict[str, bytes]) -> None:
        for folder in (self.root, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        for name in (DEATHS, TOLD):
            (self.folder / name).write_text("")
        below = {f"Inbox/{name}": data for name, data in photos.items()}
        for name, data in {**below, "Styles/Waves.jpg": picture((0, 0, 200))}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def live(self, *deaths: Death) -> None:
        """Let engines die one after the other; start the daemon as often as that takes."""
        left = " ".join(f"{number} {who}" for number, who in deaths)
        for _ in range(MOST_LIVES):
            code = self._live_once(left)
            assert code in {*ENDED, KILLED}
            left = (self.folder / DEATHS).read_text().replace("\n", " ")
            if code != KILLED and not tree(self.root / "Inbox"):
                return
        raise AssertionError("it comes to no end")

    def _live_once(self, deaths: str) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{deaths}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def jobs(self) -> list[Job]:
        with closing(Journal(next(self.state.glob(f"*/{JOURNAL}")), lambda: 0.0)) as journal:
            return [job for state in JobState for job in journal.having(state)]

    def check(self, outbox: dict[str, bytes], photos: dict[str, bytes], deaths: int = 0) -> None:
        """See that all was painted, and each attempt counted."""
        assert tree(self.root / "Outbox") == outbox
        assert tree(self.root / "Originals") == photos
        assert tree(self.root / "Failed") == {}
        self.check_rest()
        jobs = self.jobs()
        assert [job.state for job in jobs] == [JobState.DONE] * len(photos)
        died = [job for _, job in self.ended[:deaths]]
        lost = Counter(died)
        for job in jobs:
            assert job.attempts >= 1 + lost[job.id]
        assert sum(job.attempts for job in jobs) <= len(jobs) + len(died)

    def check_rest(self) -> None:
        """See that nothing is left over."""
        assert tree(self.root / "Inbox") == {}
        assert tree(self.root / ".atelierd").keys() <= WORK
        assert list((self.root / ".atelierd/jobs").iterdir()) == []
        assert list(self.state.glob("*/checkpoints/*")) == []
        everywhere = [*self.root.rglob("*"), *self.state.rglob("*")]
        assert [each for each in everywhere if files.is_temporary(each.name)] == []
        assert [each for each in everywhere if each.suffix == ".part"] == []


@contextmanager
def started(folder: Path, weights: str) -> Iterator[Mortals]:
    command = [sys.executable, "-m", "tests.daemon.run_and_die_in_engine"]
    command += [str(folder / name) for name in ("share", "state", ".")] + [weights]
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **quiet, "PYTHONDONTWRITEBYTECODE": "1"},
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        ) as process,
    ):  # fmt: skip
        yield Mortals(folder, process)


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
    top = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=top) as folder, started(Path(folder), "-") as both:
        yield both


@pytest.fixture(scope="module")
def life(mortals: Mortals) -> tuple[int, dict[str, bytes]]:
    """How many steps an engine takes that nobody kills, and what it paints."""
    mortals.drop(PHOTOS)
    mortals.live()
    ((steps, _),) = mortals.ended
    assert steps > FEWEST
    outbox = tree(mortals.root / "Outbox")
    assert outbox.keys() == PHOTOS.keys()
    mortals.check(outbox, PHOTOS)
    return steps, outbox


def explained(mortals: Mortals, outbox: dict[str, bytes], *deaths: Death) -> None:
    mortals.drop(PHOTOS)
    try:
        mortals.live(*deaths)
        first, *second = [number for number, _ in mortals.ended[: len(deaths)]]
        assert first == deaths[0][0]
        # After all was told nobody may need another engine.
        assert second in ([], [number for number, _ in deaths[1:]])
        mortals.check(outbox, PHOTOS, deaths=1 + len(second))
    except AssertionError as error:
        log = (mortals.folder / "log").read_text()[-5000:]
        raise AssertionError(f"killed before {deaths}: {error}\n{log}") from error


@pytest.mark.parametrize("who", WHO)
def test_a_kill_at_any_step_of_the_engine(
    mortals: Mortals, life: tuple[int, dict[str, bytes]], who: str
) -> None:
    steps, outbox = life
    some = sorted(random.sample(range(steps), SAMPLE))
    for number in range(steps) if os.environ.get(EVERY) else some:
        explained(mortals, outbox, (number, who))


def test_a_second_kill_before_the_first_is_made_good(
    mortals: Mortals, life: tuple[int, dict[str, bytes]]
) -> None:
    steps, outbox = life
    for _ in range(steps if os.environ.get(EVERY) else PAIRS):
        # The second engine takes as many steps at least as come before a first picture is told.
        first, second = random.randrange(steps), random.randrange(HAS_IT)  # noqa: S311 - no secret
        if first < steps // 2:
            second = random.randrange(HAS_IT + LATER)  # noqa: S311
        explained(
            mortals, outbox, (first, random.choice(WHO)), (second, random.choice(WHO))  # noqa: S311
        )  # fmt: skip


def test_a_photo_at_which_the_engine_dies_three_times_has_failed(mortals: Mortals) -> None:
    for _ in range(HAS_IT + LATER if os.environ.get(EVERY) else 1):
        mortals.drop(ONE)
        early = random.choices(range(HAS_IT, HAS_IT + LATER), k=3)  # noqa: S311 - no secret
        whose = random.choices(WHO, k=3)  # noqa: S311
        mortals.live(*zip(early, whose, strict=True))
        assert [number for number, _ in mortals.ended[:3]] == early
        assert tree(mortals.root / "Outbox") == {}
        assert tree(mortals.root / "Originals") == {}
        failed = tree(mortals.root / "Failed")
        assert "3 times" in failed.pop("Waves/a.jpg - why.txt").decode()
        assert failed == ONE
        mortals.check_rest()
        (job,) = mortals.jobs()
        assert (job.state, job.attempts) == (JobState.FAILED, 3)


@pytest.mark.weights
def test_a_kill_of_the_real_engine(tmp_path: Path, weights: Path) -> None:
    with started(tmp_path, str(weights.parent)) as mortals:
        mortals.drop(ONE)
        number = random.randrange(FEWEST // 2)  # noqa: S311 - no secret
        mortals.live((number, random.choice(WHO)))  # noqa: S311
        assert mortals.ended[0][0] == number
        outbox = tree(mortals.root / "Outbox")
        assert outbox.keys() == ONE.keys()
        mortals.check(outbox, ONE, deaths=1)
