"""What is ready to be taken: a candidate in one form; and in which order many are taken."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from daemon.companions import Role
from daemon.pairing import Candidate

Stamp = tuple[int, ...] | None
"""Size and time of a style picture outside the inbox, and of the picture that marks its regions, if
there is one; None for one inside, or one that is gone."""


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

    def is_still_in(self, here: Mapping[Path, Candidate]) -> bool:
        """Whether a candidate of the same files is there; that they have not changed is not asked.

        Args:
            here: all candidates of a look, by the paths of their photos.
        """
        now = here.get(self.candidate.content.path)
        if now is None or now.fault != self.candidate.fault:
            return False  # what it lacked may be there now
        return _paths(now) == _paths(self.candidate)

    @property
    def beside(self) -> dict[Role, Path]:
        """What goes along with the photo, but its style."""
        return {role: one.path for role, one in self.candidate.companions.items()}

    def styles(self, regions: Mapping[Path, Path]) -> list[Path]:
        """The style pictures that it asks for, and those that mark their regions if it has any.

        Args:
            regions: those of the styles in the styles folder, by the style's picture.
        """
        styles = [] if self.candidate.fault else list(self.candidate.style_files)
        asks = "regions" in self.candidate.companions
        return styles + [regions[one] for one in styles if asks and one in regions]


def _paths(candidate: Candidate) -> list[Path]:
    return [sighting.path for sighting in candidate.sightings]


def stamp_of(style: Path, regions: Path | None = None) -> Stamp:
    """The stamp of a style picture outside the inbox.

    Args:
        style: the picture.
        regions: the one that marks its regions.
    """
    try:
        seen = style.stat()
    except OSError:
        return None
    marked = None if regions is None else stamp_of(regions)
    return seen.st_size, seen.st_mtime_ns, *(marked or ())


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
        lanes: dict[str, deque[Candidate]] = defaultdict(deque)
        for one in candidates:
            lanes[one.lane].append(one)
        self._served = {lane: self._served[lane] for lane in lanes if lane in self._served}
        names = sorted(lanes, key=lambda lane: self._served.get(lane, 0))
        return deque(_one_each([lanes[name] for name in names]))

    def served(self, lane: str) -> None:
        """A lane has had its turn: the others come first."""
        self._served[lane] = next(self._numbers)


def _one_each(lanes: list[deque[Candidate]]) -> Iterator[Candidate]:
    """One of each lane, then the next of each; a lane that is empty costs no more turn."""
    while lanes:
        yield from (lane.popleft() for lane in lanes)
        lanes = [lane for lane in lanes if lane]
