"""What the log of a painter says of the photos that it paints.

Only a painter in a process of its own has one: the service's log says so anyhow, and more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from daemon.cluster.messages import GivenBack, Order
from daemon.runners.base import Cancelled, End, Failed

_log: Final = structlog.get_logger()


class Tells(Protocol):
    """Hears of each picture, from the thread that waits for it."""

    def begins(self, order: Order) -> None:
        """It was given to the engines."""

    def ends_with(self, order: Order, end: End | GivenBack) -> None:
        """It is over."""


class Silence:
    """For those whose pictures somebody else tells of."""

    def begins(self, order: Order) -> None:
        """Nothing is said."""

    def ends_with(self, order: Order, end: End | GivenBack) -> None:
        """Nothing is said."""


class Diary:
    """Writes into the log what becomes of each picture.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock: Final = clock
        self._begun: Final[dict[str, float]] = {}

    def begins(self, order: Order) -> None:
        """It was given to the engines."""
        self._begun[order.run] = self._clock()
        styles = [style.name or "a style" for style in order.request.styles]
        event = "painter.goes_on" if order.snapshot else "painter.begun"
        _log.info(event, **_which(order), styles=styles)

    def ends_with(self, order: Order, end: End | GivenBack) -> None:
        """It is over."""
        seconds = round(self._clock() - self._begun.pop(order.run), 1)
        which = _which(order)
        if isinstance(end, GivenBack):
            _log.info("painter.gave_back", **which, bytes=len(end.snapshot))
        elif isinstance(end, Cancelled):
            _log.info("painter.given_up", **which)
        elif isinstance(end, Failed):
            _log.warning("painter.failed", **which, blame=end.blame, why=end.message)
        else:
            _log.info("painter.painted", **which, seconds=seconds)


def _which(order: Order) -> dict[str, str]:
    return {"job": order.request.job_id, "photo": order.request.content_name}
