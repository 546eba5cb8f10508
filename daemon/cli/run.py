"""``atelierd run``: keep a share, for as long as nobody says stop."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import click
import structlog

from daemon import by_systemd, checkpoints, logs, privileges
from daemon.bulletin import Bulletin
from daemon.cli import bar
from daemon.cli.options import SHORT_WISHES, settings_options
from daemon.configuration import Resolved, state_folder
from daemon.drives import expect_drives
from daemon.errors import AtelierError, ExitCode, JournalError
from daemon.extras import require_cluster
from daemon.failures import place_of
from daemon.glimpses import FOLDER as GLIMPSES
from daemon.glimpses import Glimpses
from daemon.inspector import Inspector
from daemon.journal import JOURNAL, Journal
from daemon.left_behind import refuse_left_behind
from daemon.locking import ShareLock
from daemon.looking import limits_of
from daemon.marks import Marks
from daemon.metrics import Metrics
from daemon.names import printable
from daemon.notify import Notify
from daemon.opening import Opening
from daemon.overrides import make_recipe
from daemon.page.drawing import draw
from daemon.parts import Parts
from daemon.reloading import Reread, kept
from daemon.requests import Requests
from daemon.rescue import Rescuer
from daemon.runners.base import Deliver, EngineReady, Event, Runner
from daemon.runners.making import local
from daemon.service import Service
from daemon.settings import LogSettings, Settings
from daemon.share import Share, expect_share, make_share, open_share
from daemon.sheet.keeping import Sheet
from daemon.sheet.maker import FONTS, Maker
from daemon.signals import Signals
from engine.errors import EngineError
from engine.weights import known, source_in_place

MakeRunner = Callable[[Settings, Deliver], Runner]
"""Makes the runner that the settings name."""

Again = Callable[[], Settings]
"""Reads the settings once more."""

_ID_BYTES: Final = 8
_log: Final = structlog.get_logger()


@click.command()
@settings_options(short=SHORT_WISHES, shows_both=True)
@click.option("--once", is_flag=True, help="Paint what is there, then exit.")
def command(resolved: Resolved, *, once: bool) -> ExitCode:
    """Keep a share: paint the photos that are dropped into it.

    Ctrl-C or SIGTERM end it; the photo that is being painted waits for the next start. A second
    Ctrl-C ends it at once. SIGHUP has it read its settings again. With --once the exit status is 0
    if all photos were painted that have a style, 1 if one could not be, and 3 without the trained
    weights. `atelierd status` names those that wait for somebody.
    """
    return keep(resolved.settings, once=once, again=read_again(resolved))


def read_again(resolved: Resolved) -> Again:
    """How to read the settings once more, from where these came."""
    return lambda: resolved.settings if resolved.again is None else resolved.again().settings


def chosen_runner(settings: Settings, deliver: Deliver) -> Runner:
    """The runner that the settings name.

    Raises:
        SettingsError: those of a cluster contradict one another, or what it needs is missing.
    """
    state = state_folder(settings, open_share(settings.share), os.environ)
    if settings.runner == "dask":
        require_cluster()
        from daemon.cluster import making as cluster  # noqa: PLC0415 - an extra, and heavy

        if settings.cluster.scheduler is not None:
            return cluster.dask(settings, deliver, state=state)
        return cluster.dask(settings, _telling(settings, deliver), state=state)
    return local(settings.engine, _telling(settings, deliver), state=state)


def _check_cluster(settings: Settings) -> None:
    """Refuse, before anything is changed, what no runner could be made with."""
    if settings.runner == "dask":
        from daemon.cluster.security import security  # noqa: PLC0415 - as above

        security(settings.cluster)


def _telling(settings: Settings, deliver: Deliver) -> Deliver:
    return logging_weights(settings.engine.weights, deliver)


def logging_weights(folder: Path, deliver: Deliver) -> Deliver:
    """Log which weights the engine has loaded, besides delivering its events.

    Args:
        folder: where the weights live. The engine imports a file that somebody put there since
            the last start, and this says which.
        deliver: where the events go.
    """
    before, told = source_in_place(folder), ""

    def both(event: Event) -> None:
        nonlocal told
        deliver(event)
        # An engine that is started again loads the same weights: that is said once.
        if isinstance(event, EngineReady) and event.weights_sha256 != told:
            told = event.weights_sha256
            with contextlib.suppress(OSError, EngineError):  # it is the engine that needs them
                manifest = known(folder)
                name = "loaded" if manifest.source_sha256 == before else "imported"
                source, order = printable(manifest.source), manifest.convention.order
                _log.info(f"weights.{name}", source=source, order=order)

    return both


def keep(
    settings: Settings,
    *,
    once: bool,
    make_runner: MakeRunner = chosen_runner,
    again: Again | None = None,
) -> ExitCode:
    """Keep a share until a signal says stop, or with `once` until all is painted.

    Args:
        settings: all of them.
        once: paint what is there, then end.
        make_runner: who paints; a test puts a quick stand-in here.
        again: reads the settings once more, at SIGHUP; without it they stay as they are.

    Returns:
        As `daemon.service.Service.run`.

    Raises:
        ShareError: there is no share, or its folders cannot be used.
        AlreadyRunningError: another service keeps it.
        JournalError: its journal cannot be used, for another reason than that it is damaged.
    """
    privileges.keep_from_children()  # before there is a thread, or a child
    signals = Signals()
    with signals.heeded(), _watched(settings, make_runner, again, once=once) as ways:
        return _keep(settings, signals, ways, once=once)


@dataclass(frozen=True)
class _Ways:
    """How a service comes by what it needs from outside.

    Attributes:
        make_runner: who paints.
        again: reads the settings once more, if that can be done.
        log: begins to log as the settings say.
    """

    make_runner: MakeRunner
    again: Again | None
    log: Callable[[LogSettings], None]


@contextlib.contextmanager
def _watched(
    settings: Settings, make_runner: MakeRunner, again: Again | None, *, once: bool
) -> Iterator[_Ways]:
    """Draw a bar for whoever waits for the end at a terminal."""
    if not (once and logs.is_read_by_people(settings.log, sys.stderr)):
        yield _Ways(make_runner, again, lambda log: logs.configure(log, sys.stderr))
        return
    journal = state_folder(settings, open_share(settings.share), os.environ) / JOURNAL
    with bar.shown(sys.stderr, partial(_photo_of, journal)) as show:

        def make(settings: Settings, deliver: Deliver) -> Runner:
            def both(event: Event) -> None:
                deliver(event)
                show(event)

            return make_runner(settings, both)

        # By its name, since the bar has put something in its place that writes above it.
        yield _Ways(make, again, lambda log: logs.configure(log, sys.stderr, tells_steps=False))


def _photo_of(journal: Path, job_id: str) -> str:
    """The name of a job's photo, seen from whatever thread; empty if it cannot be told."""
    with (
        contextlib.suppress(AtelierError),
        contextlib.closing(Journal(journal, time.time, read_only=True)) as reader,
    ):
        return printable(place_of(reader.get(job_id)).name)
    return ""


