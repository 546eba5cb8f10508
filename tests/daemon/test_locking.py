"""One daemon a share: with real locks and real other processes."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from daemon.errors import AlreadyRunningError, ExitCode, ShareError
from daemon.locking import LOCK, ShareLock

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from daemon.locking import ShareLock

with ShareLock(*map(Path, sys.argv[1:])):
    print(flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_daemon(*folders: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", PROGRAM, *map(str, folders)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        if process.stdin is not None and process.poll() is None:
            process.stdin.close()


def impatient(*folders: Path) -> ShareLock:
    """A lock for which a second is over at once."""
    seconds = count()
    return ShareLock(*folders, clock=lambda: float(next(seconds)), sleep=lambda _: None)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "share" / ".atelierd"


def no_locks_in(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the kernel answer for one folder as it does where the file system knows no locks."""
    flock = fcntl.flock

    def answer(handle: int, operation: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().parent == folder:
            raise OSError(number, os.strerror(number))
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", answer)


@pytest.mark.parametrize("shared", ["state", "work"])
def test_another_process_is_refused_and_named(
    state: Path, work: Path, tmp_path: Path, shared: str
) -> None:
    own = tmp_path / "own"
    folders = (state, own) if shared == "state" else (own, work)
    with another_daemon(state, work) as other:
        lock = impatient(*folders)
        with pytest.raises(AlreadyRunningError, match=rf"process {other.pid}\b.*Stop it") as caught:
            lock.acquire()
        assert caught.value.exit_code is ExitCode.USAGE
        # Whoever was refused holds nothing: its own folder is free.
        with ShareLock(own):
            pass


def test_the_lock_goes_with_the_process_however_it_ends(state: Path, work: Path) -> None:
    with another_daemon(state, work) as other:
        other.send_signal(signal.SIGKILL)
    with ShareLock(state, work):
        pass


def test_the_lock_is_free_after_release(state: Path, work: Path) -> None:
    lock = ShareLock(state, work)
    assert lock.acquire() == ()
    with pytest.raises(AlreadyRunningError):
        impatient(state).acquire()
    with pytest.raises(AlreadyRunningError, match="keeps the share already"):
        lock.acquire()
    lock.release()
    lock.release()
    with another_daemon(state, work):
        pass


def test_children_do_not_inherit_the_lock(state: Path) -> None:
    lock = ShareLock(state)
    lock.acquire()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        lock.release()
        try:
            with ShareLock(state):
                pass
        finally:
            child.kill()


def test_whoever_holds_it_for_a_moment_only_is_waited_for(state: Path, work: Path) -> None:
    """As `atelierd status` does when it asks whether a daemon runs."""
    with ShareLock(state, work):
        pass
    handle, slept = os.open(work / LOCK, os.O_RDONLY), list[float]()
    fcntl.flock(handle, fcntl.LOCK_SH)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            os.close(handle)

    with ShareLock(state, work, clock=lambda: 0.0, sleep=sleep):
        assert len(slept) == 3


def test_it_gives_up_after_about_a_second(state: Path) -> None:
    times = [0.0]
    lock = ShareLock(state, clock=lambda: times[-1], sleep=lambda s: times.append(times[-1] + s))
    with ShareLock(state), pytest.raises(AlreadyRunningError):
        lock.acquire()
    assert 1.0 <= times[-1] < 1.1


def test_a_daemon_on_another_machine_is_named(state: Path) -> None:
    with ShareLock(state):
        (state / LOCK).write_text("123 studio\n")
        with pytest.raises(AlreadyRunningError, match=r"on studio \(process 123\).*Stop it there"):
            impatient(state).acquire()


@pytest.mark.parametrize("text", [b"", b"\xff\xff", b"rm -rf / now", b"x" * 9999])
def test_a_lock_file_with_nonsense_in_it_names_nobody(state: Path, text: bytes) -> None:
    with ShareLock(state):
        (state / LOCK).write_bytes(text)
        with pytest.raises(AlreadyRunningError, match="Another service keeps this share"):
            impatient(state).acquire()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_folder_without_locks_is_told_and_the_other_holds(
    state: Path, work: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    no_locks_in(work, monkeypatch, number)
    lock = ShareLock(state, work)
    assert lock.acquire() == (work,)
    with pytest.raises(AlreadyRunningError):
        impatient(state, work).acquire()
    lock.release()


def test_no_lock_at_all_is_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_locks_in(work, monkeypatch, errno.ENOLCK)
    with pytest.raises(ShareError, match="Set state_dir"):
        ShareLock(work).acquire()


def test_a_lock_file_that_cannot_be_opened_is_said(state: Path) -> None:
    state.mkdir()
    (state / LOCK).symlink_to("elsewhere")
    with pytest.raises(ShareError, match="cannot be written"):
        impatient(state).acquire()
    assert not (state / "elsewhere").exists()


def test_the_lock_file_stays_and_names_the_holder(state: Path) -> None:
    with ShareLock(state):
        assert (state / LOCK).read_text().split()[0] == str(os.getpid())
    assert (state / LOCK).exists()


@contextmanager
def made_again(work: Path) -> Iterator[int]:
    shutil.rmtree(work)
    work.mkdir()
    handle = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def test_a_folder_that_was_made_again_is_locked_again(
    state: Path, work: Path, tmp_path: Path
) -> None:
    with ShareLock(state, work) as lock:
        with made_again(work) as handle:
            lock.renew(work, handle)
            lock.renew(work, handle)
        with pytest.raises(AlreadyRunningError):
            impatient(tmp_path / "own", work).acquire()
    with ShareLock(work):
        pass


def test_a_lock_that_is_there_still_is_not_let_go_of(state: Path, work: Path) -> None:
    with ShareLock(state, work) as lock:
        before = dict(lock._handles)
        folder = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
        held = os.open(work / LOCK, os.O_RDWR)
        try:
            lock.renew(work, folder)
            assert lock._handles == before
            with pytest.raises(BlockingIOError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(held)
            os.close(folder)


def test_a_folder_that_another_locked_first_stays_its_own(
    state: Path, work: Path, tmp_path: Path
) -> None:
    with ShareLock(state, work) as lock, made_again(work) as handle:
        with another_daemon(tmp_path / "own", work) as other:
            for _ in range(2):
                with pytest.raises(AlreadyRunningError, match=rf"process {other.pid}\b"):
                    lock.renew(work, handle)
        with pytest.raises(AlreadyRunningError):
            impatient(state).acquire()
        lock.renew(work, handle)


def test_a_drive_that_has_gone_is_not_made_to_lock_it(state: Path, work: Path) -> None:
    with ShareLock(state, work) as lock, made_again(work) as handle:
        work.rmdir()
        with pytest.raises(ShareError):
            lock.renew(work, handle)
        assert not work.exists()
