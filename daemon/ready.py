"""What is ready to be taken: a candidate in one form; and in which order many are taken."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count, zip_longest
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
        style_stamps: of its styles.
        form: what it is compared by, besides.
    """

    candidate: Candidate = field(compare=False)
    style_stamps: tuple[Stamp, ...]
    form: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Find out the form."""
        files = ((one.path, one.size, one.mtime_ns) for one in self.candidate.sightings)
        object.__setattr__(self, "form", (self.candidate.parts, *files))


def stamp_of(style: Path) -> Stamp:
    """The stamp of a style picture outside the inbox."""
    try:
        seen = style.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns


class Turns:
    """Whose turn it is to be taken: the lane's that waited longest, look after look."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._served: dict[str, int] = {}

    def order(self, candidates: Iterable[Candidate]) -> deque[Candidate]:
        """One of each lane, then the next of each: a thousand files before everybody else's one.

        Args:
            candidates: all of a look that wait; a lane of which there is none is forgotten.
        """
        lanes: dict[str, list[Candidate]] = defaultdict(list)
        for one in candidates:
            lanes[one.lane].append(one)
        self._served = {lane: self._served[lane] for lane in lanes if lane in self._served}
        names = sorted(lanes, key=lambda lane: self._served.get(lane, 0))
        turns = zip_longest(*(lanes[name] for name in names))
        return deque(one for turn in turns for one in turn if one is not None)

    def served(self, lane: str) -> None:
        """A lane has had its turn: the others come first."""
        self._served[lane] = next(self._numbers)
