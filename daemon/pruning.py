"""Has the journal forget jobs that were over long ago: else it would grow for ever.

What is kept is for people alone (`atelierd status`, or whoever looks something up). To paint each
photo once the journal needs the jobs that are not over, and those whose photos stay in the inbox
(`daemon.staying`); neither is ever forgotten. A claim that a job which is over has left is put in
order at each start (`daemon.recovery`), without the job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from daemon.errors import JournalError
from daemon.journal import Journal

NEWEST: Final = 10_000
"""So many jobs that ended last are kept, however old: a share seldom used has a past too."""
KEPT_SECONDS: Final = 90 * 86_400.0
"""All of so long are kept: whoever asks what became of a photo asks within a season."""

_DAY_SECONDS: Final = 86_400.0
_AT_A_TIME: Final = 1_000
"""Of a journal of years more go at the next looks, and photos need not wait."""

_log: Final = structlog.get_logger()


class Pruning:
    """Forgets old jobs at the start, and then once a day.

    Args:
        journal: of the share.
        clock: monotonic seconds.
    """

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._clock = clock
        self._at = clock()
        self._forgotten = 0

    def prune_if_due(self) -> None:
        """Forget some, if it is time: the rest at the next call, or, if that fails, in a day."""
        if self._clock() < self._at:
            return
        try:
            forgotten = self._journal.prune(NEWEST, KEPT_SECONDS, _AT_A_TIME)
        except JournalError as error:  # a disk without room holds up others, but not for this
            _log.warning("journal.not_pruned", why=str(error))
            forgotten = 0
        self._forgotten += forgotten
        if forgotten == _AT_A_TIME:
            return
        self._at = self._clock() + _DAY_SECONDS
        if self._forgotten:
            _log.info("journal.pruned", jobs=self._forgotten)
        self._forgotten = 0
