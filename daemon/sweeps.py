"""When the notes of failures that are told no more are looked for: seldom, and soon when asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from daemon import publishing
from daemon.share import Share

_SECONDS: Final = 60.0
_SHARE: Final = 0.05  # of the time, at most: a large folder of failures takes long to walk
_LONGEST_REST_SECONDS: Final = 600.0  # a server held up that walk: it says nothing more


class Sweeps:
    """Looks for such notes now and then.

    Args:
        share: the share.
        clock: monotonic seconds.
        is_stopping: asked at each step, since a large folder takes long to walk.
    """

    def __init__(
        self, share: Share, clock: Callable[[], float], is_stopping: Callable[[], bool]
    ) -> None:
        self._share = share
        self._clock = clock
        self._is_stopping = is_stopping
        self._at = self._from = clock()

    def sweep_if_due(self) -> None:
        """Look for them, if it is time."""
        began = self._clock()
        if began < self._at:
            return
        publishing.sweep_notes(self._share, self._is_stopping)
        ended = self._clock()
        self._from = ended + min((ended - began) / _SHARE, _LONGEST_REST_SECONDS)
        self._at = max(ended + _SECONDS, self._from)

    def soon(self) -> None:
        """Look for them as soon as the last look is long enough ago."""
        self._at = min(self._at, self._from)
