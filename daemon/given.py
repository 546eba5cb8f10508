"""A value that somebody gave for a setting, and what to say when it is not right."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn

from pydantic import ValidationError

from daemon.catalogue import Setting, catalogue, sections
from daemon.errors import SettingsError
from daemon.names import printable

_SHOWN: Final = 60
_NEAR: Final = 0.6


@dataclass(frozen=True)
class Given:
    """One value, as it was written.

    Attributes:
        key: dotted, as it was written; there may be no such setting.
        value: of a file a TOML value, else a text; None unsets.
        source: the file's path, the variable or the option.
        way: how it was given: decides what it is called when it is spoken of.
        line: in the file, from 1; None if it is not known.
    """

    key: str
    value: Any
    source: str
    way: Literal["file", "variable", "option"]
    line: int | None = None

    def with_value(self, value: Any) -> Given:
        """The same, with another value."""
        return replace(self, value=value)

    @property
    def spoken(self) -> str:
        """What to call it: ``watch.mode in config.toml, line 3``, or the variable or option."""
        if self.way != "file":
            return printable(self.source)
        line = "" if self.line is None else f", line {self.line}"
        return f"{printable(self.key)} in {printable(self.source)}{line}"

    def name_of(self, setting: Setting) -> str:
        """What another setting would be called where this one was given."""
        return {"file": setting.key, "variable": setting.variable, "option": setting.option}[
            self.way
        ]


def refuse_unknown(layer: Sequence[Given]) -> None:
    """Look for keys that are no setting.

    Raises:
        SettingsError: about the first of them, with the nearest right name.
    """
    # A section in which everything is commented out is none of them.
    unknown = [one for one in layer if one.key not in catalogue() and not _is_empty_section(one)]
    for one in unknown:
        if one.key not in sections() or not one.key:
            raise SettingsError(_about_unknown(one) + _and_more(len(unknown)))
        example = next(s for s in catalogue().values() if s.section == one.key)
        raise SettingsError(
            f"{one.spoken} is a group of settings and takes no value itself. Set "
            f"{one.name_of(example)}, for example."
        )


def refuse_wrong(error: ValidationError, given: Mapping[str, Given]) -> NoReturn:
    """Say in plain words which value is wrong and what it may be.

    Args:
        error: what pydantic found.
        given: all values that were given, by key.

    Raises:
        SettingsError: about the first of them.
    """
    errors = error.errors(include_url=False)
    key = ".".join(str(part) for part in errors[0]["loc"])
    one, setting = given.get(key), catalogue().get(key)
    if one is None or setting is None:
        raise SettingsError(f"The settings contradict one another: {errors[0]['msg']}.") from None
    raise SettingsError(about_wrong(one, setting) + _and_more(len(errors))) from None


def about_wrong(one: Given, setting: Setting) -> str:
    """Say what a setting must be, and what it was given instead."""
    return f"{one.spoken} must be {setting.values}, not {_shown(one.value)}."


def _is_empty_section(one: Given) -> bool:
    return bool(one.key) and one.key in sections() and one.value == {}


def _about_unknown(one: Given) -> str:
    if one.value == {} and (near_section := difflib.get_close_matches(one.key, sections(), n=1)):
        return f"{one.spoken} is no group of settings. Did you mean [{near_section[0]}]?"
    near = _nearest(one.key)
    if near is None:
        return f"{one.spoken} is no setting. `atelierd config` lists all there are."
    return f"{one.spoken} is no setting. Did you mean {one.name_of(catalogue()[near])}?"


def _nearest(key: str) -> str | None:
    keys = list(catalogue())
    by_name = {known.rpartition(".")[2]: known for known in keys}
    name = key.rpartition(".")[2]
    if name in by_name:  # the right name in the wrong section
        return by_name[name]
    if near := difflib.get_close_matches(key, keys, n=1, cutoff=_NEAR):
        return near[0]
    near = difflib.get_close_matches(name, by_name, n=1, cutoff=_NEAR)
    return by_name[near[0]] if near else None


def _and_more(count: int) -> str:
    return f" ({count - 1} more like this.)" if count > 1 else ""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    # Environment and command line give texts only: there, 5 was meant as the number.
    quoted = isinstance(value, bool) or (isinstance(value, str) and not _is_number(value))
    text = printable(json.dumps(value, ensure_ascii=False) if quoted else str(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
