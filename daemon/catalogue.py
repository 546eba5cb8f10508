"""Every setting, flat, with its meaning in words: for errors, help, and the written lists of them.

`daemon.settings` is the one source; nothing is said twice.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from daemon.settings import Settings

PREFIX: Final = "ATELIERD_"
"""What the names of all environment variables of the program begin with."""

_SPECIAL: Final = {
    "cluster.scheduler": 'an address such as "tcp://painters:8786", or with tls:// before it',
    "cluster.tls_ca": "a file in PEM format",
    "cluster.tls_cert": "a file in PEM format",
    "cluster.tls_key": "a file in PEM format",
    "engine.devices": '"all", or whole numbers such as "0, 2", none twice',
    "metrics.file": "a file whose name ends with .prom",  # other paths are folders
    "paint.style_loss": (
        'gram, wasserstein, histogram, or a mixture such as "gram 70 + histogram 30"'
    ),
}
_NUMBERS: Final = {int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        key: its dotted name: ``watch.scan_seconds``.
        default: its value when nobody says anything; None is "unset".
        description: what it means, without a full stop.
        values: what it may be, in words: "a number greater than 0 and at most 3600".
        kind: its type, without the None of an optional one; for a choice `Literal`.
        choices: for a choice what can be chosen, else empty.
        optional: whether it may be unset.
    """

    key: str
    default: Any
    description: str
    values: str
    kind: Any
    choices: tuple[str, ...]
    optional: bool

    @property
    def section(self) -> str:
        """The table of the file that it stands in; empty at the top level."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its name inside its section."""
        return self.key.rpartition(".")[2]

    @property
    def sentence(self) -> str:
        """What it means and may be, as a sentence."""
        first = self.description.partition(" ")[0]
        # A name that is explained ("auto: ...") is written as it has to be typed.
        start = first if first.endswith(":") else first[:1].upper() + first[1:]
        values = "" if self.kind in {Path, str} else f" ({self.values})"
        return f"{start}{self.description[len(first) :]}{values}."

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return f"--{self.key}"

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.key.replace(".", "__").upper()


@cache
def catalogue() -> Mapping[str, Setting]:
    """All settings by dotted key, in the model's order, those of the top level first."""
    return types.MappingProxyType({setting.key: setting for setting in _walk(Settings, "")})


@cache
def sections() -> Mapping[str, str]:
    """What each section is about, by its name, in the model's order; the top level is ``""``."""
    inner = {
        name: _summary(field.annotation)
        for name, field in Settings.model_fields.items()
        if _is_section(field.annotation)
    }
    return types.MappingProxyType({"": "General.", **inner})


def value_of(settings: Settings, key: str) -> Any:
    """Read a setting by its dotted key."""
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _walk(model: type[BaseModel], prefix: str) -> list[Setting]:
    fields = model.model_fields.items()
    here = [
        _setting(prefix + name, field)
        for name, field in fields
        if not _is_section(field.annotation)
    ]
    for name, field in fields:
        if _is_section(field.annotation):
            here += _walk(typing.cast("type[BaseModel]", field.annotation), f"{prefix}{name}.")
    return here


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _summary(annotation: Any) -> str:
    return (annotation.__doc__ or "").strip().splitlines()[0]


def _setting(key: str, field: FieldInfo) -> Setting:
    kind, optional = _unwrapped(field.annotation)
    choices = tuple(get_args(kind)) if get_origin(kind) is Literal else ()
    return Setting(
        key=key,
        default=field.get_default(call_default_factory=True),
        description=field.description or "",
        values=_SPECIAL.get(key) or _in_words(kind, choices, field.metadata),
        kind=Literal if choices else kind,
        choices=choices,
        optional=optional,
    )


def _unwrapped(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in {Union, types.UnionType}:
        return annotation, False
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    if len(kinds) != 1:
        raise TypeError(f"{annotation} has no plain words: a setting is of one type, or None")
    return kinds[0], True


def _in_words(kind: Any, choices: tuple[str, ...], metadata: list[Any]) -> str:
    if choices:
        return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))
    if kind in _NUMBERS:
        return " ".join(filter(None, [_NUMBERS[kind], _bounds(metadata)]))
    if kind is bool:
        return "true or false"
    if kind is Path:
        return "a folder"
    if kind is str:
        return "a text"
    raise TypeError(f"{kind} has no plain words yet")


def _bounds(metadata: list[Any]) -> str:
    words = []
    for bound in metadata:
        if isinstance(bound, annotated_types.Gt):
            words.append(f"greater than {_plain(bound.gt)}")
        elif isinstance(bound, annotated_types.Ge):
            words.append(f"of at least {_plain(bound.ge)}")
        elif isinstance(bound, annotated_types.Le):
            words.append(f"of at most {_plain(bound.le)}")
        elif isinstance(bound, annotated_types.Lt):
            words.append(f"below {_plain(bound.lt)}")
        elif isinstance(bound, annotated_types.MultipleOf):
            words.append(f"in steps of {_plain(bound.multiple_of)}")
    return (
        " and ".join(words)
        .replace(" and of at most", " and at most")
        .replace(" and in steps", ", in steps")
    )


def _plain(bound: Any) -> str:
    return f"{bound:.0f}" if float(bound).is_integer() else str(bound)