def _keep(settings: Settings, signals: Signals, ways: _Ways, *, once: bool) -> ExitCode:
    ways.log(settings.log)
    share = open_share(settings.share)
    state = state_folder(settings, share, os.environ)
    notify, bulletin = Notify(os.environ, time.monotonic, os.getpid()), Bulletin(state)
    opening = Opening(state, notify, bulletin, time.monotonic, once=once)
    signals.tell(opening)
    with ExitStack() as stack:
        stack.callback(notify.ended)  # an error that ends it says more, and says it later
        house = opening.until_open(lambda: _open(stack, share, state))
        if house is None:
            return _stopped_early(opening)
        lock, marks = house
        rescuer = Rescuer(state / JOURNAL, time.time)
        metrics = Metrics(settings.metrics.file, share.root)

        def furnish(settings: Settings) -> Parts:
            return replace(
                _parts(settings, share, ways),
                lock=partial(lock.renew, share.work),
                checkpoints=checkpoints.Checkpoints(state / checkpoints.FOLDER),
                notify=notify,
                bulletin=bulletin,
                requests=Requests(state),
                metrics=metrics,
                expect=marks.expect,
                damage=rescuer.damage,
                draw=draw,
                glimpses=Glimpses(state / GLIMPSES),
            )

        return _serve(share, settings, rescuer, furnish, opening, signals)


