"""``atelierd retry NAME``: have failed photos painted once more."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
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
from daemon.figures import number
from daemon.journal import JOURNAL, Journal
from daemon.keeper import keeping
from daemon.marks import expect_folders
from daemon.names import printable
from daemon.presence import is_gone
from daemon.prospects import verdicts
from daemon.reasons import ALL_CANCELLED
from daemon.retrying import Parcel, find_failed, on_their_way, send_back
from daemon.settings import Settings
from daemon.share import Share, open_share

_UNKNOWN: Final = "No photo called {} lies in the folder for failed photos."
_CANCELLED: Final = "Somebody cancelled it."
_NONE: Final = "There is no failed photo to try again."
_CLOSED: Final = (
    "The service's journal is closed to this user, so it is not known which photos were cancelled: "
    "these are tried again too."
)


@dataclass(frozen=True)
class _Journal:
    """What the service's journal knows of what lies in failed; read anew each time it is asked.

    Attributes:
        path: its file. Where there is none, or this user may not read it, nothing is known.
        since: when the command began to look (seconds since 1970).
    """

    path: Path
    since: float

    @property
    def is_closed(self) -> bool:
        """Whether there is one that this user may not read."""
        try:
            self.path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return not os.access(self.path, os.R_OK)

    def arriving(self) -> Guarded:
        """What is still being put there."""
        with self._read() as journal:
            return Guarded() if journal is None else on_their_way(journal, self.since)

    def cancelled(self) -> set[Path]:
        """Where photos lie that somebody has cancelled."""
        with self._read() as journal:
            if journal is None:
                return set()
            return set().union(*map(journal.failed_for, ALL_CANCELLED))

    @contextmanager
    def _read(self) -> Iterator[Journal | None]:
        if not os.access(self.path, os.R_OK):
            yield None
            return
        with closing(Journal(self.path, time.time, read_only=True)) as journal:
            yield journal


@click.command()
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=complete_failed)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="All that may be painted this time; what is left is named, with the reason.",
)
@settings_options(
    # Of the rest of paint it heeds what stands in the file: as an option each would look as if
    # photos were painted so this time.
    "state_dir",
    "share",
    "watch.max_file_mb",
    "watch.max_megapixels",
    "paint.default_style",
    without=OF_THE_SHARE,
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
    journal = _Journal(state / JOURNAL, time.time())
    parcels = find_failed(share, resolved.settings.paint.default_style)
    if every and parcels and journal.is_closed:
        click.echo(_CLOSED, err=True)
    done = list[bool]()
    with _saying_when_broken_off(done):
        if every:
            judged = _judged(parcels, journal, share, resolved.settings)
            _try_again(judged, journal, share, done)
        else:
            for parcel in _named(parcels, names, share):
                with _to_its_end():
                    done.append(_is_sent_back(share, parcel, journal))
    if any(done) and keeping(share, state).running is False:
        click.echo(f"{'They are' if sum(done) > 1 else 'It is'} painted once the service runs.")
    return ExitCode.OK if all(done) else ExitCode.FAILED


def _named(parcels: Sequence[Parcel], names: Sequence[str], share: Share) -> list[Parcel]:
    things = [Named(parcel, parcel.place, (parcel.photo,)) for parcel in parcels]
    tops = [share.failed, share.inbox]
    return list(dict.fromkeys(meant(name, things, tops, _UNKNOWN) for name in names))


def _judged(
    parcels: Sequence[Parcel], journal: _Journal, share: Share, settings: Settings
) -> Iterator[tuple[Parcel, str]]:
    """All of them, each with the reason why it is left unless somebody names it."""
    asked, cancelled, arriving = list[Parcel](), journal.cancelled(), journal.arriving()
    for parcel in parcels:
        path = share.failed / parcel.place
        if path in cancelled:
            yield parcel, _CANCELLED
        elif arriving.covers(path, share.failed):
            yield parcel, ""  # it may be there by half; whoever would move it says so
        else:
            asked.append(parcel)
    yield from verdicts(asked, share, settings)


def _try_again(
    judged: Iterable[tuple[Parcel, str]], journal: _Journal, share: Share, done: list[bool]
) -> None:
    """Send back what is not left; whether each of these could be goes into `done`."""
    left = 0
    for parcel, why in judged:
        if is_gone(share.failed / parcel.photo, share.failed):
            continue  # somebody has taken it away meanwhile
        if why:
            click.echo(f"Left where it is: {printable(parcel.place)}. {printable(why)}")
            left += 1
        else:
            with _to_its_end():
                done.append(_is_sent_back(share, parcel, journal))
    if left:
        click.echo("What is left is tried all the same when you name it.")
    elif not done:
        click.echo(_NONE)


@contextmanager
def _saying_when_broken_off(done: Sequence[bool]) -> Iterator[None]:
    """After Ctrl-C nobody should have to wonder what lies where."""
    try:
        yield
    except KeyboardInterrupt:
        back = sum(done)
        moved = f"{number(back, 'photo')} {'is' if back == 1 else 'are'} back in the inbox"
        click.echo(f"Broken off: {moved}, and all else lies where it lay.", err=True)
        raise


@contextmanager
def _to_its_end() -> Iterator[None]:
    """Let Ctrl-C wait until what is begun is done: a photo and its own style move together."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # it breaks nothing off
        yield
        return
    asked = list[int]()
    signal.signal(signal.SIGINT, lambda which, _: asked.append(which))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked:
        raise KeyboardInterrupt


def _is_sent_back(share: Share, parcel: Parcel, journal: _Journal) -> bool:
    # Asked now: looking into others may have taken minutes, in which a service goes on.
    if journal.arriving().covers(share.failed / parcel.place, share.failed):
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
