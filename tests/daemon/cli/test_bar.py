"""The progress bar: what it shows of a runner's events, and to whom."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import pytest

from daemon.cli import bar
from daemon.cli.bar import shown, state
from daemon.runners.base import (
    Cancelled,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Failed,
    Painted,
    Progressed,
    Resumed,
    Started,
)
from engine import DeviceReport, Progress

READY = EngineReady(DeviceReport("cpu", "float32", 2, "a test"), "0" * 64, 1.0)
STEP = Progress(45, 92, 2, 3, 384, 512, 12345.678, 72.4)


def names(job_id: str) -> str:
    return {"one": "one.jpg", "long": "a very long name of a photo indeed.jpg"}.get(job_id, "")


@contextmanager
def terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A real terminal of so many columns, and what was written to it until now."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    seen = [b""]

    def read() -> str:
        try:
            while block := os.read(ours, 65536):
                seen[0] += block
        except BlockingIOError:
            pass
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen[0].decode())

    with os.fdopen(theirs, "w") as stream:
        yield stream, read
    os.close(ours)


def test_nothing_is_drawn_where_nobody_looks() -> None:
    stream = io.StringIO()
    with shown(stream) as show:
        for event in (READY, Started("one"), Progressed("one", STEP), Cancelled("one")):
            show(event)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("columns", [80, 120])
def test_a_step_shows_all_that_there_is_to_know(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    with terminal(columns, monkeypatch) as (stream, read), shown(stream, names) as show:
        show(READY)
        show(Started("one"))
        show(Progressed("one", STEP))
        show._bars.refresh()  # type: ignore[attr-defined]
        line = last_line(read)
    assert line.startswith("one.jpg ")
    size = "384x512  " if columns > 100 else ""
    assert line.rstrip().endswith(f" 48 %  {size}scale 2/3  loss 1.23e+04  1:12 left")
    assert line.count("━") > 10
    assert len(line) <= columns


def test_a_narrow_terminal_has_room_for_what_matters() -> None:
    assert state(STEP, 60) == " 48 %  1:12 left"


def last_line(read: Callable[[], str]) -> str:
    return next(line for line in reversed(read().replace("\r", "\n").splitlines()) if line.strip())


def test_what_happens_between_the_steps_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        terminal(80, monkeypatch) as (stream, read),
        shown(stream, names, is_idle_shown=True) as show,
    ):
        assert "Loading the engine" in read()
        show(READY)
        assert "Reading the pictures" in read()
        show(Started("long"))
        assert "a very long name of a p…: looking at the pictures" in read()
        show(Resumed("long", 3))
        show(EngineLost(-9))
        assert "Starting the engine again" in last_line(read)
        show(EngineUnavailable("engine", "No memory."))
        show(Failed("long", "lost", "The engine died."))
        show(Painted("nobody's", b"", ".jpg", {}))


def test_between_two_pictures_of_many_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(80, monkeypatch) as (stream, read), shown(stream, names) as show:
        show(READY)
        show(Progressed("one", STEP))
        show(Painted("one", b"", ".jpg", {}))
        assert "Reading" not in read()
        assert not show._bars.tasks[0].visible  # type: ignore[attr-defined]


def test_what_is_written_meanwhile_stands_above(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(80, monkeypatch) as (stream, read):
        monkeypatch.setattr(sys, "stderr", stream)
        with shown(stream, names) as show:
            show(Progressed("one", STEP))
            sys.stderr.write("a line of the log\n")
            sys.stderr.flush()
        text = read()
        assert sys.stderr is stream
    assert "a line of the log\r\n" in text


def test_the_cursor_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is ended by force would take it away for good."""
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as stream, shown(stream, names) as show:
        show(Progressed("one", STEP))
        show(Cancelled("one"))
        assert b"\x1b[?25l" not in os.read(ours, 65536)
    os.close(ours)


def test_a_terminal_that_goes_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(bar, "_A_SECOND", 0.001)  # its own thread does not draw meanwhile
    stream = os.fdopen(theirs, "w")
    with shown(stream, names) as show:
        os.close(ours)
        for event in (READY, Started("one"), Progressed("one", STEP), EngineLost(-9), READY):
            show(event)
    with suppress(OSError):  # what could not be written is still to be
        stream.close()
