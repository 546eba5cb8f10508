"""How long to wait before something that failed is tried again: twice as long each time."""

from __future__ import annotations

from typing import Final

_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row (1 or more): 1, 2, 4 ... up to 60."""
    return min(_FIRST_SECONDS * 2.0 ** min(failures - 1, 16), _LONGEST_SECONDS)
