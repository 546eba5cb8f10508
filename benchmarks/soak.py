"""A long life in little: many small real jobs through one service, and nothing may grow.

The real service with the real engine paints photos of many sizes in several styles. After each
batch it is looked at, and its engine's process too: memory, descriptors, threads, and files that
nobody needs any more. What grows beyond the allowance after the first batches is a leak, and ends
this with 1. So it goes twice: through one life of the engine, and for a shorter time with an engine
that is killed after each batch. `make soak` runs it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from benchmarks import processes
from benchmarks.__main__ import table
from benchmarks.house import (
    QUICK_TO_SETTLE,
    House,
    make_house,
    service,
    small_picture,
    style_names,
    wait_until,
)
from daemon.glimpses import FOLDER as GLIMPSES
from daemon.jobs import JobState
from daemon.page.gathering import KEPT

STYLES: Final = 4
BATCH: Final = 10
FEWEST: Final = 5 * BATCH
"""Jobs, where engines are killed: less proves nothing."""

_LIVES: Final = 5  # of the jobs so small a part, in which so many engines die as else in hours
WARM: Final = 0.3
"""Share of the jobs after which the first look counts: caches fill, and the heap finds its size."""

ALLOWED_MB: Final = {"service_mb": 4.0, "engine_mb": 40.0}
"""How much more memory is no leak, from the first third that counts to the last one.

