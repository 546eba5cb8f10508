"""What waits because something cannot be used just now, and what is said of it.

Lanes and jobs wait for their files, sizes of pictures for room in the outbox. What is on hold is
tried again, with longer and longer pauses; all others go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import structlog

from daemon import backoff
from daemon.names import printable

_TRIES: Final = 4
_log: Final = structlog.get_logger()


@dataclass
class _Hold:
    """A lane, a job or a size on hold.

    Attributes:
        since: when it began, monotonic seconds.
        why: what was said of it last.
        tries: how often it was tried since.
        until: when to try again.
        is_long: whether at the last try it was on hold for longer than people have patience.
    """

    since: float
    why: str = ""
    tries: int = 0
    until: float = 0.0
    is_long: bool = False


class Holds:
    """Remembers the lanes, jobs or sizes on hold, each by a name: a job's is its id.

    Args:
        patience: seconds after which a hold counts as a long one; the attribute may be changed.
        clock: monotonic seconds.
        kind: what the log calls them.
    """

    def __init__(self, patience: float, clock: Callable[[], float], kind: str = "lane") -> None:
        self._kind = kind
        self.patience = patience
        self._clock = clock
        self._holds: dict[str, _Hold] = {}

    @property
    def names(self) -> list[str]:
        """All that are on hold."""
        return list(self._holds)

    @property
    def resting(self) -> list[str]:
        """Those that are not to be tried now."""
        now = self._clock()
        return [name for name, hold in self._holds.items() if hold.until > now]

    @property
    def long(self) -> list[str]:
        """Those that were tried often and for long; who does not want to wait for ever gives up."""
        return [name for name, hold in self._holds.items() if hold.is_long]

    @property
    def why(self) -> str:
        """What was said last of the one that is on hold for longest; empty if none is."""
        return next((hold.why for hold in self._holds.values()), "")

    @property
    def due(self) -> float | None:
        """When the next one is to be tried again, by the clock; None if that is now or never."""
        now = self._clock()
        return min((hold.until for hold in self._holds.values() if hold.until > now), default=None)

    def hold(self, name: str, why: str, until: float | None = None) -> None:
        """Let one wait, or wait once more; said once for each reason.

        Args:
            name: which.
            why: in plain words.
            until: when it has to be tried again at the latest, by the clock.
        """
        now = self._clock()
        hold = self._holds.setdefault(name, _Hold(now))
        hold.tries += 1
        enough = hold.since + self.patience
        ends = [now + backoff.pause(hold.tries), enough, enough if until is None else until]
        hold.until = min(end for end in ends if end > now)
        hold.is_long = hold.tries >= _TRIES and now >= enough
        if why != hold.why:
            hold.why = why
            _log.warning(f"{self._kind}.held", **{self._kind: printable(name)}, why=why)

    def release_all_but(self, names: Collection[str]) -> None:
        """Let go of all others.

        Args:
            names: those of which something still waits.
        """
        for name in self._holds.keys() - set(names):
            self.release(name)

    def release(self, name: str) -> None:
        """Let one go on, if it is on hold."""
        hold = self._holds.pop(name, None)
        if hold is not None:
            _log.info(f"{self._kind}.goes_on", **{self._kind: printable(name)}, tries=hold.tries)
