"""``atelierd run`` with the painters of a cluster that paint in no time: the same process."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from typing import Any

import click

from daemon.checkpoints import FOLDER
from daemon.cli import run, settings_options
from daemon.cli.failures import exit_code_of
from daemon.cluster.calls import Pace, Terms
from daemon.cluster.runner import DaskRunner
from daemon.configuration import Resolved, state_folder
from daemon.errors import ExitCode
from daemon.runners.base import Deliver, Runner
from daemon.settings import Settings
from daemon.share import open_share
from tests.daemon.cluster.stand_ins import CALLS

QUICK = Pace(poll_seconds=0.2, connect_seconds=60, join_seconds=600, pause_seconds=0.1)
_MEGABYTE = 1_000_000


def make_runner(settings: Settings, deliver: Deliver) -> Runner:
    @asynccontextmanager
    async def place() -> Any:
        yield settings.cluster.scheduler

    state = state_folder(settings, open_share(settings.share), os.environ)
    terms = Terms(settings.cluster.max_megabytes * _MEGABYTE, state / FOLDER)
    return DaskRunner(place, terms, CALLS, deliver, pace=QUICK)


@click.command()
@settings_options()
def command(resolved: Resolved) -> ExitCode:
    again = run.read_again(resolved)
    return run.keep(resolved.settings, once=False, make_runner=make_runner, again=again)


if __name__ == "__main__":
    sys.exit(exit_code_of(command, sys.argv[1:]))
