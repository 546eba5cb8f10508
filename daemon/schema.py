"""The tables of the journal, and how those of an older version become today's.

Tables are only ever added to, one version after the other, each in a transaction of its own: a
kill leaves the old version or the new one.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from daemon.errors import JournalError

VERSION: Final = 5
"""Of the tables as they are made and understood here; SQLite's `user_version`."""

_TABLES: Final = """
CREATE TABLE jobs (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    lane        BLOB NOT NULL,
    style_name  BLOB NOT NULL,
    relative    BLOB NOT NULL,
    content     BLOB NOT NULL,
    style       BLOB NOT NULL,
    overrides   BLOB,
    recipe      TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    queued_at   REAL NOT NULL,
    started_at  REAL,
    finished_at REAL,
    iteration   INTEGER,
    total       INTEGER,
    eta_seconds REAL,
    result      BLOB,
    error       TEXT,
    report      TEXT,
    intended    BLOB,
    sha256      TEXT,
    size        INTEGER,
    stays       TEXT,
    kept        BLOB,
    styles      TEXT,
    companions  TEXT
);
CREATE INDEX jobs_stay ON jobs (number) WHERE stays IS NOT NULL;
CREATE INDEX jobs_queued ON jobs (lane, number) WHERE state = 'queued';
CREATE INDEX jobs_states ON jobs (state, finished_at);
CREATE TABLE lanes (name BLOB PRIMARY KEY, served INTEGER NOT NULL, waiting INTEGER NOT NULL);
CREATE INDEX lanes_waiting ON lanes (served) WHERE waiting > 0;
CREATE TRIGGER job_comes AFTER INSERT ON jobs WHEN new.state = 'queued' BEGIN
    INSERT INTO lanes VALUES (new.lane, 0, 1)
        ON CONFLICT (name) DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER job_waits AFTER UPDATE OF state ON jobs
    WHEN new.state = 'queued' AND old.state <> 'queued' BEGIN
    UPDATE lanes SET waiting = waiting + 1 WHERE name = new.lane;
END;
CREATE TRIGGER job_leaves AFTER UPDATE OF state ON jobs
    WHEN old.state = 'queued' AND new.state <> 'queued' BEGIN
    UPDATE lanes SET waiting = waiting - 1 WHERE name = new.lane;
END;
"""
_STEPS: Final = {
    1: (  # where a result is about to appear
        "ALTER TABLE jobs ADD COLUMN intended BLOB",
        "ALTER TABLE jobs ADD COLUMN sha256 TEXT",
        "ALTER TABLE jobs ADD COLUMN size INTEGER",
    ),
    2: (  # which photos stay in the inbox
        "ALTER TABLE jobs ADD COLUMN stays TEXT",
        "CREATE INDEX jobs_stay ON jobs (number) WHERE stays IS NOT NULL",
    ),
    3: (  # where photos lie in the end
        "ALTER TABLE jobs ADD COLUMN kept BLOB",
    ),
    4: (  # several styles, and what else lay beside a photo
        "ALTER TABLE jobs ADD COLUMN styles TEXT",
        "ALTER TABLE jobs ADD COLUMN companions TEXT",
    ),
}
"""From each older version to the next one."""

OLDER: Final = frozenset(_STEPS)
"""The versions that `bring_up_to_date` knows the way from."""

# SQLite's own codes, which Python gives from 3.11 on, and its own words.
_DAMAGE_CODES: Final = frozenset({11, 26})  # SQLITE_CORRUPT, SQLITE_NOTADB
_DAMAGE_WORDS: Final = (
    "is malformed",
    "malformed database schema",
    "is not a database",
    "Could not decode to UTF-8",  # Python's own, which has no code
)


def lay_out(database: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    database.executescript(_TABLES)
    database.execute(f"PRAGMA user_version = {VERSION}")


def version_of(database: sqlite3.Connection) -> int:
    """The version of a database's tables; 0 if they are nobody's that we know."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def expect_version(database: sqlite3.Connection, path: Path) -> None:
    """See that the tables are those of this version.

    Args:
        database: open.
        path: its file, to name it.

    Raises:
        JournalError: another version wrote them.
        sqlite3.Error: they cannot be read.
    """
    version = version_of(database)
    if version in OLDER:  # whoever writes has brought it up to date
        raise JournalError(
            f"The journal {path} was written by an older version of atelierd. Start the "
            "service (again) with this version; it brings the journal up to date."
        )
    if version != VERSION:
        raise JournalError(
            f"The journal {path} was written by another version of atelierd. Use that "
            "version, or move the journal away to begin with an empty one."
        )


def bring_up_to_date(database: sqlite3.Connection) -> None:
    """Add what has come since the version that wrote the tables; a newer one stays as it is.

    Args:
        database: open for writing, outside of a transaction.

    Raises:
        sqlite3.Error: the disk does not allow it; the tables are whole, of the old version.
    """
    while (version := version_of(database)) in _STEPS:
        database.execute("BEGIN IMMEDIATE")
        try:
            for step in _STEPS[version]:
                database.execute(step)
            database.execute(f"PRAGMA user_version = {version + 1}")
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def is_damage(error: BaseException) -> bool:
    """Whether an error says that a database is damaged or none; not that it cannot be reached."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _DAMAGE_CODES
    return any(words in str(error) for words in _DAMAGE_WORDS)
