"""``atelierd run`` with an engine that paints in no time: the same process, another child.

The first argument names the worker in `child_stand_ins`; the rest is what ``run`` takes.
"""

from __future__ import annotations

import functools
import os
import sys

import click

from daemon.checkpoints import FOLDER
from daemon.cli import run, settings_options
from daemon.cli.failures import exit_code_of
from daemon.configuration import Resolved, state_folder
from daemon.errors import ExitCode
from daemon.runners.base import Deliver, Runner
from daemon.runners.local import LocalRunner, Worker
from daemon.settings import Settings
from daemon.share import open_share
from tests.daemon import child_stand_ins

SAVES = (child_stand_ins.stand_in_worker, child_stand_ins.other_weights_worker)


def make_runner(settings: Settings, deliver: Deliver, *, worker: Worker) -> Runner:
    return LocalRunner(settings.engine, deliver, worker=worker)


@click.command()
@settings_options()
@click.option("--once", is_flag=True)
def command(resolved: Resolved, *, once: bool) -> ExitCode:
    worker = getattr(child_stand_ins, sys.argv[1])
    if worker in SAVES:
        share = open_share(resolved.settings.share)
        state = state_folder(resolved.settings, share, os.environ)
        worker = functools.partial(worker, checkpoints=state / FOLDER)
    with_it = functools.partial(make_runner, worker=worker)
    again = run.read_again(resolved)
    return run.keep(resolved.settings, once=once, make_runner=with_it, again=again)


if __name__ == "__main__":
    sys.exit(exit_code_of(command, sys.argv[2:]))
