"""Everything that is said to the people who use the folders, in each language: one catalogue.

The catalogue is `words.toml`: a table for each text, a line for each language. Texts may have
places for values, like ``{name}``. What the program says in English elsewhere (why a photo failed)
is found by its English text: `translated`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal, get_args

from daemon.toml_text import read_toml

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
"""The first is the one that all others are measured by."""

FILE: Final = "words.toml"


@dataclass(frozen=True)
class Words:
    """The texts of one language.

    Attributes:
        language: which, as in HTML's `lang`.
        texts: by key, like ``page.queue.title``; with places for values.
    """

    language: Language
    texts: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """A text with its values in their places.

        Raises:
            KeyError: there is no such text, or a value is missing.
        """
        return self.texts[key].format(**values)

    def translated(self, sentence: str) -> str:
        """An English sentence of the program in this language; itself where it is not known."""
        for pattern, key in _patterns():
            if found := pattern.fullmatch(sentence):
                return self.say(key, **found.groupdict())
        return sentence


@cache
def words(language: Language) -> Words:
    """The texts of a language."""
    return Words(language, MappingProxyType({key: each[language] for key, each in _all().items()}))


@cache
def _all() -> dict[str, dict[Language, str]]:
    text = resources.files("daemon").joinpath(FILE).read_text(encoding="utf-8")
    return dict(_flat(read_toml(text)))


def _flat(tree: Mapping[str, object], above: str = "") -> list[tuple[str, dict[Language, str]]]:
    found: list[tuple[str, dict[Language, str]]] = []
    for name, value in tree.items():
        key = f"{above}.{name}" if above else name
        if isinstance(value, Mapping) and LANGUAGES[0] in value:
            found.append((key, dict(value)))
        elif isinstance(value, Mapping):
            found += _flat(value, key)
    return found


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What the program says, as patterns: texts below `said`, long ones first."""
    said = [(each["en"], key) for key, each in _all().items() if key.startswith("said.")]
    return [(_pattern(text), key) for text, key in sorted(said, key=lambda one: -len(one[0]))]


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", text)
    return re.compile(
        "".join(
            f"(?P<{part}>.+?)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        ),
        re.DOTALL,
    )
