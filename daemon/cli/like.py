"""`atelierd stylize --like RESULT`: a picture is painted as another one was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from daemon.configuration import Resolved
from daemon.errors import UsageError
from daemon.names import printable
from daemon.overrides import make_recipe
from daemon.record import Record, Source
from daemon.runners.base import EngineReady
from daemon.settings import OutputSettings, PaintSettings
from daemon.version import program
from engine import Recipe

_SHOWN: Final = 12  # digits of a hash that tell two files apart


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
    """What the settings say."""
    settings = resolved.settings
    return Wishes(make_recipe(settings.paint, {}), settings.output)


def wishes_like(record: Record, resolved: Resolved) -> Wishes:
    """What a result's record says, with what was typed over it; files of settings have no say.

    Args:
        record: of the result.
        resolved: the settings.

    Raises:
        UsageError: a preset was typed: two whole recipes.
        SettingsError: what was typed contradicts the record.
    """
    typed = _typed(resolved, "paint")
    if "preset" in typed:
        raise UsageError("--preset and --like each name a whole recipe: leave one of them out.")
    recipe = make_recipe(PaintSettings(**typed), {}, record.recipe)
    return Wishes(recipe, _output_like(record, resolved))


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


def made_from(record: Record, result: str) -> str:
    """Which photo and style a result was made from, and what to do with that.

    Args:
        record: of the result.
        result: its name, for people.
    """
    return (
        f"{result} was painted from the photo {_described(record.content)} in the style "
        f"{_described(record.style)}. Name both files before --like: nothing is looked for."
    )


def _described(source: Source) -> str:
    name = f'"{printable(source.name)}"' if source.name else "without a name"
    return f"{name} (SHA-256 {source.sha256[:_SHOWN]}...)" if source.sha256 else name


def warn_of_files(record: Record, content: bytes, style: bytes) -> None:
    """Say on standard error which of the pictures are others than the result was made from."""
    given = (("photo", record.content, content), ("style", record.style, style))
    for what, source, data in given:
        if hashlib.sha256(data).hexdigest() != source.sha256:
            click.echo(
                f"The {what} is another file than {_described(source)}: the picture will differ.",
                err=True,
            )


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
