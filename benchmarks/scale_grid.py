"""A scheduler and painters in processes of their own, on loopback, for measurements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.house import HouseError, environment

_PATIENCE: Final = 60.0
_LOOK_SECONDS: Final = 0.1
_SAYS: Final = "Scheduler at:"


@dataclass(frozen=True)
class Grid:
    """A cluster that is there.

    Attributes:
        address: of the scheduler.
        scheduler: number of its process.
    """

    address: str
    scheduler: int


@contextmanager
def grid(
    folder: Path, painters: Sequence[Sequence[str]], *, own_cores: bool = False
) -> Iterator[Grid]:
    """A cluster, as long as this lasts.

    Args:
        folder: for its logs.
        painters: of each the words of Python that start it; {} stands for the scheduler's address.
        own_cores: whether each painter has a logical processor of its own and no other one, as on
            a machine of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "scheduler.log"
    words = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with ExitStack() as stack:
        scheduler = stack.enter_context(_process([*words, "--no-dashboard"], log))
        address = _address(log)
        cores = sorted(os.sched_getaffinity(0)) if own_cores else [None] * len(painters)
        for number, (painter, core) in enumerate(zip(painters, cores, strict=False)):
            words = [word.format(address) for word in painter]
            stack.enter_context(_process(words, folder / f"painter-{number}.log", core))
        yield Grid(address, scheduler.pid)


@contextmanager
def _process(
    words: Sequence[str], log: Path, core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    kept = [] if core is None else [_taskset(), "-c", str(core)]
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            [*kept, sys.executable, *words], stdout=file, stderr=file, env=environment()
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _taskset() -> str:
    found = shutil.which("taskset")
    if found is None:
        raise HouseError("taskset (of util-linux) is missing: it keeps a painter to one core")
    return found


def _address(log: Path) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        for line in log.read_text().splitlines():
            if _SAYS in line:
                return line.split()[-1]
        time.sleep(_LOOK_SECONDS)
    raise HouseError(f"the scheduler did not start; see {log}")
