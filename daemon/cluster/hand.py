"""A painter as a process: its folder, its engines, its place in the cluster, its end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from daemon import checkpoints
from daemon.cluster import quiet
from daemon.cluster.diary import Tell, diary, silence
from daemon.cluster.joining import Joining, Where
from daemon.cluster.security import security
from daemon.cluster.studio import Studio
from daemon.errors import AlreadyRunningError
from daemon.locking import ShareLock
from daemon.notify import Notify
from daemon.runners.base import Deliver, Runner
from daemon.runners.entry import serve_undisturbed
from daemon.runners.making import local
from daemon.runners.places import Place, places
from daemon.settings import EngineSettings, Settings

CLOSE_SECONDS: Final = 20.0
"""In which a stopped painter's engines have to end; Slurm and Kubernetes wait for 30."""

_SCRATCH: Final = "dask"
_TELL_SECONDS: Final = 1.0
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class Named:
    """What a painter is called.

    Attributes:
        name: for people; empty: the machine's, and the number of its folder.
        host: address by which the others reach it; empty: as Dask finds it.
        port: at which they do; 0: any that is free.
    """

    name: str = ""
    host: str = ""
    port: int = 0


def paint(settings: Settings, named: Named, base: Path, notify: Notify) -> None:
    """Paint for the scheduler that the settings name, until SIGTERM or SIGINT.

    Args:
        settings: of the engine and of the cluster.
        named: what it is called.
        base: folder of all painters of this machine.
        notify: told how it is.

    Raises:
        SettingsError: the settings contradict one another.
        ShareError: the folder cannot be used.
    """
    secure = security(settings.cluster)
    with own_folder(base) as folder:
        found = places(settings.engine)
        studio = studio_in(folder, settings.engine, found, diary())
        where = Where(
            settings.cluster.scheduler or "",
            secure,
            named.name or f"{os.uname().nodename}-{folder.name}",
            len(found),
            folder / _SCRATCH,
            named.host,
            named.port,
        )
        try:
            asyncio.run(_stay(studio, where, notify))
        finally:
            notify.stopping()
            studio.close(CLOSE_SECONDS)


def studio_in(
    folder: Path,
    settings: EngineSettings,
    found: Sequence[Place] | None = None,
    tell: Tell = silence,
) -> Studio:
    """Engines that keep what they save in a folder.

    Args:
        folder: of this painter alone.
        settings: of the engines.
        found: where they are to paint, if that is known already.
        tell: hears of each picture.
    """

    def make(deliver: Deliver) -> Runner:
        return local(settings, deliver, state=folder, serve=serve_undisturbed, found=found)

    return Studio(make, folder / checkpoints.FOLDER, tell)


@contextmanager
def own_folder(base: Path) -> Iterator[Path]:
    """A folder that no other painter of this machine has at the same time: `1`, `2`, ...

    Args:
        base: where they lie.

    Raises:
        ShareError: it cannot be used.
    """
    for number in count(1):
        folder = base / str(number)
        # With this clock it does not wait for whoever has it, but goes on to the next.
        lock = ShareLock(folder, clock=count(0, 60).__next__)
        try:
            lock.acquire()
        except AlreadyRunningError:
            continue
        try:
            yield folder
        finally:
            lock.release()
        return


async def _stay(studio: Studio, where: Where, notify: Notify) -> None:
    quiet.keep_to_ourselves()
    asked, stop, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    notify.ready()  # a scheduler may be away for long; the line says so
    teller = _Teller(notify)
    telling = asyncio.ensure_future(teller.keep())
    ending = asyncio.ensure_future(_end(studio, asked, stop, notify))
    try:
        await Joining(studio, where, teller.take).stay(stop)
    finally:
        telling.cancel()
        ending.cancel()


async def _end(studio: Studio, asked: asyncio.Event, stop: asyncio.Event, notify: Notify) -> None:
    """Once that is asked, end the engines; then leave: what they give back is fetched before."""
    await asked.wait()
    _log.info("painter.stopping")
    notify.stopping()
    try:
        await asyncio.to_thread(studio.close, CLOSE_SECONDS)
    finally:
        stop.set()


class _Teller:
    """Tells systemd how it is, which hears one word a second."""

    def __init__(self, notify: Notify) -> None:
        self._notify: Final = notify
        self._line = "Starting"

    def take(self, line: str) -> None:
        """From now on this is so."""
        self._line = line

    async def keep(self) -> None:
        """Tell what there is to tell, until it is cancelled."""
        while True:
            self._notify.tell(lambda: self._line, lives=lambda: True)
            await asyncio.sleep(_TELL_SECONDS)
