"""Options that several commands share: every setting as an option, and ``--debug``."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from daemon.cli.failures import Debugging

if TYPE_CHECKING:
    from daemon.catalogue import Setting
    from daemon.configuration import Resolved

P = ParamSpec("P")
R = TypeVar("R")


def settings_options(
    *names: str, without: Collection[str] = ()
) -> Callable[[Callable[Concatenate[Resolved, P], R]], Callable[..., R]]:
    """Give a command ``--config`` and the settings as options; it gets a `Resolved` first.

    A command names those that it heeds: an option without an effect is a promise that is not kept.
    The other settings still come from file and environment, and are checked.

    Args:
        names: sections whose settings become options, or single settings; none named: all.
        without: settings of those sections that the command does not heed.

    Returns:
        The decorator, to stand below ``@click.command()``.
    """
    from daemon.configuration import load  # noqa: PLC0415 - pydantic is slow, --help is not

    chosen = _chosen(names, without)

    def decorate(function: Callable[Concatenate[Resolved, P], R]) -> Callable[..., R]:
        @functools.wraps(function)
        def command(*args: Any, config: Path | None, **kwargs: Any) -> R:
            given = {one.key: kwargs.pop(_parameter(one)) for one in chosen}
            said = {key: value for key, value in given.items() if value is not None}
            return function(load(config, said, os.environ), *args, **kwargs)

        decorated: Callable[..., R] = command
        for one in reversed(chosen):
            decorated = _option(one)(decorated)
        return _config_option(decorated)

    return decorate


def _chosen(names: Collection[str], without: Collection[str]) -> list[Setting]:
    from daemon.catalogue import catalogue, sections  # noqa: PLC0415 - pydantic is slow

    if unknown := {*names, *without} - {*catalogue(), *sections()}:
        raise ValueError(f"no such section or setting: {', '.join(sorted(unknown))}")
    return [
        one
        for one in catalogue().values()
        if (not names or one.section in names or one.key in names) and one.key not in without
    ]


def debug_option(command: click.Command) -> click.Command:
    """Let a command, and those inside it, take ``--debug``: wherever it stands, it is meant."""
    for inner in getattr(command, "commands", {}).values():
        debug_option(inner)
    if not any("--debug" in parameter.opts for parameter in command.params):
        command.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                callback=_remember_debug,
                help="Show where in the program an error came from.",
            )
        )
    return command


def _remember_debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        ctx.ensure_object(Debugging).on = True


def _config_option(function: Callable[..., R]) -> Callable[..., R]:
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The file of settings; without it $ATELIERD_CONFIG, ./config.toml or "
        "/etc/atelierd/config.toml, the first that exists.",
    )(function)


def _option(setting: Setting) -> Callable[[Callable[..., R]], Callable[..., R]]:
    default = "unset" if setting.default is None else setting.default
    # The value stays a text: `load` checks it, and says the same of file and environment.
    return click.option(
        setting.option,
        _parameter(setting),
        metavar=_metavar(setting),
        help=f"{setting.sentence}  [default: {default}]",
    )


def _parameter(setting: Setting) -> str:
    return "setting_" + setting.key.replace(".", "__")


def _metavar(setting: Setting) -> str:
    if setting.choices:
        return f"[{'|'.join(setting.choices)}]"
    return {int: "N", float: "NUMBER", Path: "DIR"}.get(setting.kind, "TEXT")
