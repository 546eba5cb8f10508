"""The log: one event a line, valid and harmless whatever the files are called."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from daemon import logs
from daemon.logs import LIBRARY_EVENT, configure
from daemon.settings import LogSettings

EVIL = "a\x1b[2J\n2026 [info] job.finished\u202e\udcff"
NAMES = st.text(st.characters(), max_size=30)  # surrogates among them


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    root.setLevel(level)
    for handler in our_handlers():
        root.removeHandler(handler)


def our_handlers() -> list[logging.Handler]:
    return [one for one in logging.getLogger().handlers if isinstance(one, logs._Libraries)]


def start(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["auto", "pretty", "json"] = "json",
    stream: io.StringIO | None = None,
    **environ: str,
) -> io.StringIO:
    stream = stream or io.StringIO()
    settings = LogSettings(format=form, level=level)
    configure(settings, stream, environ=environ, clock=lambda: 1_700_000_000.25)
    return stream


def fail(why: str) -> None:
    raise ValueError(why)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    text = stream.getvalue()
    text.encode()  # valid UTF-8
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_event_first() -> None:
    stream = start()
    structlog.get_logger().info("job.queued", job="abc", tries=1, loss=None, ok=True)
    (line,) = lines(stream)
    assert list(line) == ["timestamp", "level", "event", "job", "tries", "loss", "ok"]
    assert line["timestamp"] == "2023-11-14T22:13:20.250Z"
    assert (line["level"], line["event"]) == ("info", "job.queued")
    assert (line["job"], line["tries"], line["loss"], line["ok"]) == ("abc", 1, None, True)


def test_what_is_bound_to_a_job_is_in_all_of_its_lines() -> None:
    stream = start()
    bound = structlog.get_logger().bind(job="one")
    with structlog.contextvars.bound_contextvars(job="two"):
        structlog.get_logger().info("job.started")
    bound.info("job.finished")
    structlog.get_logger().info("service.stopped")
    assert [line.get("job") for line in lines(stream)] == ["two", "one", None]


def test_only_what_is_grave_enough_is_written() -> None:
    stream = start("warning")
    log = structlog.get_logger()
    for say in (log.debug, log.info, log.warning, log.error):
        say("job.failed")
    assert [line["level"] for line in lines(stream)] == ["warning", "error"]


@given(NAMES, NAMES)
def test_names_are_escaped_whatever_they_are(name: str, key: str) -> None:
    stream = start()
    structlog.get_logger().info("job.queued", name=name, path=Path(name), deep=[{key: (name,)}])
    (line,) = lines(stream)
    for shown in (line["name"], line["path"], *line["deep"][0], line["deep"][0].popitem()[1][0]):
        assert not any(ord(c) < 32 or c in "\x7f\u202e\u2028" for c in shown)
    assert stream.getvalue().count("\n") == 1


def test_values_of_all_kinds_are_plain() -> None:
    class State(str, Enum):
        DONE = "done"

    stream = start()
    nested: list[Any] = []
    nested.append(nested)
    structlog.get_logger().info(
        "x",
        state=State.DONE,
        loss=float("nan"),
        far=float("-inf"),
        set={1},
        what=object,
        deep=nested,
    )
    (line,) = lines(stream)
    assert (line["state"], line["loss"], line["far"], line["set"]) == ("done", "nan", "-inf", [1])
    assert line["what"] == "<class 'object'>"
    assert "[" in json.dumps(line["deep"])


def test_a_stream_that_is_not_utf8_gets_valid_json_too() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, "latin-1", errors="backslashreplace") as stream:
        configure(LogSettings(format="json"), stream)
        structlog.get_logger().info("job.queued", name="é€")
        assert json.loads(raw.getvalue().decode("utf-8"))["name"] == "é€"


def test_a_utf8_stream_shows_letters_as_they_are() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, "utf-8") as stream:
        configure(LogSettings(format="json"), stream)
        structlog.get_logger().info("job.queued", name="é€")
        assert "é€" in raw.getvalue().decode("utf-8")


def test_an_exception_keeps_its_lines_and_loses_its_teeth() -> None:
    stream = start()
    try:
        fail(EVIL)
    except ValueError:
        structlog.get_logger().exception("job.failed", detail=EVIL)
    (line,) = lines(stream)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].count("\n") > 2
    assert "\\x1b[2J" in line["exception"]
    assert not {"\x1b", "\u202e"} & {*line["exception"], *line["detail"]}


def test_on_a_terminal_it_is_pretty_and_elsewhere_not() -> None:
    terminal = start(form="auto", stream=Terminal())
    structlog.get_logger().info("job.queued", job="abc")
    assert "\x1b[" in terminal.getvalue()
    with pytest.raises(json.JSONDecodeError):
        lines(terminal)

    file = start(form="auto")
    structlog.get_logger().info("job.queued", job="abc")
    assert lines(file)[0]["event"] == "job.queued"


def test_colours_can_be_turned_off() -> None:
    for stream in (start(form="auto", stream=Terminal(), NO_COLOR="1"), start(form="pretty")):
        configure(LogSettings(format="pretty"), stream, environ={"NO_COLOR": "1"})
        structlog.get_logger().info("job.queued", job="abc")
        assert "\x1b" not in stream.getvalue()
        assert "job.queued" in stream.getvalue()
        assert "job=abc" in stream.getvalue()


@given(NAMES)
def test_pretty_lines_cannot_be_faked(name: str) -> None:
    stream = start(form="pretty")
    log = structlog.get_logger()
    log.info("job.queued", name=name, detail=name)
    try:
        fail(f"x\n{name}")
    except ValueError:
        log.exception("job.failed")
    shown = stream.getvalue().split("\n")
    first, second = [line for line in shown if line and not line.startswith("    ")]
    assert "job.queued" in first
    assert "job.failed" in second
    assert "\x1b" not in stream.getvalue()


def test_several_lines_of_detail_stand_below_the_line_as_they_are() -> None:
    stream = start(form="pretty", stream=Terminal())
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\nZeroDivisionError: \x1b[2J'
    structlog.get_logger().warning("job.detail", job="abc", unexpected=True, detail=trace)
    first, *below = stream.getvalue().splitlines()
    assert "job.detail" in first
    assert "abc" in first
    assert "Traceback" not in first
    assert below == [
        "    Traceback (most recent call last):",
        '      File "x.py", line 1',
        "    ZeroDivisionError: \\x1b[2J",
    ]


def test_people_see_as_many_digits_as_they_read() -> None:
    stream = start(form="pretty")
    told = {"loss": 0.0019960079840319, "seconds": 24.589, "tries": 1}
    structlog.get_logger().info("job.finished", **told)
    assert "loss=0.00199601 seconds=24.589 tries=1\n" in stream.getvalue()
    stream = start()
    structlog.get_logger().info("job.finished", **told)
    assert lines(stream)[0]["loss"] == told["loss"]


@pytest.mark.parametrize(
    ("form", "level", "seen"),
    [("pretty", "info", False), ("pretty", "debug", True), ("json", "info", True)],
)
def test_people_who_are_told_the_reason_are_spared_the_rest(
    form: Any, level: Any, seen: Any
) -> None:
    stream = start(level, form)
    structlog.get_logger().warning("job.detail", job="a", unexpected=False, detail="Traceback")
    structlog.get_logger().error("job.failed", job="a", reason="It blew up.")
    assert ("Traceback" in stream.getvalue()) == seen
    assert "It blew up." in stream.getvalue()


@pytest.mark.parametrize(
    ("form", "level", "is_told"),
    [("words", "info", False), ("words", "debug", True), ("json", "info", True)],
)
def test_steps_are_left_to_a_bar_where_there_is_one(
    form: Any, level: Any, *, is_told: bool
) -> None:
    stream = io.StringIO()
    configure(LogSettings(format=form, level=level), stream, tells_steps=False)
    structlog.get_logger().info("job.progress", job="a", scale=1)
    assert bool(stream.getvalue()) == is_told


def test_a_library_that_logs_wrongly_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = start()
    faulty = logging.getLogger("faulty")
    # Not through the root: pytest's own handlers there object to such calls.
    monkeypatch.setattr(faulty, "propagate", False)
    monkeypatch.setattr(faulty, "handlers", our_handlers())
    faulty.error("%d", "no number")
    (line,) = lines(stream)
    assert "no number" in line["message"]


def test_other_libraries_and_warnings_are_heard() -> None:
    stream = start()
    logging.getLogger("watchdog").warning("lost %s", EVIL)
    logging.getLogger("watchdog").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        configure(LogSettings(format="json"), stream)
        warnings.warn("careful", stacklevel=1)
    lost, warned = lines(stream)
    assert {line["event"] for line in (lost, warned)} == {LIBRARY_EVENT}
    assert (lost["logger"], lost["level"]) == ("watchdog", "warning")
    assert lost["message"].startswith("lost a\\x1b[2J\\x0a2026")
    assert warned["logger"] == "py.warnings"
    assert warned["message"].endswith("UserWarning: careful")


def test_libraries_are_heard_more_closely_when_debugging() -> None:
    stream = start("debug")
    logging.getLogger("watchdog").info("chatter")
    logging.getLogger("watchdog").debug("babble")
    assert [line["message"] for line in lines(stream)] == ["chatter"]
    stream = start("error")
    logging.getLogger("watchdog").warning("careful")
    assert not lines(stream)


def test_configured_twice_it_says_things_once() -> None:
    start()
    stream = start()
    logging.getLogger("watchdog").warning("lost")
    structlog.get_logger().info("job.queued")
    assert len(lines(stream)) == 2


def test_a_log_that_broke_does_not_stop_the_work() -> None:
    stream = start()
    stream.close()
    structlog.get_logger().info("job.queued")
    # /dev/full is a disk without room; unbuffered, so that closing it has nothing left to write.
    with Path("/dev/full").open("wb", buffering=0) as raw:
        full = io.TextIOWrapper(raw, "utf-8", write_through=True)
        configure(LogSettings(format="json"), full)
        structlog.get_logger().info("job.queued")
        with pytest.raises(OSError, match="No space left"):
            full.write("this stream is really full")
        full.detach()


def test_lines_of_several_threads_stay_whole() -> None:
    stream = start()

    def chatter(number: int) -> None:
        for _ in range(50):
            structlog.get_logger().info("job.progress", job=str(number) * 100)

    threads = [threading.Thread(target=chatter, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(stream)) == 200


def test_a_real_process_logs_to_standard_error_alone() -> None:
    code = (
        "import sys, structlog; from daemon.logs import configure; from daemon.settings import *;"
        "configure(LogSettings(), sys.stderr);"
        r"structlog.get_logger().info('job.queued', name='\udcff\u202e\u00e9')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "LC_ALL": "C", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert not done.stdout
    assert json.loads(done.stderr.decode("utf-8"))["name"] == "\\xff\\u202eé"
