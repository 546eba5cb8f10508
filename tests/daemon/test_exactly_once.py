"""Each photo ends exactly once, whenever the program is killed.

A real process takes six photos through their whole lives and is killed by SIGKILL right before its
n-th change to a disk: for some n, chosen anew by pytest's seed, or with `ATELIERD_EVERY_DEATH=1`
for every one until it gets through. Then it is started again, normally.

So do photos that nobody may move out of the inbox: it is killed while they are painted from copies,
and again while they are moved at last.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon import files
from daemon.jobs import JobState
from daemon.journal import JOURNAL, Journal
from daemon.names import INBOX_NOTE
from daemon.note_texts import signatures
from tests.daemon.run_and_die import HELD, NEVER, TORN, WHY, painted
from tests.daemon.standins import picture

pytestmark = pytest.mark.timeout(7200)  # every death takes most of a second
ROOT = Path(__file__).resolve().parents[2]
EVERY = "ATELIERD_EVERY_DEATH"
KILLED = -9
ENDED = {0, 1}  # 1, because there are photos that fail
MARGIN = 60
"""How often it looks, and writes its page, before all is settled, a clock decides too."""
MOST_LIVES = 20
SAMPLE = 4
GOOD, PAIR, PARTY, BLEND = (picture((shade, 90, 30)) for shade in (10, 80, 150, 220))
STYLE, MASK = picture((0, 0, 200)), picture((255, 255, 255), "PNG")
PAINTED = b"painted: "
WAYS = ["kernel", "link", "reserve", "far"]
HELD_WAYS = ["held-kernel", "held-link", "held-far"]


@dataclass(frozen=True)
class Given:
    """What people drop, what lies in their way, and what has to be where at the end."""

    dropped: dict[str, bytes]
    there_before: dict[str, bytes]
    outbox: dict[str, bytes]
    originals: dict[str, bytes]
    failed: dict[str, bytes]
    whys: dict[str, str]
    fewest: int = 100

    @property
    def done(self) -> dict[str, bytes]:
        return {name: data for name, data in self.outbox.items() if data.startswith(PAINTED)}


LOOSE = Given(
    dropped={
        "Waves/good.jpg": GOOD,
        "Waves/pair.jpg": PAIR,
        "Waves/pair.style.jpg": STYLE,
        "Waves/pair.mask.png": MASK,
        "Waves/Party/content.jpg": PARTY,
        "Waves/Party/style.jpg": STYLE,
        "Waves/Party/mask.png": MASK,
        "Waves/Party/mine.txt": b"who came",
        "Waves/torn.jpg": TORN,
        "Waves/torn.start.png": MASK,
        "Waves/torn.style.jpg": STYLE,
        "Waves/none.jpg": b"no picture at all",
        "Waves 70 + Held/blend.jpg": BLEND,
    },
    there_before={
        "Outbox/Waves/good.jpg": b"somebody else's",
        "Originals/Waves/pair.jpg": b"an older one",
        "Failed/Waves/torn.jpg": b"an older one too",
    },
    outbox={
        "Waves/good.jpg": b"somebody else's",
        "Waves/good (2).jpg": painted(GOOD),
        "Waves/pair.jpg": painted(PAIR, MASK),
        "Waves/Party.jpg": painted(PARTY, MASK),
        "Waves 70 + Held/blend.jpg": painted(BLEND),
    },
    originals={
        "Waves/pair.jpg": b"an older one",
        "Waves/good.jpg": GOOD,
        "Waves/pair (2).jpg": PAIR,
        "Waves/pair (2).style.jpg": STYLE,
        "Waves/pair (2).mask.png": MASK,
        "Waves/Party/content.jpg": PARTY,
        "Waves/Party/style.jpg": STYLE,
        "Waves/Party/mask.png": MASK,
        "Waves/Party/mine.txt": b"who came",
        "Waves 70 + Held/blend.jpg": BLEND,
    },
    failed={
        "Waves/torn.jpg": b"an older one too",
        "Waves/torn (2).jpg": TORN,
        "Waves/torn (2).style.jpg": STYLE,
        "Waves/torn (2).start.png": MASK,
        "Waves/none.jpg": b"no picture at all",
    },
    whys={
        "Waves/torn (2).jpg - why.txt": WHY,
        "Waves/none.jpg - why.txt": "This photo is no picture.",
    },
)
STAYS = Given(
    dropped={
        "Held/good.jpg": GOOD,
        "Held/good.mask.png": MASK,
        "Held/Party/content.jpg": PARTY,
        "Held/Party/style.jpg": STYLE,
        "Held/Party/mine.txt": b"who came",
        "Held/torn.jpg": TORN,
    },
    there_before={
        "Outbox/Held/good.jpg": b"somebody else's",
        "Originals/Held/good.jpg": b"an older one",
        "Failed/Held/torn.jpg": b"an older one too",
    },
    outbox={
        "Held/good.jpg": b"somebody else's",
        "Held/good (2).jpg": painted(GOOD, MASK),
        "Held/Party.jpg": painted(PARTY),
    },
    originals={
        "Held/good.jpg": b"an older one",
        "Held/good (2).jpg": GOOD,
        "Held/good (2).mask.png": MASK,
        "Held/Party/content.jpg": PARTY,
        "Held/Party/style.jpg": STYLE,
        "Held/Party/mine.txt": b"who came",
    },
    failed={
        "Held/torn.jpg": b"an older one too",
        "Held/torn (2).jpg": TORN,
    },
    whys={"Held/torn (2).jpg - why.txt": WHY},
    fewest=60,
)
"""In a folder that is closed to writers for as long as the test says."""

WORK = {"daemon.lock", "daemon.mark", "style-folders.json"}


@dataclass
class Mortal:
    """One share, and a process that runs the program on it and may die."""

    root: Path
    state: Path
    process: subprocess.Popen[str]
    given: Given
    is_far: bool
    changes: int = 0
    closed: bool = False

    @property
    def held(self) -> Path:
        return self.root / HELD

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
            if self.is_settled:
                return

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do, until a folder that is closed is opened."""
        if not self.closed:
            return not tree(self.root / "Inbox")
        where = [("Outbox", self.given.outbox), ("Failed", self.given.failed)]
        return self.is_stuck or all(
            wanted.keys() <= tree(self.root / top).keys() for top, wanted in where
        )

    @property
    def is_stuck(self) -> bool:
        """Whether a folder was copied away, and cannot be put back: it waits in its claim.

        Only where it was killed before the journal knew of it, and it was emptied by then.
        """
        return self.is_far and any((self.root / ".atelierd/jobs").iterdir())

    def die(self, number: int) -> int:
        """Let it die on a new share; again, if it gave up before its time."""
        for _ in range(MOST_LIVES):
            self.drop()
            code = self.live(number)
            if code == KILLED or self.is_settled:
                break
        return code

    def die_moving(self, number: int) -> int:
        """The same while it moves what could not be moved before."""
        for _ in range(MOST_LIVES):
            self.drop()
            self.live_on()
            self.close(closed=False)
            code = self.live(number)
            if code == KILLED or self.is_settled:
                break
        return code

    def drop(self) -> None:
        self.close(closed=False)
        for folder in (self.root, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        below = {f"Inbox/{name}": data for name, data in self.given.dropped.items()}
        styles = {f"Styles/{name}.jpg": STYLE for name in ("Waves", "Held")}
        for name, data in {**below, **self.given.there_before, **styles}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if self.given is STAYS:
            self.close(closed=True)
        else:
            os.mkfifo(self.root / "Inbox/Waves/Party/pipe")  # no copy of it can be made

    def close(self, *, closed: bool) -> None:
        """Let nobody move anything out of one folder, or everybody."""
        self.closed = closed
        if self.held.exists():
            self.held.chmod(0o555 if closed else 0o755)

    @property
    def journal(self) -> Path:
        return next(self.state.iterdir()) / JOURNAL

    def lose_journal(self) -> None:
        """Let the disk write something else over it, if it is there already."""
        for folder in self.state.glob("*"):
            if (folder / JOURNAL).exists():
                (folder / JOURNAL).write_bytes(b"something else " * 1000)

    def check(self) -> None:
        assert tree(self.root / "Outbox") == self.given.outbox
        assert tree(self.root / "Originals") == self.given.originals
        failed = tree(self.root / "Failed")
        for name, why in self.given.whys.items():
            note = failed.pop(name).decode()
            assert why in note
            assert note.rstrip().endswith(signatures()[0])
        assert failed == self.given.failed
        self.check_rest()

    def check_rest(self) -> None:
        assert tree(self.root / "Inbox") == {}
        assert tree(self.root / ".atelierd").keys() <= WORK
        assert list((self.root / ".atelierd/jobs").iterdir()) == []
        everywhere = [*self.root.rglob("*"), *self.state.rglob("*")]
        assert [path for path in everywhere if files.is_temporary(path.name)] == []

    def check_staying(self) -> None:
        """All is painted, and nothing has gone out of the folder that is closed."""
        if self.is_stuck:
            return
        assert tree(self.root / "Outbox") == self.given.outbox
        inbox = tree(self.root / "Inbox")
        inbox.pop(INBOX_NOTE, None)  # the next look writes it, if that comes before the end
        # A folder that is copied, to another device, is emptied: it is not closed itself.
        inside = {name for name in self.given.dropped if name.startswith("Held/Party/")}
        emptied = set() if inside & inbox.keys() else inside
        assert inbox.keys() == self.given.dropped.keys() - emptied
        assert not emptied or self.is_far

    def check_jobs(self) -> None:
        with closing(Journal(self.journal, lambda: 0.0)) as journal:
            counts = {state: number for state, number in journal.counts().items() if number}
            results = {job.result for job in journal.having(JobState.DONE)}
        done, failed = len(self.given.done), len(self.given.whys)
        assert counts == {JobState.DONE: done, JobState.FAILED: failed}
        assert results == {self.root / "Outbox" / name for name in self.given.done}

    def check_some_twice(self) -> None:
        """What lay in the inbox with its result out, and no journal knew, may be painted again."""
        outbox = Counter(tree(self.root / "Outbox").values())
        originals = Counter(tree(self.root / "Originals").values())
        failed = Counter(tree(self.root / "Failed").values())
        for photo, mask in ((GOOD, MASK), (PARTY, b"")):
            assert outbox[painted(photo, mask)] == originals[photo] in {1, 2}
        assert originals[MASK] == originals[GOOD]
        assert failed[TORN] in {1, 2}
        for found, wanted in ((outbox, self.given.outbox), (originals, self.given.originals)):
            assert found.keys() == set(wanted.values())
        self.check_rest()


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
        given = STAYS if way.startswith("held") else LOOSE
        yield Mortal(root, state, process, given, way.endswith("far"))


@pytest.fixture
def mortal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mortal]:
    # In memory, if that can be had: a thousand deaths wait for ten thousand syncs elsewhere.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
    top = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=top) as folder, started(Path(folder), request.param) as it:
        yield it


