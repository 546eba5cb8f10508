"""``atelierd status``: what waits, what is being painted, what came of the last ones.

It reads the journal beside the service, changes nothing, and works without one too.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from daemon import bulletin
from daemon.cli import settings_options
from daemon.configuration import Resolved, state_folder
from daemon.errors import ShareError
from daemon.failures import not_put_right
from daemon.jobs import Job, JobState
from daemon.journal import JOURNAL, Journal
from daemon.keeper import Keeping, keeping
from daemon.names import printable
from daemon.neighbours import neighbours
from daemon.share import Share, expect_share, is_there, open_share

_LAST: Final = 5
_LOOKED_AT: Final = 100  # of the last failures, for those that nobody has put right
_MOST_LANES: Final = 20
_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(frozen=True)
class Report:
    """What is to be told about one share.

    Attributes:
        share: its folders.
        kept: whether a service keeps it now, and whether its journal could be read.
        trouble: what stands in the way of that service; empty if nothing does.
        counts: jobs in each state.
        waiting: jobs that wait in each lane, the next lane first.
        running: jobs that are being painted; of a service that has ended, those that it was at.
        done: the last that were painted, the latest first.
        failed: the last that failed and whose photo is in failed still, the latest first.
    """

    share: Share
    kept: Keeping
    trouble: str = ""
    counts: dict[JobState, int] = field(default_factory=lambda: dict.fromkeys(JobState, 0))
    waiting: dict[str, int] = field(default_factory=dict)
    running: list[Job] = field(default_factory=list)
    done: list[Job] = field(default_factory=list)
    failed: list[Job] = field(default_factory=list)

    @property
    def painting(self) -> list[Job]:
        """The jobs that are being painted now."""
        return [] if self.kept.running is False else self.running

    @property
    def interrupted(self) -> list[Job]:
        """The jobs that were being painted when the service was ended by force."""
        return self.running if self.kept.running is False else []

    def numbers(self) -> dict[str, int]:
        """How many jobs there are of each kind; `interrupted` is left out while a service runs."""
        numbers = {state.value: number for state, number in self.counts.items()}
        if self.interrupted:
            numbers["running"] -= len(self.interrupted)
            numbers["interrupted"] = len(self.interrupted)
        return numbers


@click.command()
@settings_options("state_dir", "share.root", "share.work")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def command(resolved: Resolved, *, as_json: bool) -> None:
    """Show what waits, what is being painted, and what came of the last photos."""
    share = open_share(resolved.settings.share)
    state = state_folder(resolved.settings, share, os.environ)
    report = read(share, state)
    # While its drive is away a share's journal, on a local disk, can be read all the same.
    if report.kept.running is False and not (state / JOURNAL).exists():
        _expect(share, state)
    if as_json:
        click.echo(json.dumps(_as_json(report), indent=2))
    else:
        others = [] if report.kept.running else _kept_instead(resolved, state)
        click.echo("\n".join([*_as_text(report), *others]))


def _expect(share: Share, state: Path) -> None:
    try:
        expect_share(share)
    except ShareError as error:
        known = ", ".join(map(str, neighbours(state)))
        hint = f" Shares that were kept before: {known}." if known else ""
        raise ShareError(f"{error}{hint}") from error


def _kept_instead(resolved: Resolved, state: Path) -> list[str]:
    """What to say of services that run, to somebody who did not say about which share to ask."""
    if resolved.sources["share.root"] != "default":
        return []
    running = (one.root for one in neighbours(state) if one.running)
    asking = [f"  atelierd status --share.root {shlex.quote(printable(root))}" for root in running]
    return ["", "A service keeps another share. Ask about it with:", *asking] if asking else []


def read(share: Share, state: Path) -> Report:
    """Read a share's journal.

    Args:
        share: the share.
        state: its state folder.

    Raises:
        JournalError: the journal cannot be read, or another version wrote it.
    """
    kept = keeping(share, state)
    trouble = bulletin.read(state) if kept.running else ""
    if kept.remark or not (state / JOURNAL).exists():
        return Report(share, kept, trouble)
    with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
        failed = journal.recent(JobState.FAILED, _LOOKED_AT)
        return Report(
            share,
            kept,
            trouble,
            journal.counts(),
            journal.waiting(),
            list(journal.having(JobState.RUNNING)),
            journal.recent(JobState.DONE, _LAST),
            list(islice(not_put_right(failed, share), _LAST)),
        )


_INTERRUPTED: Final = (
    "Was being painted when the service ended, and goes on when it is started again"
)
_RUNNING: Final = {True: "running", False: "not running", None: "not known"}


def _as_text(report: Report) -> Iterator[str]:
    counts = ", ".join(f"{number} {kind}" for kind, number in report.numbers().items())
    away = "" if is_there(report.share) else "  (not there now: is its drive connected?)"
    yield f"Share:   {printable(report.share.root)}{away}"
    yield f"Service: {_RUNNING[report.kept.running]}"
    if report.trouble:
        yield f"Trouble: {report.trouble}"
    if report.kept.remark:
        yield f"Jobs:    not known. {report.kept.remark}"
        return
    yield f"Jobs:    {counts}"
    yield from _section("Waiting", _lanes(report.waiting))
    yield from _section("Being painted", (_painting(job) for job in report.painting))
    yield from _section(_INTERRUPTED, (_how_far(job) for job in report.interrupted))
    yield from _section("Last painted", (_painted(job) for job in report.done))
    yield from _section("Last failures", (_failed(job) for job in report.failed))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = [f"  {line}" for line in lines]
    return iter(["", f"{title}:", *found] if found else [])


def _lanes(waiting: dict[str, int]) -> Iterator[str]:
    for name, number in list(waiting.items())[:_MOST_LANES]:
        yield f"{number:>6}  {printable(name)}"
    if len(waiting) > _MOST_LANES:
        yield f"        and in {len(waiting) - _MOST_LANES} more folders"


def _painting(job: Job) -> str:
    left = job.eta_seconds
    rest = "" if left is None else f", about {_duration(left)} left"
    again = f", attempt {job.attempts}" if job.attempts > 1 else ""
    return f"{_how_far(job)}{rest}{again}"


def _how_far(job: Job) -> str:
    share = _percent(job)
    return f"{_name(job)}  {'just begun' if share is None else f'{share} %'}"


def _painted(job: Job) -> str:
    return f"{_moment(job.finished_at)}  {_name(job)}  ->  {printable(job.result or '')}"


def _failed(job: Job) -> str:
    return f"{_moment(job.finished_at)}  {_name(job)}:  {printable(job.error or '')}"


def _name(job: Job) -> str:
    return f"{printable(job.relative)} in {_style(job)}"


def _style(job: Job) -> str:
    # What came along with a photo lies in the folder that was taken, whatever it is called.
    if job.style.parent == job.content.parent:
        return f"its own style ({printable(job.style.name)})"
    return f"the style {printable(job.style_name)}"


def _percent(job: Job) -> int | None:
    return None if job.iteration is None or not job.total else 100 * job.iteration // job.total


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _as_json(report: Report) -> dict[str, Any]:
    """`jobs` is null, and `remark` says why, where the journal is not that of the service."""
    return {
        "share": printable(report.share.root),
        "running": report.kept.running,
        "remark": report.kept.remark,
        "trouble": report.trouble,
        "jobs": None if report.kept.remark else report.numbers(),
        "waiting": {printable(lane): number for lane, number in report.waiting.items()},
        "painting": [_job_as_json(job) for job in report.painting],
        "interrupted": [{**_job_as_json(job), "eta_seconds": None} for job in report.interrupted],
        "done": [_job_as_json(job) for job in report.done],
        "failed": [_job_as_json(job) for job in report.failed],
    }


def _job_as_json(job: Job) -> dict[str, Any]:
    """Times are seconds since 1970, as the journal has them."""
    return {
        "job": job.id,
        "photo": printable(job.relative),
        "style": printable(job.style_name),
        "attempts": job.attempts,
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "iteration": job.iteration,
        "total": job.total,
        "percent": _percent(job),
        "eta_seconds": job.eta_seconds,
        "result": None if job.result is None else printable(job.result),
        "error": job.error,
    }
