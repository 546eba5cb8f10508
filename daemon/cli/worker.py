"""``atelierd worker``: a painter of a cluster, which paints what services elsewhere give it."""

from __future__ import annotations

import os
import sys
import time

import click
import structlog

from daemon import logs, privileges
from daemon.cli.options import ONLY_THE_DAEMONS, settings_options
from daemon.configuration import Resolved, painters_folder
from daemon.errors import ExitCode, UsageError
from daemon.extras import require_cluster
from daemon.notify import Notify
from daemon.settings import Settings


@click.command()
@settings_options(
    "state_dir", "engine", "cluster", "log",
    without=ONLY_THE_DAEMONS, short={"cluster.scheduler": "--scheduler"},
    meaning={"cluster.scheduler": "address of Dask's scheduler, such as tcp://painters:8786"},
)  # fmt: skip
@click.option("--name", default="", metavar="TEXT", help="What people see it called.")
@click.option(
    "--host", default="", metavar="ADDRESS", help="Of this machine, as the others reach it."
)
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), metavar="NUMBER",
    help="At which they do; 0: any that is free.",
)  # fmt: skip
def command(resolved: Resolved, *, name: str, host: str, port: int) -> ExitCode:
    """Paint for services on other machines.

    The scheduler is Dask's (`dask scheduler`). Ctrl-C or SIGTERM end it: what it paints then is
    painted by others. Needs the trained weights here too, the same as everywhere.
    """
    require_cluster()
    settings = resolved.settings
    if not settings.cluster.scheduler:
        raise UsageError(
            "Name the scheduler: atelierd worker --scheduler tcp://painters:8786, or "
            "cluster.scheduler in the settings."
        )
    privileges.keep_from_children()  # before there is a thread, or a child
    logs.configure(settings.log, sys.stderr)
    return _paint(settings, name, host, port)


def _paint(settings: Settings, name: str, host: str, port: int) -> ExitCode:
    from daemon.cluster import hand  # noqa: PLC0415 - Dask is heavy, and --help is not

    folder = painters_folder(settings, os.environ)
    notify = Notify(os.environ, time.monotonic, os.getpid())
    hand.paint(settings, hand.Named(name, host, port), folder, notify)
    structlog.get_logger().info("painter.stopped")
    return ExitCode.OK
