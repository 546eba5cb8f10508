"""The note in the inbox: which photos nobody can paint yet, and what they wait for.

A style or a second picture is missing; the note asks for it, in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import structlog

from daemon import notes
from daemon.names import INBOX_NOTE
from daemon.scanner import Sighting
from daemon.share import Share

_log: Final = structlog.get_logger()


class InboxNote:
    """Keeps the note about what is missing true.

    It waits until such a photo holds still: a photo and its style are copied one after the other,
    and nobody wants to be asked for what is on its way. What stands in the way of the note itself
    is said in the log, and tried again at the next look: photos that can be painted do not wait
    for it.

    Args:
        share: the share.
        settle_seconds: how long a photo must hold still before it is asked about.
        clock: monotonic seconds.
    """

    def __init__(self, share: Share, settle_seconds: float, clock: Callable[[], float]) -> None:
        self._share = share
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._since: dict[Sighting, float] = {}
        self._asked = 0
        self._problem = ""

    @property
    def restless(self) -> bool:
        """Whether there was a photo, at the last look, that it is too early to ask about."""
        return self._asked < len(self._since)

    def update(
        self, homeless: Sequence[Sighting], halves: Sequence[Sighting], styles: Iterable[str]
    ) -> None:
        """Write, rewrite or remove the note. Call once a look.

        Args:
            homeless: the photos without a style.
            halves: `content.*` or `style.*`, alone in a folder that lacks the other one.
            styles: the names of all styles.
        """
        now = self._clock()
        self._since = {each: self._since.get(each, now) for each in (*homeless, *halves)}
        until = now - self._settle_seconds
        settled = {each for each, since in self._since.items() if since <= until}
        alone, half = (
            [each.path for each in group if each in settled] for group in (homeless, halves)
        )
        self._write(styles, alone, half)
        if len(settled) > self._asked:
            _log.warning("style.missing", photos=len(alone), folders=len(half), note=INBOX_NOTE)
        self._asked = len(settled)

    def _write(self, styles: Iterable[str], alone: Sequence[Path], half: Sequence[Path]) -> None:
        problem = ""
        try:
            notes.write_inbox_note(self._share, styles, alone, half)
        except OSError as error:
            # Without the file's name: that of a temporary file is another one at each look.
            problem = error.strerror or str(error)
        if problem and problem != self._problem:
            _log.warning("note.failed", note=INBOX_NOTE, why=problem)
        elif self._problem and not problem:
            _log.info("note.works_again", note=INBOX_NOTE)
        self._problem = problem
