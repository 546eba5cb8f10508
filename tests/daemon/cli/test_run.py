"""``atelierd run``: what it says of the weights, and to a person on a terminal.

What it does, `tests/daemon/test_run.py` shows.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import structlog

from daemon import by_systemd
from daemon.cli import main
from daemon.cli.run import logging_weights
from daemon.drives import Tables, expect_drives
from daemon.errors import ExitCode
from daemon.runners.base import EngineReady, Event
from daemon.settings import ShareSettings
from daemon.share import make_share, open_share
from engine import DeviceReport
from engine.weights import load

ROOT = Path(__file__).resolve().parents[3]
READY_SAID = re.compile(rb"engine\.ready|The engine is ready")
USER = by_systemd.user_of(os.geteuid())
READY = EngineReady(DeviceReport("cpu", "float32", 1, "a test"), "0" * 64, 1.0)


@pytest.mark.weights
def test_the_weights_are_logged_once_and_as_imported_when_they_were(
    weights: Path, tmp_path: Path
) -> None:
    shutil.copy(weights, tmp_path / "mine.params")
    delivered = list[Event]()
    first = logging_weights(tmp_path, delivered.append)
    load(tmp_path)  # what the engine does
    with structlog.testing.capture_logs() as logs:
        first(READY)
    assert [(line["event"], line["source"]) for line in logs] == [
        ("weights.imported", "mine.params")
    ]
    second = logging_weights(tmp_path, delivered.append)
    with structlog.testing.capture_logs() as logs:
        second(READY)
        second(READY)  # the engine died and was started again
    assert [(line["event"], line["source"]) for line in logs] == [("weights.loaded", "mine.params")]
    assert delivered == [READY] * 3


def test_nothing_is_logged_of_what_is_not_there(tmp_path: Path) -> None:
    delivered = list[Event]()
    with structlog.testing.capture_logs() as logs:
        logging_weights(tmp_path, delivered.append)(READY)
    assert (logs, delivered) == ([], [READY])


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (
            "--preset",
            '--preset must be draft, standard, fine, poster, subtle or photo, not "best".',
        ),
        (
            "--paint.preset",
            '--paint.preset must be draft, standard, fine, poster, subtle or photo, not "best".',
        ),
        ("--size", "--size must be a whole number"),
    ],
)
def test_the_commonest_wishes_have_short_options(
    capsys: pytest.CaptureFixture[str], option: str, words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", option, "best"])
    assert ended.value.code == ExitCode.USAGE
    assert words in capsys.readouterr().err


def test_below_systemd_a_share_is_to_be_made_as_the_service_s_user(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root, state = tmp_path / "share", tmp_path / "state"
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getpid()))
    monkeypatch.setattr(sys, "argv", ["/opt/atelierd/bin/atelierd"])
    arguments = ["run", "--once", "--share.root", str(root), "--state_dir", str(state)]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == ExitCode.USAGE
    told = capsys.readouterr().err
    assert f"Make a share with {by_systemd.how_to_make(root, sys.argv[0], USER)}, name" in told
    monkeypatch.delenv("SYSTEMD_EXEC_PID")
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with pytest.raises(SystemExit):
        main(arguments)
    assert f"Make a share with `atelierd init {root}`, name" in capsys.readouterr().err
    assert not root.exists()


def test_a_drive_that_the_machine_knows_of_is_missed_at_the_very_first_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root, state, fstab = tmp_path / "disk/share", tmp_path / "state", tmp_path / "fstab"
    fstab.write_text(f"UUID=1 {tmp_path}/disk ext4 nofail 0 2\n")
    expect = partial(expect_drives, tables=Tables(fstab, tmp_path))
    for name in ("run", "init"):
        monkeypatch.setattr(import_module(f"daemon.cli.{name}"), "expect_drives", expect)
    (root / "Inbox").mkdir(parents=True)  # somebody has written into the drive's place before
    places = ["--share.root", str(root), "--state_dir", str(state)]
    for arguments in (["run", "--once", *places], ["init", str(root)]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == ExitCode.USAGE
        assert f"is to be connected at {tmp_path}/disk" in capsys.readouterr().err
        assert [path.name for path in root.iterdir()] == ["Inbox"]
    fstab.unlink()
    with pytest.raises(SystemExit) as ended:
        main(["init", str(root)])
    assert ended.value.code == ExitCode.OK


def seen_on_a_terminal(folder: Path, *arguments: str) -> str:
    """What the program shows there until it ends; without --once a Ctrl-C ends it."""
    make_share(open_share(ShareSettings(root=folder / "share")))
    command = [sys.executable, "-m", "tests.daemon.run_with_stand_in", "stand_in_worker"]
    places = ["--share.root", str(folder / "share"), "--state_dir", str(folder / "state")]
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command, *places, *arguments], cwd=ROOT, env={**os.environ, "NO_COLOR": "1"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    patience = threading.Timer(60, process.kill)
    patience.start()
    seen, is_ending = b"", "--once" in arguments
    with contextlib.suppress(OSError):  # Linux says so when nobody is left at the other end
        while block := os.read(terminal, 4096):
            seen += block
            if READY_SAID.search(seen) and not is_ending:
                process.send_signal(signal.SIGINT)
                is_ending = True
    patience.cancel()
    os.close(terminal)
    assert process.wait(60) == 0, seen
    return seen.decode()


def test_a_person_is_told_where_photos_go_and_how_it_ends(tmp_path: Path) -> None:
    told = (
        f"Drop photos into a folder in {tmp_path}/share/Inbox; they appear painted in "
        f"{tmp_path}/share/Outbox. Ctrl-C ends the service."
    )
    lines = seen_on_a_terminal(tmp_path).splitlines()
    assert lines[0] == told
    assert lines.count(told) == 1
    assert lines[-1].endswith("  Stopped; no photo waits.")


@pytest.mark.parametrize("arguments", [["--log.format", "json"], ["--once"]])
def test_programs_and_those_who_wait_for_its_end_are_not(
    tmp_path: Path, arguments: list[str]
) -> None:
    seen = seen_on_a_terminal(tmp_path, *arguments)
    assert "service.started" in seen or "Keeping the share" in seen
    assert "Drop photos" not in seen


def test_a_terminal_that_is_closed_ends_it_and_a_wish_to_reload_does_not(tmp_path: Path) -> None:
    make_share(open_share(ShareSettings(root=tmp_path / "share")))
    command = [sys.executable, "-m", "tests.daemon.run_with_stand_in", "stand_in_worker"]
    places = ["--share.root", str(tmp_path / "share"), "--state_dir", str(tmp_path / "state")]
    terminal, theirs = pty.openpty()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *places], cwd=ROOT, stdin=theirs, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    os.close(theirs)
    patience = threading.Timer(60, process.kill)
    patience.start()
    wait_for(tmp_path / "log", "engine.ready")
    process.send_signal(signal.SIGHUP)
    wait_for(tmp_path / "log", "settings.read")
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 0
    patience.cancel()
    assert "service.stopped" in (tmp_path / "log").read_text()


def wait_for(log: Path, event: str) -> None:
    end = time.monotonic() + 60
    while event not in log.read_text():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
