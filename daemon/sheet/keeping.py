"""Keeps ``All styles.jpg`` true: one picture of all styles with their names, for people to choose.

It lies in the root of the share: in the styles folder it would be a style itself, under any name
that people can read; in the inbox a photo. It is drawn anew when a style comes, goes or changes. In
it stands, for programs, what it was drawn of: so a restart need not draw it again, and a file of
somebody else's under this name is left alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from daemon import files
from daemon.backoff import Tries
from daemon.handles import open_file
from daemon.names import printable
from daemon.once import Once
from daemon.ready import stamp_of
from daemon.share import Share
from daemon.sheet.maker import Made, Maker, Order, Wanted
from daemon.styles import style_name

SHEET: Final = "All styles.jpg"
"""Name of the file in the root."""

MOST: Final = 200
"""So many styles are drawn; of the others only the number."""

_MARK: Final = "atelierd styles "
_KIND: Final = "1"  # another one when they are drawn in another way
_HEAD_BYTES: Final = 4096
_MOST_TRIES: Final = 3
_log: Final = structlog.get_logger()


class Sheet:
    """Keeps that picture.

    Args:
        share: the share.
        maker: has it drawn; None for no picture, and one of ours is removed.
        clock: monotonic seconds.
    """

    def __init__(self, share: Share, maker: Maker | None, clock: Callable[[], float]) -> None:
        self._share = share
        self._maker = maker
        self._clock = clock
        self._path = share.root / SHEET
        self._tries = Tries()
        self._said = Once()

    def update(self, styles: Mapping[Path, bool]) -> None:
        """Have it drawn if it is not true, and put it into its place when it is done.

        Never waits for it. Only while the share's folders are there.

        Args:
            styles: the pictures of all styles, and whether each can be read.
        """
        if not self._share.root_is_apart or self._clock() < self._tries.until:
            return
        try:
            if self._maker is None or not styles:
                self._remove()
            else:
                self._advance(self._maker, _order(styles))
        except OSError as error:
            self._put_off(error.strerror or str(error))

    def close(self) -> None:
        """Draw nothing any more."""
        if self._maker is not None:
            self._maker.close()

    def _advance(self, maker: Maker, order: Order) -> None:
        if maker.is_busy:
            return
        made = maker.take()
        if made is not None and made.key == order.key:
            self._publish(made)
        elif self._is_wanted(order.key):
            maker.begin(order)

    def _is_wanted(self, key: str) -> bool:
        if not os.path.lexists(self._path):
            return True
        there = key_of(self._path)
        if there is None and self._said.is_new("another's"):
            why = "there is a file of that name that somebody else has put there"
            _log.warning("sheet.left_out", file=printable(self._path), why=why)
        return there not in {None, key}

    def _publish(self, made: Made) -> None:
        # A share that answers badly for a moment is not to be shown as having no styles.
        if not made.data or (made.missing and self._tries.tries + 1 < _MOST_TRIES):
            self._put_off("it could not be drawn")
            return
        files.write_atomically(self._path, made.data, replace=key_of(self._path) is not None)
        self._tries, number = Tries(), len(made.unwritten)
        self._said.is_over()
        _log.info("sheet.drawn", file=printable(self._path), bytes=len(made.data))
        if number:
            why = "no font of this machine has their letters; install one, such as Noto Sans CJK"
            names = [printable(name) for name in made.unwritten[:3]]
            _log.warning("sheet.names_left_out", number=number, names=names, why=why)

    def _remove(self) -> None:
        if key_of(self._path) is not None:
            self._path.unlink(missing_ok=True)

    def _put_off(self, why: str) -> None:
        pause = self._tries.failed(self._clock())
        log = _log.warning if self._said.is_new(why) else _log.debug
        log("sheet.not_drawn", file=printable(self._path), why=why, again_in_seconds=pause)


def key_of(path: Path) -> str | None:
    """Of what a picture of ours was drawn; None if it is none of ours, or not there."""
    try:
        handle = open_file(path)
    except OSError:
        return None
    try:
        head = os.read(handle, _HEAD_BYTES)
    except OSError:
        return None
    finally:
        os.close(handle)
    _, mark, rest = head.partition(_MARK.encode())
    return _MARK + rest[:64].decode("ascii", "replace") if mark else None


def _order(styles: Mapping[Path, bool]) -> Order:
    drawn = list(styles.items())[:MOST]
    wanted = tuple(
        Wanted(printable(style_name(path.name)), path if can_be_read else None)
        for path, can_be_read in drawn
    )
    known = [(str(path.name), stamp_of(path), can_be_read) for path, can_be_read in drawn]
    digest = hashlib.sha256(repr((_KIND, known, len(styles))).encode("utf-8", "surrogateescape"))
    return Order(_MARK + digest.hexdigest(), wanted, len(styles) - len(drawn))
