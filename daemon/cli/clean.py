"""``atelierd clean``: remove old originals, results and failed photos, if somebody asks for it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from daemon import logs
from daemon.cleaning import Guarded, Old, find_old, guarded, remove, without_notes
from daemon.cli.options import OF_THE_SHARE, settings_options
from daemon.configuration import Resolved, state_folder
from daemon.errors import ExitCode, RequestError, UsageError
from daemon.figures import amount, number
from daemon.journal import JOURNAL, Journal
from daemon.keeper import keeping
from daemon.marks import expect_folders
from daemon.names import printable
from daemon.share import Share, open_share

_SECONDS: Final = {"min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_AGE: Final = re.compile(r"(\d{1,6})(min|[hdwy])")
_AN_AGE: Final = (
    "An age is a whole number from 1 on with a unit: 30min, 12h, 90d, 8w or 1y (minutes, hours, "
    "days, weeks, years). Months have no unit: write 30d."
)
_MOST_LISTED: Final = 20

F = TypeVar("F", bound=Callable[..., Any])


def _age(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read an age on the command line, ``90d``, in seconds."""
    if value is None:
        return None
    found = _AGE.fullmatch(value.strip().lower())
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(f"{printable(value)} is no age. {_AN_AGE}", ctx, parameter)
    return float(found[1]) * _SECONDS[found[2]]


def _of_age(name: str, parameter: str, what: str) -> Callable[[F], F]:
    return click.option(name, parameter, metavar="AGE", callback=_age, help=what)


@click.command()
@_of_age("--originals-older", "originals", "Photos that were painted.")
@_of_age("--results-older", "outbox", "Painted pictures in the outbox.")
@_of_age("--failed-older", "failed", "Photos that could not be painted.")
@click.option("--yes", is_flag=True, help="Remove them, instead of saying which they are.")
@settings_options("state_dir", "share", without=OF_THE_SHARE)
def command(
    resolved: Resolved,
    *,
    originals: float | None,
    outbox: float | None,
    failed: float | None,
    yes: bool,
) -> ExitCode:
    """Remove files older than an AGE (30min, 12h, 90d, 8w, 1y) from the folders that you name.

    Without --yes nothing is removed: it says what would go, and how much room that frees. A file is
    as old as its last change, or as the moment at which it came into its folder if that is later.
    """
    ages = {"originals": originals, "outbox": outbox, "failed": failed}
    wanted = {name: age for name, age in ages.items() if age is not None}
    if not wanted:
        raise UsageError(
            "Say what may go, and from which age on: --originals-older 90d, --results-older 90d, "
            "--failed-older 30d."
        )
    logs.be_silent()
    share = open_share(resolved.settings.share)
    state = state_folder(resolved.settings, share, os.environ)
    expect_folders(share, state)
    old = _find(share, state, wanted)
    if yes:
        _expect_journal(state)
    return _removed(old) if yes else _told(old, share)


def _find(share: Share, state: Path, wanted: dict[str, float]) -> list[Old]:
    kept = keeping(share, state)
    if kept.remark:  # which jobs are not over nobody could say
        raise RequestError(kept.remark)
    found, now = list[Old](), time.time()
    for name, age in wanted.items():
        stays = _guarded(state, now - age)
        found += find_old(getattr(share, name), now - age, stays)
    return found


def _expect_journal(state: Path) -> None:
    if not (state / JOURNAL).exists():
        raise UsageError(
            f"There is no journal in {printable(state)}, and so nobody can say which photos are "
            "not painted yet: nothing was removed. Say where the service keeps it, with "
            "--state_dir or in STATE_DIRECTORY (of systemd's, a folder in /var/lib)."
        )


def _guarded(state: Path, since: float) -> Guarded:
    if not (state / JOURNAL).exists():
        return Guarded()
    with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
        return guarded(journal, since)


def _told(old: list[Old], share: Share) -> ExitCode:
    files = without_notes(old)
    for one in files[:_MOST_LISTED]:
        click.echo(f"{amount(one.size):>10}  {printable(_shown(one, share))}")
    if len(files) > _MOST_LISTED:
        click.echo(f"{'':>10}  and {number(len(files) - _MOST_LISTED, 'more file')}")
    if not old:
        click.echo("Nothing is that old.")
        return ExitCode.OK
    click.echo(f"\n{_sum(old)} would go. Nothing was removed: say --yes to remove them.")
    return ExitCode.OK


def _removed(old: list[Old]) -> ExitCode:
    failures = list[Old]()

    def report(one: Old, error: OSError) -> None:
        failures.append(one)
        click.echo(f"{printable(one.path)} cannot be removed ({error.strerror}).", err=True)

    gone = remove(old, report)
    click.echo(f"{_sum(gone)} removed." if gone else "Nothing was removed.")
    return ExitCode.FAILED if failures else ExitCode.OK


def _sum(old: list[Old]) -> str:
    return f"{number(len(without_notes(old)), 'file')}, {amount(sum(one.size for one in old))},"


def _shown(one: Old, share: Share) -> Path:
    inside = one.path.is_relative_to(share.root)
    return one.path.relative_to(share.root) if inside else one.path
