"""For pictures of which sizes the outbox has no room just now, and when to ask again.

Thousands may wait that are as large as one another: so what is remembered is the size, not the job.
Whatever is as large as one that has no room, or larger, is passed over until its pause is over; a
smaller one may find room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import ValidationError

from daemon.holds import Holds
from daemon.jobs import Job
from engine import Recipe


class Sizes:
    """Remembers the sizes for which there was no room.

    Args:
        lacks: why there is no room for a picture of so many pixels; empty if there is.
        patience: seconds after which a lack of room counts as a long one.
        clock: monotonic seconds.
    """

    def __init__(
        self, lacks: Callable[[int], str], patience: float, clock: Callable[[], float]
    ) -> None:
        self._lacks = lacks
        self._holds = Holds(patience, clock, "size")

    @property
    def resting(self) -> int | None:
        """Pictures of this size, or larger, are not to be tried now; None if all may be."""
        return _smallest(self._holds.resting)

    @property
    def long(self) -> int | None:
        """For this size, and larger ones, there was no room often and for long; None if none."""
        return _smallest(self._holds.long)

    @property
    def why(self) -> str:
        """What there is no room for, in plain words; empty if there is for all that was tried."""
        return self._holds.why

    @property
    def due(self) -> float | None:
        """When to ask again, by the clock; None if that is now, or there is no need."""
        return self._holds.due

    def use(self, patience: float) -> None:
        """Go by another patience from now on."""
        self._holds.patience = patience

    def has_room(self, job: Job) -> bool:
        """Whether there is room for a job's picture; if not, its size rests. Said once a size."""
        size = _size_of(job)
        if why := self._lacks(size):
            self._holds.hold(str(size), why)
            return False
        for name in self._holds.names:
            if int(name) <= size:
                self._holds.release(name)
        return True


def _smallest(sizes: Iterable[str]) -> int | None:
    return min(map(int, sizes), default=None)


def _size_of(job: Job) -> int:
    """The long side of a job's picture; 0 if its recipe is one of another version."""
    try:
        return Recipe.model_validate_json(job.recipe).size
    except ValidationError:
        return 0
