"""How a command ends: its errors in words, and the exit status of each."""

from __future__ import annotations

import os
import select
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Final

import click

from daemon.errors import AtelierError, ExitCode

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of SIGINT."""

BROKEN_PIPE: Final = 141
"""Exit status when nobody reads the output any more (``atelierd config | head``)."""


@dataclass
class Debugging:
    """Whether ``--debug`` was given, wherever it stood; click's context holds it."""

    on: bool = False


def exit_code_of(command: click.Command, arguments: list[str]) -> int:
    """Run a command, report what went wrong on standard error, and give its exit status.

    Args:
        command: the whole command line.
        arguments: without the program's name.

    Returns:
        0 if all is well; else an `ExitCode`, `INTERRUPTED` or `BROKEN_PIPE`.
    """
    debugging = Debugging()
    try:
        code = _invoke(command, arguments, debugging)
        if sys.stdout is not None:  # `atelierd ... >&-`
            sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        _tell_systemd(error.format_message())
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last place that can say something about it
        return _reported(error, debugging)
    return code


def in_words(error: Exception) -> str:
    """Say what went wrong and what to do, in one or two sentences without control characters."""
    from daemon.names import printable  # noqa: PLC0415 - only a command that fails needs it
    from engine.errors import EngineError  # noqa: PLC0415 - brings numpy along

    if isinstance(error, (AtelierError, EngineError)):
        return " ".join(printable(line) for line in str(error).splitlines())
    if isinstance(error, OSError) and error.strerror and isinstance(error.filename, (str, bytes)):
        return (
            f"{printable(os.fsdecode(error.filename))} cannot be used: {error.strerror}. Check "
            "that it is there, that this user may use it, and that the disk is not full."
        )
    what = printable(" ".join(f"{type(error).__name__}: {error}".split()))
    return f"This is a fault of the program ({what}). Run it again with --debug to see where."


def code_for(error: Exception) -> ExitCode:
    """Give the exit status that an error ends a command with."""
    if isinstance(error, AtelierError):
        return error.exit_code
    from engine import errors as engine  # noqa: PLC0415 - brings numpy along

    codes = {
        engine.WeightsError: ExitCode.WEIGHTS,
        engine.PictureError: ExitCode.PICTURE,
        engine.RecipeError: ExitCode.USAGE,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), ExitCode.FAILED)


def _invoke(command: click.Command, arguments: list[str], debugging: Debugging) -> int:
    # Not `command.main`: that turns every EPIPE, also one of the engine's pipe, into silence.
    with command.make_context("atelierd", arguments, obj=debugging) as context:
        result = command.invoke(context)
    return int(result) if isinstance(result, int) else int(ExitCode.OK)


def _reported(error: Exception, debugging: Debugging) -> int:
    if isinstance(error, BrokenPipeError) and _nobody_reads():
        return BROKEN_PIPE
    if debugging.on:
        traceback.print_exception(type(error), error, error.__traceback__)
    words = in_words(error)
    click.echo(f"atelierd: {words}", err=True)
    _tell_systemd(words)
    return int(code_for(error))


def _tell_systemd(why: str) -> None:
    """Let `systemctl status` say why a service of systemd's has ended."""
    if os.environ.get("NOTIFY_SOCKET"):
        from daemon.notify import Notify  # noqa: PLC0415 - only a service that fails needs it

        Notify(os.environ, time.monotonic, os.getpid()).ended(why)


def _nobody_reads() -> bool:
    """Whether it was our own output that broke; if so, end the complaints about it."""
    try:
        output = sys.stdout.fileno()
    except (AttributeError, ValueError):  # closed, or replaced by something without a file
        return False
    poll = select.poll()
    poll.register(output, 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        return False
    # Python flushes standard output once more when it exits, and would complain then.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)
    return True
