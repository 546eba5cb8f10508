"""The log: one event a line, in words on a terminal and for programs elsewhere.

Who logs says ``structlog.get_logger().info("job.queued", job=job_id)``: the event is a fixed name,
and everything that varies is a key of its own. What belongs to all lines of a job is bound, to the
logger or with `structlog.contextvars`. Other libraries' messages and Python's warnings come out as
the event `LIBRARY_EVENT`.

File names are strangers' texts. Nothing that moves a cursor, begins another line or is no
character reaches the log: see `daemon.names.printable`.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import textwrap
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from enum import Enum
from functools import partial
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from daemon.log_words import Words
from daemon.names import printable
from daemon.settings import LogSettings

LIBRARY_EVENT: Final = "library.message"
"""The event of what other libraries log: their text is no name of a fact."""

PROGRESS_EVENT: Final = "job.progress"
"""The event that a bar shows better."""

DETAIL_EVENT: Final = "job.detail"
"""The event that says where in the program a job failed, and in ``unexpected`` who wants that."""

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# In these a new line is layout; anywhere else it could fake a line of the log.
_SEVERAL_LINES: Final = frozenset({"exception", "stack", "detail"})
_FIRST: Final = ("timestamp", "level", "event")
_DEPTH: Final = 6


def configure(
    settings: LogSettings,
    stream: TextIO,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
    tells_steps: bool = True,
) -> None:
    """Send all that this process logs to a stream; may be called again.

    Args:
        settings: format and least level. Libraries are heard from ``warning`` on, or from
            ``info`` on at level ``debug``. Only there words and the pretty format show where in
            the program a failure came from whose reason is known.
        stream: usually standard error. If it breaks, the log is lost, not the work.
        environ: ``NO_COLOR`` turns colours off.
        clock: seconds since 1970, for the timestamps (ISO 8601, UTC).
        tells_steps: whether words tell of progress at all, which a bar may show better.
    """
    terminal, closely = stream.isatty(), settings.level == "debug"
    form, colors = _form(settings, terminal=terminal), terminal and not environ.get("NO_COLOR")
    thinned: list[Processor] = [_without_known_details]
    if form == "words" and not tells_steps:
        thinned.append(_without_steps)
    render: dict[str, Processor] = {
        "words": Words(clock, colors=colors, columns=partial(_columns, stream)),
        "pretty": _pretty(colors=colors),
    }
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *(thinned if form != "json" and not closely else ()),
            structlog.processors.add_log_level,
            _timestamper(clock),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _clean_all,
            render.get(form) or _json(stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=False,
    )
    _listen_to_libraries(_LEVELS[settings.level])


def be_silent() -> None:
    """Log nothing, in a command that says by itself what came of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _form(settings: LogSettings, *, terminal: bool) -> str:
    if settings.format != "auto":
        return settings.format
    # Whoever wants to see everything looks for a fault, and needs the events' own names.
    on_terminal = "pretty" if settings.level == "debug" else "words"
    return on_terminal if terminal else "json"


def _columns(stream: TextIO) -> int | None:
    """How many a terminal has; None if nobody can say."""
    with contextlib.suppress(OSError, ValueError):  # no terminal, or closed
        return os.get_terminal_size(stream.fileno()).columns or None
    return None


def is_read_by_people(settings: LogSettings, stream: TextIO) -> bool:
    """Whether a sentence between the events reaches a person, and spoils no program's input."""
    return stream.isatty() and settings.format != "json"


class _Lines:
    """Writes finished lines; every level is a method, as structlog wants it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        # A log whose terminal is gone or whose disk is full must not stop the painting, and there
        # is nowhere left to say so. ValueError: the stream is closed.
        with contextlib.suppress(OSError, ValueError):
            # One write, so that lines of several threads do not mix.
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


class _Libraries(logging.Handler):
    """Hands the standard library's log records over to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger().bind(logger=record.name, message=_message_of(record))
        log.log(_level_below(record.levelno), LIBRARY_EVENT, exc_info=record.exc_info)


def _message_of(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage().strip()
    except Exception:  # noqa: BLE001 - a library's faulty call must not hurt whoever called it
        message = f"{record.msg} {record.args}"
    # Below a warning stands the line of source that it came from.
    return message.partition("\n")[0] if record.name == "py.warnings" else message


def _level_below(number: int) -> int:
    """Of structlog's levels the highest that is not above a library's own number."""
    return max((level for level in _LEVELS.values() if level <= number), default=logging.DEBUG)


def _listen_to_libraries(level: int) -> None:
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Libraries)]:
        root.removeHandler(handler)
    root.addHandler(_Libraries())
    root.setLevel(logging.INFO if level == logging.DEBUG else max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def _without_steps(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    if event_dict["event"] == PROGRESS_EVENT:
        raise structlog.DropEvent
    return event_dict


def _without_known_details(
    _logger: WrappedLogger, _method: str, event_dict: EventDict
) -> EventDict:
    # Where in the program it happened helps nobody who is told the reason itself.
    if event_dict["event"] == DETAIL_EVENT and not event_dict.get("unexpected", True):
        raise structlog.DropEvent
    return event_dict


def _timestamper(clock: Callable[[], float]) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        now = datetime.fromtimestamp(clock(), timezone.utc)
        text = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {**event_dict, "timestamp": text}

    return stamp


def _pretty(*, colors: bool) -> Processor:
    render = structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )

    def indented(logger: WrappedLogger, method: str, event_dict: EventDict) -> str:
        for key, value in event_dict.items():
            if key in {"exception", "stack"}:
                # An error's text may have lines that look like the log's own.
                event_dict[key] = _indent(value)
            elif isinstance(value, float):
                event_dict[key] = float(f"{value:.6g}")  # nobody reads seventeen digits
        # Among the other keys its lines would be escaped.
        detail = event_dict.pop("detail", "")
        line = str(render(logger, method, event_dict))
        return f"{line}\n{_indent(str(detail))}" if detail else line

    return indented


def _indent(text: str) -> str:
    return textwrap.indent(text, "    ", lambda _: True)


def _json(stream: TextIO) -> Processor:
    # Escapes are uglier, but right on every stream; a stream that is not UTF-8 would spoil JSON.
    plain = (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"
    return structlog.processors.JSONRenderer(ensure_ascii=not plain)


def _clean_all(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Put time, level and event first, and make every value plain and printable."""
    first = {key: event_dict[key] for key in _FIRST if key in event_dict}
    return {
        printable(str(key)): _clean_lines(value) if key in _SEVERAL_LINES else _clean(value)
        for key, value in {**first, **event_dict}.items()
    }


def _clean_lines(value: Any) -> Any:
    if not isinstance(value, str):
        return _clean(value)
    return "\n".join(printable(line) for line in value.split("\n"))


def _clean(value: Any, depth: int = _DEPTH) -> Any:
    if isinstance(value, Enum):
        return _clean(value.value, depth)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        # JSON has no word for these.
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping) and depth:
        return {printable(str(key)): _clean(one, depth - 1) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) and depth:
        return [_clean(one, depth - 1) for one in value]
    return printable(str(value))
