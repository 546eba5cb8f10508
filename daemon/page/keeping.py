"""Keeps the page in the share's root true: written anew when something has changed, never in vain.

Whoever opens it sees a whole page, the old one or the new one. It is worth no trouble: what stands
in its way is said once in the log, and the service goes on. A file of that name that somebody else
has put there stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, Literal, Protocol

import structlog

from daemon import files
from daemon.errors import AtelierError, JournalError, PageError, ShareAwayError
from daemon.handles import reading
from daemon.last_resort import LastResort
from daemon.names import printable
from daemon.once import Once, reason_of
from daemon.page.board import Board
from daemon.page.gathering import LOOK_SECONDS
from daemon.runners.base import (
    CheckpointTrouble,
    Event,
    Glimpse,
    GlimpseTrouble,
    Progressed,
    Resumed,
)
from daemon.settings import PageSettings
from daemon.share import Share
from engine.room import give_back

NAME: Final = "Status.html"
"""Name of the page."""

MARK: Final = b'<meta name="generator" content="atelierd">'
"""What stands at the beginning of a page of ours, and of nobody else's file of that name."""

MARKED_WITHIN: Final = 2048
"""So many bytes from the beginning the mark is looked for."""

_ON_THE_WAY: Final = (Progressed, Resumed, Glimpse, GlimpseTrouble, CheckpointTrouble)
_NO_FILE: Final = frozenset({errno.ELOOP, errno.EINVAL, errno.ENXIO})  # a link, a folder, a socket
_SHARE: Final = 0.05  # of the time, at most, goes into it: a slow share must hold up nobody
# So old a page may be although nothing has changed: whoever reads one that is older has to think
# that the service has died. A step of a large picture takes minutes.
_OLD_PAINTING: Final = 60.0
_OLD: Final = 43_200.0
_TAKEN: Final = (
    "{} is not the program's own, so the page that shows how things are is not written. Give that "
    "file another name, or set page.enabled to false."
)
_log: Final = structlog.get_logger()

Draw = Callable[[Board], bytes]
"""Makes the page's file, which begins with the `MARK`."""


class Gathers(Protocol):
    """What `daemon.page.gathering.Gathering` is to this."""

    def heard(self, event: Event) -> None:
        """Take note of what the runner says."""

    def news(self) -> object:
        """Something cheap that is another one as soon as the board may be."""

    def board(self) -> Board:
        """Everything that is to be shown now."""
        ...

    def last(self, board: Board) -> Board:
        """What is to be shown after the end, if no more is known than before."""
        ...

    def forget(self) -> None:
        """Keep nothing for a page that is not wanted."""


