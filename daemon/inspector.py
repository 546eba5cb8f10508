"""Tells whether pictures can be decoded whole, in a child process that may crash or hang over them.

A folder that people can write to brings files that were made to break decoders, and files that
break them by accident. So each is read in a process with little memory and little time; what
happens to it there costs that one file its inspection, and nobody else anything.

The child starts with the first request and ends when it had nothing to do for a while.
"""

from __future__ import annotations

import errno
import os
import resource
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Literal

import structlog

from daemon import threads
from daemon.child import Bell, Child, settle_in
from daemon.errors import NoPictureError, PictureUnreadableError
from daemon.found_whole import FoundWhole, version_of
from daemon.handles import open_file
from daemon.names import is_picture, printable
from daemon.notes import NO_PICTURE
from daemon.rations import TOO_LONG, Ration, ration_for, rationed
from daemon.settings import WatchSettings

_MEGABYTE: Final = 1_000_000
_WAIT_SECONDS: Final = 120.0  # for a slow share, and a processor that has other things to do
_FIRST_TO_GO: Final = "1000"  # proc(5), oom_score_adj
_START_SECONDS: Final = 60.0  # a machine that is busy painting starts processes slowly
_BUG: Final = (
    "The program met an error of its own when it looked at this picture ({}). Try again; if that "
    "happens again, show the log to whoever looks after it."
)
_PAUSE_SECONDS: Final = 1.0
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class Inspected:
    """The answer to one request.

    Attributes:
        key: the request's.
        ok: whether all its pictures can be decoded whole.
        message: what is wrong and what to do, in plain words; empty when all is well.
        blame: which picture is at fault; empty when all is well.
    """

    key: str
    ok: bool
    message: str
    blame: Literal["", "content", "style"]


@dataclass(frozen=True)
class Limits:
    """What one picture may cost, and where it may lie.

    Attributes:
        seconds: by the clock; a picture that takes longer counts as unreadable.
        idle_seconds: the child ends when it had nothing to do for so long.
        file_bytes: a larger file is refused.
        ration: what decoding it may cost; its memory is also all that the child ever has.
        tops: folders; on the way down from one of them to a file, no folder may be a link.
        restart_seconds: pause after a child that could not be started.
    """

    seconds: float
    idle_seconds: float
    file_bytes: int
    ration: Ration
    tops: tuple[Path, ...] = ()
    restart_seconds: float = 5.0


def limits_of(settings: WatchSettings, *tops: Path) -> Limits:
    """The limits that follow from the settings.

    Args:
        settings: how large files and pictures may be.
        tops: the folders that people may write to.
    """
    ration = ration_for(settings.max_pixels, settings.max_bytes)
    return Limits(max(_WAIT_SECONDS, 4 * ration.seconds), 60.0, settings.max_bytes, ration, tops)


Work = Callable[[Connection, Limits], None]
"""What the child runs; a function of a module that the child can import."""


