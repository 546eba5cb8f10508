"""A held folder stays the one that was meant, and none is reached through a link."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon import handles
from daemon.handles import held, open_file, read_file


@pytest.fixture(params=["by the kernel", "step by step"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "step by step":
        monkeypatch.setattr(handles, "_openat2", lambda: None)
    elif handles._openat2() is None:
        pytest.skip("this kernel has no openat2")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top/a/b").mkdir(parents=True)
    (tmp_path / "top/a/b/file").write_bytes(b"inside")
    (tmp_path / "outside/b").mkdir(parents=True)
    (tmp_path / "outside/b/file").write_bytes(b"outside")
    return tmp_path / "top"


def swap(folder: Path, outside: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(outside)


@pytest.mark.parametrize("below", ["", "a", "a/b"])
def test_a_held_folder_is_the_folder(top: Path, below: str) -> None:
    with held(top / below, top) as here:
        assert here.samefile(top / below)
        (here / "new").write_bytes(b"new")
    assert (top / below / "new").read_bytes() == b"new"


def test_a_held_folder_can_be_a_top_itself(top: Path) -> None:
    with held(top / "a", top) as here, held(here / "b", here) as there:
        assert (there / "file").read_bytes() == b"inside"


def test_it_stays_the_same_whatever_becomes_of_its_name(top: Path) -> None:
    with held(top / "a/b", top) as here:
        swap(top / "a", top.parent / "outside")
        assert (top / "a/b/file").read_bytes() == b"outside"
        assert (here / "file").read_bytes() == b"inside"


@pytest.mark.parametrize("link", ["a", "a/b"])
def test_a_link_on_the_way_is_refused(top: Path, link: str) -> None:
    target = top.parent / "outside"
    swap(top / link, target if link == "a" else target / "b")
    with pytest.raises(NotADirectoryError), held(top / "a/b", top):
        pass


def test_the_top_itself_may_be_reached_through_a_link(top: Path) -> None:
    (top.parent / "name").symlink_to(top)
    with held(top.parent / "name/a", top.parent / "name") as here:
        assert here.samefile(top / "a")


def test_what_is_not_there_or_not_below_is_an_error(top: Path) -> None:
    with pytest.raises(FileNotFoundError), held(top / "a/c", top):
        pass
    with pytest.raises(ValueError, match="subpath"), held(top.parent, top):
        pass


def test_no_handle_is_left_open(top: Path) -> None:
    gc.collect()  # what other tests have left in circles may hold handles, and go at any moment
    before = set(Path("/proc/self/fd").iterdir())
    with held(top / "a/b", top):
        pass
    with pytest.raises(FileNotFoundError), held(top / "a/c", top):
        pass
    with pytest.raises(FileNotFoundError):
        open_file(top / "a/c", top)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_very_deep_folder_is_held(top: Path) -> None:
    deep = top
    for _ in range(300):
        deep /= "d"
        deep.mkdir()
    with held(deep, top) as here:
        assert here.samefile(deep)


def test_a_file_is_not_opened_through_a_link(top: Path) -> None:
    os.close(open_file(top / "a/b/file", top))
    (top / "link").symlink_to("a/b/file")
    for within in (None, top):
        with pytest.raises(OSError, match="symbolic") as caught:
            open_file(top / "link", within)
        assert caught.value.errno == errno.ELOOP
    swap(top / "a", top.parent / "outside")
    with pytest.raises(NotADirectoryError):
        open_file(top / "a/b/file", top)
    os.close(open_file(top / "a/b/file"))  # whoever names no top trusts the way


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (lambda path: path.write_bytes(b"1234"), b"1234"),
        (lambda path: path.write_bytes(b"12345"), None),
        (os.mkfifo, None),
        (lambda path: path.mkdir(), None),
    ],
)
def test_small_files_are_read_and_nothing_else(
    tmp_path: Path, make: Callable[[Path], object], read: bytes | None
) -> None:
    make(tmp_path / "it")
    assert read_file(tmp_path / "it", 4) == read


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_another_program_keeps_for_itself_is_busy(top: Path, *, whole: bool) -> None:
    path = top / "a/b/file"
    owner = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.fcntl(owner, fcntl.F_SETSIG, signal.SIGURG)  # the usual one would end this process
        fcntl.fcntl(owner, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with pytest.raises(OSError, match="another program has it open") as caught:
            os.close(open_file(path, None if whole else top))
        assert caught.value.errno == errno.EBUSY
    finally:
        os.close(owner)
    os.close(open_file(path))
