"""Finds out which pictures in the styles folder cannot be read; the log is told of each once.

It makes a folder in the inbox all the same (`daemon.styles`), and without this nobody would hear of
it before photos have failed there. Looked at is what has come to rest, one picture at a time. What
stood in the way may have been a disk or a lack of memory: so one that could not be read is looked
at again, each time after twice as long, since a bad one may take all the time that it is granted.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from daemon.inspector import Inspected, Inspects
from daemon.names import printable

_KEY: Final = "style"  # the intake's keys are numbers
_AGAIN_SECONDS: Final = 600.0
_AGAIN_AT_LAST: Final = 86_400.0
_log: Final = structlog.get_logger()

_Version = tuple[Path, int, int, int]
"""A picture with its size and times: a changed one is looked at again.

The last one tells of new rights, too: it may have been closed to the program.
"""


@dataclass(frozen=True)
class _Verdict:
    """What is known of one version.

    Attributes:
        why: what is wrong with it; empty if nothing is.
        until: when to ask again, monotonic seconds.
        pause: seconds from the answer until then.
    """

    why: str = ""
    until: float = math.inf
    pause: float = _AGAIN_SECONDS / 2


class StyleCheck:
    """Has each version of each style inspected once, and again if it could not be read.

    Args:
        inspector: whose answers come back through `answer`.
        settle_seconds: a picture must stay unchanged for so long before it is looked at; the
            attribute may be changed.
        clock: monotonic seconds.
    """

    def __init__(
        self, inspector: Inspects, settle_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._inspector = inspector
        self.settle_seconds = settle_seconds
        self._clock = clock
        self._since: dict[_Version, float] = {}
        self._seen: dict[_Version, _Verdict] = {}
        self._asked: _Version | None = None
        self._numbers = count()
        self._key = ""

    def look(self, styles: Iterable[Path]) -> None:
        """Ask about one of the styles, if one is new. Call once a look.

        Args:
            styles: all that are there.
        """
        with contextlib.suppress(OSError):  # one has just gone: it is tried again at the next look
            found = list(map(_version, styles))
            self._since = {each: self._since.get(each, self._clock()) for each in found}
            self._seen = {one: self._seen[one] for one in found if one in self._seen}
            self._ask()

    def answer(self, inspected: Inspected) -> bool:
        """Take an answer of the inspector; say whether it was to a question of ours."""
        if self._asked is None or inspected.key != self._key:
            return False
        version, self._asked = self._asked, None
        self._judge(version, "" if inspected.ok else inspected.message)
        self._ask()
        return True

    @property
    def faults(self) -> dict[Path, str]:
        """The pictures that cannot be read, and why."""
        return {version[0]: verdict.why for version, verdict in self._seen.items() if verdict.why}

    @property
    def undecided(self) -> set[Path]:
        """The pictures of which nothing is known yet, as they are now."""
        return {version[0] for version in self._since if version not in self._seen}

    def drop(self) -> None:
        """Go by no answer to what was asked until now: a look to come asks again."""
        self._asked = None

    def _judge(self, version: _Version, why: str) -> None:
        before = self._seen.get(version, _Verdict())
        if why and why != before.why:
            _log.warning("style.unreadable", style=printable(version[0]), why=why)
        pause = min(2 * before.pause, _AGAIN_AT_LAST)
        until = self._clock() + pause if why else math.inf
        self._seen[version] = _Verdict(why, until, pause)

    def _ask(self) -> None:
        now, until = self._clock(), self._clock() - self.settle_seconds
        still = (one for one, since in self._since.items() if since <= until)
        due = (one for one in still if one not in self._seen or self._seen[one].until <= now)
        version = next(due, None)
        if self._asked is None and version is not None:
            key = f"{_KEY} {next(self._numbers)}"
            self._inspector.submit(key, version[0])
            self._asked, self._key = version, key


def _version(style: Path) -> _Version:
    status = style.lstat()
    return style, status.st_size, status.st_mtime_ns, status.st_ctime_ns
