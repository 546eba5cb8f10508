"""The journal's file appears whole, and a reader changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemon import database, schema


def test_a_new_one_is_of_today_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.sqlite"
    path.parent.mkdir()
    path.with_name("journal.sqlite.new-wal").write_bytes(b"of a crash")
    with closing(database.open_to_write(path)) as opened:
        assert schema.version_of(opened) == schema.VERSION
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.sqlite"]


def test_a_reader_makes_none_and_writes_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with pytest.raises(sqlite3.OperationalError):
        database.open_to_read(path).execute("SELECT 1 FROM jobs")
    assert not path.exists()
    database.open_to_write(path).close()
    with (
        closing(database.open_to_read(path)) as opened,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        opened.execute("DELETE FROM jobs")
