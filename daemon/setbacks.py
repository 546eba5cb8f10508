"""What keeps the whole service from its work: said once, and tried again after a pause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from daemon.condition import Condition
from daemon.once import Once, reason_of

TRIES_ONCE: Final = 4
"""So often in a row, and whoever does not want to wait for ever gives up."""

_PAUSE_SECONDS: Final = 2.0
_log: Final = structlog.get_logger()


class Setbacks:
    """Those in a row.

    Args:
        condition: told of them.
        clock: monotonic seconds.
    """

    def __init__(self, condition: Condition, clock: Callable[[], float]) -> None:
        self._condition = condition
        self._clock = clock
        self._said = Once()
        self.until = 0.0
        """Nothing is to be tried before, by the clock."""
        self.number = 0
        """How many there were in a row."""

    def met(self, error: Exception) -> None:
        """Something stood in the way."""
        if self._said.is_new(reason_of(error)):
            _log.error("service.trouble", why=str(error))
        self._condition.trouble = str(error)
        self.number += 1
        self.until = self._clock() + _PAUSE_SECONDS

    def are_over(self) -> bool:
        """Nothing does any more; whether that is news."""
        self._condition.trouble, self.number = "", 0
        if not self._said.is_over():
            return False
        _log.info("service.goes_on")
        return True
