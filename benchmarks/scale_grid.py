"""A scheduler and painters in processes of their own, on loopback, for measurements."""

from __future__ import annotations

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
def grid(folder: Path, painters: Sequence[Sequence[str]]) -> Iterator[Grid]:
    """A cluster, as long as this lasts.

    Args:
        folder: for its logs.
        painters: of each the words of Python that start it; {} stands for the scheduler's address.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "scheduler.log"
    words = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with ExitStack() as stack:
        scheduler = stack.enter_context(_process([*words, "--no-dashboard"], log))
        address = _address(log)
        for number, painter in enumerate(painters):
            words = [word.format(address) for word in painter]
            stack.enter_context(_process(words, folder / f"painter-{number}.log"))
        yield Grid(address, scheduler.pid)


@contextmanager
def _process(words: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            [sys.executable, *words], stdout=file, stderr=file, env=environment()
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _address(log: Path) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        for line in log.read_text().splitlines():
            if _SAYS in line:
                return line.split()[-1]
        time.sleep(_LOOK_SECONDS)
    raise HouseError(f"the scheduler did not start; see {log}")
