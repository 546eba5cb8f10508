"""What was there before is waited for; what never was is a mistake to tell."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon import bulletin, marks, opening
from daemon.bulletin import Bulletin
from daemon.errors import AlreadyRunningError, JournalError, ShareAwayError, ShareError
from daemon.locking import ShareLock
from daemon.marks import MARK
from daemon.notify import Notify
from daemon.opening import Opening
from tests.daemon.listening import Listener
from tests.daemon.mounting import drive
from tests.daemon.test_notify import end, said
from tests.daemon.test_run import LONG, Program, grey, prepared


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_PAUSE_SECONDS", 0.05)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def make(state: Path, *, once: bool = False) -> Opening:
    notify = Notify({}, time.monotonic, 0)
    return Opening(state, notify, Bulletin(state), time.monotonic, once=once)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "open"

    return attempt


@pytest.mark.parametrize(
    "error",
    [
        ShareAwayError("The drive is away."),
        caused(ShareError("No room."), FULL),
        caused(JournalError("No room."), FULL),
        caused(JournalError("No room."), sqlite3.OperationalError("database or disk is full")),
    ],
)
def test_what_may_pass_is_waited_for_and_said_once(state: Path, error: Exception) -> None:
    (state / marks.MEMORY).touch()
    seen = list[str]()

    def attempt() -> str:
        seen.append(bulletin.read(state))
        return tries()

    tries = failing(error, error, error)
    with capture_logs() as logs:
        assert make(state).until_open(attempt) == "open"
    assert [line["event"] for line in logs] == ["start.waits", "start.goes_on"]
    assert seen == ["", *[str(error)] * 3]
    assert bulletin.read(state) == ""


@pytest.mark.parametrize("way", ["never kept", "once", "no outage", "another daemon"])
def test_all_else_ends_the_start(state: Path, way: str) -> None:
    if way != "never kept":
        (state / marks.MEMORY).touch()
    errors = {"no outage": ShareError("No."), "another daemon": AlreadyRunningError("No.")}
    error = errors.get(way) or caused(ShareError("No."), FULL)
    with pytest.raises(type(error), match="No"):
        make(state, once=way == "once").until_open(failing(error))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_disk_that_does_not_say_whether_the_share_was_kept_is_waited_for(
    state: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_path: Path) -> bool:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(opening, "is_there", refuse)
    error = caused(ShareError("No room."), FULL)
    assert make(state).until_open(failing(error)) == "open"


def test_nobody_waits_longer_than_until_a_stop(state: Path) -> None:
    waiting = make(state)
    waiting.reload()

    def attempt() -> str:
        raise ShareAwayError("The drive is away.")

    threading.Timer(0.2, waiting.stop, ["the test"]).start()
    assert waiting.until_open(attempt) is None


@pytest.mark.parametrize("tries", [0, 1])
def test_a_stop_while_it_succeeds_is_heeded_too(state: Path, tries: int) -> None:
    waiting, attempts = make(state), failing(*[ShareAwayError("The drive is away.")] * tries)

    def attempt() -> str:
        opened = attempts()
        waiting.stop("the test")
        return opened

    assert waiting.until_open(attempt) is None


def test_settings_that_are_to_be_read_again_meanwhile_are_once_it_is_open(state: Path) -> None:
    waiting, told = make(state), list[str]()

    def attempt() -> str:
        waiting.reload()
        return tries()

    tries = failing(*[ShareAwayError("The drive is away.")] * 2)
    with capture_logs() as logs:
        assert waiting.until_open(attempt) == "open"
    events = [line["event"] for line in logs]
    assert events == ["start.waits", "settings.wait", "start.goes_on"]
    for _ in range(2):
        waiting.hand_on(told.append, lambda: told.append("reload"))
    assert told == ["reload"]
    waiting.stop("the test")  # in the last moment
    waiting.hand_on(told.append, lambda: told.append("reload"))
    assert told == ["reload", "the test"]


def test_while_it_waits_a_second_one_is_kept_out(state: Path) -> None:
    waiting, refused = make(state), list[bool]()

    def ask() -> None:
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            time.sleep(0.1)  # it has to get the lock itself
            with contextlib.suppress(AlreadyRunningError), ShareLock(state):
                continue
            refused.append(True)
            break
        waiting.stop("the test")

    thread = threading.Thread(target=ask)
    thread.start()
    error = ShareAwayError("The drive is away.")
    assert waiting.until_open(failing(*[error] * 9999)) is None
    thread.join()
    assert refused


def test_what_this_process_keeps_already_is_not_locked_once_more(state: Path) -> None:
    (state / marks.MEMORY).touch()
    error = caused(JournalError("No room."), FULL)
    with ShareLock(state):
        assert make(state).until_open(failing(error), locked=True) == "open"


# The program.


@pytest.fixture
def listener() -> Iterator[Listener]:
    # A socket's path may have 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="notify-") as folder,
        closing(Listener(Path(folder) / "socket")) as listener,
    ):
        yield listener


def have_one_taken(program: Program) -> None:
    """And not painted: the claim lies on the drive that goes."""
    process = program.start(worker="no_weights_worker")
    program.wait(lambda: program.said("job.queued"))
    end(process)
    assert program.jobs() == {"queued": 1}


@pytest.mark.parametrize("way", ["swapped", "gone"])
def test_a_service_that_starts_before_its_drive_waits_and_loses_nothing(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.name)
    with prepared(tmp_path) as program:
        (program.style("Waves") / "a.png").write_bytes(grey(100))
        have_one_taken(program)
        away = tmp_path / "away"
        program.share.rename(away)
        if way == "swapped":
            program.share.mkdir()
        process = program.start()
        program.wait(lambda: said(listener, "Waiting: The folder "))
        assert listener.said("READY")
        told = program.status()
        assert told["running"]
        assert "Connect the drive" in told["trouble"]
        process.send_signal(signal.SIGHUP)
        program.wait(lambda: program.said("settings.wait"))
        assert list(program.share.rglob("*")) == []
        assert program.share.exists() == (way == "swapped")
        away.rename(program.share)  # over the empty folder, if there is one
        program.wait(lambda: program.files("Outbox") == ["Waves/a.jpg"])
        program.wait(lambda: program.status()["trouble"] == "")
        program.wait(lambda: program.said("settings.read"))
        assert len(program.said("start.waits")) == len(program.said("start.goes_on")) == 1
        end(process)
        assert program.jobs() == {"done": 1}


def test_a_work_folder_on_a_drive_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with drive(tmp_path / "drive") as disk, prepared(tmp_path) as program:
        config = tmp_path / "config.toml"
        work = f"[share]\nwork = '{tmp_path / 'drive'}'"
        config.write_text(config.read_text().replace("[share]", work))
        (program.style("Waves") / "a.png").write_bytes(grey(100))
        have_one_taken(program)
        disk.disconnect()
        assert program.once() == 2
        process = program.start()
        program.wait(lambda: program.said("start.waits"))
        assert MARK in program.said("start.waits")[0]["why"]
        assert list((tmp_path / "drive").iterdir()) == []
        disk.connect()
        program.wait(lambda: program.files("Originals") == ["Waves/a.png"])
        end(process)
        assert program.jobs() == {"done": 1}


def test_a_journal_that_cannot_be_opened_at_the_start_is_waited_for(tmp_path: Path) -> None:
    with prepared(tmp_path) as program:
        (program.style("Waves") / "a.png").write_bytes(grey(100))
        have_one_taken(program)
        journal, away = program.state("journal.sqlite"), tmp_path / "away"
        journal.rename(away)
        journal.mkdir()
        process = program.start()
        program.wait(lambda: program.said("start.waits"))
        process.send_signal(signal.SIGHUP)
        program.wait(lambda: program.said("settings.wait"))  # so it waits
        with pytest.raises(AlreadyRunningError):
            ShareLock(program.state()).acquire()
        journal.rmdir()
        away.rename(journal)
        program.wait(lambda: program.files("Outbox") == ["Waves/a.jpg"])
        program.wait(lambda: program.said("settings.read"))
        end(process)
        assert program.jobs() == {"done": 1}


def test_a_share_that_goes_while_it_runs_is_left_alone_and_gone_on_with(tmp_path: Path) -> None:
    with prepared(tmp_path) as program:
        folder = program.style("Waves")
        process = program.start()
        program.wait(lambda: program.said("engine.ready"))
        away, other = tmp_path / "away", tmp_path / "other"
        for name in ("Inbox/Waves", "Outbox", "Styles", "Originals", "Failed", ".atelierd"):
            (other / name).mkdir(parents=True)
        (other / "Inbox" / "Waves" / "b.png").write_bytes(grey(40))
        # At one go: of a share that is not there at all it would say something else.
        program.share.rename(away)
        other.rename(program.share)
        program.wait(lambda: program.said("service.trouble"))
        program.wait(lambda: "run `atelierd init" in program.status()["trouble"])
        before = sorted(program.share.rglob("*"))
        time.sleep(1)
        assert sorted(program.share.rglob("*")) == before
        program.share.rename(other)
        away.rename(program.share)
        (folder / "a.png").write_bytes(grey(100))
        program.wait(lambda: program.files("Outbox") == ["Waves/a.jpg"])
        end(process)
        assert len(program.said("service.trouble")) == len(program.said("service.goes_on")) == 1
