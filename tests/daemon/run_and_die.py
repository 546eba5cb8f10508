"""``atelierd run --once``, killed right before its n-th change to a disk, as often as asked.

Whoever starts this writes a number of changes on each line, and reads how that run has ended, after
the number of changes that it made if it was not killed. Each run is a process of its own, forked
off this one so that all the imports are paid for once. A change is whatever Python says it is about
to do to a folder or a file (its audit events), each sync, and each commit of the journal: none of
them is listed by who makes it, and so a step that is added to the program later is one more moment
to die at.

The first argument is the share's root, the second the state folder, the third how files are named
without overwriting:

- ``kernel``, ``link``, ``reserve``: by the first, second, third of the ways in `daemon.files`;
- ``far``: the first, with the work folder on another device than all others.

With ``held-`` before it nothing may be moved or removed out of ``Inbox/Held`` while nobody may
write to that folder, as its mode says: what the kernel keeps everybody but root from.
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon import backoff, files
from daemon.cli import run
from daemon.inspector import Inspected, Limits
from daemon.runners.base import Deliver, Event, Failed, Painted, Runner, Started
from daemon.runners.request import PaintRequest
from daemon.settings import PaintSettings, Settings, ShareSettings, WatchSettings
from tests.daemon.faulty import place
from tests.daemon.standins import StandInInspector, StandInRunner, paint, picture

NEVER = -1
TORN = picture((9, 9, 9))
"""The photo that this engine cannot paint."""
WHY = "It is torn in the middle."
QUICK = WatchSettings(
    mode="poll", settle_seconds=0, settle_scans=2, poll_seconds=0.02, patience_seconds=0
)
# Python's names for what changes a folder or a file; `open` does if it makes or empties one.
CHANGES = {
    *("os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir"),
    *("os.truncate", "os.chmod", "os.chown", "os.utime"),
}
MAKES = os.O_CREAT | os.O_TRUNC
HELD = Path("Inbox/Held")
"""The folder that may be closed to writers."""

Refuse = Callable[[str, tuple[Any, ...]], None]
"""An audit hook that lets some changes fail."""


def painted(photo: bytes, mask: bytes = b"") -> bytes:
    """What this engine makes of a photo: another file for each, long enough to be cut short."""
    return b"painted: " + photo + mask + bytes(5000)


class Fate:
    """Counts the changes, and kills the process before one of them."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.made = 0

    def step(self) -> None:
        if self.made == self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.made += 1

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and _makes(*arguments)):
            self.step()


def _makes(path: object, mode: str | None, flags: int) -> bool:
    if isinstance(path, (str, bytes, Path)) and os.fsencode(path).startswith(b"/dev/"):
        return False
    return bool(flags & MAKES) or bool(mode and set(mode) & set("wxa"))


def _before(fate: Fate, function: Callable[..., Any]) -> Callable[..., Any]:
    def both(*arguments: Any, **named: Any) -> Any:
        fate.step()
        return function(*arguments, **named)

    return both


def _database(fate: Fate) -> Callable[..., sqlite3.Connection]:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            word = sql.split(maxsplit=1)[0].upper()
            if word == "COMMIT" or (word == "PRAGMA" and "=" in sql):
                fate.step()
            return super().execute(sql, *values)

        def executescript(self, script: str) -> sqlite3.Cursor:
            fate.step()
            return super().executescript(script)

    connect = sqlite3.connect

    def connected(*arguments: Any, **named: Any) -> sqlite3.Connection:
        return connect(*arguments, factory=Connection, **named)

    return connected


def _refuse_far(work: Path) -> Refuse:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"os.rename", "os.link"}:
            inside = [Path(os.fsdecode(path)).is_relative_to(work) for path in arguments[:2]]
            if inside[0] != inside[1]:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    return refuse


def _refuse_held(folder: Path) -> Refuse:
    closed = os.path.realpath(folder)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        for path, above in _changed(event, arguments):
            if os.path.dirname(place(path, above)) == closed and not _is_open(folder):  # noqa: PTH120
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))

    return refuse


def _changed(event: str, arguments: tuple[Any, ...]) -> list[tuple[Any, int]]:
    """Which names an event changes, each with the handle of the folder that it starts in."""
    if event in {"os.remove", "os.rmdir"}:
        return [arguments[:2]]
    if event == "os.link":  # what it is made of keeps its name
        return [arguments[1::2]]
    return [arguments[::2], arguments[1::2]] if event == "os.rename" else []


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IWUSR)


def _arm(fate: Fate, way: str, root: Path) -> None:
    by_kernel, *others = files.RENAMES
    *held, way = way.split("-")
    refusing = [_refuse_far(root / ".atelierd")] if way == "far" else []
    refusing += [_refuse_held(root / HELD)] if held else []

    def by_kernel_or_not(source: Path, target: Path) -> None:
        fate.step()  # what goes past Python has no audit event
        for refuse in refusing:
            refuse("os.rename", (source, target, -1, -1))
        by_kernel(source, target)

    ways = {"kernel": 3, "far": 3, "link": 2, "reserve": 1}[way]
    files.RENAMES = (by_kernel_or_not, *others)[-ways:]
    os.fsync = _before(fate, os.fsync)
    sqlite3.connect = _database(fate)  # type: ignore[assignment]
    sys.addaudithook(fate.hear)
    for refuse in refusing:
        sys.addaudithook(refuse)


def answer(request: PaintRequest) -> list[Event]:
    if request.content == TORN:
        return [Started(request.job_id), Failed(request.job_id, "content", WHY)]
    *before, last = paint(request)
    assert isinstance(last, Painted)
    return [
        *before,
        Painted(last.job_id, painted(request.content, request.mask), ".jpg", last.report),
    ]


def run_once(settings: Settings, make_runner: Callable[[Settings, Deliver], Runner]) -> int:
    """The program itself, but that nothing is decoded to be inspected."""

    def make_inspector(
        _: WatchSettings, deliver: Callable[[Inspected], None], *, limits: Limits
    ) -> StandInInspector:
        del limits
        return StandInInspector(deliver)

    run.Inspector = make_inspector  # type: ignore[assignment,misc]
    backoff._FIRST_SECONDS = 0.02  # type: ignore[misc] - else it mostly waits for its next try
    return run.keep(settings, once=True, make_runner=make_runner)


def live_once_a_line(live: Callable[[str], int]) -> None:
    """Live, in a process of its own, for each line that comes in; write how each life has ended."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                code = live(line)
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


def keep(root: str, state: str, way: str, left: int) -> int:
    def make_runner(_: Settings, deliver: Deliver) -> StandInRunner:
        return StandInRunner(deliver, answer)

    settings = Settings(
        share=ShareSettings(root=Path(root), contact_sheet=False),
        state_dir=Path(state),
        watch=QUICK,
        paint=PaintSettings(preset="draft"),
    )
    fate = Fate(left)
    _arm(fate, way, Path(root))
    code = run_once(settings, make_runner)
    os.write(sys.stdout.fileno(), b"%d " % fate.made)
    return code


def main(root: str, state: str, way: str) -> None:
    live_once_a_line(lambda line: keep(root, state, way, int(line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
