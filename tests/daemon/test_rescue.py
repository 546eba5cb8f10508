"""A damaged journal is moved aside, and nothing else is."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePath

import pytest
from structlog.testing import capture_logs

from daemon.errors import JournalError
from daemon.jobs import JobState, NewJob
from daemon.journal import Journal
from daemon.locking import LOCK
from daemon.rescue import Rescuer, open_journal


def add(journal: Journal, job_id: str) -> None:
    photo, style = Path("/w") / job_id / "a.jpg", Path("/s.jpg")
    journal.add(NewJob(job_id, "Waves", "Waves", PurePath("a.jpg"), photo, style, None, "{}"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "journal.sqlite"
    with closing(Journal(path, lambda: 1.0)) as journal:
        for number in range(200):
            add(journal, str(number))
    return path


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def overwrite(path: Path) -> None:
    path.write_bytes(b"dear diary " * 1000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def spoil_pages(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(len(data) - 4096))


def spoil_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = 'nonsense' WHERE name = 'jobs'")
        database.commit()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def spoil_texts(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE jobs SET report = '{'")


@pytest.mark.parametrize("damage", [overwrite, cut, spoil_pages, spoil_tables, spoil_texts, empty])
def test_a_damaged_journal_is_moved_aside_and_a_new_one_begun(
    path: Path, damage: Callable[[Path], None]
) -> None:
    damage(path)
    broken = path.read_bytes()
    with capture_logs() as logs, closing(open_journal(path, lambda: 1.0)) as journal:
        assert journal.counts()[JobState.QUEUED] == 0
        add(journal, "new")
    assert [line["event"] for line in logs] == ["journal.damaged"]
    assert "damaged-1" in logs[0]["moved_to"]
    logs_of_it = {f"journal.damaged-1.sqlite{part}" for part in ("-wal", "-shm")}
    assert {*names(path)} - logs_of_it == {"journal.damaged-1.sqlite", "journal.sqlite"}
    assert path.with_name("journal.damaged-1.sqlite").read_bytes() == broken


def test_its_logs_go_with_it_and_the_next_has_another_number(path: Path) -> None:
    for number in (1, 2):
        overwrite(path)
        for suffix in ("-wal", "-shm"):
            path.with_name(f"journal.sqlite{suffix}").write_bytes(b"%d" % number)
        with capture_logs():
            open_journal(path, lambda: 1.0).close()
    assert names(path) == [
        *(f"journal.damaged-{n}.sqlite{part}" for n in (1, 2) for part in ("", "-shm", "-wal")),
        "journal.sqlite",
    ]
    assert path.with_name("journal.damaged-2.sqlite-wal").read_bytes() == b"2"


def test_logs_without_their_journal_are_not_replayed_into_a_new_one(path: Path) -> None:
    with closing(Journal(path, lambda: 1.0)) as journal:
        add(journal, "new")
        shutil.copy(path.with_name("journal.sqlite-wal"), path.with_name("kept"))
    path.unlink()
    path.with_name("kept").rename(path.with_name("journal.sqlite-wal"))
    with capture_logs(), closing(open_journal(path, lambda: 1.0)) as journal:
        assert journal.counts()[JobState.QUEUED] == 0
    assert "journal.damaged-1.sqlite-wal" in names(path)


def test_a_whole_journal_stays(path: Path) -> None:
    with capture_logs() as logs, closing(open_journal(path, lambda: 1.0)) as journal:
        assert journal.counts()[JobState.QUEUED] == 200
    assert logs == []
    assert names(path) == ["journal.sqlite"]


def test_where_there_is_none_one_is_made(tmp_path: Path) -> None:
    with capture_logs() as logs:
        open_journal(tmp_path / "state" / "journal.sqlite", lambda: 1.0).close()
    assert logs == []


def test_a_newer_version_s_journal_stays(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 999")
    with pytest.raises(JournalError, match="another version"):
        open_journal(path, lambda: 1.0)
    assert names(path) == ["journal.sqlite"]


def test_somebody_else_s_database_stays(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipes (cake TEXT)")
    with pytest.raises(JournalError, match="another version"):
        open_journal(path, lambda: 1.0)
    assert names(path) == ["journal.sqlite"]


def test_what_cannot_be_opened_stays(path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(JournalError, match="cannot be used"):
        open_journal(path, lambda: 1.0)
    assert names(path) == ["journal.sqlite"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_one_that_the_disk_says_nothing_of_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    rescuer = Rescuer(path, lambda: 1.0)
    (path.parent / LOCK).touch()

    def refuse(*_args: object, **_more: object) -> os.stat_result:
        raise OSError(number, os.strerror(number))

    with rescuer.journal():
        with monkeypatch.context() as patch:
            patch.setattr(Path, "stat", refuse)
            patch.setattr(Path, "exists", refuse)
            assert not rescuer.damage()
            with pytest.raises(JournalError, match="cannot be looked for") as caught:
                open_journal(path, lambda: 1.0)
        assert isinstance(caught.value.__cause__, OSError)
        assert not rescuer.damage()
    assert not [name for name in names(path) if "damaged" in name]


def test_one_that_is_locked_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.database._BUSY_SECONDS", 0.01)
    monkeypatch.setattr("daemon.rescue._BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="locked"):
            open_journal(path, lambda: 1.0)
    assert "journal.sqlite" in names(path)
    assert not [name for name in names(path) if "damaged" in name]


class TestWhileItIsOpen:
    def test_one_that_is_whole_is_of_use(self, path: Path) -> None:
        rescuer = Rescuer(path, lambda: 1.0)
        assert not rescuer.damage()
        with rescuer.journal() as journal:
            add(journal, "new")
            assert not rescuer.damage()

    def test_damage_is_noticed_when_it_is_met_with_and_the_next_one_is_new(
        self, path: Path
    ) -> None:
        rescuer = Rescuer(path, lambda: 1.0)
        with rescuer.journal() as journal:
            spoil_pages(path)
            with pytest.raises(JournalError, match="is damaged"):
                list(journal.having(JobState.QUEUED))
            assert "malformed" in rescuer.damage()
        with rescuer.journal() as journal:
            assert not rescuer.damage()
            assert journal.counts()[JobState.QUEUED] == 0
        assert "journal.damaged-1.sqlite" in names(path)

    @pytest.mark.parametrize("way", ["removed", "replaced"])
    def test_a_file_that_is_another_one_is_noticed(self, path: Path, way: str) -> None:
        rescuer = Rescuer(path, lambda: 1.0)
        (path.parent / LOCK).touch()
        with rescuer.journal():
            path.rename(path.with_name("elsewhere"))
            if way == "replaced":
                path.touch()
            assert rescuer.damage() == "its file was removed or replaced"
        with rescuer.journal() as journal:
            assert not rescuer.damage()
            add(journal, "new")

    def test_a_folder_that_is_away_is_no_damage(self, path: Path) -> None:
        rescuer = Rescuer(path, lambda: 1.0)
        (path.parent / LOCK).touch()
        with rescuer.journal():
            path.parent.rename(path.parent.with_name("away"))
            path.parent.mkdir()
            assert not rescuer.damage()

    def test_a_disk_that_spoils_one_after_the_other_is_given_up(self, path: Path) -> None:
        now = 0.0
        rescuer = Rescuer(path, lambda: now)
        for number in range(4):
            with rescuer.journal() as journal:
                journal.damage = f"the {number}th time"
        for _ in range(2):
            with (
                pytest.raises(JournalError, match="set state_dir to a folder on another"),
                rescuer.journal(),
            ):
                pass
        now = 700.0
        with rescuer.journal():
            pass

    def test_one_that_cannot_be_opened_for_long_is_not_taken_for_one_that_is_damaged(
        self, path: Path
    ) -> None:
        rescuer, away = Rescuer(path, lambda: 0.0), path.with_name("away")
        path.rename(away)
        path.mkdir()
        for _ in range(9):
            with pytest.raises(JournalError, match="cannot be used"), rescuer.journal():
                pass
        path.rmdir()
        away.rename(path)
        with rescuer.journal():
            assert rescuer.damage() == ""
