"""``atelierd cancel``: with a service that runs, and without one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePath

import pytest

from daemon.cli import main
from daemon.configuration import state_folder
from daemon.errors import ExitCode
from daemon.jobs import NewJob
from daemon.journal import JOURNAL, Journal
from daemon.locking import ShareLock
from daemon.requests import FOLDER
from daemon.settings import Settings, ShareSettings
from daemon.share import Share, make_share, open_share
from tests.daemon.child_stand_ins import SLOWER
from tests.daemon.standins import picture
from tests.daemon.walking import files_below

ROOT = Path(__file__).resolve().parents[3]
LONG = 150.0


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    # A step of this style takes long: whatever is painted in it is being painted for the test.
    (share.styles / "Slow.png").write_bytes(picture((SLOWER,) * 3, "PNG"))
    return share


def places(tmp_path: Path) -> list[str]:
    return ["--share.root", str(tmp_path / "share"), "--state_dir", str(tmp_path / "state")]


def cancel(tmp_path: Path, *names: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["cancel", *names, *places(tmp_path)])
    return int(ended.value.code or 0)


@contextmanager
def service(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.daemon.run_with_stand_in", "stand_in_worker"]
    quick = ["--watch.settle_seconds", "0", "--watch.poll_seconds", "0.1"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *places(tmp_path), *quick, "--paint.iterations", "5"],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def log(tmp_path: Path) -> str:
    return (tmp_path / "log").read_text()


def drop(share: Share, *names: str) -> None:
    folder = share.inbox / "Slow"
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (folder / name).write_bytes(picture((number, 9, 9)))


CANCELLED = ["Slow/a.jpg", "Slow/a.jpg - why.txt"]


def test_with_a_service_it_is_the_service_that_does_it(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(share, "a.jpg", "b.jpg")
    with service(tmp_path):
        wait_for(lambda: log(tmp_path).count("job.queued") == 2 and "job.started" in log(tmp_path))
        assert cancel(tmp_path, "a.jpg", "Slow/b.jpg") == ExitCode.OK
    told = capsys.readouterr().out.splitlines()
    assert told == [
        f"Cancelled: Slow/{name}. The photo lies in {share.failed}/Slow."
        for name in ("a.jpg", "b.jpg")
    ]
    assert [name for name in files_below(share.failed) if name.endswith("jpg")] == [
        "Slow/a.jpg", "Slow/b.jpg",
    ]  # fmt: skip
    assert log(tmp_path).count("job.cancelled") == 2
    assert files_below(share.outbox) == []


def interrupted(share: Share, tmp_path: Path) -> None:
    """Have a photo taken by a service that dies."""
    drop(share, "a.jpg")
    with service(tmp_path) as process:
        wait_for(lambda: "job.started" in log(tmp_path))
        process.send_signal(signal.SIGKILL)
        process.wait(LONG)


def test_without_a_service_it_is_done_here(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(share, tmp_path)
    assert cancel(tmp_path, "a.jpg") == ExitCode.OK
    told = capsys.readouterr()
    assert told.out == f"Cancelled: Slow/a.jpg. The photo lies in {share.failed}/Slow.\n"
    assert told.err == ""
    assert files_below(share.failed) == CANCELLED
    assert "cancelled" in (share.failed / CANCELLED[1]).read_text()
    assert cancel(tmp_path, "a.jpg") == ExitCode.USAGE
    assert "No photo called a.jpg waits or is being painted, and none" in capsys.readouterr().err


def test_a_disk_that_refuses_leaves_it_for_the_next_start(
    share: Share,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupted(share, tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("daemon.files._write_temporary", refuse)
        assert cancel(tmp_path, "a.jpg") == ExitCode.OK
    assert "when it can be" in capsys.readouterr().out
    assert files_below(share.failed) == []
    with service(tmp_path):
        wait_for(lambda: files_below(share.failed) == CANCELLED and "job.failed" in log(tmp_path))
    assert "job.started" not in log(tmp_path)


def test_a_service_that_does_not_answer_was_asked_all_the_same(
    share: Share,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupted(share, tmp_path)
    monkeypatch.setattr("daemon.cli.cancel._PATIENCE_SECONDS", 0.1)
    state = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    with ShareLock(state, share.work):
        assert cancel(tmp_path, "a.jpg") == ExitCode.OK
    assert capsys.readouterr().out.startswith("The service is asked to cancel Slow/a.jpg")
    assert [path.suffix for path in (state / FOLDER).iterdir()] == [".cancel"]
    with service(tmp_path):
        wait_for(lambda: files_below(share.failed) == CANCELLED)
        wait_for(lambda: not list((state / FOLDER).iterdir()))


def test_where_nothing_was_ever_taken_nothing_can_be_cancelled(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(share, "a.jpg")
    assert cancel(tmp_path, "a.jpg") == ExitCode.USAGE
    told = capsys.readouterr().err
    assert f"{share.inbox}/Slow/a.jpg lies in the inbox: it neither waits" in told
    assert "Take it out of there by hand" in told
    assert cancel(tmp_path, "b.jpg") == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "No photo called b.jpg waits or is being painted, and none of that name was seen" in told
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["Trip", "Trip/content.jpg", "Trip.jpg", "Trip.png"])
def test_a_folder_that_is_one_job_is_cancelled_by_any_of_its_names(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    state = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    state.mkdir(parents=True)
    folder = share.work / "jobs" / "one" / "Trip"
    folder.mkdir(parents=True)
    for file in ("content.jpg", "style.jpg"):
        (folder / file).write_bytes(picture((1, 2, 3)))
    with closing(Journal(state / JOURNAL, time.time)) as journal:
        pictures = (folder / "content.jpg", folder / "style.jpg")
        place = PurePath("Trip/content.jpg")
        journal.add(NewJob("one", "Inbox", "style", place, *pictures, None, "{}"))
    assert cancel(tmp_path, name) == ExitCode.OK
    assert capsys.readouterr().out == f"Cancelled: Trip. The folder lies in {share.failed}.\n"
    assert "Trip/content.jpg" in files_below(share.failed)


def test_a_share_that_is_kept_elsewhere_cannot_be_asked(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ShareLock(tmp_path / "another", share.work):
        assert cancel(tmp_path, "a.jpg") == ExitCode.FAILED
    assert "Set state_dir" in capsys.readouterr().err
