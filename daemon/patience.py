"""How long pictures in the styles folder have been of no use without changing.

Whoever replaces a style over a slow share leaves half a picture there for a while, or none. That
is no reason to fail the photos that wait for it; that it stays so is one.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from daemon.ready import Stamp, stamp_of


@dataclass(frozen=True)
class _Fault:
    """A style, or a blend, that is of no use.

    Attributes:
        stamps: size and modification time of each picture; None while it is missing.
        since: since when it has been like this, monotonic seconds.
    """

    stamps: tuple[Stamp, ...]
    since: float


class Patience:
    """Remembers the styles that are of no use; of a blend it is asked by all of its pictures.

    Args:
        seconds: so long a style may stay so unchanged; the attribute may be changed.
        clock: monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._faults: dict[tuple[Path, ...], _Fault] = {}

    def is_over(self, *style: Path) -> bool:
        """Note that a style is of no use now; say whether it has been so for too long."""
        stamps, before = tuple(map(stamp_of, style)), self._faults.get(style)
        if before is None or before.stamps != stamps:
            self._faults[style] = _Fault(stamps, self._clock())
        return self._clock() >= self.ends(*style)

    def ends(self, *style: Path) -> float:
        """When patience with a style that is of no use ends, if it stays as it is."""
        return self._faults[style].since + self.seconds

    def seen_whole(self, *style: Path) -> None:
        """Note that a style could be read; if it is another one now, patience begins anew."""
        before, stamps = self._faults.get(style), tuple(map(stamp_of, style))
        if before is not None and before.stamps != stamps:
            self._faults[style] = _Fault(stamps, self._clock())

    def doubts(self, *style: Path) -> bool:
        """Whether a style was of no use when it was last tried."""
        return style in self._faults

    def forget(self, *style: Path) -> None:
        """Note that a style is good, or that all who waited for it have been told."""
        self._faults.pop(style, None)

    def forget_all_but(self, styles: Container[Path]) -> None:
        """Let go of those that are not there any more.

        Args:
            styles: the ones that are.
        """
        here = (style for style in self._faults if all(path in styles for path in style))
        self._faults = {style: self._faults[style] for style in here}
