"""What is ready to be taken: a candidate in one form; and in which order many are taken."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from daemon.pairing import Candidate

Stamp = tuple[int, int] | None
"""Size and time of a style picture outside the inbox; None for one inside, or one that is gone."""


@dataclass(frozen=True)
class Ready:
    """A candidate in one form: a changed file, or a changed style, makes another one.

    Another inode alone does not: a file gets one when it is copied to another device and back.

    Attributes:
        candidate: as it was seen.
        style_stamp: of its style.
        form: what it is compared by, besides.
    """

    candidate: Candidate = field(compare=False)
    style_stamp: Stamp
    form: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Find out the form."""
        files = ((one.path, one.size, one.mtime_ns) for one in self.candidate.sightings)
        object.__setattr__(self, "form", (self.candidate.style, *files))


def stamp_of(style: Path) -> Stamp:
    """The stamp of a style picture outside the inbox."""
    try:
        seen = style.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns


def take_turns(candidates: Iterable[Candidate]) -> deque[Candidate]:
    """One of each lane, then the next of each: a thousand files before everybody else's one."""
    lanes: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        lanes[one.lane].append(one)
    turns = zip_longest(*lanes.values())
    return deque(one for turn in turns for one in turn if one is not None)
