"""What the kernel says of a process that runs: memory, processor, threads, descriptors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def resident_mb(pid: int) -> float:
    """What is in memory of it now, MB."""
    return _kilobytes(pid, "Rss") * 1024 / 1e6


def private_mb(pid: int) -> float:
    """What would be free if it ended, MB: without what it shares with others."""
    return sum(_kilobytes(pid, name) for name in ("Private_Clean", "Private_Dirty")) * 1024 / 1e6


def processor_seconds(pid: int) -> float:
    """How long it has computed, in user's and kernel's mode together."""
    # The name, in brackets, may hold spaces: what counts begins after it.
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def wakeups(pid: int) -> int:
    """How often its threads, those that live now, have gone to sleep of their own will."""
    return sum(
        int(line.split()[1])
        for task in _tasks(pid)
        for line in _lines(task / "status")
        if line.startswith("voluntary_ctxt_switches")
    )


def threads(pid: int) -> int:
    """How many it has."""
    return len(_tasks(pid))


def descriptors(pid: int) -> int:
    """How many it holds open."""
    return len(list((_PROC / str(pid) / "fd").iterdir()))


def children(pid: int) -> dict[int, str]:
    """Its children by number, with the words that they were started with."""
    found: dict[int, str] = {}
    for task in _tasks(pid):
        for child in "".join(_lines(task / "children")).split():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                words = (_PROC / child / "cmdline").read_bytes()
                found[int(child)] = words.replace(b"\0", b" ").decode(errors="replace")
    return found


def goes_first(pid: int) -> bool:
    """Whether the kernel is asked to end it before all others, when memory is short."""
    return (_PROC / str(pid) / "oom_score_adj").read_text().strip() == "1000"


def _tasks(pid: int) -> list[Path]:
    return list((_PROC / str(pid) / "task").iterdir())


def _kilobytes(pid: int, name: str) -> int:
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _lines(path: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):  # a thread that has ended
        yield from path.read_text().splitlines()
