"""``atelierd completion SHELL``: the script that lets a shell complete commands and photos."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from daemon.cli.completing import VARIABLE

_SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def command(*, shell: str) -> None:
    """Print the script with which a shell completes commands, options and photos' names.

    \b
    bash: add to ~/.bashrc   eval "$(atelierd completion bash)"
    zsh:  add to ~/.zshrc    eval "$(atelierd completion zsh)"
    fish: atelierd completion fish > ~/.config/fish/completions/atelierd.fish
    """  # noqa: D301 - click's own sign for lines that stay as they are
    from daemon.cli import commands  # noqa: PLC0415 - it is the one that imports this module

    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"{shell} is no shell that can be helped.")
    # Not `source`: that of bash asks which version is installed here, and it may run elsewhere.
    script = completion(commands, {}, "atelierd", VARIABLE)
    click.echo(script.source_template % script.source_vars())
