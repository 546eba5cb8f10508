"""Tells whether pictures can be decoded whole, in a child process that may crash or hang over them.

A folder that people can write to brings files that were made to break decoders, and files that
break them by accident. So each is read in a process with little memory and little time; what
happens to it there costs that one file its inspection, and nobody else anything.

The child starts with the first request and ends when it had nothing to do for a while.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Literal, Protocol

import structlog

from daemon import threads
from daemon.child import Bell, Child
from daemon.companions import NOBODY, SAYING, Role, regions_of
from daemon.found_whole import FoundWhole, version_of
from daemon.looking import Finding, Limits, inspect_files, limits_of
from daemon.names import printable
from daemon.rations import TOO_LONG
from daemon.settings import WatchSettings

_START_SECONDS: Final = 60.0  # a machine that is busy painting starts processes slowly
_BUG: Final = (
    "The program met an error of its own when it looked at this picture ({}). Try again; if that "
    "happens again, show the log to whoever looks after it."
)
_CRASHES: Final = "The picture cannot be read: it crashes the reader. Save it anew as a JPEG."
_PAUSE_SECONDS: Final = 1.0
# How a child ends over a picture. One that was ended from outside (the memory) says nothing of it.
_DEATHS: Final = frozenset(
    {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGFPE, -signal.SIGILL}
    | {-signal.SIGXCPU}
)
_log: Final = structlog.get_logger()


Blame = Literal["", "content", "style", "beside"]


@dataclass(frozen=True)
class Inspected:
    """The answer to one request.

    Attributes:
        key: the request's.
        ok: whether all its pictures can be decoded whole.
        message: what is wrong and what to do, in plain words; empty when all is well, and when
            nothing could be looked at (`Limits.most_starts`).
        blame: which picture is at fault; empty likewise.
        gaps: which of "content", "style" and "beside" may have a part that is not written yet,
            though they can be decoded.
        passing: whether the same files may be found good at another time (`Finding`).
    """

    key: str
    ok: bool
    message: str
    blame: Blame
    gaps: tuple[str, ...] = ()
    passing: bool = False


class Inspects(Protocol):
    """What others need of an inspector."""

    def submit(
        self, key: str, content: Path, *styles: Path, beside: Mapping[Role, Path] = NOBODY
    ) -> None:
        """Ask whether a photo, its styles, and what else goes along with it, can be read."""


class _NoReaderError(Exception):
    """No child could be started, as often as it was to be tried."""


Work = Callable[[Connection, Limits], None]
"""What the child runs; a function of a module that the child can import."""


@dataclass(frozen=True)
class _Request:
    key: str
    content: Path
    styles: tuple[Path, ...]
    beside: Mapping[Role, Path]


class Inspector:
    """Decodes pictures in a child process, one request after the other.

    Args:
        settings: how large files and pictures may be.
        deliver: takes the answers, from a thread of this object's own; must be quick.
        limits: in place of those that follow from the settings.
        work: what the child runs; tests put one here that crashes or hangs.
    """

    def __init__(
        self,
        settings: WatchSettings,
        deliver: Callable[[Inspected], None],
        *,
        limits: Limits | None = None,
        work: Work | None = None,
    ) -> None:
        self._limits = limits or limits_of(settings)
        self._deliver: Final = deliver
        self._work: Final = work or inspect_files
        self._requests: Final[deque[_Request]] = deque()
        self._whole: Final = FoundWhole()
        self._bell: Final = Bell()
        self._lock: Final = threading.Lock()
        self._thread: threading.Thread | None = None
        self._child: Child | None = None
        self._child_limits = self._limits
        self._current: _Request | None = None
        self._closed = False

    def use(self, settings: WatchSettings) -> None:
        """Go by other limits from the next picture on.

        Args:
            settings: how large files and pictures may be.
        """
        self._limits = limits_of(settings, *self._limits.tops)

    def submit(
        self, key: str, content: Path, *styles: Path, beside: Mapping[Role, Path] = NOBODY
    ) -> None:
        """Ask whether these pictures can be decoded; `deliver` gets the answer.

        Args:
            key: stands in the answer.
            content: the photo.
            styles: the style pictures that are to be looked at too.
            beside: what else goes along with the photo, likewise.

        Raises:
            RuntimeError: the inspector is closed.
            OSError: no thread can be started for it just now; it was not asked.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the inspector is closed")
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="inspector", daemon=True)
                threads.start(thread)
                self._thread = thread
            self._requests.append(_Request(key, content, styles, beside))
            self._bell.ring()

    def close(self) -> None:
        """End the child; what was not answered never is. Not to be called from `deliver`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._bell.ring()
        if self._thread is not None:
            self._thread.join()
        self._bell.close()

    # From here on: the thread.

    def _run(self) -> None:
        try:
            while not self._closed:
                self._turn()
        finally:
            self._end_child()

    def _turn(self) -> None:
        try:
            if self._requests:
                self._current = self._requests.popleft()
                self._answer(self._current)
            elif not self._bell.hear(self._idle_seconds()):
                self._end_child()
        except _NoReaderError:
            if self._current is not None:
                key = self._current.key
                self._say(Inspected(key, ok=False, message="", blame="", passing=True))
        except Exception as error:  # noqa: BLE001 - without this thread no photo ever gets in
            self._collapse(error)

    def _collapse(self, error: Exception) -> None:
        """The last resort for a bug of ours: the request is answered, and the next one is taken."""
        _log.error("inspector.failed", exc_info=error)
        with suppress(Exception):  # it may be the child that cannot be dealt with
            self._end_child()
        if self._current is None:
            time.sleep(_PAUSE_SECONDS)  # an error at every turn must not fill the log
            return
        message = _BUG.format(type(error).__name__)
        key = self._current.key
        self._say(Inspected(key, ok=False, message=message, blame="content", passing=True))

    def _idle_seconds(self) -> float | None:
        return None if self._child is None else self._limits.idle_seconds

    def _answer(self, request: _Request) -> None:
        content = self._look_at(request.content)
        if content.message:
            self._say(_refused(request, content.message, "content", content))
        else:
            self._say(self._of_rest(request, content))

    def _of_rest(self, request: _Request, content: Finding) -> Inspected:
        """The answer to a request whose photo is whole."""
        gaps = ["content"] * content.gap
        for path in request.styles:
            style = self._look_at_style(path)
            if style.message:
                return _refused(request, _said_of(path, style.message), "style", style)
            gaps += ["style"] * style.gap
        for role, path in request.beside.items():
            found = self._look_at(path)
            if found.message:
                message = SAYING[role].format(printable(path.name), found.message)
                return _refused(request, message, "beside", found)
            gaps += ["beside"] * found.gap
        return Inspected(request.key, ok=True, message="", blame="", gaps=tuple(gaps))

    def _say(self, answer: Inspected) -> None:
        self._current = None
        with self._lock:
            if self._closed:
                return
        self._deliver(answer)

    def _look_at_style(self, path: Path) -> Finding:
        """The same as of a photo; but many photos want one style."""
        version = version_of(path)
        if self._whole.knows(version, self._limits):
            return Finding()
        found = self._look_at(path)
        if found == Finding():
            self._whole.add(path, version, self._child_limits)
        return found

    def _look_at(self, path: Path) -> Finding:
        """What is found in a file; nothing when nobody waits any more."""
        child = self._living_child()
        if child is None:
            return Finding()
        child.send(path)
        try:
            return self._hear(child, self._limits.seconds)
        except TimeoutError:
            self._end_child()
            return Finding(TOO_LONG, passing=True)
        except EOFError:
            return Finding(_CRASHES, passing=self._end_child() not in _DEATHS)

    def _living_child(self) -> Child | None:
        """The child, ready to read; None when the inspector is closed meanwhile.

        That no child can be started is no picture's fault: the requests wait until one can be.

        Raises:
            _NoReaderError: they are not to wait for so long.
        """
        tries = 0
        if self._child is not None and (
            self._child.exit_status is not None or self._child_limits != self._limits
        ):
            self._end_child()
        while self._child is None and not self._closed:
            self._start_child()
            tries += 1
            if self._child is None:
                self._pause_after(tries)
        return self._child

    def _start_child(self) -> None:
        try:
            self._child_limits = self._limits
            self._child = Child(self._work, (self._child_limits,), "atelierd-inspector")
            self._hear(self._child, _START_SECONDS)
        except (OSError, EOFError) as error:
            self._end_child()
            _log.warning("inspector.not_started", why=str(error))

    def _pause_after(self, tries: int) -> None:
        """Wait for the next start; that more is asked meanwhile does not make it sooner."""
        if tries == self._limits.most_starts:
            raise _NoReaderError
        end = time.monotonic() + self._limits.restart_seconds
        while not self._closed and (left := end - time.monotonic()) > 0:
            self._bell.hear(left)

    def _hear(self, child: Child, seconds: float) -> Finding:
        """What the child says next; nothing when the inspector is closed.

        Raises:
            EOFError: the child has died.
            TimeoutError: it took too long.
        """
        try:
            found: Finding = child.hear(self._bell, seconds, lambda: self._closed)
        except TimeoutError:
            if not self._closed:
                raise
            return Finding()
        return found

    def _end_child(self) -> int | None:
        child, self._child = self._child, None
        return None if child is None else child.end(0)


def _said_of(style: Path, why: str) -> str:
    """What is said of a picture in the styles folder, or of a photo's own style."""
    name = printable(style.name)
    if regions_of(style.name) is not None:
        return SAYING["style_regions"].format(name, why)
    return f"The style picture {name} cannot be used. {why}"


def _refused(request: _Request, message: str, blame: Blame, found: Finding) -> Inspected:
    return Inspected(request.key, ok=False, message=message, blame=blame, passing=found.passing)
