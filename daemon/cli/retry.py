"""``atelierd retry NAME``: have failed photos painted once more."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
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
from daemon.prospects import cancelled, verdicts
from daemon.retrying import Parcel, find_failed, on_their_way, send_back
from daemon.settings import WatchSettings
from daemon.share import Share, open_share

_UNKNOWN: Final = "No photo called {} lies in the folder for failed photos."
_CANCELLED: Final = "It was cancelled, as somebody asked for."


@dataclass(frozen=True)
class _Known:
    """What the journal knows of what lies in failed.

    Attributes:
        arriving: what is still being put there.
        cancelled: where photos lie that somebody has cancelled.
    """

    arriving: Guarded = field(default_factory=Guarded)
    cancelled: Collection[Path] = ()


@click.command()
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=complete_failed)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="All that may be painted this time; what is left is named, with the reason.",
)
@settings_options(
    "state_dir", "share", "watch.max_file_mb", "watch.max_megapixels", without=OF_THE_SHARE
)
def command(resolved: Resolved, *, names: tuple[str, ...], every: bool) -> ExitCode:
    """Have failed photos painted once more: they are moved from Failed back into the inbox.

    NAME is a photo's file name, or its place in Failed (Waves/photo.jpg). A style of its own and
    the folder of a folder job come along. The service may run or not.

    --all looks into each first. What would fail again at once stays in Failed (a file that is no
    picture, say), and so do photos that were cancelled; each can still be named.
    """
    if every == bool(names):
        raise UsageError("Name the photos to try again, or say --all.")
    share = open_share(resolved.settings.share)
    state = state_folder(resolved.settings, share, os.environ)
    logs.be_silent()
    expect_folders(share, state)
    expect_owner(share.failed, "retry")
    since = time.time()
    parcels, known = find_failed(share), _known(state, since)
    if every:
        done = _try_again(_judged(parcels, known, share, resolved.settings.watch), known, share)
    else:
        chosen = _named(parcels, names, share)
        done = [_is_sent_back(share, parcel, known.arriving) for parcel in chosen]
    if not parcels:
        click.echo("There is no failed photo to try again.")
    elif any(done) and keeping(share, state).running is False:
        click.echo(f"{'They are' if sum(done) > 1 else 'It is'} painted once the service runs.")
    return ExitCode.OK if all(done) else ExitCode.FAILED


def _known(state: Path, since: float) -> _Known:
    # Others than the service's user may not be able to read it: for them there is none.
    if not os.access(state / JOURNAL, os.R_OK):
        return _Known()
    with closing(Journal(state / JOURNAL, time.time, read_only=True)) as journal:
        return _Known(on_their_way(journal, since), cancelled(journal))


def _named(parcels: Sequence[Parcel], names: Sequence[str], share: Share) -> list[Parcel]:
    things = [Named(parcel, parcel.place, (parcel.photo,)) for parcel in parcels]
    tops = [share.failed, share.inbox]
    return list(dict.fromkeys(meant(name, things, tops, _UNKNOWN) for name in names))


def _judged(
    parcels: Sequence[Parcel], known: _Known, share: Share, settings: WatchSettings
) -> Iterator[tuple[Parcel, str]]:
    """All of them, each with the reason why it is left unless somebody names it."""
    asked = list[Parcel]()
    for parcel in parcels:
        path = share.failed / parcel.place
        if path in known.cancelled:
            yield parcel, _CANCELLED
        elif known.arriving.covers(path, share.failed):
            yield parcel, ""  # it may be there by half; whoever would move it says so
        else:
            asked.append(parcel)
    yield from verdicts(asked, share, settings)


def _try_again(judged: Iterable[tuple[Parcel, str]], known: _Known, share: Share) -> list[bool]:
    """Send back what is not left; whether each of these could be."""
    done, left = list[bool](), 0
    for parcel, why in judged:
        if why:
            click.echo(f"Left where it is: {printable(parcel.place)}. {printable(why)}")
            left += 1
        else:
            done.append(_is_sent_back(share, parcel, known.arriving))
    if left:
        click.echo("What is left is tried all the same when you name it.")
    return done


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
