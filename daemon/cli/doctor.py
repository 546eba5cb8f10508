"""``atelierd doctor``: is all that painting needs there, and what to do if not."""

from __future__ import annotations

import os

import click

from daemon.checkup import Finding, examine
from daemon.cli.options import OF_THE_SERVICE, OF_THE_SHARE, settings_options
from daemon.configuration import Resolved
from daemon.errors import ExitCode
from daemon.names import printable


@click.command()
@settings_options("state_dir", "share", "engine", without=(*OF_THE_SERVICE, *OF_THE_SHARE))
def command(resolved: Resolved) -> ExitCode:
    """Check this machine, and say what to do about what is missing.

    Exit status: 0 all is well, 3 only the trained weights are not, 1 something else is not.
    """
    findings = []
    for finding in examine(resolved.settings, os.environ):
        click.echo(_line(finding))
        findings.append(finding)
    wrong = [finding.topic for finding in findings if not finding.well]
    click.echo(f"\nTo be put right: {', '.join(wrong)}." if wrong else "\nAll is well.")
    return exit_code(wrong)


def exit_code(wrong: list[str]) -> ExitCode:
    """Give the exit status for the topics that are not as they should be."""
    if not wrong:
        return ExitCode.OK
    return ExitCode.WEIGHTS if wrong == ["weights"] else ExitCode.FAILED


def _line(finding: Finding) -> str:
    mark = click.style("ok ", fg="green") if finding.well else click.style("NOT", fg="red")
    return f"{mark}  {finding.topic:<12}  {printable(finding.text)}"
