"""As `run_with_stand_in`, but each path that is opened, moved, made or removed is written down.

The file that ``WATCHED_PATHS`` names gets one JSON object a line, from the daemon's process and
from its children, which import this module as their main one.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

from daemon import files, handles
from tests.daemon import run_with_stand_in

_FOLLOWING: Final = {
    "os.listdir", "os.scandir", "os.chmod", "os.chown", "os.utime", "os.truncate", "os.chdir"
}  # fmt: skip
_TWO: Final = {"os.rename", "os.link"}
_ONE: Final = {"os.remove": (0, 1), "os.rmdir": (0, 1), "os.mkdir": (0, 2), "os.symlink": (1, 2)}
"""Which argument is the path, and which the handle of its folder."""
_HANDLES: Final = "/proc/self/fd"
_RECORD: Final = os.open(
    os.environ["WATCHED_PATHS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
)


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: where the things really are that the event is about, links followed."""
    if event == "open":
        _write(event, arguments[0], -1, follows=not _flags(arguments) & os.O_NOFOLLOW)
    elif event in _FOLLOWING:
        _write(event, arguments[0], -1, follows=True)
    elif event in _ONE:
        path, handle = _ONE[event]
        _write(event, arguments[path], arguments[handle], follows=False)
    elif event in _TWO:
        _write(event, arguments[0], arguments[2], follows=False)
        _write(event, arguments[1], arguments[3], follows=False)


def _flags(arguments: tuple[Any, ...]) -> int:
    return arguments[2] if isinstance(arguments[2], int) else 0


def _write(event: str, path: Any, above: int, *, follows: bool) -> None:
    if path is None or isinstance(path, int):  # a handle, which was opened before
        return
    name = os.fsdecode(path)
    place = _place(event, name, above, follows=follows)
    line = json.dumps({"event": event, "path": place, "watchdog": _is_watchdogs()})
    os.write(_RECORD, f"{line}\n".encode())


def _is_watchdogs() -> bool:
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_globals.get("__name__", "").startswith("watchdog."):
            return True
    return False


def _place(event: str, name: str, above: int, *, follows: bool) -> str:
    if event == "open" and "/" not in name:
        # By a handle, of which the event does not tell: it was opened before. What matters is
        # that no link is followed.
        return f"BY HANDLE {'THROUGH LINKS ' if follows else ''}{name}"
    path = f"{_HANDLES}/{above}/{name}" if above >= 0 else name
    if follows:
        return _real(path)
    folder, _, last = path.rpartition("/")
    return f"{_real(folder or '/')}/{last}"


def _real(path: str) -> str:
    # What a handle means is one answer of the kernel: the names in it may mean something else by
    # the time when they are followed again.
    above, _, handle = path.rpartition("/")
    is_handle = above == _HANDLES and handle
    return os.readlink(path) if is_handle else os.path.realpath(path)  # noqa: PTH115 - no work


# Where they can be seen: the kernel's own calls, made without Python's, raise no event.
files.RENAMES = files.RENAMES[1:]  # type: ignore[misc]
handles._openat2 = lambda: None  # type: ignore[assignment]
sys.addaudithook(note)

if __name__ == "__main__":
    sys.exit(run_with_stand_in.exit_code_of(run_with_stand_in.command, sys.argv[2:]))
