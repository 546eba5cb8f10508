"""How long to wait before something that failed is tried again, and how long to try at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TURN_SECONDS: Final = 1.0
"""After so long, whoever moves or reads many files lets others have a turn: a share may be slow,
also to refuse, and a stop wants to be heard."""

_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row (1 or more): 1, 2, 4 ... up to 60."""
    return min(_FIRST_SECONDS * 2.0 ** min(failures - 1, 16), _LONGEST_SECONDS)


@dataclass
class Tries:
    """How often something failed in a row, and when it is to be tried again.

    Attributes:
        tries: how often it failed.
        until: when to try again, monotonic seconds.
    """

    tries: int = field(default=0, kw_only=True)
    until: float = field(default=0.0, kw_only=True)

    def failed(self, now: float) -> float:
        """Note one more failure; how long it waits now, seconds."""
        self.tries += 1
        seconds = pause(self.tries)
        self.until = now + seconds
        return seconds
