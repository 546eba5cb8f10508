"""``atelierd retry NAME``: have failed photos painted once more."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import click

from daemon import logs
from daemon.cleaning import Guarded
from daemon.cli.completing import complete_failed
from daemon.cli.naming import Named, meant
from daemon.cli.options import OF_THE_SHARE, settings_options
from daemon.cli.owning import expect_owner
from daemon.configuration import Resolved, state_folder
from daemon.errors import ExitCode, PublishError, UsageError
from daemon.journal import JOURNAL, Journal
from daemon.keeper import keeping
from daemon.marks import expect_folders
from daemon.names import printable
from daemon.retrying import Parcel, find_failed, on_their_way, send_back
from daemon.share import Share, open_share

_UNKNOWN: Final = "No photo called {} lies in the folder for failed photos."


@click.command()
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=complete_failed)
@click.option("--all", "every", is_flag=True, help="All photos that lie in Failed.")
@settings_options("state_dir", "share", without=OF_THE_SHARE)
def command(resolved: Resolved, *, names: tuple[str, ...], every: bool) -> ExitCode:
    """Have failed photos painted once more: they are moved from Failed back into the inbox.

    NAME is a photo's file name, or its place in Failed (Waves/photo.jpg). A style of its own and
    the folder of a folder job come along. The service may run or not.
    """
    if every == bool(names):
        raise UsageError("Name the photos to try again, or say --all.")
    share = open_share(resolved.settings.share)
    state = state_folder(resolved.settings, share, os.environ)
    logs.be_silent()
    expect_folders(share, state)
    expect_owner(share.failed, "retry")
    since = time.time()
    parcels = find_failed(share)
    chosen = _pictures(parcels) if every else _named(parcels, names, share)
    stays = _on_their_way(state, since)
    done = [_is_sent_back(share, parcel, stays) for parcel in chosen]
    if not chosen:
        click.echo("There is no failed photo to try again.")
    elif any(done) and keeping(share, state).running is False:
        click.echo(f"{'They are' if sum(done) > 1 else 'It is'} painted once the service runs.")
    return ExitCode.OK if all(done) else ExitCode.FAILED


def _on_their_way(state: Path, since: float) -> Guarded:
    # Others than the service's user may not be able to read it: for them there is none.
    if not os.access(state / JOURNAL, os.R_OK):
        return Guarded()
    with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
        return on_their_way(journal, since)


def _named(parcels: Sequence[Parcel], names: Sequence[str], share: Share) -> list[Parcel]:
    things = [Named(parcel, parcel.place, (parcel.photo,)) for parcel in parcels]
    tops = [share.failed, share.inbox]
    return list(dict.fromkeys(meant(name, things, tops, _UNKNOWN) for name in names))


def _pictures(parcels: Sequence[Parcel]) -> list[Parcel]:
    for parcel in parcels:
        if not parcel.is_picture:
            click.echo(f"Left where it is, since it is no picture: {printable(parcel.place)}")
    return [parcel for parcel in parcels if parcel.is_picture]


def _is_sent_back(share: Share, parcel: Parcel, stays: Guarded) -> bool:
    if stays.covers(share.failed / parcel.place, share.failed):
        click.echo(
            f"{printable(parcel.place)} is still being put there; try again in a moment. If no "
            "service runs, start it first.",
            err=True,
        )
        return False
    try:
        send_back(share, parcel)
    except PublishError as error:  # the others go all the same
        click.echo(str(error), err=True)
        return False
    click.echo(f"Back in the inbox: {printable(parcel.place)}")
    return True
