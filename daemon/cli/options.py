"""Options that several commands share: every setting as an option, and ``--debug``."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import click

from daemon.cli.failures import Debugging

if TYPE_CHECKING:
    from daemon.catalogue import Setting
    from daemon.configuration import Resolved

OF_THE_SERVICE: Final = (
    "engine.devices",
    "engine.max_attempts",
    "engine.workers",
    "engine.style_cache",
    "engine.checkpoint_seconds",
    "engine.first_look",
)
"""Settings of the engine's section that only a service heeds."""

ONLY_THE_DAEMONS: Final = ("engine.max_attempts", "cluster.max_megabytes")
"""Settings of these sections that only whoever keeps the queue heeds, and no painter."""

OF_THE_SHARE: Final = ("share.language", "share.contact_sheet")
"""Settings of the share's section that only whoever writes to people heeds."""

SHORT_WISHES: Final = {"paint.preset": "--preset", "paint.size": "--size"}
"""What is wished for most often, and the short options for it, alike in all commands."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class OrFile:
    """That a short option of a command takes a file too, in place of one of the choices.

    Attributes:
        parameter: what the command calls the file; None is given to it if none was typed.
        value: the setting's value where a file was typed.
        meaning: of a file, for the help.
    """

    parameter: str
    value: str
    meaning: str


def settings_options(
    *names: str,
    without: Collection[str] = (),
    short: Mapping[str, str] | None = None,
    or_file: Mapping[str, OrFile] | None = None,
    meaning: Mapping[str, str] | None = None,
    shows_both: bool = False,
) -> Callable[[Callable[Concatenate[Resolved, P], R]], Callable[..., R]]:
    """Give a command ``--config`` and the settings as options; it gets a `Resolved` first.

    A command names those that it heeds: an option without an effect is a promise that is not kept.
    The other settings still come from file and environment, and are checked.

    Args:
        names: sections whose settings become options, or single settings; none named: all.
        without: settings of those sections that the command does not heed.
        short: by setting an option that stands for it here: ``--size`` for ``paint.size``. The help
            names that one alone; the setting's own is taken too, and gives way to it.
        or_file: those of the short ones that take a file too, by setting.
        meaning: by setting what the help says of it, where it means less here than elsewhere.
        shows_both: whether the help names the setting's own too, for a command of all settings.

    Returns:
        The decorator, to stand below ``@click.command()``.
    """
    from daemon.configuration import load  # noqa: PLC0415 - pydantic is slow, --help is not

    chosen = _chosen(names, without, meaning or {})
    offers = _offers(chosen, short or {}, or_file or {}, shows_both=shows_both)

    def decorate(function: Callable[Concatenate[Resolved, P], R]) -> Callable[..., R]:
        @functools.wraps(function)
        def command(*args: Any, config: Path | None, **kwargs: Any) -> R:
            said, typed = dict[str, str](), dict[str, str]()
            for offer in reversed(offers):  # a short one is read last, and wins
                value, files = offer.taken(kwargs.pop(offer.parameter))
                if value is not None:
                    said[offer.setting.key], typed[offer.setting.key] = value, offer.name
                kwargs |= files
            return function(load(config, said, os.environ, typed=typed), *args, **kwargs)

        decorated: Callable[..., R] = command
        for offer in reversed(offers):
            decorated = _option(offer)(decorated)
        return _config_option(decorated)

    return decorate


@dataclass(frozen=True)
class _Offer:
    """One option that gives a setting.

    Attributes:
        setting: which.
        name: of the option, with its dashes.
        shown: whether the help names it.
        or_file: that it takes a file too.
    """

    setting: Setting
    name: str
    shown: bool = True
    or_file: OrFile | None = None

    @property
    def is_flag(self) -> bool:
        """Whether it stands alone and says yes: a value behind it could be a file's name.

        The setting's own takes true or false.
        """
        return self.setting.kind is bool and self.name != self.setting.option

    @property
    def parameter(self) -> str:
        """What click calls its value; none of the command's own is called so."""
        return "setting_" + self.name.lstrip("-").replace(".", "__").replace("-", "_")

    def taken(self, typed: str | None) -> tuple[str | None, dict[str, Path | None]]:
        """What was typed: the setting's value, and what the command gets besides."""
        if self.or_file is None:
            return typed, {}
        if not typed or typed in self.setting.choices:
            return typed, {self.or_file.parameter: None}
        return self.or_file.value, {self.or_file.parameter: Path(typed)}

    @property
    def metavar(self) -> str:
        """What the help calls its value."""
        usual = _metavar(self.setting)
        return usual if self.or_file is None else f"{usual.removesuffix(']')}|FILE]"

    @property
    def help(self) -> str:
        """What the help says of it."""
        setting = self.setting
        more = "" if self.or_file is None else f" FILE: {self.or_file.meaning}."
        shown = str(setting.default).lower() if setting.kind is bool else setting.default
        default = "" if setting.default is None else f"  [default: {shown}]"
        sentence = setting.sentence
        if self.is_flag:
            sentence = sentence.replace(f" ({setting.values})", "")
        return sentence + more + default


def _offers(
    chosen: list[Setting],
    short: Mapping[str, str],
    or_file: Mapping[str, OrFile],
    *,
    shows_both: bool,
) -> list[_Offer]:
    """All options for some settings, in the order of the help."""
    if unknown := short.keys() - {one.key for one in chosen}:
        raise ValueError(f"short for no setting of the command: {', '.join(sorted(unknown))}")
    if unknown := or_file.keys() - short.keys():
        raise ValueError(f"a file for what has no short option: {', '.join(sorted(unknown))}")
    own = [_Offer(one, one.option, shown=shows_both or one.key not in short) for one in chosen]
    those = [one for one in chosen if one.key in short]
    shorter = (_Offer(one, short[one.key], or_file=or_file.get(one.key)) for one in those)
    return [*shorter, *own]


def _chosen(
    names: Collection[str], without: Collection[str], meaning: Mapping[str, str]
) -> list[Setting]:
    from daemon.catalogue import catalogue, sections  # noqa: PLC0415 - pydantic is slow

    if unknown := {*names, *without, *meaning} - {*catalogue(), *sections()}:
        raise ValueError(f"no such section or setting: {', '.join(sorted(unknown))}")
    return [
        replace(one, description=meaning.get(one.key, one.description))
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
        "/etc/atelierd/config.toml, the first that exists. What it sets takes the place of the "
        "defaults that this help names.",
    )(function)


def _option(offer: _Offer) -> Callable[[Callable[..., R]], Callable[..., R]]:
    # The value stays a text: `load` checks it, and says the same of file and environment.
    how: dict[str, Any] = {"metavar": offer.metavar}
    if offer.is_flag:
        how = {"flag_value": "true", "default": None}
    return click.option(
        offer.name,
        offer.parameter,
        **how,
        hidden=not offer.shown,
        help=offer.help,
    )


def _metavar(setting: Setting) -> str:
    if setting.choices:
        return f"[{'|'.join(setting.choices)}]"
    if setting.values.startswith("a file"):
        return "FILE"
    kinds = {int: "N", float: "NUMBER", bool: "[true|false]", Path: "DIR"}
    return kinds.get(setting.kind, "TEXT")
