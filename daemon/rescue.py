"""Opens the journal of a share; one that is damaged is moved aside, and a new one begun.

What is lost with it is the past (which photos were painted, when, how) and how often each waiting
photo was tried. No photo is lost, and none is painted twice: the claims in the work folder remember
enough (`daemon.orphans`), and what waits there goes back into the inbox. Of photos that stay in the
inbox, since they cannot be moved, the work folder tells which were painted (`daemon.keepsakes`).
The old file stays, as `journal.damaged-1.sqlite`, for whoever wants to look into it.

Damaged is what SQLite itself calls malformed or no database, a file without a single byte, and one
with a job that cannot be read. One that is locked, closed to this user or of another version of the
program is not: nothing is moved.

While the service runs, it ends for a journal that has become damaged, or whose file somebody has
removed or replaced, and is begun again with another one, as at any start.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

from daemon import schema
from daemon.copying import sync_folder
from daemon.errors import JournalError
from daemon.journal import Journal
from daemon.locking import LOCK
from daemon.names import printable

# The logs first: beside a new journal SQLite would replay what belongs to the old one.
_PARTS: Final = ("-wal", "-shm", "")
_BUSY_SECONDS: Final = 10.0
_MOST_RESCUES: Final = 3
_RESCUES_SECONDS: Final = 600.0  # within so long; a disk that spoils more than that is at its end
_log: Final = structlog.get_logger()


def open_journal(path: Path, clock: Callable[[], float]) -> Journal:
    """Open a share's journal for writing. Call while the share is locked: nobody else has it open.

    Args:
        path: the database's file; it and its folder are made when missing.
        clock: seconds since 1970.

    Raises:
        JournalError: it cannot be used for another reason than damage, or not be moved aside.
    """
    why = _damage(path)
    if why or not _is_there(path):
        _set_aside(path, why or "the file is gone, and only its logs are left")
    return Journal(path, clock)


class Rescuer:
    """Opens the journal of one share as often as it becomes of no use; not for ever.

    Args:
        path: the database's file.
        clock: seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.path: Final = path
        """The database's file."""
        self._clock = clock
        self._damaged: list[float] = []
        self._journal: Journal | None = None
        self._file: tuple[int, int] | None = None

    @contextlib.contextmanager
    def journal(self) -> Iterator[Journal]:
        """Open it, as `open_journal` does; what is damaged is moved aside.

        Raises:
            JournalError: it cannot be used, or became damaged too often in a short time.
        """
        now = self._clock()
        self._damaged = [time for time in self._damaged if time > now - _RESCUES_SECONDS]
        if self.damage():
            # Once for each: one that cannot be opened after it is tried again, and may be for long.
            self._damaged.append(now)
            self._journal = None
        if len(self._damaged) > _MOST_RESCUES:
            raise JournalError(
                f"The journal {printable(self.path)} was damaged more than {_MOST_RESCUES} times "
                "within ten minutes. Its disk may be at its end: set state_dir to a folder on "
                "another."
            )
        with closing(open_journal(self.path, self._clock)) as journal:
            self._journal, self._file = journal, _number(self.path)
            yield journal

    def damage(self) -> str:
        """Why the journal that is open is of no use any more, in few words; empty if it is."""
        if self._journal is None or self._journal.damage:
            return "" if self._journal is None else self._journal.damage
        # Of files on a drive that has gone nothing is said: the lock beside it would be there.
        is_other = _number(self.path) != self._file and _number(self.path.parent / LOCK)
        return "its file was removed or replaced" if is_other else ""


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise JournalError(
            f"The journal {printable(path)} cannot be looked for ({error.strerror}). Let the "
            "program's user into its folder, and check the disk."
        ) from error


def _number(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _damage(path: Path) -> str:
    """What is wrong with the file, in SQLite's words; empty if it is whole or cannot be read."""
    try:
        if not path.exists():
            return ""
        if path.stat().st_size == 0:
            return "the file is empty"
        # Only to read: else SQLite puts the logs away that belong to it.
        address = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as database:
            told = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except (OSError, sqlite3.Error) as error:  # what else it is, the journal says
        return str(error) if schema.is_damage(error) else ""
    return _misread(path) if told == "ok" else str(told)


def _misread(path: Path) -> str:
    """What in the jobs cannot be read: SQLite does not look into texts."""
    try:
        with closing(Journal(path, float, read_only=True)) as journal:
            return journal.read_through()
    except JournalError:  # such as one of another version
        return ""


def _set_aside(path: Path, why: str) -> None:
    parts = [part for part in _PARTS if os.path.lexists(_with(path, part))]
    if not parts:
        return
    aside = next(free for number in count(1) if (free := _aside(path, number, parts)))
    try:
        for part in parts:
            _with(path, part).rename(_with(aside, part))
        sync_folder(path.parent)
    except OSError as error:
        raise JournalError(
            f"The journal {printable(path)} is damaged and cannot be moved aside "
            f"({error.strerror}). Let the program's user write in its folder, or move it yourself."
        ) from error
    _log.error(
        "journal.damaged",
        journal=printable(path),
        moved_to=printable(aside),
        why=why,
        means="A new journal is begun. Photos that waited go back into the inbox and are painted; "
        "what was painted before is out, and no longer listed.",
    )


def _aside(path: Path, number: int, parts: list[str]) -> Path | None:
    aside = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
    taken = any(os.path.lexists(_with(aside, part)) for part in parts)
    return None if taken else aside


def _with(path: Path, part: str) -> Path:
    return path.with_name(path.name + part)
