"""The service under load, and with nothing to do: the engine has no part in it.

Ten thousand photos dropped at once into the folders of two hundred styles: how long a look at the
folders takes, whether memory grows, whether the folders take turns, and whether `atelierd status`
answers meanwhile. And what the service costs when nobody wants anything.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks import processes
from benchmarks.house import (
    QUICK_TO_SETTLE,
    House,
    environment,
    make_house,
    service,
    small_picture,
    style_names,
    wait_until,
)
from daemon.endings import Endings
from daemon.intake import Intake
from daemon.jobs import Job, JobState, NewJob
from daemon.journal import JOURNAL, Journal
from daemon.settings import Settings
from daemon.style_check import StyleCheck

_PROGRAM: Final = ["benchmarks.load_daemon"]
_PATIENCE: Final = 120.0
_QUIET_SECONDS: Final = 65.0  # the inspector's process ends after a minute without work
_TAKING_SECONDS: Final = 600.0
_ANSWERS: Final = 7


@dataclass(frozen=True)
class Load:
    """How much is measured.

    Attributes:
        photos: dropped at once.
        styles: over whose folders they are spread.
        looks: at the folders.
        flood_seconds: how long the service is watched while it takes the photos.
        idle_seconds: how long it is watched with nothing to do.
        calm_seconds: how long it is left alone once it has taken them all.
    """

    photos: int = 10_000
    styles: int = 200
    looks: int = 15
    flood_seconds: float = 45.0
    idle_seconds: float = 30.0
    calm_seconds: float = 60.0


FULL: Final = Load()
QUICK: Final = Load(300, 10, 5, 5.0, 5.0, 3.0)


@dataclass(frozen=True)
class Finding:
    """One figure.

    Attributes:
        what: was measured.
        unit: of it.
        target: at most so much is promised; None promises nothing.
        measured: so much it is.
    """

    what: str
    unit: str
    target: float | None
    measured: float


def measure(load: Load) -> list[Finding]:
    """All of it."""
    found: list[Finding] = []
    for part in (_scan, _status, _flood, _idle):
        with tempfile.TemporaryDirectory() as folder:
            found += part(load, Path(folder))
    return found


def missed(findings: Iterable[Finding]) -> list[str]:
    """Which targets were not met, in words; nothing if all were."""
    return [
        f"{one.what}: {one.measured:.4g} {one.unit}, and {one.target:g} are promised"
        for one in findings
        if one.target is not None and not one.measured <= one.target
    ]


class _Deaf:
    """An inspector that never answers, so that all photos stay where they are."""

    def submit(self, key: str, content: Path, *styles: Path, beside: object = None) -> None:
        """Take note of nothing."""


def look_seconds(load: Load, folder: Path) -> float:
    """Of a processor, what one look at so many photos takes: the median, after the first one.

    Args:
        load: how many photos, in how many folders, and how many looks.
        folder: an empty one, on a local disk.
    """
    look = _crowded(load, folder)
    look()
    return statistics.median(_seconds(look, time.process_time) for _ in range(load.looks))


def _crowded(load: Load, folder: Path) -> Callable[[], None]:
    """What looks at an inbox with so many photos."""
    house = make_house(folder, load.styles)
    look = _looker(house, folder)
    look()  # makes the folders
    _drop(house, load)
    return look


def _scan(load: Load, folder: Path) -> list[Finding]:
    """Look at an inbox with so many photos again and again."""
    look = _crowded(load, folder)
    first, *rest = [_seconds(look) for _ in range(load.looks)]
    before = processes.resident_mb(os.getpid())
    again = [_seconds(look) for _ in range(load.looks)]
    grown = processes.resident_mb(os.getpid()) - before
    what = f"a look at {load.photos} photos in {load.styles} folders"
    return [
        Finding(f"{what}, median", "s", 1.0, statistics.median([first, *rest, *again])),
        Finding(f"{what}, slowest", "s", None, max(first, *rest, *again)),
        Finding(f"memory grown by {load.looks} such looks", "MB", 1.0, grown),
    ]


def _looker(house: House, folder: Path) -> Callable[[], None]:
    """What the service does at each look, with a clock that goes on by three seconds each time."""
    ticks, settings = count(0, 3), Settings()
    journal = Journal(folder / "state" / JOURNAL, time.time)
    now = 0.0
    endings = Endings(house.share, journal, lambda: now)
    intake = Intake(
        house.share, settings, journal, endings, _Deaf(), clock=lambda: now, make_id=lambda: "one"
    )
    check = StyleCheck(_Deaf(), 0.0, lambda: now)

    def look() -> None:
        nonlocal now
        now = float(next(ticks))
        intake.look()
        check.look(intake.styles)

    return look


def _drop(house: House, load: Load) -> None:
    """Copy the photos as people do: one folder after the other."""
    pictures = [small_picture(seed) for seed in range(16)]
    each = load.photos // load.styles
    for name in style_names(load.styles):
        for number in range(each):
            path = house.share.inbox / name / f"IMG_{number:05}.jpg"
            path.write_bytes(pictures[number % len(pictures)])


def _status(load: Load, folder: Path) -> list[Finding]:
    """Ask for the status of a share whose journal is full."""
    house = make_house(folder, load.styles)
    with service(house, _PROGRAM, {}) as process:
        wait_until("its journal", lambda: any(house.base.glob(f"**/{JOURNAL}")), process, _PATIENCE)
    _fill(house, load)
    return [_answer_time(house, f"`atelierd status` with {load.photos} jobs waiting")]


def _fill(house: House, load: Load) -> None:
    styles = style_names(load.styles)
    with closing(Journal(house.state / JOURNAL, time.time)) as journal:
        # One transaction, which the journal itself never needs: this is only a full one.
        journal._database.execute("PRAGMA synchronous = OFF")  # noqa: SLF001
        for number in range(2 * load.photos):
            lane = styles[number % load.styles]
            job_id, path = f"{number:016x}", house.share.work / "jobs" / f"{number:016x}"
            journal.add(
                NewJob(job_id, lane, lane, Path(lane, f"{number}.jpg"), path / f"{number}.jpg",
                       house.share.styles / f"{lane}.jpg", None, "{}")
            )  # fmt: skip
            if number < load.photos:
                journal.published(job_id, house.share.outbox / lane / f"{number}.jpg", {})
                journal.finish(job_id)


def _answer_time(house: House, what: str) -> Finding:
    ask = [sys.executable, "-m", "daemon", "status", *house.options]
    nothing = [sys.executable, "-c", ""]
    asked = [_seconds(partial(_run, ask)) for _ in range(_ANSWERS)]
    empty = [_seconds(partial(_run, nothing)) for _ in range(_ANSWERS)]
    beyond = statistics.median(asked) - statistics.median(empty)
    return Finding(f"{what}, beyond Python's start", "s", 0.5, beyond)


def _run(words: Sequence[str]) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment())  # noqa: S603 - our own program


def _flood(load: Load, folder: Path) -> list[Finding]:
    """Drop them before the real service, and watch it for a while."""
    house = make_house(folder, load.styles)
    settings = {**QUICK_TO_SETTLE, "log.level": "warning"}
    with service(house, _PROGRAM, settings) as process:
        last = house.share.inbox / style_names(load.styles)[-1]
        wait_until("the folders of the styles", last.is_dir, process, _PATIENCE)
        time.sleep(1.0)
        empty = processes.resident_mb(process.pid)
        began = time.monotonic()
        _drop(house, load)
        dropped = time.time()
        wait_until("a first picture", lambda: bool(_ended(house)), process, _PATIENCE)
        first, most = time.time() - dropped, empty
        while time.monotonic() < began + load.flood_seconds:
            most = max(most, processes.resident_mb(process.pid))
            time.sleep(0.5)
        answer = _answer_time(house, "`atelierd status` meanwhile")
        late = _late_comer(house, process)
        most = max(most, processes.resident_mb(process.pid))
        paces, unfair = _pace(house, load), _unfair(house)
        calm = _calm(house, load, process)
    return [
        Finding("from the last photo's copy to the first picture", "s", None, first),
        *paces,
        Finding("turns that a folder had while another waited for one", "", 2.0, unfair),
        Finding("seconds until a photo that came later, in a folder of its own, was done", "s",
                None, late),
        answer,
        Finding("memory of the service at the most", "MB", None, most),
        Finding("of that more than with an empty inbox", "MB", None, most - empty),
        Finding(f"memory {load.calm_seconds:g} s after all are taken", "MB", None, calm),
    ]  # fmt: skip


def _calm(house: House, load: Load, process: subprocess.Popen[bytes]) -> float:
    """Memory when it has taken all photos, the late one too, and some time has passed."""
    photos = load.photos // load.styles * load.styles + 1
    wait_until("the end of taking", lambda: _taken(house) >= photos, process, _TAKING_SECONDS)
    time.sleep(load.calm_seconds)
    return processes.resident_mb(process.pid)


def _taken(house: House) -> int:
    with house.journal() as journal:
        return sum(journal.counts().values())


def _ended(house: House) -> list[Job]:
    with house.journal() as journal:
        return journal.recent(JobState.DONE, 1)


def _late_comer(house: House, process: subprocess.Popen[bytes]) -> float:
    """Seconds until one photo, dropped behind all the others, is done."""
    lane = house.share.inbox / "Late"
    (house.share.styles / "Late.jpg").write_bytes(small_picture(4711))
    wait_until("a folder for a new style", lane.is_dir, process, _PATIENCE)
    (lane / "late.jpg").write_bytes(small_picture(4712))
    began = time.monotonic()
    result = house.share.outbox / "Late" / "late.jpg"
    wait_until("the late photo's picture", result.exists, process, _PATIENCE)
    return time.monotonic() - began


def _pace(house: House, load: Load) -> list[Finding]:
    with house.journal() as journal:
        jobs = sorted(job.queued_at for state in JobState for job in journal.having(state))
        done = journal.counts()[JobState.DONE]
    pace = (len(jobs) - 1) / (jobs[-1] - jobs[0])
    return [
        Finding(f"of {load.photos} photos taken in that time", "", None, len(jobs)),
        Finding("of these painted in no time and published", "", None, done),
        Finding("photos taken a second", "1/s", None, pace),
    ]


def _unfair(house: House) -> int:
    """The most turns that any one folder had while some other one waited for its own."""
    with house.journal() as journal:
        jobs = [job for state in JobState for job in journal.having(state)]
    return most_turns_meanwhile(
        [(job.lane, job.queued_at, job.started_at) for job in jobs], _begun(jobs)
    )


def _begun(jobs: Iterable[Job]) -> float:
    return max((job.started_at for job in jobs if job.started_at is not None), default=0.0)


def most_turns_meanwhile(jobs: Iterable[tuple[str, float, float | None]], end: float) -> int:
    """How unfair an order was; 1 is the best that there is with several folders.

    Args:
        jobs: of each the folder, when it began to wait, and when it was begun (None: never).
        end: when the watching ended.

    Returns:
        The most turns of one folder between two of another one that waited all the while.
    """
    found = list(jobs)
    turns = sorted((begun, lane) for lane, _, begun in found if begun is not None)
    most = 0
    for lane in {lane for lane, _, _ in found}:
        mine = sorted(
            ((queued, begun) for name, queued, begun in found if name == lane),
            key=lambda turn: (turn[0], end if turn[1] is None else turn[1]),
        )
        most = max([most, *_others_turns(lane, mine, turns, end)])
    return most


def _others_turns(
    lane: str,
    mine: Sequence[tuple[float, float | None]],
    turns: Sequence[tuple[float, str]],
    end: float,
) -> Iterable[int]:
    free = 0.0
    for queued, begun in mine:
        since, until = max(queued, free), end if begun is None else begun
        free = until
        others = Counter(name for at, name in turns if since < at < until and name != lane)
        yield max(others.values(), default=0)


def _idle(load: Load, folder: Path) -> list[Finding]:
    """Watch services that have nothing to do, at their usual settings, one for each mode."""
    with ExitStack() as stack:
        idlers = {mode: _idler(load, folder / mode, mode, stack) for mode in ("events", "poll")}
        time.sleep(min(_QUIET_SECONDS, 2 * load.idle_seconds))
        before = {mode: _costs(process.pid) for mode, process in idlers.items()}
        time.sleep(load.idle_seconds)
        return [
            finding
            for mode, process in idlers.items()
            for finding in _idled(
                f"idle, {load.styles} styles, {mode}", process.pid, before[mode], load
            )
        ]


def _idler(load: Load, folder: Path, mode: str, stack: ExitStack) -> subprocess.Popen[bytes]:
    folder.mkdir()
    house = make_house(folder, load.styles)
    process = stack.enter_context(service(house, _PROGRAM, {"watch.mode": mode}))
    last = house.share.inbox / style_names(load.styles)[-1]
    wait_until("the folders of the styles", last.is_dir, process, _PATIENCE)
    return process


def _costs(pid: int) -> tuple[float, int]:
    return processes.processor_seconds(pid), processes.wakeups(pid)


def _idled(what: str, pid: int, before: tuple[float, int], load: Load) -> list[Finding]:
    computed, woken = (after - earlier for after, earlier in zip(_costs(pid), before, strict=True))
    return [
        Finding(f"{what}: of a core", "%", 1.0, 100 * computed / load.idle_seconds),
        Finding(f"{what}: memory", "MB", 80.0, processes.resident_mb(pid)),
        Finding(f"{what}: of that its own alone", "MB", None, processes.private_mb(pid)),
        Finding(f"{what}: wakes a second", "1/s", None, woken / load.idle_seconds),
    ]


def _seconds(work: Callable[[], None], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began
