"""Rich's part of what is drawn on a terminal; imported only where something is drawn."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


class _Steady(Console):
    """A console whose cursor stays.

    A process may be ended at any moment, by a second Ctrl-C or by force; a cursor that was hidden
    until then would stay so, in a terminal that somebody goes on to work with.
    """

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - rich's
        """Leave it as it is."""
        return False


def steady(stream: TextIO) -> Console:
    """A console that writes to a terminal and leaves its cursor alone."""
    return _Steady(file=stream, highlight=False, markup=False, emoji=False)


def progress(console: Console, a_second: int) -> Progress:
    """A bar as wide as the terminal, between a description and the field ``state``.

    Args:
        console: where it is drawn.
        a_second: how often.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[state]}", markup=False),
        console=console,
        refresh_per_second=a_second,
        transient=True,
        expand=True,
    )
