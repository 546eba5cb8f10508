"""Has the picture of all styles made, by a child, while the service goes on.

One thread an order. It starts the child, asks it for one style after the other, and ends it; small
pictures of styles that have not changed are kept from one order to the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import structlog

from daemon import threads
from daemon.child import Bell, Child
from daemon.found_whole import Version, version_of
from daemon.looking import Limits
from daemon.sheet.child import draw_for
from daemon.sheet.messages import Drawn, SheetWanted, SmallWanted, Tile

FONTS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
"""Where Linux systems keep fonts for all users."""

_DRAW_SECONDS: Final = 300.0
_log: Final = structlog.get_logger()

Work = Callable[[Connection, Limits, tuple[Path, ...]], None]
"""What the child runs; a function of a module that the child can import."""


@dataclass(frozen=True)
class Wanted:
    """One style of an order.

    Attributes:
        name: of the style.
        path: of its picture; None if that cannot be read.
    """

    name: str
    path: Path | None


@dataclass(frozen=True)
class Order:
    """What is to be drawn.

    Attributes:
        key: stands in the answer, and in the file.
        styles: in their order, at least one.
        more: how many there are besides.
    """

    key: str
    styles: tuple[Wanted, ...]
    more: int = 0


@dataclass(frozen=True)
class Made:
    """What came of an order.

    Attributes:
        key: of the order.
        data: the picture, a JPEG; empty if none could be made.
        missing: styles that should be readable and were not.
        unwritten: names for which there is no font.
    """

    key: str
    data: bytes
    missing: tuple[str, ...] = ()
    unwritten: tuple[str, ...] = ()


class _ClosedError(Exception):
    """Nobody waits any more."""


class Maker:
    """Makes one after the other.

    Args:
        limits: what one picture may cost.
        fonts: folders in which fonts are looked for.
        work: what the child runs; tests put one here that crashes or hangs.
        draw_seconds: for the whole, by the clock.
    """

    def __init__(
        self,
        limits: Limits,
        fonts: tuple[Path, ...],
        *,
        work: Work = draw_for,
        draw_seconds: float = _DRAW_SECONDS,
    ) -> None:
        self._limits: Final = limits
        self._fonts: Final = fonts
        self._work: Final = work
        self._draw_seconds: Final = draw_seconds
        self._bell: Final = Bell()
        self._small: dict[Version, bytes] = {}
        self._thread: threading.Thread | None = None
        self._child: Child | None = None
        self._made: Made | None = None
        self._closed = False

    @property
    def is_busy(self) -> bool:
        """Whether an order is being worked on."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, order: Order) -> None:
        """Begin with an order; not while `is_busy`.

        Raises:
            OSError: no thread can be started just now.
        """
        self._made = None
        thread = threading.Thread(target=self._run, args=(order,), name="sheet", daemon=True)
        threads.start(thread)
        self._thread = thread

    def take(self) -> Made | None:
        """What came of the last order, once; None as long as it is not done."""
        if self.is_busy:
            return None
        made, self._made = self._made, None
        return made

    def close(self) -> None:
        """End it; nothing is made any more."""
        if self._closed:
            return
        self._closed = True
        self._bell.ring()
        if self._thread is not None:
            self._thread.join()
        self._bell.close()

    # From here on: the thread.

    def _run(self, order: Order) -> None:
        made = Made(order.key, b"")
        try:
            made = self._make(order)
        except _ClosedError:
            return
        except Exception as error:  # noqa: BLE001 - it is for looks: painting must not end for it
            _log.error("sheet.failed", exc_info=error)
        finally:
            self._end_child()
            self._made = made

    def _make(self, order: Order) -> Made:
        pictures = {one.name: self._picture(one.path) for one in order.styles if one.path}
        tiles = tuple(Tile(one.name, pictures.get(one.name)) for one in order.styles)
        wanted = SheetWanted(tiles, order.more, order.key)
        drawn = self._ask(wanted, self._draw_seconds) or Drawn(b"")
        self._forget_all_but(order)
        missing = tuple(name for name, picture in pictures.items() if picture is None)
        return Made(order.key, drawn.data, missing, drawn.unwritten)

    def _picture(self, path: Path) -> bytes | None:
        version = version_of(path)
        if version in self._small:
            return self._small[version]
        picture: bytes | None = self._ask(SmallWanted(path), self._limits.seconds)
        if picture is not None and version is not None and version == version_of(path):
            self._small[version] = picture
        return picture

    def _forget_all_but(self, order: Order) -> None:
        here = {version_of(one.path) for one in order.styles if one.path}
        self._small = {one: picture for one, picture in self._small.items() if one in here}

    def _ask(self, wanted: SmallWanted | SheetWanted, seconds: float) -> Any:
        """The child's answer; None if it died over that, or took too long.

        Raises:
            _ClosedError: nobody waits for it any more.
            OSError: no child can be started just now.
        """
        if self._child is None:
            self._child = Child(self._work, (self._limits, self._fonts), "atelierd-sheet")
        self._child.send(wanted)
        try:
            return self._child.hear(self._bell, seconds, lambda: self._closed)
        except (EOFError, TimeoutError):
            if self._closed:
                raise _ClosedError from None
        self._end_child()
        return None

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end(0)
