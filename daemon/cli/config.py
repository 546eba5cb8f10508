"""``atelierd config``: all settings, and where each came from."""

from __future__ import annotations

import os

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.catalogue import catalogue, value_of
from daemon.cli.options import SHORT_WISHES, settings_options
from daemon.config_file import write_text
from daemon.configuration import SEARCHED, Resolved, standing_alone
from daemon.names import printable

_UNLIMITED = 10_000


@click.command()
@click.option("--toml", is_flag=True, help="Print them as a file of settings instead.")
@settings_options(short=SHORT_WISHES, shows_both=True)
def command(resolved: Resolved, *, toml: bool) -> None:
    """Show all settings and where each came from."""
    if toml:
        click.echo(write_text(standing_alone(resolved)), nl=False)
        return
    click.echo(_heading(resolved))
    # Cut to a terminal's width the table would break lines that other programs read.
    width = None if os.isatty(1) else _UNLIMITED
    Console(width=width, highlight=False, markup=False).print(_table(resolved))


def _heading(resolved: Resolved) -> str:
    if resolved.file is not None:
        return f"File of settings: {printable(resolved.file)}\n"
    looked = " or ".join(str(path) for path in SEARCHED)
    return f"No file of settings (looked for {looked}).\n"


def _table(resolved: Resolved) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("setting", "value", "from"):
        table.add_column(title, overflow="fold")
    for key in catalogue():
        value, source = value_of(resolved.settings, key), resolved.sources[key]
        shown = "(unset)" if value is None else printable(str(value))
        table.add_row(key, Text(shown), Text(printable(source)), style=_style(source))
    return table


def _style(source: str) -> str:
    return "dim" if source == "default" else ""