def deaths(
    mortal: Mortal, sample: int = SAMPLE, die: Callable[[int], int] | None = None
) -> Iterator[int]:
    """Let it die at one change after the other, or at some; each time on a new share."""
    die = die or mortal.die
    assert die(NEVER) in ENDED
    life = mortal.changes
    assert life > mortal.given.fewest
    every, some = range(life + MARGIN), sorted(random.sample(range(life), sample))
    for number in every if os.environ.get(EVERY) else some:
        code = die(number)
        assert code == KILLED or (code in ENDED and number > life - MARGIN), (number, code)
        yield number


def explained(number: int, mortal: Mortal, check: Any) -> None:
    try:
        mortal.live_on()
        check()
    except AssertionError as error:
        raise AssertionError(f"killed before change {number}: {error}") from error


def settled(mortal: Mortal) -> None:
    mortal.check()
    mortal.check_jobs()


def opened(mortal: Mortal, check: Any) -> None:
    """See that all stays while it has to, and is moved when it may be."""
    mortal.check_staying()
    mortal.close(closed=False)
    mortal.live_on()
    check()


@pytest.mark.parametrize("mortal", WAYS, indirect=True)
def test_a_kill_at_any_moment(mortal: Mortal) -> None:
    for number in deaths(mortal):
        explained(number, mortal, lambda: settled(mortal))


