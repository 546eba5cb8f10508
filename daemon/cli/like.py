"""`atelierd stylize --like RESULT`: a picture is painted as another one was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from daemon.cli.origins import differences
from daemon.configuration import Resolved
from daemon.contradictions import in_vain
from daemon.errors import UsageError
from daemon.names import printable
from daemon.overrides import make_recipe
from daemon.record import Record
from daemon.runners.base import EngineReady
from daemon.runners.request import PaintRequest
from daemon.settings import OutputSettings, PaintSettings
from daemon.version import program
from engine import Recipe

_SHOWN: Final = 12  # digits of a hash that tell two files of weights apart


@dataclass(frozen=True)
class Wishes:
    """What a command line asks for.

    Attributes:
        recipe: how to paint.
        output: how to save.
    """

    recipe: Recipe
    output: OutputSettings


def usual(resolved: Resolved) -> Wishes:
    """What the settings say.

    Raises:
        SettingsError: they contradict one another.
        UsageError: what was typed can have no effect.
    """
    settings = resolved.settings
    recipe = make_recipe(settings.paint, {})
    _expect_effect(resolved, recipe)
    return Wishes(recipe, settings.output)


def wishes_like(record: Record, resolved: Resolved) -> Wishes:
    """What a result's record says, with what was typed over it; files of settings have no say.

    Args:
        record: of the result.
        resolved: the settings.

    Raises:
        UsageError: a preset was typed: two whole recipes; or what was typed can have no effect.
        SettingsError: what was typed contradicts the record.
    """
    typed = _typed(resolved, "paint")
    if "preset" in typed:
        raise UsageError("--preset and --like each name a whole recipe: leave one of them out.")
    recipe = make_recipe(PaintSettings(**typed), {}, record.recipe)
    _expect_effect(resolved, recipe)
    return Wishes(recipe, _output_like(record, resolved))


def _expect_effect(resolved: Resolved, recipe: Recipe) -> None:
    asked = {name: resolved.sources[f"paint.{name}"] for name in _typed(resolved, "paint")}
    if why := in_vain(asked, recipe):
        raise UsageError(f"These options make no sense together: {why}. Change one of them.")


def _output_like(record: Record, resolved: Resolved) -> OutputSettings:
    """The size of the result, and how it came to that; what is typed wins.

    How a result of another size would have been refined, its record does not say.
    """
    output, typed = resolved.settings.output, _typed(resolved, "output")
    if "size" in typed:
        return output
    same = {"size": record.size, "refine": record.refine}
    return output.model_copy(update={name: same[name] for name in same.keys() - typed.keys()})


def _typed(resolved: Resolved, section: str) -> Mapping[str, Any]:
    """The settings of a section that stand on the command line, by their names there."""
    chosen = getattr(resolved.settings, section)
    return {
        name: getattr(chosen, name)
        for name in type(chosen).model_fields
        if resolved.sources[f"{section}.{name}"].startswith("--")
    }


def warn_of_files(record: Record, request: PaintRequest) -> None:
    """Say on standard error which of the pictures are others than the result was made from."""
    for what in differences(record, request):
        click.echo(f"{what}: the picture will differ.", err=True)


def warn_of_engine(record: Record, ready: EngineReady) -> None:
    """Say on standard error what of the engine differs from the one that painted the result."""
    here = (
        ("weights", record.weights_sha256[:_SHOWN], ready.weights_sha256[:_SHOWN]),
        ("device", record.device, ready.device.name),
        ("precision", record.precision, ready.device.precision),
        ("version of the program", record.program, program()),
    )
    for what, then, now in here:
        if then != now:
            was = printable(then) or "not noted"  # a stranger may have written it
            click.echo(f"The {what} was {was} and is {now} now: the picture may differ.", err=True)
