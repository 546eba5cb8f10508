"""What a service needs before it can begin: waited for, where it was there before and is not now.

A machine that starts may have the service running before a drive is connected, or with a disk that
is full. Somebody would have to start it again then, since a service that ends for wrong settings
stays ended. So a share that was kept before is waited for; one that never was is a mistake to tell.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import structlog

from daemon import marks
from daemon.bulletin import Bulletin
from daemon.errors import AtelierError, JournalError, ShareAwayError, ShareError
from daemon.locking import ShareLock
from daemon.notify import Notify
from daemon.presence import is_there

_PAUSE_SECONDS: Final = 2.0
_RELOAD_WAITS: Final = (
    "The settings are read again once the share is there. If they name another share, or another "
    "state_dir, start the program again."
)
_log: Final = structlog.get_logger()

T = TypeVar("T")


class Opening:
    """Tries to open something until that works; says meanwhile what is waited for.

    Args:
        state: the folder beside the journal. While the share cannot be opened it alone is locked,
            so that a second service is kept out, and whoever asks hears that one runs.
        notify: told what is waited for. The start counts as complete then: systemd shall not end
            it for that.
        bulletin: likewise.
        clock: monotonic seconds.
        once: whether nobody wants to wait.
    """

    def __init__(
        self,
        state: Path,
        notify: Notify,
        bulletin: Bulletin,
        clock: Callable[[], float],
        *,
        once: bool,
    ) -> None:
        self._state = state
        self._notify = notify
        self._bulletin = bulletin
        self._clock = clock
        self.once = once
        self._stops: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._told = ""
        self._reload_wanted = False
        self._said_reload = False

    def stop(self, why: str) -> None:
        """Wait no longer; may be called from a signal handler or another thread.

        An attempt that goes on meanwhile is brought to its end first.
        """
        self._stops.put(why)

    def reload(self) -> None:
        """Have the settings read again once it is open; may be called as `stop` may."""
        self._reload_wanted = True

    def until_open(self, attempt: Callable[[], T], *, locked: bool = False) -> T | None:
        """Try until it works.

        Args:
            attempt: opens something, or leaves everything as it was.
            locked: whether this process holds the share's locks already.

        Returns:
            What it returns; None if somebody wanted the end before, also while it succeeded: then
            what it opened is the caller's to close all the same.

        Raises:
            AtelierError: it will not pass by itself, or nobody wants to wait.
        """
        while True:
            try:
                opened = attempt()
            except (ShareError, JournalError) as error:
                if self.once or not self._may_pass(error):
                    raise
                self._say(str(error))
            else:
                self._say("")
                if self._stops.empty():
                    return opened
                break
            with contextlib.nullcontext() if locked else self._locked():
                if not self._rest():
                    break
        self._notify.stopping()
        return None

    def hand_on(self, stop: Callable[[str], None], reload: Callable[[], None]) -> None:
        """Tell whoever goes on from here what was wanted meanwhile, or in the moment since."""
        if self._reload_wanted:
            self._reload_wanted = self._said_reload = False
            reload()
        with contextlib.suppress(queue.Empty):
            stop(self._stops.get_nowait())

    def _may_pass(self, error: AtelierError) -> bool:
        if isinstance(error, ShareAwayError):
            return True
        outage = isinstance(error.__cause__, (OSError, sqlite3.OperationalError))
        return outage and self._was_kept()

    def _was_kept(self) -> bool:
        try:
            return is_there(self._state / marks.MEMORY)
        except OSError:  # the disk does not say; what it says of anything else may pass
            return True

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._told:
            _log.error("start.waits", why=trouble)
            self._notify.ready()
        elif self._told and not trouble:
            _log.info("start.goes_on")
        self._told = trouble
        self._bulletin.say(trouble)

    def _rest(self) -> bool:
        """Wait a moment; whether to go on."""
        end = self._clock() + _PAUSE_SECONDS
        while (left := end - self._clock()) > 0:
            self._say_reload()
            self._notify.tell(lambda: f"Waiting: {self._told}", lives=lambda: True)
            with contextlib.suppress(queue.Empty):
                self._stops.get(timeout=min(left, _PAUSE_SECONDS / 2))
                return False
        return True

    def _say_reload(self) -> None:
        # Not in `reload`: a signal's handler may have interrupted the log itself.
        if self._reload_wanted and not self._said_reload:
            self._said_reload = True
            _log.warning("settings.wait", why=_RELOAD_WAITS)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = ShareLock(self._state)
        with contextlib.suppress(ShareError):  # the disk that is waited for may be that one
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