@pytest.mark.parametrize("mortal", WAYS, indirect=True)
def test_a_kill_at_any_moment_that_takes_the_journal_with_it(mortal: Mortal) -> None:
    for number in deaths(mortal):
        mortal.lose_journal()
        explained(number, mortal, mortal.check)


@pytest.mark.parametrize("mortal", ["kernel", "far"], indirect=True)
def test_a_second_kill_while_the_first_is_put_right(mortal: Mortal) -> None:
    for number in deaths(mortal, SAMPLE // 2):
        mortal.live(random.randrange(60))  # noqa: S311 - no secret
        explained(number, mortal, mortal.check)


# Photos that stay in the inbox, since nobody may move them.


@pytest.mark.parametrize("mortal", HELD_WAYS, indirect=True)
def test_a_kill_while_photos_that_stay_are_painted(mortal: Mortal) -> None:
    for number in deaths(mortal):
        explained(number, mortal, lambda: opened(mortal, lambda: settled(mortal)))


@pytest.mark.parametrize("mortal", HELD_WAYS, indirect=True)
def test_a_kill_while_photos_that_stayed_are_moved(mortal: Mortal) -> None:
    for number in deaths(mortal, die=mortal.die_moving):
        explained(number, mortal, lambda: settled(mortal))


@pytest.mark.parametrize("mortal", HELD_WAYS[:1], indirect=True)
def test_a_second_kill_where_photos_stay(mortal: Mortal) -> None:
    for number in deaths(mortal, SAMPLE // 2):
        mortal.live(random.randrange(60))  # noqa: S311 - no secret
        explained(number, mortal, lambda: opened(mortal, mortal.check))


@pytest.mark.parametrize("mortal", HELD_WAYS[:1], indirect=True)
def test_a_kill_that_takes_the_journal_where_photos_stay(mortal: Mortal) -> None:
    for number in deaths(mortal):
        mortal.lose_journal()
        explained(number, mortal, lambda: opened_without_journal(mortal))


def opened_without_journal(mortal: Mortal) -> None:
    mortal.close(closed=False)
    mortal.live_on()
    mortal.check_some_twice()