class StatusPage:
    """The page of one share.

    Args:
        share: its folders.
        settings: of the page.
        gathering: what there is to show.
        draw: makes the page; None: there is none.
        clock: monotonic seconds.
        expect: raises a `ShareError` while the share's folders are not the ones that they were.
    """

    def __init__(  # noqa: PLR0913 - what it shows, how, where and when
        self,
        share: Share,
        settings: PageSettings,
        gathering: Gathers,
        draw: Draw | None,
        *,
        clock: Callable[[], float],
        expect: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = share.root / NAME
        self._settings = settings
        self._gathering = gathering
        self._draw = draw if share.root_is_apart else None
        self._clock = clock
        self._expect = expect
        self._last_resort, self._said = LastResort(), Once()
        self._news: object = None
        self._known: Board | None = None
        self._shown: Board | None = None  # as it was made at no time in particular
        self._due: float | None = None
        self._may_at = self._looked_at = self._written_at = float("-inf")
        self._is_withdrawn = False

    @property
    def due(self) -> float | None:
        """When `keep` has something to do, by the clock; None while nothing changes."""
        return None if self._due is None else max(self._due, self._may_at)

    def use(self, settings: PageSettings) -> None:
        """Go by other settings from now on."""
        if settings != self._settings:
            self._settings, self._shown, self._is_withdrawn = settings, None, False
            self._looked_at = float("-inf")

    def heard(self, event: Event) -> None:
        """Take note of what the runner says: what starts or ends is shown at once."""
        if self._draw is not None and self._settings.enabled:
            with self._telling():
                self._gathering.heard(event)
            self._stir(self._soon() if isinstance(event, _ON_THE_WAY) else self._clock())

    def keep(self) -> None:
        """Write it anew, if it is time and there is anything new; to be called at each turn."""
        if self._draw is None:
            return
        now = self._clock()
        # Nobody says so when people put pictures away, or remove the page.
        rest = max(LOOK_SECONDS, self._settings.seconds)
        is_to_look = now >= max(self._looked_at + rest, self._may_at)
        if not self._settings.enabled:
            self._due = None
            if is_to_look and not self._is_withdrawn:
                self._withdraw()
            return
        self._hear_news()
        if is_to_look or (self.due is not None and now >= self.due):
            self._renew(self._draw)

    def end(self) -> None:
        """Say that the service has ended; to be called last."""
        if self._draw is None or not self._settings.enabled:
            return
        with self._telling():
            # If the journal fails: what was known is better than a page that says that it runs.
            with contextlib.suppress(JournalError):
                self._known = self._gathering.board()
            if self._known is not None:
                self._put(self._draw, self._gathering.last(self._known))

    def _hear_news(self) -> None:
        with self._telling():
            news = self._gathering.news()
            if news != self._news:
                self._stir(self._soon())
            self._news = news

    def _soon(self) -> float:
        return max(self._clock(), self._looked_at + self._settings.seconds)

    def _stir(self, when: float) -> None:
        self._due = when if self._due is None else min(self._due, when)

    def _renew(self, draw: Draw) -> None:
        began, self._due = self._clock(), None
        with self._telling():
            self._known = self._gathering.board()
            timeless = replace(self._known, made=0.0)
            is_old = began >= self._written_at + (_OLD_PAINTING if self._known.now else _OLD)
            if is_old or timeless != self._shown or self._owner() != "ours":
                self._put(draw, self._known)
                self._shown, self._written_at = timeless, self._clock()
                if self._said.is_over():
                    _log.info("page.written_again", page=NAME)
        self._looked_at = ended = self._clock()
        self._may_at = ended + (ended - began) / _SHARE

    def _put(self, draw: Draw, board: Board) -> None:
        self._place()  # what has no place is not drawn either, which costs much
        page = draw(board)
        files.write_atomically(self._path, page, replace=self._place() == "ours")
        give_back()  # a page is megabytes several times over while it is made

    def _place(self) -> Literal["ours", "nobody"]:
        """Whose the file is that the page takes the place of.

        Raises:
            PageError: somebody else's.
            ShareError: the folder is not the right one.
            OSError: the disk does not say.
        """
        self._expect()
        owner = self._owner()
        if owner == "somebody":
            raise PageError(_TAKEN.format(printable(self._path)))
        return owner

    def _withdraw(self) -> None:
        """Remove a page that nobody keeps true any more, and what was kept for it."""
        with self._telling():
            self._gathering.forget()
            self._expect()
            if self._owner() == "ours":
                self._path.unlink(missing_ok=True)
            self._is_withdrawn = True
        self._looked_at = self._clock()

    def _owner(self) -> Literal["ours", "nobody", "somebody"]:
        """Whose the file of that name is.

        Raises:
            OSError: the disk does not say.
        """
        try:
            with reading(self._path) as handle:
                head = os.pread(handle, MARKED_WITHIN, 0)
        except FileNotFoundError:  # for Samba's people another spelling is the same name
            return "nobody" if files.is_free(self._path) else "somebody"
        except OSError as error:
            if error.errno in _NO_FILE:
                return "somebody"
            raise
        # A kill may leave an empty one, where the file system has no better way to give a name.
        return "ours" if MARK in head or not head else "somebody"

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            with self._last_resort.over("the status page"):
                yield
        except (ShareAwayError, JournalError):  # the service tells of that
            self._shown = None
        except (AtelierError, OSError) as error:
            self._shown = None
            if self._said.is_new(reason_of(error)):
                _log.warning("page.not_written", page=NAME, why=reason_of(error))
