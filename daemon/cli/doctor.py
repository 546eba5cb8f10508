"""``atelierd doctor``: is all that painting needs there, and what to do if not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import click

from daemon.checkup import examine
from daemon.cli.options import OF_THE_SERVICE, OF_THE_SHARE, settings_options
from daemon.configuration import Resolved
from daemon.errors import ExitCode
from daemon.findings import Finding
from daemon.names import printable

NOT_LOOKED_AT: Final = (
    *(one for one in OF_THE_SERVICE if one not in {"engine.devices", "engine.workers"}),
    *OF_THE_SHARE,
    "cluster.max_megabytes",
)
"""Settings that nothing is examined for."""


@click.command()
@settings_options(
    "state_dir", "runner", "share", "engine", "cluster",
    without=NOT_LOOKED_AT,
)  # fmt: skip
def command(resolved: Resolved) -> ExitCode:
    """Check this machine, and say what to do about what is missing.

    A line that begins with `but` works, and says what should be known of it all the same. Exit
    status: 0 all works, 3 only the trained weights do not, 1 something else does not.
    """
    findings = []
    for finding in examine(resolved.settings, os.environ):
        click.echo(_line(finding))
        findings.append(finding)
    wrong = [finding.topic for finding in findings if not finding.well]
    click.echo(f"\n{verdict(findings)}")
    return exit_code(wrong)


def exit_code(wrong: list[str]) -> ExitCode:
    """Give the exit status for the topics that are not as they should be."""
    if not wrong:
        return ExitCode.OK
    return ExitCode.WEIGHTS if wrong == ["weights"] else ExitCode.FAILED


def verdict(findings: Sequence[Finding]) -> str:
    """Say in one line what is to be done about all of them."""
    wrong = ", ".join(finding.topic for finding in findings if not finding.well)
    if wrong:
        return f"To be put right: {wrong}."
    remarks = ", ".join(finding.topic for finding in findings if finding.but)
    return f"All works. Read what is said of: {remarks}." if remarks else "All is well."


def _line(finding: Finding) -> str:
    word, colour = ("ok ", "green") if finding.well else ("NOT", "red")
    if finding.well and finding.but:
        word, colour = "but", "yellow"
    return f"{click.style(word, fg=colour)}  {finding.topic:<12}  {printable(finding.text)}"
