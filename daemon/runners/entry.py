"""Where the local runner's child begins: a name for it that the parent can import cheaply.

Whoever starts a process has to import what it is to run. All that paints, decodes and counts in
arrays comes with `daemon.runners.worker`; so that is imported here, once the child is there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from daemon.settings import EngineSettings


def serve(
    connection: Connection,
    settings: EngineSettings,
    *,
    styles: Path | None = None,
    checkpoints: Path | None = None,
    cores: Collection[int] = (),
) -> None:
    """Paint with the real engine until the pipe ends.

    Args:
        connection: the child's end of the pipe.
        settings: of the engine.
        styles: folder in which what is known of styles is kept; None, in memory alone.
        checkpoints: folder in which paintings are saved on their way; None, nowhere.
        cores: numbers of the logical processors that it may use; empty: all.
    """
    if cores:  # before MXNet is loaded, which counts them
        os.sched_setaffinity(0, cores)
    from daemon.runners import worker  # noqa: PLC0415 - see above

    open_painter = partial(worker.open_engine, styles=styles)
    worker.serve(connection, settings, open_painter=open_painter, checkpoints=checkpoints)


def serve_undisturbed(connection: Connection, settings: EngineSettings, **given: Any) -> None:
    """Likewise, for a parent that hears of the end itself, and sees to it in order.

    A batch system tells all processes of a job at once that its time is over.

    Args:
        connection: as of `serve`, and so is all the rest.
        settings: of the engine.
        **given: the rest.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve(connection, settings, **given)
