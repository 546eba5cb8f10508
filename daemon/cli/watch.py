"""``atelierd status --watch``: the state of a share on a terminal, as it changes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from daemon.cli import lines
from daemon.cli.report import Report
from daemon.errors import AtelierError
from daemon.failures import place_of
from daemon.figures import duration
from daemon.jobs import Job
from daemon.names import printable
from daemon.share import is_there

_PAUSE_SECONDS: Final = 1.0
_BAR: Final = 40  # columns
_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)


def watch(
    read: Callable[[], Report],
    console: Console | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show a share until Ctrl-C; drawn once a second at most, and only if anything is new.

    Args:
        read: reads what there is to tell.
        console: where to; standard output, usually.
        sleep: waits for so many seconds.
    """
    console = console or Console(highlight=False, markup=False, emoji=False)
    with suppress(KeyboardInterrupt), _ended_in_order(), _screen(console) as live:
        shown: object = None
        while True:
            report = _read(read)
            if (report, console.size) != shown:
                live.update(view(report), refresh=True)
                shown = (report, console.size)
            sleep(_PAUSE_SECONDS)


def _screen(console: Console) -> Live:
    return Live(console=console, screen=True, auto_refresh=False)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Whoever ends it with another signal than Ctrl-C gets the terminal back all the same."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _read(read: Callable[[], Report]) -> Report | str:
    try:
        return read()
    except AtelierError as error:  # it may pass: the journal is being replaced, say
        return str(error)


def view(report: Report | str) -> RenderableType:
    """What is shown, of a report, or of what stood in its way."""
    if isinstance(report, str):
        return Group(Text(printable(report), "yellow"), _END)
    parts = [_head(report), *_body(report), _END]
    return Group(*parts)


_END: Final = Text("\nCtrl-C ends this view; the service goes on.", "dim")


def _head(report: Report) -> Text:
    running = report.kept.running
    color = {True: "green", False: "yellow"}.get(running is True, "yellow")
    head = Text.assemble(
        (printable(report.share.root), "bold"), "\nService ", (lines.RUNNING[running], color)
    )
    if not is_there(report.share):
        head.append("\nThe share is not there now: is its drive connected?", "yellow")
    if report.trouble:
        head.append(f"\nTrouble: {report.trouble}", "yellow")
    return head


def _body(report: Report) -> Iterator[RenderableType]:
    if report.kept.remark:
        yield Text(f"\n{report.kept.remark}")
        return
    yield Text(lines.counts(report), "dim")
    if report.painting:
        yield _title("Being painted")
        yield from (_painting(job, report.painters.get(job.id, "")) for job in report.painting)
    yield from _section(lines.INTERRUPTED, map(lines.how_far, report.interrupted))
    if report.not_taken is not None:
        yield from _section("Not taken yet", lines.lying(report.not_taken, report.kept.running))
    yield from _section("Waiting, the next one first", lines.waiting(report))
    if report.done:
        yield _title("Last painted")
        yield _past((job, _result(job, report)) for job in report.done)
    if report.failed:
        yield _title("Last failures")
        yield _past((job, Text(_why(job))) for job in report.failed)


def _title(words: str) -> Text:
    return Text(f"\n{words}", "bold")


def _section(title: str, found: Iterable[str]) -> Iterator[RenderableType]:
    told = [Text(f"  {line}", no_wrap=True, overflow="ellipsis") for line in found]
    return iter([_title(title), *told] if told else [])


def _painting(job: Job, painter: str) -> RenderableType:
    state = Table.grid(padding=(0, 2, 0, 0))
    state.add_row(_bar(job), Text(_how_far(job) + lines.by(painter)))
    title = Text(lines.title(job), no_wrap=True, overflow="ellipsis")
    return Padding(Group(title, state), (0, 0, 0, 2))


def _past(told: Iterable[tuple[Job, Text]]) -> RenderableType:
    """Jobs that are over: when that was, and what is to be said, in as many lines as it takes."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for job, text in told:
        table.add_row(lines.moment(job.finished_at), text)
    return Padding(table, (0, 0, 0, 2))


def _result(job: Job, report: Report) -> Text:
    result, root = job.result, report.share.root
    if result is None:
        return Text(lines.title(job))
    return Text(printable(result.relative_to(root) if result.is_relative_to(root) else result))


def _why(job: Job) -> str:
    return f"{printable(place_of(job))}: {printable(job.error or '')}"


def _bar(job: Job) -> ProgressBar:
    # Without a step yet there is nothing to show; a moving one would have to be redrawn.
    return ProgressBar(total=job.total or 1, completed=job.iteration or 0, width=_BAR)


def _how_far(job: Job) -> str:
    percent, left = lines.percent(job), job.eta_seconds
    if percent is None:
        return "just begun"
    return f"{percent} %" + ("" if left is None else f", about {duration(left)} left")