The service's is SQLite's and Python's own; the engine's is what the C library and oneDNN keep of
pictures that are of another shape each time (docs/performance.md).
"""

_MOST_SMALL: Final = 4 * KEPT  # two a result; there are more until the page is made next
_LOOKS, _PAUSE = 8, 0.2
_CHILD: Final = "spawn_main"  # stands in the words that a child of ours is started with
_PATIENCE: Final = 300.0
_SETTINGS: Final = {
    **QUICK_TO_SETTLE,
    "log.level": "warning",
    "paint.preset": "draft",
    "paint.iterations": "2",
    "paint.size": "64",
    "engine.style_cache": "16",  # full after some jobs, so that its files do not count as left
}


@dataclass(frozen=True)
class Sample:
    """How the service was after so many jobs, when it had nothing to do.

    Attributes:
        jobs: done until then.
        service_mb: memory of its process.
        engine_mb: memory of the one that paints.
        service_files: descriptors that it holds open.
        engine_files: the same of the one that paints.
        service_threads: how many.
        engine_threads: how many.
        left: files in its temporary folder, beside the journal and in the work folder; of the small
            pictures for the page those over their bound.
    """

    jobs: int
    service_mb: float
    engine_mb: float
    service_files: int
    engine_files: int
    service_threads: int
    engine_threads: int
    left: int


def soak(
    folder: Path,
    jobs: int,
    weights: Path,
    program: Sequence[str] = ("daemon", "run"),
    *,
    kills: bool = False,
) -> Iterator[Sample]:
    """Paint so many photos, and look after each batch.

    Args:
        folder: an empty one.
        jobs: how many.
        weights: folder of the trained weights.
        program: what to run as the service: a module, and what comes before the options.
        kills: whether to kill the engine after each look.
    """
    house, temporary = make_house(folder, STYLES), folder / "tmp"
    temporary.mkdir()
    settings = {**_SETTINGS, "engine.weights": str(weights.absolute())}
    with service(house, program, settings, TMPDIR=str(temporary)) as process:
        last = house.share.inbox / style_names(STYLES)[-1]
        wait_until("the folders of the styles", last.is_dir, process, _PATIENCE)
        for begun in range(0, jobs, BATCH):
            done = min(begun + BATCH, jobs)
            _drop(house, range(begun, done))
            _wait(house, process, done)
            yield _sample(house, process, temporary, done)
            if kills:
                _kill_engine(process)


def _wait(house: House, process: subprocess.Popen[bytes], done: int) -> None:
    wait_until(f"{done} pictures", lambda: _painted(house) >= done, process, _PATIENCE)


def _kill_engine(process: subprocess.Popen[bytes]) -> None:
    before = _engine(process)
    os.kill(before, signal.SIGKILL)
    wait_until(
        "another engine", lambda: _engines(process.pid) not in ([], [before]), process, _PATIENCE
    )


def _engine(process: subprocess.Popen[bytes]) -> int:
    # Another child is told from an engine once it has begun.
    wait_until("one engine", lambda: len(_engines(process.pid)) == 1, process, _PATIENCE)
    (engine,) = _engines(process.pid)
    return engine


def _engines(service: int) -> list[int]:
    """Its children that paint; those that only read pictures are to go first."""
    found = []
    for pid, words in processes.children(service).items():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if _CHILD in words and not processes.goes_first(pid):
                found.append(pid)
    return found


def grown(samples: Sequence[Sample]) -> list[str]:
    """What has grown more than it may, in words; nothing if all is well.

    Args:
        samples: in order, at least three that count.
    """
    counting = [one for one in samples if one.jobs > WARM * samples[-1].jobs]
    third = max(len(counting) // 3, 1)
    first, last = counting[:third], counting[-third:]
    complaints = []
    for name in (field.name for field in fields(Sample) if field.name != "jobs"):
        before, after = (_typical(name, some) for some in (first, last))
        if after - before > ALLOWED_MB.get(name, 0):
            complaints.append(f"{name} grew from {before:g} to {after:g}")
    return complaints


def _typical(name: str, samples: Sequence[Sample]) -> float:
    return statistics.median(getattr(one, name) for one in samples)


def _drop(house: House, numbers: range) -> None:
    """Photos of one shape in the styles' folders, and as many folders that are jobs, of many."""
    for number in numbers:
        style = style_names(STYLES)[number // 2 % STYLES]
        if number % 2:
            photo = house.share.inbox / style / f"{number:05}.jpg"
            photo.write_bytes(small_picture(number))
        else:
            _drop_folder(house.share.inbox / f"Job {number:05}", style, number)


def _drop_folder(folder: Path, style: str, number: int) -> None:
    folder.mkdir()
    width, height = 40 + 7 * number % 61, 40 + 11 * number % 59
    (folder / "content.jpg").write_bytes(small_picture(number, width, height))
    (folder / "style.jpg").write_bytes(small_picture(style_names(STYLES).index(style)))
    (folder / "job.toml").write_text(f"size = {max(width, height)}\n")


def _painted(house: House) -> int:
    """How many are done.

    Raises:
        RuntimeError: one has failed.
    """
    with house.journal() as journal:
        counts = journal.counts()
        if counts[JobState.FAILED]:
            raise RuntimeError(journal.recent(JobState.FAILED, 1)[0].error)
        return counts[JobState.DONE]


def _sample(house: House, process: subprocess.Popen[bytes], temporary: Path, jobs: int) -> Sample:
    """The least of some looks: what comes and goes (the page being made) has not grown."""
    looks = []
    for _ in range(_LOOKS):
        time.sleep(_PAUSE)
        looks.append(_look(house, process, temporary, jobs))
    return Sample(**{f.name: min(getattr(one, f.name) for one in looks) for f in fields(Sample)})


def _look(house: House, process: subprocess.Popen[bytes], temporary: Path, jobs: int) -> Sample:
    engine = _engine(process)
    return Sample(
        jobs=jobs,
        service_mb=processes.resident_mb(process.pid),
        engine_mb=processes.resident_mb(engine),
        service_files=processes.descriptors(process.pid),
        engine_files=processes.descriptors(engine),
        service_threads=processes.threads(process.pid),
        engine_threads=processes.threads(engine),
        left=_left(house, temporary),
    )


def _left(house: House, temporary: Path) -> int:
    folders = (temporary, house.base, house.share.work)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    small = [path for path in files if path.parent.name == GLIMPSES]
    return len(files) - min(len(small), _MOST_SMALL)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    said = parser.parse_args()
    complaints = _complaints(said.jobs, said.weights, kills=False)
    print(f"\nand with an engine that is killed after each {BATCH}\n")
    complaints += _complaints(max(said.jobs // _LIVES, FEWEST), said.weights, kills=True)
    return 1 if complaints else 0


def _complaints(jobs: int, weights: Path, *, kills: bool) -> list[str]:
    """Soak once, and say what there is to be said of it."""
    began, samples = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        for sample in soak(Path(folder), jobs, weights, kills=kills):
            samples.append(sample)
            print(json.dumps(asdict(sample)), flush=True)
    print(f"\n{table(map(asdict, samples[:: max(len(samples) // 10, 1)]))}")
    complaints = grown(samples)
    print("\n".join(complaints) or f"nothing grew, in {time.monotonic() - began:.0f} s")
    return complaints


if __name__ == "__main__":
    sys.exit(main())
