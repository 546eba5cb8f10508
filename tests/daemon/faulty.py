"""Disks that fail at the system call: what Python says it is about to do is refused.

An audit hook is the one seam: it hears of whatever is opened, made, moved or removed, by whichever
module, and what it raises is what that module meets. A hook cannot be taken away again, so there is
one for the whole process, which does nothing until a test asks for a fault.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon import files

_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ONE: Final = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2, "os.truncate": None}
"""Events about one path, and which argument is the handle of the folder that it starts in."""
_TWO: Final = {"os.rename": (2, 3), "os.link": (2, 3)}
_READS: Final = {"os.scandir", "os.listdir"}


@dataclass(frozen=True)
class _Fault:
    folder: str
    number: int
    reading: bool
    spares: int


_faults: list[_Fault] = []


@contextmanager
def failing(folder: Path, number: int, *, reading: bool = False) -> Iterator[None]:
    """Refuse every change below a folder, but to the thread that asks for this.

    Args:
        folder: which.
        number: of the error.
        reading: whether to refuse to look into it too.
    """
    fault = _Fault(str(folder), number, reading, threading.get_ident())
    ways = files.RENAMES
    files.RENAMES = ways[1:]  # type: ignore[misc] - the kernel's own call goes past Python
    _faults.append(fault)
    try:
        yield
    finally:
        _faults.remove(fault)
        files.RENAMES = ways  # type: ignore[misc]


def follow(link: Path) -> None:
    """Let this process meet what somebody else tells it, for as long as that is told.

    Args:
        link: whether it is there is asked each time; what it points to is what `told` has written.
    """
    sys.addaudithook(lambda event, arguments: _hear_of(_read(link), event, arguments))


def tell(link: Path, folder: Path, number: int, *, reading: bool) -> None:
    """Tell a process that follows a link of a fault, until the link is removed.

    Args:
        link: that it follows.
        folder: below which every change is refused.
        number: of the error.
        reading: whether to refuse to look into it too.
    """
    link.symlink_to(f"{number}:{int(reading)}:{folder}")


def refuse_rename(link: Path, source: Path, target: Path) -> None:
    """The same for the kernel's own call, which goes past Python."""
    _hear_of(_read(link), "os.rename", (source, target, -1, -1))


def _read(link: Path) -> list[_Fault]:
    try:
        number, reading, folder = os.readlink(link).split(":", maxsplit=2)  # noqa: PTH115 - tells no hook
    except OSError:
        return []
    return [_Fault(os.path.realpath(folder), int(number), reading == "1", spares=-1)]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    _hear_of(_faults, event, arguments)


def _hear_of(faults: list[_Fault], event: str, arguments: tuple[Any, ...]) -> None:
    if not faults:
        return
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, int) and isinstance(flags, int):
            _meet(faults, path, -1, changes=bool(flags & _WRITES))
    elif event in _ONE:
        above = _ONE[event]
        _meet(faults, arguments[0], -1 if above is None else arguments[above], changes=True)
    elif event in _TWO:
        for path, above in zip(arguments[:2], _TWO[event], strict=True):
            _meet(faults, path, arguments[above], changes=True)
    elif event in _READS:
        _meet(faults, arguments[0], -1, changes=False)


def _meet(faults: list[_Fault], path: Any, above: int, *, changes: bool) -> None:
    found = place(path, above)
    for fault in (each for each in faults if each.spares != threading.get_ident()):
        inside = found == fault.folder or found.startswith(f"{fault.folder}/")
        if inside and (changes or fault.reading):
            raise OSError(fault.number, os.strerror(fault.number), found)


def place(path: Any, above: int) -> str:
    """Where a path of an event leads: whole, and through no handle.

    Args:
        path: as the event has it.
        above: handle of the folder that it starts in; -1 for none.
    """
    if isinstance(path, int) or path is None:
        return str(Path(f"/proc/self/fd/{path}").readlink()) if isinstance(path, int) else ""
    name = os.fsdecode(path)
    if above >= 0 and not name.startswith("/"):
        name = f"/proc/self/fd/{above}/{name}"
    folder, _, last = name.rpartition("/")
    return f"{os.path.realpath(folder)}/{last}" if folder else name


sys.addaudithook(_hear)