def _serve(  # noqa: PLR0913, PLR0917 - what was opened, and what it is kept with
    share: Share,
    settings: Settings,
    rescuer: Rescuer,
    furnish: Callable[[Settings], Parts],
    opening: Opening,
    signals: Signals,
) -> ExitCode:
    """Run services one after the other, each with a new journal if the last was damaged.

    The next one goes by the settings that the last one had read again, and reads them again itself
    if the last one did not come to it.
    """
    told = opening.once or not logs.is_read_by_people(settings.log, sys.stderr)
    while True:
        with ExitStack() as stack:
            journal = opening.until_open(lambda: _open_journal(stack, rescuer, share), locked=True)
            if journal is None:
                return _stopped_early(opening)
            service = Service(share, settings, journal, furnish(settings), once=opening.once)
            stack.callback(signals.tell, opening)  # until the next service is there
            signals.tell(service)
            opening.hand_on(service.stop, service.reload)
            if not told:
                _say_what_to_do(share)
            code, told = _run(service, rescuer), True
        if code is not None:
            return code
        if service.is_stopping:  # by a signal of the last moment
            return _stopped_early(opening)
        settings = service.settings
        if service.is_to_reload:
            opening.reload()


def _stopped_early(opening: Opening) -> ExitCode:
    """How a start ends that somebody stopped: whoever waits for all photos has not got them."""
    return ExitCode.FAILED if opening.once else ExitCode.OK


def _run(service: Service, rescuer: Rescuer) -> ExitCode | None:
    """Run one service; None if its journal is of no use any more, and another one shall go on."""
    try:
        code = service.run()
    except JournalError:
        if service.is_stopping or not rescuer.damage():
            raise
    else:
        if service.is_stopping or not rescuer.damage():
            return code
    _log.error("service.begins_again", why=rescuer.damage())
    return None


def _say_what_to_do(share: Share) -> None:
    # As with the log: a terminal that has gone is no reason to paint nothing.
    with contextlib.suppress(OSError):
        click.echo(
            f"Drop photos into a folder in {printable(share.inbox)}; they appear painted in "
            f"{printable(share.outbox)}. Ctrl-C ends the service.",
            err=True,
        )


def _open(stack: ExitStack, share: Share, state: Path) -> tuple[ShareLock, Marks]:
    marks = Marks(share, state)
    marks.expect()
    expect_drives(share)
    # Made here, the folders of a share whose drive is not connected would hide the real ones.
    if not marks.known:
        is_unit = by_systemd.starts_us(os.environ, os.getpid())
        user = by_systemd.user_of(os.geteuid())
        make = by_systemd.how_to_make(share.root, sys.argv[0], user) if is_unit else ""
        expect_share(share, make)
    for why in make_share(share):
        _log.warning("share.unguarded", why=why)
    lock = ShareLock(state, share.work)
    for folder in lock.acquire():
        _log.warning("lock.unguarded", folder=printable(folder), why="it knows no locks")
    stack.callback(lock.release)
    marks.settle()
    return lock, marks


def _open_journal(stack: ExitStack, rescuer: Rescuer, share: Share) -> Journal:
    with ExitStack() as mine:
        journal = mine.enter_context(rescuer.journal())
        refuse_left_behind(share, journal, rescuer.path)
        stack.push(mine.pop_all())
    return journal


def _parts(settings: Settings, share: Share, ways: _Ways) -> Parts:
    limits = limits_of(settings.watch, share.inbox, share.styles)
    maker = Maker(limits, FONTS) if settings.share.contact_sheet else None
    return Parts(
        make_runner=lambda deliver: ways.make_runner(settings, deliver),
        make_inspector=lambda deliver: Inspector(settings.watch, deliver, limits=limits),
        clock=time.monotonic,
        make_id=lambda: secrets.token_hex(_ID_BYTES),
        reread=None if ways.again is None else partial(_reread, ways, ways.again),
        sheet=Sheet(share, maker, time.monotonic),
    )


def _reread(ways: _Ways, again: Again, before: Settings) -> Reread:
    settings, refused = kept(before, again())
    make_recipe(settings.paint, {})  # settings that contradict one another are refused as a whole
    _check_cluster(settings)
    ways.log(settings.log)
    make_runner = partial(ways.make_runner, settings)
    if not refused:
        return Reread(settings, make_runner)
    names = ", ".join(refused)
    _log.warning("settings.need_restart", settings=refused)
    return Reread(settings, make_runner, f"{names}: changed at the next start")
