"""What the log of `atelierd worker` says of the photos that it paints.

Other painters have none: of those in the service's process its log says so anyhow, and more; those
that somebody else's worker becomes have that one's log, which is not for us to fill.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from daemon.cluster.messages import GivenBack, Order
from daemon.runners.base import Cancelled, End, Failed

TellEnd = Callable[[End | GivenBack], None]
"""Hears how a picture has ended."""
Tell = Callable[[Order], TellEnd]
"""Hears that the engines have a picture, in the thread that waits for it."""

_log: Final = structlog.get_logger()


def silence(_of: object) -> TellEnd:
    """Say nothing."""
    return nothing


def diary(clock: Callable[[], float] = time.monotonic) -> Tell:
    """What writes into the log what becomes of each picture.

    Args:
        clock: monotonic seconds.
    """

    def begin(order: Order) -> TellEnd:
        at, job = clock(), order.request.job_id
        log = _log.bind(job=job, photo=order.request.content_name)
        log.info("painter.begun", styles=[style.name for style in order.request.styles])

        def end(end: End | GivenBack) -> None:
            if isinstance(end, GivenBack):
                log.info("painter.gave_back", bytes=len(end.snapshot))
            elif isinstance(end, Cancelled):
                log.info("painter.given_up")
            elif isinstance(end, Failed):
                event = "painter.lost" if end.blame == "lost" else "painter.failed"
                log.warning(event, blame=end.blame, why=end.message)
            else:
                log.info("painter.painted", seconds=round(clock() - at, 1))

        return end

    return begin


def nothing(_end: End | GivenBack) -> None:
    """Nobody is told."""
