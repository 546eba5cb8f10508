"""`job.toml`: what one job may wish for, within bounds, and the recipe that comes of it.

A job.toml comes from whoever may write to the share. It can name a preset, set some numbers, and
name styles that there are (`daemon.named`); it can never name a file, and its size is bounded. What
it says of the result's file is applied when the photo's turn comes (`daemon.loading`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from daemon import mixture
from daemon.catalogue import Setting, catalogue
from daemon.contradictions import in_vain
from daemon.errors import AtelierError, OverridesError, SettingsError
from daemon.named import STYLES, Named, read_named
from daemon.names import JOB_FILE, printable
from daemon.settings import STYLE_LOSSES, OutputSettings, PaintSettings
from daemon.toml_text import read_toml, unquoted
from engine import PRESETS, Recipe, at_size

MAX_BYTES: Final = 16 * 1024
"""The largest job.toml that is read; whoever reads the file sees to it. One of four times the size
could be written so that reading it takes sixteen times as long: a second becomes many."""

_OUTPUT: Final = "output"
_OF_PAINT: Final = tuple(name for name in PaintSettings.model_fields if name != "default_style")

WISHES: Final = (*_OF_PAINT, *(f"{_OUTPUT}.{name}" for name in OutputSettings.model_fields))
"""What can be set in a job.toml: names of `PaintSettings` and, with their section in front, of
`OutputSettings`, of which one has the name of another."""

_CONTRADICTION: Final = "{}: {}. Change one of them."
_OF_SETTINGS: Final = "The settings of paint make no sense"

OF_FILE: Final = f"What {JOB_FILE} asks for makes no sense"
OF_FOLDER: Final = "What the name of the folder asks for makes no sense"
OF_BOTH: Final = f"What {JOB_FILE} and the name of the folder ask for together makes no sense"
"""Whose wishes contradict one another, or the settings."""

_SHOWN: Final = 40


class Asked(NamedTuple):
    """What a job.toml asks for.

    Attributes:
        wishes: the settings that it names, each checked: a subset of `WISHES`.
        named: the styles that it names; None if it names none.
    """

    wishes: dict[str, object]
    named: Named | None


def read_job_file(text: bytes) -> Asked:
    """Read a job.toml.

    Args:
        text: the file's bytes, at most `MAX_BYTES`; UTF-8, with or without byte order mark.

    Returns:
        What it asks for; whether there are such styles is not known here.

    Raises:
        OverridesError: it is no TOML, names what cannot be set, or sets a value that is not of the
            right kind or out of its range.
    """
    tree = _parsed(text)
    named = read_named(tree.pop(STYLES)) if STYLES in tree else None
    if isinstance(inner := tree.pop(_OUTPUT, {}), dict):
        tree |= {f"{_OUTPUT}.{name}": value for name, value in inner.items()}
    else:
        tree[_OUTPUT] = inner  # which is no setting
    return Asked(_checked(tree), named)


def make_output(output: OutputSettings, overrides: Mapping[str, object]) -> OutputSettings:
    """How the result of one job is saved: the settings, and the wishes over them.

    Args:
        output: the settings.
        overrides: as `Asked.wishes` has them.

    Raises:
        OverridesError: they are not checked, and wrong.
    """
    wished = _of(_OUTPUT, _checked(overrides))
    return output.model_copy(update=wished)


def make_recipe(
    paint: PaintSettings,
    overrides: Mapping[str, object],
    base: Recipe | None = None,
    of: str = OF_FILE,
) -> Recipe:
    """Make the recipe of one job: the preset, with the settings over it, and the wishes over those.

    The preset that the wishes name stands in for the one of the settings. A `size` other than the
    preset's has scales and steps of its own (`engine.presets.at_size`). `iterations` is shared
    out over those scales in their proportions, each scale getting at least 1; when there are fewer
    steps than scales, the coarsest scales are left out.

    Args:
        paint: the settings.
        overrides: as `Asked.wishes` has them; empty for none.
        base: what stands in for the preset.
        of: who wishes it, for people: `OF_FILE`, `OF_FOLDER` or `OF_BOTH`.

    Raises:
        SettingsError: the settings contradict one another.
        OverridesError: the wishes name what cannot be set, contradict the settings, or can have no
            effect beside one another.
    """
    recipe = _recipe(paint, SettingsError, _OF_SETTINGS, base)
    wished = _of("", _checked(overrides))
    if not wished:
        return recipe
    recipe = _recipe(paint.model_copy(update=wished), OverridesError, of, base)
    if why := in_vain({name: name for name in wished}, recipe):
        raise OverridesError(_CONTRADICTION.format(of, why))
    return recipe


def _of(section: str, wishes: Mapping[str, object]) -> dict[str, object]:
    """The wishes of one section, without its name."""
    parts = ((name.rpartition("."), value) for name, value in wishes.items())
    return {name: value for (where, _, name), value in parts if where == section}


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        plain = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OverridesError(f"{JOB_FILE} is not plain text. Save it as UTF-8.") from error
    try:
        return read_toml(plain)
    except ValueError as error:
        if found := unquoted(plain, error):
            line, better = found
            _refuse_as_text(better, plain)
            raise OverridesError(
                f"{JOB_FILE}: in line {line} the value needs quotation marks, like this: "
                f"{_short(better, 60)} ."
            ) from error
        raise OverridesError(
            f"{JOB_FILE} cannot be read: {_short(str(error), 120)}. "
            'Write one setting a line, such as  preset = "fine"  or  size = 800 .'
        ) from error


def _refuse_as_text(line: str, whole: str) -> None:
    """Say what is wrong with a line that marks alone would not put right: `size = "big"`.

    Below the name of a table the line means something else.
    """
    tree = read_toml(line)
    if "[" not in whole and tree.keys() <= set(WISHES):
        _checked(tree)


def _checked(wishes: Mapping[str, object]) -> dict[str, object]:
    for name in wishes:
        if name not in WISHES:
            raise OverridesError(_unknown(name))
    paint = _validated(PaintSettings, "", _of("", wishes))
    output = _validated(OutputSettings, f"{_OUTPUT}.", _of(_OUTPUT, wishes))
    return {name: (paint | output)[name] for name in wishes}


def _validated(
    model: type[PaintSettings | OutputSettings], prefix: str, wishes: dict[str, object]
) -> dict[str, object]:
    try:
        checked = model.model_validate(wishes, strict=True)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        known = catalogue()[f"{prefix or 'paint.'}{name}"]
        raise OverridesError(
            f"{JOB_FILE}: {prefix}{name} must be {_expected(known, model)}, but it is "
            f"{_short(repr(wishes[name]))}.{_nearest(wishes[name], known.choices)}"
        ) from error
    return {f"{prefix}{name}": getattr(checked, name) for name in wishes}


def _unknown(name: str) -> str:
    return (
        f'{JOB_FILE}: there is no setting "{_short(name)}".{_nearest(name, (*WISHES, STYLES))} '
        "What can be set is listed in docs/configuration.md, under paint and output."
    )


def _nearest(wrong: object, right: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(wrong)[:_SHOWN].casefold(), right, n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def _expected(known: Setting, model: type[BaseModel]) -> str:
    """Say in words what a setting takes, from the model itself."""
    if known.choices:
        return "one of " + ", ".join(f'"{choice}"' for choice in known.choices)
    if known.kind in {bool, str}:
        return known.values
    schema = model.model_json_schema()["properties"][known.name]
    schema = next((s for s in schema.get("anyOf", ()) if s["type"] != "null"), schema)
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    # The bound of a seed is the first value that is too large.
    highest = schema.get("maximum", schema.get("exclusiveMaximum", 0) - 1)
    steps = f" in steps of {schema['multipleOf']}" if "multipleOf" in schema else ""
    return f"{kind} from {schema['minimum']:.15g} to {highest:.15g}{steps}"


def _recipe(
    paint: PaintSettings, error_type: type[AtelierError], what: str, base: Recipe | None
) -> Recipe:
    preset = base or PRESETS[paint.preset]
    if paint.size is not None:
        preset = at_size(preset, paint.size)
    wanted = paint.model_dump(exclude={"preset", "default_style", "iterations"}, exclude_none=True)
    if paint.style_loss is not None:
        wanted["style_loss"] = mixture.parse(paint.style_loss, STYLE_LOSSES)
    fields = {**preset.model_dump(), **wanted}
    if paint.iterations is not None:
        shares = _shared_out(paint.iterations, preset.iterations)
        fields |= {"iterations": shares, "scales": preset.scales[-len(shares) :]}
    try:
        return Recipe.model_validate(fields)
    except ValidationError as error:
        reasons = "; ".join(
            str(part["msg"]).removeprefix("Value error, ") for part in error.errors()
        )
        raise error_type(_CONTRADICTION.format(what, reasons)) from error


def _shared_out(total: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """Share `total` out in proportion to `weights`, each share at least 1 (largest remainders)."""
    if total <= len(weights):
        return (1,) * total
    free = total - len(weights)
    exact = [free * weight / sum(weights) for weight in weights]
    shares = [1 + int(share) for share in exact]
    # The finest scale wins a tie: it is the one that people see.
    order = sorted(range(len(weights)), key=lambda i: (exact[i] - int(exact[i]), i), reverse=True)
    for index in order[: total - sum(shares)]:
        shares[index] += 1
    return tuple(shares)


def _short(text: str, longest: int = _SHOWN) -> str:
    shown = printable(text)
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
