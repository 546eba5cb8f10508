"""The file of the journal: made whole, and opened so that what is committed stays."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from daemon import schema
from daemon.copying import sync_folder

_BUSY_SECONDS: Final = 10.0


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open it; it and its folder are made when missing, older tables are brought up to date.

    Raises:
        OSError: the folder or the file cannot be made.
        sqlite3.Error: the file cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    database = _connect(path)
    try:
        schema.bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return database


def _make(path: Path) -> None:
    """Make an empty journal; it appears whole, because a reader may open it at any moment."""
    new = path.with_name(f"{path.name}.new")
    for left in path.parent.glob(f"{new.name}*"):  # with its log, which SQLite would replay
        left.unlink()
    with closing(_connect(new)) as database:
        schema.lay_out(database)
    new.rename(path)
    sync_folder(path.parent)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # In WAL mode the default of some builds, NORMAL, may lose the last commits in a power cut.
        database.execute("PRAGMA synchronous = FULL")
        # A turn looks at a few pages; by default 2 MB of old jobs would stay in memory.
        database.execute("PRAGMA cache_size = -512")
    except BaseException:
        database.close()
        raise
    return database


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open it beside the daemon: nothing is made or changed.

    Raises:
        sqlite3.Error: the file is not there, or cannot be used.
    """
    address = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
