"""The command line: `atelierd`, the frame that all commands hang in.

Each command is a module ``daemon/cli/<name>.py`` with a click command called `command`. It is
imported when it is used, so that ``atelierd --help`` answers at once and a command pays only for
what it needs itself. A command returns an `ExitCode`, or nothing if all is well; for everything
else it raises an error from `daemon.errors` or `engine.errors`, and this frame says it::

    @click.command()
    @settings_options()
    @click.option("--once", is_flag=True, help="Paint what is there, then exit.")
    def command(resolved: Resolved, *, once: bool) -> ExitCode:
        "Keep a share: paint what is dropped into it."
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from daemon.cli.failures import exit_code_of
from daemon.cli.options import debug_option, settings_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["main", "settings_options"]

COMMANDS: Final = {
    "run": "Keep a share: paint the photos that are dropped into it.",
    "stylize": "Paint one photo in the style of one picture.",
    "worker": "Paint for services on other machines.",
    "weights": "Fetch, import or check the trained weights.",
    "init": "Make a folder that `run` can then be pointed at.",
    "status": "Show what a share's service is doing.",
    "retry": "Have failed photos painted once more.",
    "cancel": "Cancel photos that wait or are being painted.",
    "clean": "Remove old originals, results and failed photos.",
    "doctor": "Check this machine, and say what to do about what is missing.",
    "config": "Show all settings and where each came from.",
    "completion": "Let a shell complete commands and photos' names.",
}
"""Every command and what it does: the overview shows this without importing any of them."""

_COMPLETE: Final = "_ATELIERD_COMPLETE"  # as `daemon.cli.completing.VARIABLE`


class LazyCommands(click.Group):
    """A group whose commands are imported by name, when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands, in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"daemon.cli.{cmd_name}").command
        command.name = cmd_name
        return debug_option(command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands, from `COMMANDS` alone."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - seldom needed

        named = COMMANDS.items()
        offered = [
            CompletionItem(name, help=what) for name, what in named if name.startswith(incomplete)
        ]
        return [*offered, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the overview of the commands, from `COMMANDS` alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _say_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if not value or ctx.resilient_parsing:
        return
    from daemon.version import UNKNOWN, program  # noqa: PLC0415 - seldom needed

    version = program()
    remark = " version (it runs from its source, and was not installed)"
    click.echo(f"atelierd {version}{remark if version == UNKNOWN else ''}")
    ctx.exit()


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 all is well, 1 something failed, 2 wrong usage or settings, "
    "3 the trained weights, 4 a picture that cannot be read.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Drop a photo into a folder named after a painting, and get it back painted."""


debug_option(commands)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit status; the console entry point.

    Args:
        arguments: instead of the process's own.

    Raises:
        SystemExit: always.
    """
    if _COMPLETE in os.environ:  # a shell asks what may come next
        from click.shell_completion import shell_complete  # noqa: PLC0415 - seldom needed

        sys.exit(shell_complete(commands, {}, "atelierd", _COMPLETE, os.environ[_COMPLETE]))
    sys.exit(exit_code_of(commands, list(sys.argv[1:] if arguments is None else arguments)))
