"""Tells whoever looks after the service how it is: at each turn of the loop, and in between.

One thing may take long, such as a copy of a large file to a slow drive; the loop does not turn
then. Who does it goes on step by step, and so it is told from there (`daemon.pulse`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from daemon.condition import Condition
from daemon.easels import Easels
from daemon.endings import Endings
from daemon.journal import Journal
from daemon.notify import Notify
from daemon.page.keeping import StatusPage
from daemon.parts import Parts

_PAUSE_SECONDS: Final = 1.0
_BUSY: Final = "Busy with a large file or folder"


class Reports:
    """What is told to systemd, to those who ask beside the service, and to Prometheus.

    Args:
        parts: who is told, and the clock.
        notify: likewise.
        journal: of the share.
        condition: how the service is.
        endings: knows how many photos could not be painted.
        page: the one for people.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - whom it tells, and of what
        self,
        parts: Parts,
        notify: Notify,
        journal: Journal,
        condition: Condition,
        endings: Endings,
        page: StatusPage,
    ) -> None:
        self._bulletin, self._metrics, self._clock = parts.bulletin, parts.metrics, parts.clock
        self._notify, self._journal, self._condition = notify, journal, condition
        self._endings, self._page = endings, page
        self._easels = Easels(parts.bulletin)
        self._due = parts.clock()
        self.doing = "Putting the folders in order"
        """What it does before anything else; empty once that is done."""

    def tell(self, lives: Callable[[], bool]) -> None:
        """Tell all of them; to be called at each turn.

        Args:
            lives: whether the work goes on.
        """
        self._tell(self._line, lives, extends=bool(self.doing) or self._condition.loads())

    def tell_meanwhile(self) -> None:
        """The same in the midst of what takes long, and that this goes on; may be called often."""
        if self._clock() < self._due:
            return
        if not self.doing:
            self._page.keep()
        # An engine that is silent meanwhile is seen to at the next turn: its news lie unread.
        self._tell(self._line_meanwhile, lambda: True, extends=True)

    def end(self) -> None:
        """Let the figures say that the service has ended."""
        condition = self._condition
        self._metrics.end(
            self._journal, condition.in_the_way, self._endings.failures, condition.engines
        )

    def _tell(self, line: Callable[[], str], lives: Callable[[], bool], *, extends: bool) -> None:
        condition = self._condition
        self._bulletin.say(condition.in_the_way())
        self._easels.say(condition.painters)
        self._metrics.tell(
            self._journal, condition.in_the_way, self._endings.failures, condition.engines
        )
        self._notify.tell(line, lives=lives, extends=extends)
        self._due = self._clock() + _PAUSE_SECONDS

    def _line(self) -> str:
        return self.doing if self.doing and not self._condition.trouble else self._condition.line()

    def _line_meanwhile(self) -> str:
        return self.doing or f"{_BUSY}; {self._condition.line()}"
