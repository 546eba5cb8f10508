"""What people are told of the styles: which cannot be read, and what all of them look like."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import structlog

from daemon.inspector import Inspected, Inspects
from daemon.last_resort import LastResort
from daemon.once import Once
from daemon.reasons import NO_STYLE
from daemon.settings import Settings
from daemon.share import Share
from daemon.sheet.keeping import Sheet
from daemon.style_check import StyleCheck
from daemon.style_notes import StyleNotes
from daemon.styles import StylesSeen

_log: Final = structlog.get_logger()


class StyleTelling:
    """Tells them, at each look; all files are written by whoever calls, none by another thread.

    Whatever stands in the way of that is for the log: no photo waits for it.

    Args:
        share: the share.
        settings: all of them.
        inspector: reads pictures; its answers come back through `answer`.
        clock: monotonic seconds.
        sheet: the picture of all styles; None for none.
    """

    def __init__(
        self,
        share: Share,
        settings: Settings,
        inspector: Inspects,
        clock: Callable[[], float],
        sheet: Sheet | None,
    ) -> None:
        self._check = StyleCheck(inspector, settings.watch.settle_seconds, clock)
        self._notes = StyleNotes(share)
        self._folder, self._clock = share.styles, clock
        self._lonely: dict[Path, float] = {}
        self._sheet = sheet
        self._styles: list[Path] = []
        self._last_resort, self._said = LastResort(), Once()

    def use(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._check.settle_seconds = settings.watch.settle_seconds

    @property
    def faults(self) -> dict[Path, str]:
        """The pictures that cannot be read, and why, as the notes have it."""
        return self._check.faults

    def look(self, seen: StylesSeen) -> None:
        """See what has become of the styles. Call once a look, while the folders are there.

        Args:
            seen: what lies in the styles folder.
        """
        self._styles = list(seen.styles.values())
        with self._telling():
            self._check.look((*self._styles, *seen.beside.values()))
            now = self._clock()
            self._lonely = {path: self._lonely.get(path, now) for path in seen.lonely}
            self._tell()
            if self._said.is_over():
                _log.info("styles.told_again")

    def answer(self, inspected: Inspected) -> bool:
        """Take an answer of the inspector; say whether it was to a question of ours."""
        faults, is_ours = self._check.faults, True  # nothing goes wrong over those to others
        with self._telling():
            is_ours = self._check.answer(inspected)
            if is_ours and (faults != self._check.faults or not self._check.undecided):
                self._tell()
        return is_ours

    def drop(self) -> None:
        """Go by no answer to what was asked until now: a look to come asks again."""
        self._check.drop()

    def close(self) -> None:
        """Tell nothing any more."""
        if self._sheet is not None:
            self._sheet.close()

    def _telling(self) -> AbstractContextManager[None]:
        return self._last_resort.aside("the styles", self._said, _untold)

    def _tell(self) -> None:
        faults, undecided = self._check.faults, self._check.undecided
        # Its style may be on its way, so it is not told at once.
        until = self._clock() - self._check.settle_seconds
        lonely = {path: NO_STYLE for path, since in self._lonely.items() if since <= until}
        self._notes.update({**faults, **lonely}, undecided)
        # While styles are on their way, each look would see another set of them.
        if self._sheet is not None and not undecided:
            self._sheet.update({style: style not in faults for style in self._styles})


def _untold(why: str) -> None:
    _log.warning("styles.untold", why=why)