@dataclass(frozen=True)
class _Request:
    key: str
    content: Path
    style: Path | None


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

    def submit(self, key: str, content: Path, style: Path | None) -> None:
        """Ask whether these pictures can be decoded; `deliver` gets the answer.

        Args:
            key: stands in the answer.
            content: the photo.
            style: the style picture, if that is to be looked at too.

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
            self._requests.append(_Request(key, content, style))
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
        self._say(Inspected(self._current.key, ok=False, message=message, blame="content"))

    def _idle_seconds(self) -> float | None:
        return None if self._child is None else self._limits.idle_seconds

    def _answer(self, request: _Request) -> None:
        answer = Inspected(request.key, ok=True, message="", blame="")
        if message := self._look_at(request.content):
            answer = Inspected(request.key, ok=False, message=message, blame="content")
        elif request.style is not None and (message := self._look_at_style(request.style)):
            name = printable(request.style.name)
            message = f"The style picture {name} cannot be used. {message}"
            answer = Inspected(request.key, ok=False, message=message, blame="style")
        self._say(answer)

    def _say(self, answer: Inspected) -> None:
        self._current = None
        with self._lock:
            if self._closed:
                return
        self._deliver(answer)

    def _look_at_style(self, path: Path) -> str:
        """The same as of a photo; but many photos want one style."""
        version = version_of(path)
        if self._whole.knows(version, self._limits):
            return ""
        message = self._look_at(path)
        if not message:
            self._whole.add(path, version, self._child_limits)
        return message

    def _look_at(self, path: Path) -> str:
        """What is wrong with a file; empty when nothing is, or when nobody waits any more."""
        child = self._living_child()
        if child is None:
            return ""
        child.send(path)
        try:
            return self._hear(child, self._limits.seconds)
        except TimeoutError:
            self._end_child()
            return TOO_LONG
        except EOFError:
            self._end_child()
            return "The picture cannot be read: it crashes the reader. Save it anew as a JPEG."

    def _living_child(self) -> Child | None:
        """The child, ready to read; None when the inspector is closed meanwhile.

        That no child can be started is no picture's fault: the requests wait until one can be.
        """
        if self._child is not None and (
            self._child.exit_status is not None or self._child_limits != self._limits
        ):
            self._end_child()
        while self._child is None and not self._closed:
            self._start_child()
        return self._child

    def _start_child(self) -> None:
        try:
            self._child_limits = self._limits
            self._child = Child(self._work, (self._child_limits,), "atelierd-inspector")
            self._hear(self._child, _START_SECONDS)
        except (OSError, EOFError) as error:
            self._end_child()
            _log.warning("inspector.not_started", why=str(error))
            self._bell.hear(self._limits.restart_seconds)

    def _hear(self, child: Child, seconds: float) -> str:
        """What the child says next; empty when the inspector is closed.

        Raises:
            EOFError: the child has died.
            TimeoutError: it took too long.
        """
        until = time.monotonic() + seconds
        while not self._closed:
            if child.wait(self._bell, max(until - time.monotonic(), 0)):
                return str(child.receive())
            if not self._bell.hear(0) and time.monotonic() >= until:
                raise TimeoutError("the reader does not answer")
        return ""

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end(0)


def inspect_files(connection: Connection, limits: Limits) -> None:
    """The child's whole life: a path comes, what is wrong with that file goes back, or nothing.

    The first message, empty too, says that it is ready.

    Args:
        connection: the child's end of the pipe; its end is the order to stop.
        limits: what one picture may cost.
    """
    settle_in()
    with suppress(OSError):  # if memory runs out, this process is no loss
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    resource.setrlimit(resource.RLIMIT_AS, (limits.ration.memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash over a picture is nobody's to debug
    import daemon.pictures  # noqa: F401, PLC0415 - shows now, not at the first file, that it can

    try:
        connection.send("")
        while True:
            connection.send(what_is_wrong(connection.recv(), limits))
    except (EOFError, OSError):
        return


def what_is_wrong(path: Path, limits: Limits) -> str:
    """Decode a picture whole; only in a child process, since decoders may crash.

    Args:
        path: of the picture.
        limits: how large file and picture may be.

    Returns:
        What is wrong with it and what to do, in plain words; empty if nothing is.
    """
    from daemon import pictures  # noqa: PLC0415 - only the child is to have decoders in it

    top = next((one for one in limits.tops if path.is_relative_to(one)), None)
    try:
        data = read_bounded(path, limits.file_bytes, top)
        with rationed(limits.ration):
            pictures.decode(data, max_pixels=limits.ration.pixels)
    except NoPictureError as error:
        # A photo that has lost its beginning is still called a photo.
        return str(error) if is_picture(path.name) else NO_PICTURE
    except PictureUnreadableError as error:
        return str(error)
    except MemoryError:
        return "The picture needs more memory than there is. Save it smaller and try again."
    except OSError as error:
        return f"The file cannot be read ({error.strerror}). Check that it is there and readable."
    return ""


def read_bounded(path: Path, most: int, top: Path | None = None) -> bytes:
    """Read a regular file whole, if it is not too large.

    Args:
        path: of the file; a link is not followed, a pipe or device not waited for.
        most: bytes.
        top: a folder above it; none on the way down from there may be a link.

    Returns:
        Its content.

    Raises:
        PictureUnreadableError: no regular file, or too large.
        OSError: it is not there or not readable.
    """
    try:
        handle = open_file(path, top)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PictureUnreadableError("It is a link. Put the picture itself there.") from error
        raise
    with ExitStack() as stack:
        stack.callback(os.close, handle)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise PictureUnreadableError("It is not a file. Put a picture there.")
        file = stack.enter_context(os.fdopen(handle, "rb", closefd=False))
        if status.st_size > most or len(data := file.read(most + 1)) > most:
            raise PictureUnreadableError(
                f"The file is larger than {most / _MEGABYTE:g} MB, which is the most that is "
                "allowed. Save the picture smaller."
            )
    return data
