"""People who still write to a file: told from those who do not, and waited for between devices."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon import copying, files, halfway, writers
from daemon.copying import Copied
from daemon.handles import reading
from daemon.pulse import Tick
from tests.daemon.test_run import CONFIG, Program, grey, prepared
from tests.daemon.walking import below

MEMORY = Path("/dev/shm")  # noqa: S108 - wanted for being another device
GONE_ON = b"the rest"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(b"half of it, ")
    return path


@contextmanager
def writing(path: Path, flags: int = os.O_RDWR) -> Iterator[int]:
    handle = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def is_written(path: Path) -> bool:
    with reading(path) as handle:
        return writers.is_being_written(handle)


@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_who_may_write_is_seen_for_as_long_as_the_file_is_open(photo: Path, flags: int) -> None:
    with writing(photo, flags):
        assert is_written(photo)
        assert is_written(photo)
    assert not is_written(photo)


def test_readers_and_writers_of_other_files_do_not_count(photo: Path) -> None:
    (photo.parent / "b").touch()
    with writing(photo, os.O_RDONLY), writing(photo.parent / "b"):
        assert not is_written(photo)


def test_over_a_network_a_refusal_says_nothing(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "silent_file_system", lambda _folder: "nfs4")
    with writing(photo):
        assert not is_written(photo)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.EPERM])
def test_where_it_cannot_be_told_nobody_is_seen(
    photo: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_handle: int, command: int, _argument: int) -> None:
        if command == fcntl.F_SETLEASE:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert not is_written(photo)


def test_whoever_opens_the_file_at_that_moment_waits_for_it_and_ends_nobody(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = fcntl.fcntl
    done = threading.Event()

    def open_it() -> None:
        with writing(photo):
            done.set()

    def open_and_call(handle: int, command: int, argument: int) -> Any:
        if (command, argument) == (fcntl.F_SETLEASE, fcntl.F_UNLCK):
            opener.start()
            while call(handle, fcntl.F_GETLEASE) == fcntl.F_RDLCK:
                time.sleep(0.001)
            assert not done.is_set()
        return call(handle, command, argument)

    opener = threading.Thread(target=open_it)
    monkeypatch.setattr(fcntl, "fcntl", open_and_call)
    assert not is_written(photo)
    opener.join(30)
    assert done.is_set()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_nothing_is_moved_across_devices_while_somebody_writes_to_it(
    tmp_path: Path, elsewhere: Path, photo: Path, kind: str
) -> None:
    source = photo
    if kind == "folder":
        source = tmp_path / "party"
        (source / "deep").mkdir(parents=True)
        photo = photo.rename(source / "deep/a.png")
    with writing(photo, os.O_WRONLY | os.O_APPEND) as handle:
        with pytest.raises(OSError, match="still writing"):
            files.move_new(source, elsewhere, source.name)
        assert list(elsewhere.iterdir()) == []
        os.write(handle, GONE_ON)
    moved = files.move_new(source, elsewhere, source.name)
    whole = moved if kind == "file" else moved / "deep/a.png"
    assert whole.read_bytes() == b"half of it, the rest"
    assert not source.exists()


def test_who_opens_it_while_it_is_copied_is_waited_for_too(
    elsewhere: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, opened = copying.copy_whole, list[int]()

    def copy_and_open(source: Path, target: Path, *, tick: Tick) -> list[Copied]:
        copied = copy(source, target, tick=tick)
        opened.append(os.open(photo, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
        return copied

    monkeypatch.setattr(copying, "copy_whole", copy_and_open)
    with pytest.raises(OSError, match="still writing"):
        files.move_new(photo, elsewhere, photo.name)
    assert list(elsewhere.iterdir()) == []
    os.write(opened[0], GONE_ON)
    os.close(opened[0])
    assert photo.read_bytes() == b"half of it, the rest"


def test_who_opens_one_of_many_while_these_are_removed_loses_nothing(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "party").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "party" / name).write_bytes(b"half of it, ")
    unlink, opened = Path.unlink, list[tuple[int, str]]()

    def unlink_and_open(path: Path, **options: bool) -> None:
        unlink(path, **options)
        if not opened:
            other = next((tmp_path / "party").iterdir())
            opened.append((os.open(other, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), other.name))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink_and_open)
        with pytest.raises(OSError, match="still writing"):
            files.move_new(tmp_path / "party", elsewhere, "party")
    handle, name = opened[0]
    os.write(handle, GONE_ON)
    os.close(handle)
    assert (tmp_path / "party" / name).read_bytes() == b"half of it, the rest"
    assert {one.name for one in (elsewhere / "party").iterdir()} == {"a", "b", "c"}


def test_what_a_kill_left_in_two_places_stays_there_until_the_writer_is_done(
    elsewhere: Path, photo: Path
) -> None:
    copy = elsewhere / "a.png"
    copy.write_bytes(photo.read_bytes())
    with writing(photo):
        with pytest.raises(OSError, match="still writing"):
            halfway.settle(photo, copy)
        assert photo.exists()
    halfway.settle(photo, copy)
    assert not photo.exists()
    assert copy.exists()


@pytest.mark.parametrize("far", ["work", "originals"])
def test_the_rest_of_a_photo_that_came_late_is_kept_and_painted(
    tmp_path: Path, elsewhere: Path, far: str
) -> None:
    """Whole to look at, since nobody can tell what comes after a picture's end, but still open."""
    away = elsewhere / "away"
    if far == "work":
        away.mkdir()
    config = CONFIG.replace("root = 'share'\n", f"root = 'share'\n{far} = '{away}'\n")
    with prepared(tmp_path, config) as program:
        path = program.style("Waves") / "a.png"
        data = grey(100)
        with writing(path, os.O_WRONLY | os.O_CREAT) as handle:
            os.write(handle, data)
            program.start()
            program.wait(lambda: "still writing" in program.text())
            os.write(handle, GONE_ON)
        program.wait(lambda: kept(program, away, far))
        assert [one.read_bytes() for one in kept(program, away, far)] == [data + GONE_ON]
        assert program.files("Inbox") == []


def test_one_that_somebody_keeps_open_is_painted_once_and_moved_when_it_is_closed(
    tmp_path: Path, elsewhere: Path
) -> None:
    config = CONFIG.replace("root = 'share'\n", f"root = 'share'\nwork = '{elsewhere}'\n")
    with prepared(tmp_path, config) as program:
        path = program.style("Waves") / "a.png"
        path.write_bytes(grey(100))
        with writing(path):
            program.start()
            program.wait(lambda: program.said("photo.stays"))
            program.wait(lambda: program.said("job.finished"))
            assert path.read_bytes() == grey(100)
        program.wait(lambda: program.said("photo.moved"))
        assert program.files("Inbox") == program.files("Failed") == []
        assert program.files("Originals") == ["Waves/a.png"]
        assert program.files("Outbox") == ["Waves/a.jpg"]


def kept(program: Program, away: Path, far: str) -> list[Path]:
    """What lies in originals."""
    folder = away if far == "originals" else program.share / "Originals"
    return [one for one in below(folder) if one.suffix == ".png" and one.is_file()]
