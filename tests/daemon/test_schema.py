"""Journals that an older version has made go on working, with all that is in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path, PurePath

import pytest

from daemon import schema
from daemon.errors import JournalError
from daemon.jobs import Intention, JobState, Stay
from daemon.journal import Journal
from daemon.looks import Part

VERSION_4 = Path(__file__).parent / "journals" / "version_4.sql"
"""What version 4 itself wrote, with jobs in all states, poured out by SQLite."""

FIRST = """
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
    report      TEXT
);
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
PRAGMA user_version = 1;
"""
ADD = (
    "INSERT INTO jobs (state, id, lane, style_name, relative, content, style, recipe, queued_at, "
    "result, finished_at) VALUES (?, ?, 'Waves', 'Waves', 'Waves/a.jpg', '/w/a.jpg', '/s.jpg', "
    "'{}', 1, ?, ?)"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal as version 1 made it, with a job in each state."""
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(FIRST)
        for state, result in (("queued", None), ("running", None), ("done", b"/o/a.jpg")):
            database.execute(ADD, (state, state, result, result and 2.0))
        database.commit()
    return path


def tables(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master")]
        columns = {
            (name, row[1])
            for name in ("jobs", "lanes")
            for row in database.execute(f"PRAGMA table_info({name})")
        }
        return columns | {(name, "") for name in names}


def test_a_journal_of_version_1_goes_on_working(path: Path, tmp_path: Path) -> None:
    Journal(tmp_path / "new.sqlite", lambda: 5.0).close()
    for _ in range(2):
        with closing(Journal(path, lambda: 5.0)) as journal:
            assert {job.id for state in JobState for job in journal.having(state)} == {
                "queued", "running", "done",
            }  # fmt: skip
            assert journal.get("done").result == Path("/o/a.jpg")
            assert journal.get("running").intention is None
            assert journal.get("done").kept is None
            assert journal.waiting() == {"Waves": 1}
    assert tables(path) == tables(tmp_path / "new.sqlite")
    plan = Intention(Path("/o/b.jpg"), "5" * 64, 7)
    with closing(Journal(path, lambda: 5.0)) as journal:
        journal.intend("running", plan, {"loss": 1})
        job = journal.get("running")
        assert (job.intention, job.report, job.result) == (plan, {"loss": 1}, None)
        journal.published("running", Path("/o/b.jpg"), {})
        assert journal.finish("running", Path("/k/b.jpg")).kept == Path("/k/b.jpg")


def test_a_journal_of_version_4_goes_on_working(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_4.read_text("utf-8"))
    Journal(tmp_path / "new.sqlite", lambda: 5.0).close()
    with closing(Journal(path, lambda: 5.0)) as journal:
        jobs = [job for state in JobState for job in journal.having(state)]
        assert {(job.id, job.state.value) for job in jobs} == {
            ("queued", "queued"), ("own", "queued"), ("running", "running"), ("done", "done"),
            ("stays", "done"), ("failed", "failed"),
        }  # fmt: skip
        for job in jobs:
            assert (job.styles, job.companions) == ((), {})
            assert job.parts == (Part(job.style, 1.0),)
        assert journal.get("own").relative == PurePath("my job\udcff/content.jpg")
        (stay,) = journal.staying()
        assert stay.stays == (Stay(PurePath("Waves/stays.jpg"), 7, 8),)
        assert journal.get("failed").kept == Path("/share/Failed/failed.jpg")
        assert journal.waiting() == {"Inbox": 1, "Waves": 1}
        journal.start("queued")
        assert journal.waiting() == {"Inbox": 1}
    assert tables(path) == tables(tmp_path / "new.sqlite")


def test_a_reader_is_told_that_the_daemon_has_to_be_started(path: Path) -> None:
    with pytest.raises(JournalError, match=r"older version.*Start the service"):
        Journal(path, lambda: 5.0, read_only=True)
    Journal(path, lambda: 5.0).close()
    Journal(path, lambda: 5.0, read_only=True).close()


def test_a_change_of_the_tables_is_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(path)
    with monkeypatch.context() as patch:
        patch.setitem(schema._STEPS, 1, (*schema._STEPS[1], "ALTER TABLE nothing RENAME TO x"))
        with pytest.raises(JournalError, match="cannot be used"):
            Journal(path, lambda: 5.0)
    assert tables(path) == before
    with closing(Journal(path, lambda: 5.0)) as journal:
        assert journal.get("done").result == Path("/o/a.jpg")


@pytest.mark.parametrize(
    ("words", "damaged"),
    [
        ("file is not a database", True),
        ("database disk image is malformed", True),
        ("malformed database schema (jobs)", True),
        ("database is locked", False),
        ("unable to open database file", False),
    ],
)
def test_damage_is_told_by_sqlites_words_too(words: str, *, damaged: bool) -> None:
    """Python 3.10 does not give its codes."""
    assert schema.is_damage(sqlite3.DatabaseError(words)) is damaged
    assert not schema.is_damage(OSError(words))
