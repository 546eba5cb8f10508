"""Tells in the log, once, of a picture in the styles folder that cannot be read.

It makes a folder in the inbox all the same (`daemon.styles`), and without this nobody would hear of
it before photos have failed there. Looked at is what has come to rest, one picture at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from daemon.inspector import Inspected
from daemon.intake import Inspects
from daemon.names import printable

_KEY: Final = "style"  # the intake's keys are numbers
_log: Final = structlog.get_logger()

_Version = tuple[Path, int, int, int]
"""A picture with its size and times: a changed one is looked at again.

The last one tells of new rights, too: it may have been closed to the program.
"""


class StyleCheck:
    """Has each version of each style inspected once.

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
        self._seen: set[_Version] = set()
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
            self._seen &= set(found)
            self._ask()

    def answer(self, inspected: Inspected) -> bool:
        """Take an answer of the inspector; say whether it was to a question of ours."""
        if self._asked is None or inspected.key != self._key:
            return False
        version, self._asked = self._asked, None
        self._seen.add(version)
        if not inspected.ok:
            _log.warning("style.unreadable", style=printable(version[0]), why=inspected.message)
        self._ask()
        return True

    def drop(self) -> None:
        """Go by no answer to what was asked until now: a look to come asks again."""
        self._asked = None

    def _ask(self) -> None:
        until = self._clock() - self.settle_seconds
        due = (one for one, since in self._since.items() if since <= until)
        version = next((one for one in due if one not in self._seen), None)
        if self._asked is None and version is not None:
            key = f"{_KEY} {next(self._numbers)}"
            self._inspector.submit(key, version[0], None)
            self._asked, self._key = version, key


def _version(style: Path) -> _Version:
    status = style.lstat()
    return style, status.st_size, status.st_mtime_ns, status.st_ctime_ns
