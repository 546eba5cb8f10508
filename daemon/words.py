"""Everything that is said to the people who use the folders, in each language: one catalogue.

The catalogue is `words.toml`: a table for each text, a line for each language. Texts may have
places for values, like ``{name}``. What the program says in English elsewhere (why a photo failed)
is found by its English text: `translated`. Such a reason may be put together from several
sentences, of which nobody can list all combinations: what is not known as a whole is gone through
sentence by sentence.
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
from daemon.wrapping import is_wide

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
"""The first is the one that all others are measured by."""

FILE: Final = "words.toml"
WORDS_AGAIN: Final = frozenset({"why", "what", "how", "wanted"})
"""Places of texts below `said` for words of the program, not names or numbers: see `translated`."""

_ENDS: Final = re.compile(r"(?<=[.!?]) ")
_MOST_SENTENCES: Final = 16  # more than any reason has; a name may hold as many dots as it likes


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

    def translated(self, text: str) -> str:
        """What the program says in English, in this language, as far as it is known.

        Args:
            text: one or more sentences, or the part of one. In the places of `WORDS_AGAIN` stand
                words of the program, which are translated in turn.

        Returns:
            Of what is not known, the English.
        """
        if self.language == LANGUAGES[0]:
            return text
        known = self._known(text)
        return self._by_sentences(text) if known is None else known

    def _known(self, text: str) -> str | None:
        for pattern, key in _patterns():
            if found := pattern.fullmatch(text):
                values = {
                    name: self.translated(value) if name in WORDS_AGAIN else value
                    for name, value in found.groupdict().items()
                }
                return self.say(key, **values)
        return None

    def _by_sentences(self, text: str) -> str:
        """The same for several sentences: as many as are known as one text are taken at a time."""
        parts, done = _ENDS.split(text, _MOST_SENTENCES), ""
        if len(parts) == 1:
            return text
        while parts:
            first, parts = self._first_of(parts)
            # A Chinese full stop brings its space along.
            done += first if not done or is_wide(done[-1]) else f" {first}"
        return done

    def _first_of(self, parts: list[str]) -> tuple[str, list[str]]:
        """The first sentences that are known together, or else the first one; and the rest."""
        for number in range(len(parts), 0, -1):
            known = self._known(" ".join(parts[:number]))
            if known is not None:
                return known, parts[number:]
        return parts[0], parts[1:]


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
