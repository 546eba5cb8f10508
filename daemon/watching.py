"""Wakes the scan early: by the kernel's file events where there are any, else not at all.

Events are hints and never the truth (watchdog loses some by design, and none come for what another
machine changed on a network share). So nothing is read from them but "look now", and a watch that
has died, or that has fallen back to polling, costs promptness alone.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from watchdog import events
from watchdog.observers import Observer

from daemon import threads
from daemon.mounts import MOUNTS, silent_file_system
from daemon.names import printable
from daemon.settings import WatchSettings

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_STOP_SECONDS: Final = 2.0
# Not opened, not closed unwritten: our own looks and decoding would wake us without end.
_CHANGES: Final[list[type[events.FileSystemEvent]]] = [
    events.FileCreatedEvent,
    events.FileModifiedEvent,
    events.FileMovedEvent,
    events.FileDeletedEvent,
    events.FileClosedEvent,
    events.DirCreatedEvent,
    events.DirMovedEvent,
    events.DirDeletedEvent,
]
_LIMITS: Final = {
    errno.ENOSPC: "the kernel's limit of watched folders is reached "
    "(raise fs.inotify.max_user_watches)",
    errno.EMFILE: "the kernel's limit of watchers is reached (raise fs.inotify.max_user_instances)",
}
_SET_UP_AGAIN: Final = "Callback with id .* already exists for watch"
_EMITTERS: Final = logging.getLogger("watchdog.observers.inotify")
_log: Final = structlog.get_logger()


class Watcher:
    """Watches folders for changes, and says by itself when it cannot.

    Args:
        folders: the tops of the trees to watch.
        settings: `mode` decides between events and polling.
        wake: called after a change, from a thread; must be quick.
        mounts: the table of mounts that `auto` decides by.
        make_observer: watchdog's, unless a test stands in for a kernel at its limits.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        settings: WatchSettings,
        wake: Callable[[], None],
        *,
        mounts: Path = MOUNTS,
        make_observer: Callable[[], BaseObserver] = Observer,
    ) -> None:
        self._folders = tuple(folders)
        self._handler = _Waker(wake)
        self._make_observer = make_observer
        self._observer: BaseObserver | None = None
        self._watched: tuple[int | None, ...] = ()
        self._may_restart, self._reason = _choose(self._folders, settings, mounts)

    @property
    def polling(self) -> bool:
        """Whether changes are found by looking at intervals alone."""
        return self._observer is None

    @property
    def reason(self) -> str:
        """Why it polls, or why it does not, for the log."""
        return self._reason

    def start(self) -> None:
        """Begin to watch, unless polling was chosen; falls back to polling where that fails."""
        if self._may_restart:
            _expect_returns()
            self._begin()
        _log.info("watching.started", mode="poll" if self.polling else "events", why=self._reason)

    def check(self) -> None:
        """Begin again if the watch has died or its folders were replaced. Call at each look."""
        if not self._may_restart or self._is_healthy():
            return
        was_polling, old_reason = self.polling, self._reason
        self._end()
        self._begin()
        if not self.polling:
            _log.info("watching.restarted")
        elif not was_polling or old_reason != self._reason:
            _log.warning("watching.polling", why=self._reason)

    def stop(self) -> None:
        """Stop watching; nothing is called after this."""
        self._may_restart = False
        self._handler.wake = _nobody
        self._end()

    def _begin(self) -> None:
        try:
            threads.start(threading.Thread(target=_nobody))  # else watchdog would lose a handle
            with threads.wanted():
                observer = self._make_observer()
        except OSError as error:
            self._fall_back(error)
            return
        try:
            self._schedule(observer)
        except OSError as error:
            _stop(observer)
            self._fall_back(error)
        else:
            self._observer, self._reason = observer, "the kernel reports changes here"

    def _schedule(self, observer: BaseObserver) -> None:
        for folder in self._folders:
            observer.schedule(self._handler, str(folder), recursive=True, event_filter=_CHANGES)
        self._watched = self._inodes()
        with threads.wanted():
            observer.start()

    def _fall_back(self, error: OSError) -> None:
        # A limit stays until somebody raises it; a folder that is gone may come back.
        self._may_restart = error.errno not in _LIMITS
        self._reason = _LIMITS.get(error.errno or 0, f"watching failed: {error}")

    def _end(self) -> None:
        if self._observer is not None:
            _stop(self._observer)
            self._observer = None

    def _is_healthy(self) -> bool:
        # The observer outlives its emitters: it looks alive while nothing is watched any more.
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and len(observer.emitters) == len(self._folders)
            and all(emitter.is_alive() for emitter in observer.emitters)
            and self._watched == self._inodes()
        )

    def _inodes(self) -> tuple[int | None, ...]:
        return tuple(_inode(folder) for folder in self._folders)


class _Waker(events.FileSystemEventHandler):
    """Passes on that something happened, and nothing else."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    def on_any_event(self, event: events.FileSystemEvent) -> None:  # noqa: ARG002 - watchdog's name
        self.wake()


def _choose(folders: Sequence[Path], settings: WatchSettings, mounts: Path) -> tuple[bool, str]:
    """Whether to use events, and why."""
    if settings.mode == "events":
        return True, "set so"
    if settings.mode == "poll":
        return False, "set so"
    for folder in folders:
        kind = silent_file_system(folder, mounts)
        if kind is not None:
            return False, f"{printable(folder)} lies on {kind}, where changes are not reported"
    return True, "the kernel reports changes here"


def _stop(observer: Any) -> None:
    with _unheard(_EMITTERS):
        observer.stop()
        # An observer that never started cannot be joined.
        with contextlib.suppress(RuntimeError):
            observer.join(_STOP_SECONDS)


def _expect_returns() -> None:
    """Have no warning of a folder that was moved out of the tree and comes back.

    The kernel's watch stays with a folder, wherever that goes, and watchdog keeps it: a folder that
    leaves is not told from one that is about to arrive elsewhere. When it comes back the same watch
    is set up again, which is what we want, with a warning for each folder in it. A warning can be
    silenced for the whole process alone; this one has no other cause.
    """
    warnings.filterwarnings("ignore", _SET_UP_AGAIN, RuntimeWarning)


@contextlib.contextmanager
def _unheard(logger: logging.Logger) -> Iterator[None]:
    """A change that comes while it stops is an error to watchdog, and nothing to anybody else."""
    logger.addFilter(_nothing)
    try:
        yield
    finally:
        logger.removeFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except OSError:
        return None


def _nobody() -> None:
    """Nobody is woken any more."""
