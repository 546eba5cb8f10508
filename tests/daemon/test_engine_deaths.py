"""Each photo ends exactly once, whenever the engine's process is killed, alone or with the daemon.

A real daemon with a real child takes two photos through their whole lives. The child is killed by
SIGKILL right before its n-th step, as `run_and_die_in_engine` counts them, or kills the daemon too
at that moment, or has it stopped as systemd stops it: for some n, chosen anew by pytest's seed, or
with `ATELIERD_EVERY_DEATH=1` for every one. A daemon that lives on goes on by itself; one that was
killed or stopped is started again. What was saved by then is gone on with, to the same picture as
of an undisturbed life.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon import files
from daemon.jobs import Job, JobState
from daemon.journal import JOURNAL, Journal
from tests.daemon.run_and_die import NEVER
from tests.daemon.run_and_die_in_engine import DEATHS, STOP, TOLD
from tests.daemon.standins import picture
from tests.daemon.test_exactly_once import ENDED, EVERY, KILLED, MOST_LIVES, ROOT, WORK, tree

pytestmark = pytest.mark.timeout(7200)  # every death takes a second or two
KILLS = ("engine", "both")
WHO = (*KILLS, STOP)
SAMPLE = 2
PAIRS = 1
FEWEST = 50
HAS_IT = 4
"""The step before which an engine has its first job; a second one has it still `LATER` steps on."""
LATER = 12
PHOTOS = {"Waves/a.jpg": picture((10, 90, 30)), "Waves/b.jpg": picture((150, 90, 30))}
ONE = {"Waves/a.jpg": PHOTOS["Waves/a.jpg"]}

Death = tuple[int, str]


@dataclass(frozen=True)
class End:
    """Of an engine.

    Attributes:
        steps: how many it took.
        job: which one it had.
        saves: how often it had saved that.
        looks: at which steps it had looked for messages: before a painting, and after each of its
            steps.
    """

    steps: int
    job: str
    saves: int
    looks: list[int]


@dataclass(frozen=True)
class Life:
    """Of an engine that nobody kills: how many steps it takes, by who might, and what it paints."""

    steps: dict[str, int]
    outbox: dict[str, bytes]


@dataclass
class Mortals:
    """One share, and a process that runs the program on it; both that and its engines may die."""

    folder: Path
    process: subprocess.Popen[str]
    logged: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "share"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def ended(self) -> list[End]:
        """Each engine so far."""
        ends: dict[str, End] = {}
        for line in (self.folder / TOLD).read_text().splitlines():
            process, steps, job, saves, *looks = line.split()
            ends[process] = End(int(steps), job, int(saves), list(map(int, looks)))
        return list(ends.values())

    @property
    def resumed(self) -> set[str]:
        """Jobs that were gone on with."""
        with (self.folder / "log").open() as log:
            log.seek(self.logged)
            lines = [json.loads(line) for line in log if '"job.resumed"' in line]
        return {line["job"] for line in lines}

    def drop(self, photos: dict[str, bytes]) -> None:
        for folder in (self.root, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        for name in (DEATHS, TOLD):
            (self.folder / name).write_text("")
        self.logged = (self.folder / "log").stat().st_size
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
            waiting = [self.root / "Inbox", self.root / ".atelierd/jobs"]
            if code != KILLED and not any(tree(each) for each in waiting):
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

    def check(
        self, outbox: dict[str, bytes], photos: dict[str, bytes], deaths: Sequence[Death] = ()
    ) -> None:
        """See that all was painted, what was saved was used, and each attempt counted."""
        assert tree(self.root / "Outbox") == outbox
        assert tree(self.root / "Originals") == photos
        assert tree(self.root / "Failed") == {}
        self.check_rest()
        jobs = self.jobs()
        assert [job.state for job in jobs] == [JobState.DONE] * len(photos)
        died = list(zip(self.ended, deaths, strict=False))
        lost = Counter(end.job for end, (_, who) in died if who != STOP)
        for job in jobs:
            assert job.attempts >= 1 + lost[job.id]
        assert sum(job.attempts for job in jobs) <= len(jobs) + len(died)
        assert self.resumed >= {end.job for end, _ in died if end.saves} - {"?"}

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
def life(mortals: Mortals) -> Life:
    lives = {who: _undisturbed(mortals, who) for who in WHO}
    outboxes = [life.outbox for life in lives.values()]
    assert outboxes[0].keys() == PHOTOS.keys()
    assert all(outbox == outboxes[0] for outbox in outboxes)
    return Life({who: life.steps[who] for who, life in lives.items()}, outboxes[0])


def _undisturbed(mortals: Mortals, who: str) -> Life:
    mortals.drop(PHOTOS)
    mortals.live((NEVER, who))
    (end,) = mortals.ended
    assert end.steps > FEWEST
    outbox = tree(mortals.root / "Outbox")
    mortals.check(outbox, PHOTOS)
    return Life({who: end.steps}, outbox)


def explained(mortals: Mortals, outbox: dict[str, bytes], *deaths: Death) -> None:
    mortals.drop(PHOTOS)
    try:
        mortals.live(*deaths)
        first, *second = [end.steps for end in mortals.ended[: len(deaths)]]
        assert first == deaths[0][0]
        # After all was told nobody may need another engine.
        assert second in ([], [number for number, _ in deaths[1:]])
        mortals.check(outbox, PHOTOS, deaths)
    except AssertionError as error:
        log = (mortals.folder / "log").read_text()[-5000:]
        raise AssertionError(f"killed before {deaths}: {error}\n{log}") from error


@pytest.mark.parametrize("who", WHO)
def test_a_kill_at_any_step_of_the_engine(mortals: Mortals, life: Life, who: str) -> None:
    steps = life.steps[who]
    some = sorted(random.sample(range(steps), SAMPLE))
    for number in range(steps) if os.environ.get(EVERY) else some:
        explained(mortals, life.outbox, (number, who))


def test_a_second_kill_before_the_first_is_made_good(mortals: Mortals, life: Life) -> None:
    for _ in range(max(life.steps.values()) if os.environ.get(EVERY) else PAIRS):
        # The second engine takes as many steps at least as come before a first picture is told.
        who, then = random.choices(WHO, k=2)  # noqa: S311 - no secret
        first, second = random.randrange(life.steps[who]), random.randrange(HAS_IT)  # noqa: S311
        if first < life.steps[who] // 2:
            second = random.randrange(HAS_IT + LATER)  # noqa: S311
        explained(mortals, life.outbox, (first, who), (second, then))


def test_a_photo_at_which_the_engine_dies_three_times_has_failed(mortals: Mortals) -> None:
    for _ in range(HAS_IT + LATER if os.environ.get(EVERY) else 1):
        mortals.drop(ONE)
        early = random.choices(range(HAS_IT, HAS_IT + LATER), k=3)  # noqa: S311 - no secret
        whose = random.choices(KILLS, k=3)  # noqa: S311
        mortals.live(*zip(early, whose, strict=True))
        assert [end.steps for end in mortals.ended[:3]] == early
        assert tree(mortals.root / "Outbox") == {}
        assert tree(mortals.root / "Originals") == {}
        failed = tree(mortals.root / "Failed")
        assert "3 times" in failed.pop("Waves/a.jpg - why.txt").decode()
        assert failed == ONE
        mortals.check_rest()
        (job,) = mortals.jobs()
        assert (job.state, job.attempts) == (JobState.FAILED, 3)


@pytest.fixture(scope="module")
def real(
    weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mortals, list[int], dict[str, bytes]]]:
    """With the real engine: at which steps it looks for messages, and what it paints in one go."""
    with started(tmp_path_factory.mktemp("real"), str(weights.parent)) as mortals:
        mortals.drop(ONE)
        mortals.live()
        (end,) = mortals.ended
        outbox = tree(mortals.root / "Outbox")
        assert outbox.keys() == ONE.keys()
        mortals.check(outbox, ONE)
        yield mortals, end.looks, outbox


@pytest.mark.weights
@pytest.mark.parametrize("way", ["kill", STOP])
def test_the_real_engine_goes_on_to_the_same_picture(
    real: tuple[Mortals, list[int], dict[str, bytes]], way: str
) -> None:
    mortals, (*_, one_step, two_steps, all_steps), outbox = real
    # When two steps are taken one is saved; whoever is stopped saves what there is.
    number = random.randrange(two_steps, all_steps) if way == "kill" else one_step  # noqa: S311
    who = random.choice(KILLS) if way == "kill" else STOP  # noqa: S311
    mortals.drop(ONE)
    mortals.live((number, who))
    first = mortals.ended[0]
    assert first.steps == number
    assert first.saves
    mortals.check(outbox, ONE, [(number, who)])
    assert mortals.resumed == {first.job}
