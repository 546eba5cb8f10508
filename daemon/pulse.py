"""What takes long says again and again that it goes on, and hears then whether it is to stop.

The service is one thread. While it copies a large file to a slow drive nobody else could tell
systemd that it lives, nor hear that somebody wants the end. So whatever has no bound, such as a
copy to another drive, is given a `Tick` to call: after each megabyte, each file, each folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from daemon.errors import StoppedError

Tick = Callable[[], None]
"""Called now and then by what takes long; raises a `StoppedError` if it is to stop."""

_STOPS: Final = "The program is being stopped; at its next start it goes on with this."


def unheard() -> None:
    """Tell nobody, and go on."""


def heeding(is_stopping: Callable[[], bool]) -> Tick:
    """A tick that asks whether to stop.

    Args:
        is_stopping: says so; it may tell others that the work goes on.
    """

    def tick() -> None:
        if is_stopping():
            raise StoppedError(_STOPS)

    return tick


def to_the_end(tick: Tick) -> Tick:
    """The same for what is brought to its end at a stop too, since it puts something in order."""

    def go_on() -> None:
        with contextlib.suppress(StoppedError):
            tick()

    return go_on
