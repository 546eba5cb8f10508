"""Spoken to a real socket; and by the real program, with a stand-in for the engine alone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from daemon.notify import EXTENSION_SECONDS, Notify
from tests.daemon.child_stand_ins import SLOW
from tests.daemon.listening import Listener
from tests.daemon.standins import Clock
from tests.daemon.test_run import LONG, Program, grey, prepared

PID = 77


class Told:
    """An object that speaks to a listener, and a clock that is moved by hand."""

    def __init__(self, listener: Listener, **environ: str) -> None:
        self.clock, self.listener = Clock(1000.0), listener
        self.notify = Notify({"NOTIFY_SOCKET": listener.name, **environ}, self.clock, PID)

    def tell(
        self, line: str = "Idle", *, after: float = 1.0, lives: bool = True, extends: bool = False
    ) -> list[dict[str, str]]:
        self.clock.now += after
        self.notify.tell(lambda: line, lives=lambda: lives, extends=extends)
        return self.listener.new()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: that of a socket may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="notify-") as name:
        yield Path(name)


@pytest.fixture
def listener(folder: Path) -> Iterator[Listener]:
    with closing(Listener(folder / "socket")) as listener:
        yield listener


@pytest.fixture
def told(listener: Listener) -> Told:
    return Told(listener, WATCHDOG_USEC="30000000", WATCHDOG_PID=str(PID))


def test_a_status_is_said_when_it_changes(listener: Listener) -> None:
    told = Told(listener)
    assert told.tell("Idle") == [{"STATUS": "Idle"}]
    assert told.tell("Idle") == []
    assert told.tell("Painting") == [{"STATUS": "Painting"}]


def test_an_abstract_name_is_understood(folder: Path) -> None:
    with closing(Listener(f"@{folder.name}")) as listener:
        assert Told(listener).tell() == [{"STATUS": "Idle"}]


def test_what_changes_often_is_said_once_a_second(listener: Listener) -> None:
    told = Told(listener)
    told.tell("1 %")
    assert told.tell("2 %", after=0.2) == told.tell("3 %", after=0.2) == []
    assert told.notify.due == pytest.approx(told.clock.now + 0.6)
    assert told.tell("3 %", after=0.6) == [{"STATUS": "3 %"}]


def test_ready_comes_once_and_ends_the_start(listener: Listener) -> None:
    told = Told(listener)
    extension = str(int(EXTENSION_SECONDS * 1e6))
    assert told.tell("a", extends=True) == [{"STATUS": "a", "EXTEND_TIMEOUT_USEC": extension}]
    assert told.tell("a", extends=True) == []
    assert told.tell("a", after=60, extends=True) == [{"EXTEND_TIMEOUT_USEC": extension}]
    assert told.tell("a", after=60, extends=False) == []
    told.notify.ready()
    assert told.tell("b", extends=True) == [{"STATUS": "b", "READY": "1"}]
    told.notify.ready()
    assert told.tell("b", after=60, extends=True) == []
    assert told.notify.due is None


def test_a_start_is_extended_again_before_its_time_is_over(listener: Listener) -> None:
    told = Told(listener)
    told.tell(extends=True)
    assert told.notify.due is not None
    assert told.notify.due - told.clock.now < EXTENSION_SECONDS / 2


def test_a_sign_of_life_comes_in_time_and_only_from_what_lives(told: Told) -> None:
    told.notify.ready()
    assert told.tell() == [{"STATUS": "Idle", "READY": "1", "WATCHDOG": "1"}]
    assert told.tell() == []
    due = told.notify.due
    assert due is not None
    assert due - told.clock.now < 15  # half of what systemd waits for
    assert told.tell(after=due - told.clock.now) == [{"WATCHDOG": "1"}]
    assert told.tell(after=20, lives=False) == []
    assert told.tell(after=20, lives=False) == []
    assert told.tell(after=20) == [{"WATCHDOG": "1"}]


@pytest.mark.parametrize(
    "environ", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "10", "WATCHDOG_PID": "1"}]
)
def test_nobody_asks_for_signs_of_life(listener: Listener, environ: dict[str, str]) -> None:
    told = Told(listener, **environ)
    assert [told.tell(after=100) for _ in range(3)] == [[{"STATUS": "Idle"}], [], []]


def test_a_reload_is_framed(told: Told) -> None:
    told.notify.ready()
    told.tell()
    told.notify.reloading()
    told.notify.reloaded()
    stamp = str(int(told.clock.now * 1e6))
    assert told.listener.new() == [{"RELOADING": "1", "MONOTONIC_USEC": stamp}, {"READY": "1"}]


def test_a_reload_before_the_start_is_complete_does_not_complete_it(told: Told) -> None:
    told.notify.reloading()
    told.notify.reloaded()
    assert told.listener.new() == []


def test_the_end_is_said_at_once(told: Told) -> None:
    told.notify.stopping()
    assert told.listener.new() == [{"STOPPING": "1", "STATUS": "Stopping"}]


def test_how_it_ended_is_said_in_one_line(told: Told) -> None:
    told.notify.ended()
    told.notify.ended("It failed.\nREADY=1")
    assert told.listener.new() == [{"STATUS": "Stopped"}, {"STATUS": "It failed. READY=1"}]


@pytest.mark.parametrize("name", ["", "relative", "vsock:2:9999"])
def test_without_a_socket_nothing_is_done(name: str) -> None:
    notify = Notify({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"}, Clock(1000.0), PID)
    notify.ready()
    notify.tell(lambda: pytest.fail("asked"), lives=lambda: pytest.fail("asked"), extends=True)
    notify.reloading()
    notify.reloaded()
    notify.stopping()
    notify.ended()
    assert (notify.active, notify.due) == (False, None)


def test_a_socket_that_nobody_listens_to_harms_nobody_and_is_told_of_once(told: Told) -> None:
    told.listener.close()
    told.notify.ready()
    with capture_logs() as logs:
        told.notify.tell(lambda: "Idle", lives=lambda: True)
        told.clock.now += 1
        told.notify.tell(lambda: "Idle", lives=lambda: True)
        told.notify.stopping()
    assert [line["event"] for line in logs] == ["notify.failed"]


def test_a_name_that_is_too_long_harms_nobody() -> None:
    notify = Notify({"NOTIFY_SOCKET": "/" + "x" * 200}, Clock(1000.0), PID)
    notify.tell(lambda: "Idle", lives=lambda: True)


def test_what_a_full_socket_did_not_take_is_said_later(listener: Listener) -> None:
    told = Told(listener)
    told.notify.ready()
    told.tell()
    number = 0
    with capture_logs() as logs:
        while not logs:
            number += 1
            told.clock.now += 1
            told.notify.tell(lambda: f"{number} %", lives=lambda: True)  # noqa: B023 - called here
    told.notify.reloaded()  # lost, too
    assert told.notify.due == told.clock.now + 1
    told.listener.heard()
    assert told.tell(f"{number} %") == [{"STATUS": f"{number} %", "READY": "1"}]


@given(st.text(st.characters(), max_size=2000))
def test_no_text_becomes_a_second_line_or_too_long(text: str) -> None:
    with tempfile.TemporaryDirectory() as name, closing(Listener(Path(name, "s"))) as listener:
        for message in Told(listener).tell(text):
            assert set(message) == {"STATUS"}
            assert len(message["STATUS"].encode()) < 4000


# The program.


@pytest.fixture
def program(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Program]:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.name)
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    with prepared(tmp_path) as program:
        yield program


def said(listener: Listener, part: str) -> bool:
    return any(part in line for line in listener.said("STATUS"))


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) == 0


def test_ready_comes_after_the_engine_and_a_reload_is_framed(
    program: Program, listener: Listener
) -> None:
    leave = program.folder / "leave"
    arguments = ["--engine.weights", str(program.folder)]
    process = program.start(*arguments, worker="waits_for_leave_worker")
    program.wait(lambda: said(listener, "The engine is loading"))
    assert listener.said("EXTEND_TIMEOUT_USEC")
    assert not listener.said("READY")
    assert not program.said("engine.ready")
    leave.touch()
    program.wait(lambda: listener.said("READY"))
    assert program.said("engine.ready")
    program.wait(lambda: said(listener, "Idle") and len(listener.said("WATCHDOG")) > 2)
    process.send_signal(signal.SIGHUP)
    program.wait(lambda: len(listener.said("READY")) == 2)
    names = [name for message in listener.heard() for name in message]
    first, second = (at for at, name in enumerate(names) if name == "READY")
    assert first < names.index("RELOADING") < second
    end(process)
    last = [{"STOPPING": "1", "STATUS": "Stopping"}, {"STATUS": "Stopped"}]
    assert listener.heard()[-2:] == last


def test_it_says_what_is_painted_and_how_many_wait(program: Program, listener: Listener) -> None:
    folder = program.style("Waves", SLOW) / "Holiday"
    folder.mkdir()
    for name in ("a.png", "b\n.png", "c.png"):
        (folder / name).write_bytes(grey(100))
    process = program.start("--paint.iterations", "9000")
    percent = re.compile(r"in Waves, [1-9]\d* %; 2 wait")

    def told() -> list[str]:
        return [line for line in listener.said("STATUS") if percent.search(line)]

    program.wait(told)
    painting = told()[0]
    assert painting.startswith(("Painting Waves/Holiday/", "Painting Holiday/"))
    end(process)


def test_it_says_why_there_is_no_engine_and_is_not_ready(
    program: Program, listener: Listener
) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    process = program.start(worker="no_weights_worker")
    program.wait(lambda: said(listener, "Nothing is painted: run fetch; 1 waits"))
    end(process)
    assert not listener.said("READY")


IMPATIENT = """
from functools import partial
from daemon.cli import main
from daemon.cluster import runner
runner.Pace = partial(runner.Pace, connect_seconds=1.0)
main()
"""


def test_a_service_that_waits_for_painters_elsewhere_is_started(
    program: Program, listener: Listener
) -> None:
    nobody = ("--runner", "dask", "--cluster.scheduler", "tcp://127.0.0.1:9")
    process = program.start(*nobody, program=[sys.executable, "-c", IMPATIENT, "run"])
    program.wait(lambda: listener.said("READY"))
    program.wait(lambda: said(listener, "The scheduler at tcp://127.0.0.1:9 cannot be reached"))
    end(process)


def test_it_says_that_the_share_is_away(program: Program, listener: Listener) -> None:
    process = program.start()
    program.wait(lambda: listener.said("READY"))
    program.share.rename(program.folder / "gone")
    program.wait(lambda: said(listener, "Nothing is painted: The "))
    (program.folder / "gone").rename(program.share)
    program.wait(lambda: listener.said("STATUS")[-1] == "Idle")
    end(process)


def test_sighup_takes_good_settings_and_refuses_bad_ones(
    program: Program, listener: Listener
) -> None:
    config = program.folder / "config.toml"
    good = config.read_text()
    folder = program.style("Waves")
    process = program.start()
    program.wait(lambda: listener.said("READY"))
    config.write_text(good.replace("size = 64", "sise = 64"))
    process.send_signal(signal.SIGHUP)
    program.wait(lambda: said(listener, "the old settings are kept"))
    assert "sise" in program.said("settings.refused")[0]["why"]
    config.write_text(good.replace("'share'", "'other'") + "[output]\nformat = 'png'\n")
    process.send_signal(signal.SIGHUP)
    program.wait(lambda: said(listener, "share.root: changed at the next start"))
    assert program.said("settings.read")[0]["changed"] == ["output.format"]
    (folder / "a.png").write_bytes(grey(100))
    program.wait(lambda: "Waves/a.png" in program.files("Outbox"))
    config.write_text(good)
    process.send_signal(signal.SIGHUP)
    program.wait(lambda: listener.said("STATUS")[-1] == "Idle")
    end(process)


def test_an_engine_with_other_settings_takes_the_place_between_two_jobs(
    program: Program,
) -> None:
    folder = program.style("Slow", SLOW)
    (folder / "a.png").write_bytes(grey(100))
    process = program.start("--paint.iterations", "100")
    program.wait(lambda: program.said("job.progress"))
    config = program.folder / "config.toml"
    config.write_text(config.read_text() + "[engine]\nmax_memory = 4096\n")
    process.send_signal(signal.SIGHUP)
    program.wait(lambda: program.said("settings.read"))
    (folder / "b.png").write_bytes(grey(100))
    program.wait(lambda: "Slow/b.jpg" in program.files("Outbox"))
    end(process)
    events = [line["event"] for line in program.log()]
    assert events.count("engine.ready") == 2
    assert events.count("job.started") == 2  # the first was not begun again
    assert events.index("job.finished") < events.index("engine.replaced")


def hanging(program: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Start the program in which something may hang, and wait until it says that it lives."""
    folder = program.folder / "hanging"
    folder.mkdir()
    monkeypatch.setenv("HANGING", str(folder))
    command = [sys.executable, "-m", "tests.daemon.run_hanging", "hanging_worker"]
    program.start("--watch.mode", "poll", program=command)
    return folder


def gives_a_sign(listener: Listener, seconds: float) -> bool:
    """Whether a sign of life comes in so long a time."""
    listener.new()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any("WATCHDOG" in message for message in listener.new()):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("what", ["painting", "look"])
def test_no_sign_of_life_comes_from_what_hangs(
    program: Program, listener: Listener, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    photo = program.style("Waves") / "a.png"
    folder = hanging(program, monkeypatch)
    program.wait(lambda: len(listener.said("WATCHDOG")) > 1)
    (folder / what).touch()
    if what == "painting":
        photo.write_bytes(grey(100))
    program.wait((folder / f"{what} hangs").exists)
    program.wait(lambda: what == "look" or program.said("engine.silent"))
    # One would be due each second. A letter of the inspector's that lies unread is a sign of life.
    program.wait(lambda: not gives_a_sign(listener, 4))
    (folder / what).unlink()
    program.wait(lambda: gives_a_sign(listener, 1))
    end(program.processes[-1])
