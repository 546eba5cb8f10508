"""``atelierd status``: what waits, what is being painted, what came of the last ones.

It reads the journal beside the service, changes nothing, and works without one too.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from daemon.cli import lines, settings_options
from daemon.cli.options import OF_THE_SHARE
from daemon.cli.report import Reader, Report
from daemon.configuration import Resolved, state_folder
from daemon.errors import ShareError, UsageError
from daemon.jobs import Job
from daemon.journal import JOURNAL
from daemon.names import printable
from daemon.neighbours import neighbours
from daemon.not_taken import NotTaken
from daemon.share import Share, expect_share, is_there, open_share


@click.command()
@settings_options("state_dir", "share", "paint.default_style", without=OF_THE_SHARE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
@click.option("--watch", "is_watched", is_flag=True, help="Show it until Ctrl-C, as it changes.")
def command(resolved: Resolved, *, as_json: bool, is_watched: bool) -> None:
    """Show what waits, what is being painted, and what came of the last photos."""
    if is_watched and (as_json or not sys.stdout.isatty()):
        raise UsageError("--watch needs a terminal. For programs there is --json.")
    share = open_share(resolved.settings.share)
    state = state_folder(resolved.settings, share, os.environ)
    reader = Reader(share, state, resolved.settings.paint.default_style)
    report = reader.read()
    # While its drive is away a share's journal, on a local disk, can be read all the same.
    if report.kept.running is False and not (state / JOURNAL).exists():
        _expect(share, state)
    if is_watched:
        from daemon.cli.watch import watch  # noqa: PLC0415 - rich is slow, and seldom needed

        watch(reader.read)
    elif as_json:
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


def _as_text(report: Report) -> Iterator[str]:
    away = "" if is_there(report.share) else "  (not there now: is its drive connected?)"
    yield f"Share:   {printable(report.share.root)}{away}"
    yield f"Service: {lines.RUNNING[report.kept.running]}"
    if report.trouble:
        yield f"Trouble: {report.trouble}"
    if report.kept.remark:
        yield f"Jobs:    not known. {report.kept.remark}"
        return
    yield f"Jobs:    {lines.counts(report)}"
    if report.not_taken is not None:
        yield from _section("Not taken yet", lines.lying(report.not_taken, report.kept.running))
    yield from _section("Waiting, the next one first", lines.waiting(report))
    now = (lines.painting(job, report.painters.get(job.id, "")) for job in report.painting)
    yield from _section("Being painted", now)
    yield from _section(lines.INTERRUPTED, (lines.how_far(job) for job in report.interrupted))
    yield from _section("Last painted", (lines.painted(job) for job in report.done))
    yield from _section("Last failures", (lines.failed(job) for job in report.failed))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = [f"  {line}" for line in lines]
    return iter(["", f"{title}:", *found] if found else [])


def _as_json(report: Report) -> dict[str, Any]:
    """`jobs` is null, and `remark` says why, where the journal is not that of the service."""
    return {
        "share": printable(report.share.root),
        "running": report.kept.running,
        "remark": report.kept.remark,
        "trouble": report.trouble,
        "jobs": None if report.kept.remark else report.numbers(),
        "inbox": None if report.not_taken is None else _lying_as_json(report.not_taken),
        "waiting": {printable(lane): number for lane, number in report.waiting.items()},
        "upcoming": [_job_as_json(job) for job in report.upcoming],
        "painting": [_painting_as_json(job, report) for job in report.painting],
        "interrupted": [{**_job_as_json(job), "eta_seconds": None} for job in report.interrupted],
        "done": [_job_as_json(job) for job in report.done],
        "failed": [_job_as_json(job) for job in report.failed],
    }


def _lying_as_json(found: NotTaken) -> dict[str, Any]:
    """`complete` is false where there was not time enough for all folders."""
    return {
        "photos": found.photos,
        "other_files": found.others,
        "without_style": list(map(printable, found.homeless)),
        "slips": [{"folder": printable(one.folder), "why": one.why} for one in found.slips],
        "half_pairs": list(map(printable, found.halves)),
        "without_photo": list(map(printable, found.lonely)),
        "unread": list(map(printable, found.unread)),
        "closed": list(map(printable, found.closed)),
        "complete": found.is_all,
    }


def _painting_as_json(job: Job, report: Report) -> dict[str, Any]:
    """`painter` is null where there is only one, or none has begun with it."""
    name = report.painters.get(job.id)
    return {**_job_as_json(job), "painter": None if name is None else printable(name)}


def _job_as_json(job: Job) -> dict[str, Any]:
    """Times are seconds since 1970, as the journal has them."""
    return {
        "job": job.id,
        "photo": printable(job.relative),
        "style": None if job.has_unknown_style else printable(job.style_name),
        "attempts": job.attempts,
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "iteration": job.iteration,
        "total": job.total,
        "percent": lines.percent(job),
        "eta_seconds": job.eta_seconds,
        "result": None if job.result is None else printable(job.result),
        "error": job.error,
    }
