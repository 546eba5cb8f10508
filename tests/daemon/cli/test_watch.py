"""``atelierd status --watch``: what it shows, that it follows, and that it ends."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from rich.console import Console

from daemon.cli import main
from daemon.cli.report import Reader, Report
from daemon.cli.watch import view, watch
from daemon.configuration import state_folder
from daemon.errors import ExitCode, JournalError
from daemon.jobs import JobState, NewJob
from daemon.journal import JOURNAL, Journal
from daemon.keeper import Keeping
from daemon.not_taken import NotTaken
from daemon.settings import Settings, ShareSettings
from daemon.share import Share, make_share, open_share

ROOT = Path(__file__).resolve().parents[3]
LONG = 150.0


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


@pytest.fixture
def journal(share: Share, tmp_path: Path) -> Iterator[Journal]:
    state = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    with closing(Journal(state / JOURNAL, lambda: 1_700_000_000.0)) as journal:
        yield journal


def add(journal: Journal, job_id: str, name: str = "photo.jpg") -> None:
    path, style = Path("/jobs") / job_id / name, Path("/styles/Waves.jpg")
    journal.add(NewJob(job_id, "Waves", "Waves", PurePath("Waves") / name, path, style, None, "{}"))


def fill(journal: Journal) -> None:
    for job_id in ("done", "failed", "running", "waiting"):
        add(journal, job_id, f"{job_id}.jpg")
    for job_id in ("done", "failed", "running"):
        journal.start(job_id)
    journal.published("done", Path("/share/Outbox/Waves/done.jpg"), {})
    journal.finish("done")
    journal.fail("failed", "The photo is damaged.")
    journal.progress("running", 45, 90, 93.4)


def reader(share: Share, tmp_path: Path) -> Reader:
    return Reader(share, state_folder(Settings(state_dir=tmp_path / "state"), share, {}), None)


def drawn(report: Report | str, width: int) -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system=None, highlight=False
    )
    console.print(view(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_all_that_the_status_says_is_there(
    share: Share, journal: Journal, tmp_path: Path, width: int
) -> None:
    fill(journal)
    (share.inbox / "lost.jpg").write_bytes(b"x")
    (share.failed / "Waves").mkdir()
    (share.failed / "Waves/failed.jpg").write_bytes(b"x")
    report = reader(share, tmp_path).read()
    report = replace(report, kept=Keeping(running=True), trouble="The disk is full")
    lines = drawn(report, width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert "Waves/failed.jpg: The photo is damaged." in text
    assert "Service running" in lines
    for words in (
        "Trouble: The disk is full", "1 queued, 1 running; so far 1 done", "Being painted",
        "  Waves/running.jpg in the style Waves", "50 %, about 2 min left", "Not taken yet",
        "  lost.jpg has no style", "Waiting, the next one first",
        "  Waves/waiting.jpg in the style Waves", "Last painted", "Last failures",
        "Ctrl-C ends this view",
    ):  # fmt: skip
        assert words in text, words
    bar = next(line for line in lines if "50 %" in line)
    assert 0 < bar.count("━") <= 40


def test_without_a_service_what_it_was_at_is_told(
    share: Share, journal: Journal, tmp_path: Path
) -> None:
    fill(journal)
    text = "\n".join(drawn(reader(share, tmp_path).read(), 80))
    assert "Service not running" in text
    assert "goes on when it is started again" in text
    assert "Being painted\n" not in text


def test_what_stands_in_the_way_is_shown_in_its_place(share: Share) -> None:
    assert drawn("The journal is\x1b[2J damaged.", 80)[0] == r"The journal is\x1b[2J damaged."
    away = Report(share, Keeping(True, "Its journal is elsewhere."))
    assert "Its journal is elsewhere." in "\n".join(drawn(away, 80))


class Recorded:
    """Reports one after the other; then somebody types Ctrl-C."""

    def __init__(self, *reports: Report | Exception) -> None:
        self.reports = list(reports)

    def read(self) -> Report:
        report = self.reports.pop(0)
        if isinstance(report, Exception):
            raise report
        return report

    def sleep(self, seconds: float) -> None:
        assert seconds <= 1
        if not self.reports:
            raise KeyboardInterrupt


def test_it_is_drawn_only_when_anything_is_new(share: Share) -> None:
    first = Report(share, Keeping(running=True))
    second = replace(first, not_taken=NotTaken(photos=3))
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True)
    recorded = Recorded(first, first, JournalError("It is away."), second, second, second)
    watch(recorded.read, console, recorded.sleep)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.count("Ctrl-C ends this view") == 3
    assert "It is away." in text
    assert text.index("\x1b[?1049h") < text.index("\x1b[?1049l")


def test_the_inbox_is_looked_at_now_and_then(share: Share, tmp_path: Path) -> None:
    now = [0.0]
    seen = Reader(share, tmp_path / "state", None, clock=lambda: now[0])
    assert seen.read().not_taken == NotTaken()
    (share.inbox / "lost.jpg").write_bytes(b"x")
    now[0] = 4.9
    assert seen.read().not_taken == NotTaken()
    now[0] = 5.0
    assert seen.read().not_taken == NotTaken(homeless=(PurePath("lost.jpg"),))


@pytest.mark.parametrize("arguments", [["--watch"], ["--watch", "--json"]])
def test_it_needs_a_terminal(
    share: Share, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["status", *arguments, "--share.root", str(share.root)])
    assert ended.value.code == ExitCode.USAGE
    assert "--watch needs a terminal" in capsys.readouterr().err


class OnTerminal:
    """The command on a terminal of its own."""

    def __init__(self, tmp_path: Path) -> None:
        self.ours, theirs = pty.openpty()
        self.seen = b""
        command = "from daemon.cli import main; main()"
        places = ["--share.root", str(tmp_path / "share"), "--state_dir", str(tmp_path / "state")]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", command, "status", "--watch", *places],
            cwd=ROOT, env={**env, "LINES": "40"}, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(self.ours, False)

    def text(self) -> str:
        with contextlib.suppress(BlockingIOError, OSError):
            while block := os.read(self.ours, 65536):
                self.seen += block
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen.decode())

    def wait_for(self, done: Callable[[str], bool]) -> None:
        end = time.monotonic() + LONG
        while not done(self.text()):
            assert time.monotonic() < end, self.text()
            time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_follows_and_ends_in_order(
    share: Share, journal: Journal, tmp_path: Path, number: signal.Signals
) -> None:
    assert share.inbox.is_dir()
    add(journal, "one", "one.jpg")
    terminal = OnTerminal(tmp_path)
    try:
        terminal.wait_for(lambda text: "1 queued" in text)
        journal.fail("one", "It is torn.")
        terminal.wait_for(lambda text: "0 queued" in text and "1 failed" in text)
        terminal.process.send_signal(number)
        assert terminal.process.wait(LONG) == 0
        assert "Traceback" not in terminal.text()
        assert b"\x1b[?1049l" in terminal.seen  # the screen is as it was before
        assert terminal.seen.rindex(b"\x1b[?25h") > terminal.seen.rindex(b"\x1b[?25l")
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.ours)
    assert journal.counts()[JobState.FAILED] == 1
