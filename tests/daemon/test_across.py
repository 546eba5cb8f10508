"""Moves to another device: at each moment one of the two is whole, and nothing of others goes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon import copying, files, presence, removing
from daemon.errors import StoppedError
from tests.daemon.modes import bound_by_modes

WHOLE = {"a.jpg": b"a" * 3000, "b.jpg": b"b" * 10, "deep/c.jpg": b"c"}


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def make(folder: Path) -> Path:
    """A folder whose photos are old, as most are when they come."""
    for name, data in WHOLE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(1, 1_400_000_000_123_456_789))
    return folder


class Tick:
    """Counts, and wants a stop at one of the calls."""

    def __init__(self, stops_at: int = 0) -> None:
        self.calls, self._stops_at = 0, stops_at

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self._stops_at:
            raise StoppedError


@pytest.fixture(params=[errno.EBUSY, errno.EIO])
def refusing(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> Callable[[Callable[[], object]], None]:
    """Lets nothing be removed elsewhere; what else is to happen at that moment is given."""

    def refuse_and(act: Callable[[], object]) -> None:
        unlink = Path.unlink

        def refuse(path: Path, **options: bool) -> None:
            if path.parent.resolve().is_relative_to(elsewhere):
                act()
                raise OSError(request.param, os.strerror(request.param), str(path))
            unlink(path, **options)

        monkeypatch.setattr(Path, "unlink", refuse)

    return refuse_and


Refusing = Callable[[Callable[[], object]], None]


def test_what_somebody_put_into_a_copy_that_is_taken_back_stays(
    tmp_path: Path, elsewhere: Path, refusing: Refusing
) -> None:
    party = make(elsewhere / "Party")
    theirs = tmp_path / "Party" / "theirs.jpg"
    refusing(lambda: theirs.write_bytes(b"the only one"))
    with pytest.raises(OSError, match=r"busy|Input/output"):
        files.move_new(party, tmp_path, "Party")
    assert contents(party) == WHOLE
    assert contents(tmp_path) == {"Party/theirs.jpg": b"the only one"}


def test_what_somebody_put_into_a_folder_of_it_stays(
    tmp_path: Path, elsewhere: Path, refusing: Refusing
) -> None:
    party = make(elsewhere / "Party")
    theirs = tmp_path / "Party" / "deep" / "theirs"
    refusing(lambda: theirs.is_symlink() or theirs.symlink_to("nowhere"))
    with pytest.raises(OSError, match=r"busy|Input/output"):
        files.move_new(party, tmp_path, "Party")
    assert contents(party) == WHOLE
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [theirs]


@pytest.mark.parametrize("way", ["written to", "swapped"])
def test_what_somebody_changed_in_it_stays(
    tmp_path: Path, elsewhere: Path, refusing: Refusing, way: str
) -> None:
    party = make(elsewhere / "Party")
    copy = tmp_path / "Party" / "b.jpg"

    def change() -> None:
        if way == "swapped":
            copy.unlink(missing_ok=True)
        copy.write_bytes(b"B" * 10)

    refusing(change)
    with pytest.raises(OSError, match=r"busy|Input/output"):
        files.move_new(party, tmp_path, "Party")
    assert contents(party) == WHOLE
    assert contents(tmp_path) == {"Party/b.jpg": b"B" * 10}


def test_a_photo_to_which_somebody_writes_already_stays(
    tmp_path: Path, elsewhere: Path, refusing: Refusing
) -> None:
    photo = make(elsewhere / "Party") / "a.jpg"
    opened = list[int]()

    def open_copy() -> None:
        opened.append(os.open(tmp_path / "a.jpg", os.O_WRONLY | os.O_CLOEXEC))

    refusing(open_copy)
    with pytest.raises(OSError, match=r"busy|Input/output"):
        files.move_new(photo, tmp_path, "a.jpg")
    os.write(opened[0], b"mine")
    os.close(opened[0])
    assert photo.read_bytes() == WHOLE["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes().startswith(b"mine")


def test_the_copy_of_a_folder_that_is_closed_to_writers_is_taken_back_too(
    tmp_path: Path, elsewhere: Path, refusing: Refusing
) -> None:
    party = make(elsewhere / "Party")
    for folder in (party / "deep", party):
        folder.chmod(0o555)
    refusing(lambda: None)
    with bound_by_modes(), pytest.raises(OSError, match=r"busy|Input/output"):
        files.move_new(party, tmp_path, "Party")
    assert contents(party) == WHOLE
    assert list(tmp_path.iterdir()) == []
    for folder in (party, party / "deep"):
        folder.chmod(0o755)


@pytest.mark.parametrize("nanoseconds", [1_400_000_000_000_000_000, 1_400_000_000_123_456_700])
def test_a_copy_whose_time_a_file_system_rounds_later_is_taken_back(
    tmp_path: Path, elsewhere: Path, refusing: Refusing, nanoseconds: int
) -> None:
    photo = make(elsewhere / "Party") / "a.jpg"
    refusing(lambda: os.utime(tmp_path / "a.jpg", ns=(1, nanoseconds)))
    with pytest.raises(OSError, match=r"busy|Input/output"):
        files.move_new(photo, tmp_path, "a.jpg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_has_gone_from_a_copy_keeps_its_source(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A service on another machine may sweep what has a temporary name: its locks are its own."""
    party = make(elsewhere / "Party")
    rename = files.rename_new

    def sweep_and_rename(source: Path, target: Path) -> None:
        if files.is_temporary(source.name):
            (source / "deep/c.jpg" if kind == "folder" else source).unlink()
        rename(source, target)

    monkeypatch.setattr(files, "rename_new", sweep_and_rename)
    with pytest.raises(OSError, match=r"changed while|No such file"):
        files.move_new(party if kind == "folder" else party / "a.jpg", tmp_path, "moved")
    assert contents(party) == WHOLE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_stop_at_any_moment_leaves_one_of_the_two_whole(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(copying, "_BLOCK", 100)

    def go(tick: Tick) -> bool:
        """Whether it came to its end; what is there then is looked at, and removed."""
        source, to = make(elsewhere / "Party"), tmp_path / "to"
        to.mkdir()
        if kind == "file":
            source /= "a.jpg"
        try:
            files.move_new(source, to, source.name, tick=tick)
        except StoppedError:
            done = False
        else:
            done = True
        wanted = {f"Party/{name}": data for name, data in WHOLE.items()}
        if kind == "file":
            wanted = {"a.jpg": WHOLE["a.jpg"]}
        kept = contents(elsewhere) == wanted if kind == "folder" else presence.is_there(source)
        if kept:
            assert not done
            assert list(to.iterdir()) == []
        else:
            assert contents(to) == wanted
        removing.remove_tree(elsewhere / "Party")
        removing.remove_tree(to)
        return done

    calls = Tick()
    assert go(calls)
    assert calls.calls > 30
    assert not any(go(Tick(number)) for number in range(1, calls.calls + 1))


def test_it_is_interrupted_as_by_a_stop(
    tmp_path: Path, elsewhere: Path, refusing: Refusing
) -> None:
    """As `atelierd retry` is, by Ctrl-C."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    party = make(elsewhere / "Party")
    refusing(interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.move_new(party, tmp_path, "Party")
    assert contents(party) == WHOLE
    assert list(tmp_path.iterdir()) == []


def test_a_copy_is_synced_as_it_grows(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a disk has to write when all is copied takes no longer than one portion of it."""
    monkeypatch.setattr(copying, "PORTION", 1000)
    monkeypatch.setattr(copying, "_BLOCK", 100)
    sync, sizes = os.fdatasync, list[int]()

    def sync_and_look(handle: int) -> None:
        sync(handle)
        sizes.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fdatasync", sync_and_look)
    files.move_new(make(elsewhere / "Party") / "a.jpg", tmp_path, "a.jpg")
    assert sizes == [1000, 2000, 3000]
    assert (tmp_path / "a.jpg").read_bytes() == WHOLE["a.jpg"]
