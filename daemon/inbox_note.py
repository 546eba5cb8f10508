"""The note in the inbox: which photos nobody can paint yet, and what they wait for.

A style or a second picture is missing, or a folder is closed to us; the note says so, in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

import structlog

from daemon import notes
from daemon.names import INBOX_NOTE, printable
from daemon.scanner import Sighting
from daemon.share import Share
from daemon.slips import Slip, Slips

_MOST_NAMED: Final = 20
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class Few:
    """The first of many paths.

    Attributes:
        paths: below the inbox, in order, at most twenty.
        in_all: how many there are.
    """

    paths: tuple[PurePath, ...] = ()
    in_all: int = 0


@dataclass(frozen=True)
class Asked:
    """What the note asks people for, for whoever asks them in another place too.

    Attributes:
        homeless: photos without a style.
        halves: pictures that lack the second one in their folder.
        closed: files and folders that cannot be opened.
        lonely: masks and the like whose photos are not there.
        unread: photos beside a `job.toml` that has not been read yet.
        slips: what the names of folders with photos without a style nearly say.
    """

    homeless: Few = Few()
    halves: Few = Few()
    closed: Few = Few()
    lonely: Few = Few()
    unread: Few = Few()
    slips: tuple[Slip, ...] = field(default=(), kw_only=True)

    @property
    def incomplete(self) -> int:
        """How many wait for a style, or for another picture beside them."""
        return self.homeless.in_all + self.halves.in_all + self.lonely.in_all


class InboxNote:
    """Keeps that note true.

    It waits until such a photo holds still: a photo and its style are copied one after the other,
    and nobody wants to be asked for what is on its way. What stands in the way of the note itself
    is said in the log, and tried again at the next look: photos that can be painted do not wait
    for it.

    Args:
        share: the share.
        settle_seconds: how long a photo must hold still before it is asked about; the attribute
            may be changed.
        clock: monotonic seconds.
    """

    def __init__(self, share: Share, settle_seconds: float, clock: Callable[[], float]) -> None:
        self._share = share
        self.settle_seconds = settle_seconds
        self._clock = clock
        self._since: dict[Sighting | Path, float] = {}
        self.asked = Asked()
        """What it asked for at the last look, also where it could not be written."""
        self._closed: list[Path] = []
        self._slips = Slips()
        self._problem = ""

    @property
    def restless(self) -> bool:
        """Whether there was something, at the last look, that it is too early to ask about."""
        told = self.asked.incomplete + self.asked.unread.in_all + len(self._closed)
        return told < len(self._since)

    def update(  # noqa: PLR0913, PLR0917 - each is a part of the note
        self,
        homeless: Sequence[Sighting],
        halves: Sequence[Sighting],
        styles: Iterable[str],
        closed: Sequence[Path] = (),
        painted: Sequence[Path] = (),
        lonely: Sequence[Sighting] = (),
        unread: Sequence[Sighting] = (),
        named: Mapping[str, Path] | None = None,
    ) -> None:
        """Write, rewrite or remove the note. Call once a look.

        Args:
            homeless: the photos without a style.
            halves: `content.*` or `style.*`, alone in a folder that lacks the other one.
            styles: the names of the styles that can be painted in.
            closed: files and folders that cannot be opened, sorted.
            painted: photos that are painted and cannot be moved.
            lonely: masks and the like whose photos are not there.
            unread: `content.*` beside a `job.toml` that has not been read yet.
            named: all style pictures by name, also those that cannot be painted in: these are what
                names of folders are read against. None if nothing is to be said of these names.
        """
        now = self._clock()
        waiting: tuple[Sighting | Path, ...] = (*homeless, *halves, *lonely, *closed, *unread)
        self._since = {each: self._since.get(each, now) for each in waiting}
        until = now - self.settle_seconds
        settled = {each for each, since in self._since.items() if since <= until}
        alone, half, beside, late = (
            [each.path for each in group if each in settled]
            for group in (homeless, halves, lonely, unread)
        )
        shut = [path for path in closed if path in settled]
        before = self.asked
        inbox = self._share.inbox
        slips = self._slips.of((path.relative_to(inbox) for path in alone), named or {})
        self.asked = Asked(*map(self._few, (alone, half, shut, beside, late)), slips=slips)
        self._write(styles, slips, alone, half, shut, painted, beside, late)
        self._say(before)
        self._say_closed(shut)

    def _few(self, paths: Sequence[Path]) -> Few:
        first = (path.relative_to(self._share.inbox) for path in paths[:_MOST_NAMED])
        return Few(tuple(first), len(paths))

    def _say(self, before: Asked) -> None:
        alone, half, beside = (
            few.in_all for few in (self.asked.homeless, self.asked.halves, self.asked.lonely)
        )
        if alone + half > before.homeless.in_all + before.halves.in_all:
            _log.warning("style.missing", photos=alone, folders=half, note=INBOX_NOTE)
        if beside > before.lonely.in_all:
            _log.warning("photo.missing", pictures=beside, note=INBOX_NOTE)

    def _say_closed(self, closed: list[Path]) -> None:
        if closed != self._closed:
            names = [printable(path.relative_to(self._share.inbox)) for path in closed]
            log = _log.warning if closed else _log.info
            log("inbox.closed", number=len(names), names=names[:_MOST_NAMED], note=INBOX_NOTE)
        self._closed = closed

    def _write(
        self, styles: Iterable[str], slips: Sequence[Slip], *waiting: Sequence[Path]
    ) -> None:
        problem = ""
        try:
            notes.write_inbox_note(self._share, styles, *waiting, slips=slips)
        except OSError as error:
            # Without the file's name: that of a temporary file is another one at each look.
            problem = error.strerror or str(error)
        if problem and problem != self._problem:
            _log.warning("note.failed", note=INBOX_NOTE, why=problem)
        elif self._problem and not problem:
            _log.info("note.works_again", note=INBOX_NOTE)
        self._problem = problem
