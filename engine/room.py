"""How much memory this process holds, and how much it may hold: machine and control group counted.

A card has memory of its own, in which the network, the maps and the optimiser lie if it paints.

A process that takes more than there is gets killed without a word, so a share is left free for
what the plan does not know of.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Final

from engine.cgroups import group_folders, read_text

_SHARE: Final = 0.85


def resident(root: Path = Path("/")) -> int:
    """Bytes of memory that this process holds now.

    Args:
        root: where `/proc` stands.
    """
    return _kibibytes(root / "proc/self/status", "VmRSS:") or 0


def peak(root: Path = Path("/")) -> int:
    """The most bytes of memory that this process has held so far.

    Not `ru_maxrss`, which begins with what the process held that started this one.

    Args:
        root: where `/proc` stands.
    """
    return _kibibytes(root / "proc/self/status", "VmHWM:") or 0


def give_back() -> None:
    """Give memory back that the C library keeps for later; without it tiles would pile up there."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
    if trim is not None:
        trim(0)


def room(limit: int | None = None, root: Path = Path("/")) -> int:
    """Bytes that this process may hold, what it holds already included.

    Args:
        limit: set by somebody; wins if it is less than what there is.
        root: where `/proc` and `/sys` stand.
    """
    held = resident(root)
    free = [_kibibytes(root / "proc/meminfo", "MemAvailable:"), _free_in_groups(root)]
    least = min((each for each in free if each is not None), default=None)
    if least is None:  # nobody says: then only the limit counts
        return 2**63 if limit is None else limit
    found = held + int(_SHARE * least)
    return found if limit is None else min(found, limit)


def card_room(free: int, total: int, limit: int | None = None) -> tuple[int, int]:
    """Bytes of a card's memory that are taken, and that may be once a picture is painted.

    Args:
        free: bytes that the card has left.
        total: bytes that it has.
        limit: of what a picture may take of it, set by somebody.

    Returns:
        What is taken, by whomever; and that with a share of what is free.
    """
    taken, more = total - free, int(_SHARE * free)
    return taken, taken + (more if limit is None else min(more, limit))


def _free_in_groups(root: Path) -> int | None:
    """What the tightest control group leaves free; what it could drop of its cache is free too."""
    found = []
    for folder in group_folders("memory", root):
        most, used = (
            _number(folder, names)
            for names in (
                ("memory.max", "memory.limit_in_bytes"),
                ("memory.current", "memory.usage_in_bytes"),
            )
        )
        if most is not None and used is not None:
            found.append(max(most - used + _cache(folder), 0))
    return min(found, default=None)


def _number(folder: Path, names: tuple[str, ...]) -> int | None:
    texts = (read_text(folder / name) for name in names)
    # `max` is no limit.
    return next((int(text) for text in texts if text.isdecimal()), None)


def _cache(folder: Path) -> int:
    for line in read_text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in {"inactive_file", "total_inactive_file"} and value.isdecimal():
            return int(value)
    return 0


def _kibibytes(path: Path, name: str) -> int | None:
    for line in read_text(path).splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return None
