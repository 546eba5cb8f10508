"""How much progress is reported: as much as somebody can look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine import Progress

PROGRESS_SECONDS: Final = 0.1
"""Between two reports of progress; whoever reads them cannot look faster."""


class Throttle:
    """Lets through as much progress as somebody can look at, and the last of each scale.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = float("-inf")
        self._held: Progress | None = None

    def due(self, step: Progress) -> list[Progress]:
        """What is to be reported now that this step is done, in order."""
        before = self.rest() if self._held and self._held.scale != step.scale else []
        now = self._clock()
        if now < self._next:
            self._held = step
            return before
        self._next, self._held = now + PROGRESS_SECONDS, None
        return [*before, step]

    def rest(self) -> list[Progress]:
        """The last step, if it was held back."""
        held, self._held = self._held, None
        return [held] if held else []
