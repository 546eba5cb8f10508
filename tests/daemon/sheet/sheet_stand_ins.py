"""Children for `daemon.sheet.maker.Maker` that crash or hang."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from daemon.child import settle_in
from daemon.looking import Limits
from daemon.sheet.child import sheet_of, small_of
from daemon.sheet.messages import SheetWanted, SmallWanted


def dying(connection: Connection, limits: Limits, fonts: tuple[Path, ...]) -> None:
    """The real one, but that it dies at a picture named ``dies``, and hangs at ``hangs``."""
    settle_in()
    while True:
        try:
            wanted = connection.recv()
        except EOFError:
            return
        if isinstance(wanted, SheetWanted):
            connection.send(sheet_of(wanted, fonts))
        elif isinstance(wanted, SmallWanted):
            _misbehave(wanted.path.stem)
            connection.send(small_of(wanted.path, limits))


def dead(connection: Connection, limits: Limits, fonts: tuple[Path, ...]) -> None:
    """One that ends at once."""
    del connection, limits, fonts


def _misbehave(name: str) -> None:
    if name == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    while name == "hangs":
        time.sleep(1)
