"""When the folders are looked at next: soon after a change, and yet not all of the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SHARE: Final = 0.25
"""Of the time, at most, goes into looking: ten thousand files over a slow network take seconds."""
_LONGEST_SECONDS: Final = 60.0
"""What this asks for at most: a look that a server held up for minutes says nothing of the next."""


class Pace:
    """Says when the next look is due; the first one is at once.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ended: float | None = None
        self._not_before = clock()
        self.due = self._not_before
        """When, by the clock."""

    @property
    def has_looked(self) -> bool:
        """Whether there was a look at all."""
        return self._ended is not None

    def looked(self, began: float, rest: float) -> None:
        """A look has ended.

        Args:
            began: when it began.
            rest: seconds until the next one, if nothing happens meanwhile.
        """
        self._ended = now = self._clock()
        self._not_before = now + min((now - began) * (1 / SHARE - 1), _LONGEST_SECONDS)
        self.due = max(now + rest, self._not_before)

    def hurry(self, rest: float) -> None:
        """Something has changed: look soon, but not once for each of a copied file's blocks.

        Args:
            rest: seconds since the last look, at least.
        """
        if self._ended is not None:
            self.due = min(self.due, max(self._ended + rest, self._not_before))

    def look_now(self) -> None:
        """Somebody wants it at once."""
        self.due = self._clock()
