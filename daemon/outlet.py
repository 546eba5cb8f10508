"""Whether the outbox takes what is going to be painted: asked before hours go into a picture.

A small file is written, synced and removed: on network drives only that tells. Whether there is
room for one picture is asked apart, since a smaller one may find it. A folder in the outbox that is
closed by itself shows when a picture cannot be put there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import structlog

from daemon import backoff, files
from daemon.names import printable
from daemon.once import Once
from daemon.share import Share

_FRESH_SECONDS: Final = 5.0
_TRIES: Final = 4
_BYTES: Final = 1 << 16
_BYTES_A_PIXEL: Final = 3  # no picture of ours takes more
_MEGA: Final = 1_000_000
_log: Final = structlog.get_logger()


class Outlet:
    """Asks the outbox of one share.

    Args:
        share: the share.
        clock: monotonic seconds.
    """

    def __init__(self, share: Share, clock: Callable[[], float]) -> None:
        self._outbox = share.outbox
        self._clock = clock
        self._said = Once()
        self._tries = 0
        self._until = float("-inf")
        self.trouble = ""
        """Why it takes nothing, in plain words; empty if it does."""

    @property
    def is_shut(self) -> bool:
        """Whether it has taken nothing for several tries; who does not want to wait gives up."""
        return self._tries >= _TRIES

    @property
    def due(self) -> float | None:
        """When to ask again, by the clock; None if that is now, or there is no need."""
        return self._until if self._tries and self._until > self._clock() else None

    def takes(self) -> bool:
        """Whether a picture can be put there now, as far as one can tell."""
        if self._clock() < self._until:
            return not self._tries
        try:
            files.try_out(self._outbox, _BYTES)
        except OSError as error:
            self._wait(error)
            return False
        self._until = self._clock() + _FRESH_SECONDS
        self._tries, self.trouble = 0, ""
        if self._said.is_over():
            _log.info("outbox.takes_again")
        return True

    def lacks(self, size: int) -> str:
        """Why there is no room for one picture, in plain words; empty if there is.

        Args:
            size: its long side, pixels.
        """
        try:
            room = os.statvfs(self._outbox)
        except OSError:  # `takes` says what that means
            return ""
        needed = _BYTES_A_PIXEL * size * size
        # Some file systems do not know how much room they have.
        if not room.f_blocks or room.f_bavail * room.f_frsize >= needed:
            return ""
        return (
            f"The folder {printable(self._outbox)} has no room for a picture of {size} pixels, "
            f"which may take {needed // _MEGA} MB. Make room there, or wish for a smaller one."
        )

    def _wait(self, error: OSError) -> None:
        self._tries += 1
        self._until = self._clock() + backoff.pause(self._tries)
        why = error.strerror or str(error)
        self.trouble = (
            f"The folder {printable(self._outbox)} takes no pictures ({why}), and so none is "
            "painted. Make room there, and let the program write there."
        )
        if self._said.is_new(why):
            _log.error("outbox.refuses", why=self.trouble)
