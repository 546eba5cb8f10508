"""Everything that is said to the people who use the folders, in each language: one catalogue.

The catalogue is `words.toml`: a table for each text, a line for each language. Texts may have
places for values, like ``{name}``. What the program says in English elsewhere (why a photo failed)
is found by its English text: `translated`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal, get_args

from daemon.sayings import Sayings, Told, Translator, sayings_of
from daemon.toml_text import read_toml

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
"""The first is the one that all others are measured by."""

Place = Callable[[str], str | None]
"""How an absolute path is seen in the share; None if it leads elsewhere."""

FILE: Final = "words.toml"
_SAID: Final = "said."
_SEEN: Final = "seen."
# A name in a text may be made so that the text can be read in very many ways. One sentence with
# usual names has half of this.
_LONGEST: Final = 600
_KEPT: Final = 256  # texts: the page says the same ones again and again


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
        """What the program says in English, for people who know the share alone, with paths whole.

        Args:
            text: one or more sentences, or the part of one.

        Returns:
            Of what is not known, the English; also of a text that is very long.
        """
        return self.seen(text, _whole)

    def seen(self, text: str, place: Place, other: str | None = None) -> str:
        """What the program says in English of itself, for people who know the share alone.

        Paths are told as they are seen there. Where a text names what else lies elsewhere, or
        commands, there are other words for it.

        Args:
            text: as for `translated`.
            place: how a path is seen there; the same one each time, or nothing is kept.
            other: the key of what is said instead of a text that is not known, or is very long,
                for nobody can tell what is in it; None if it stays as it is.
        """
        if len(text) > _LONGEST:
            return text if other is None else self.texts[other]
        if other is None:
            return _seen(self.language, text, place).text
        told = _seen(self.language, text, place, self.texts["seen.why"])
        return self.texts[other] if told.lost else told.text


@cache
def words(language: Language) -> Words:
    """The texts of a language."""
    return Words(language, MappingProxyType({key: each[language] for key, each in _all().items()}))


def _whole(path: str) -> str:
    return path


@lru_cache(_KEPT)
def _seen(language: Language, text: str, place: Place, why: str | None = None) -> Told:
    told = words(language)

    def say(key: str, **values: object) -> str:
        seen = _SEEN + key.removeprefix(_SAID)
        return told.say(seen if seen in told.texts else key, **values)

    def put(value: str) -> str:
        if not value.startswith("/"):
            return value
        seen = place(value)
        return told.say("seen.elsewhere") if seen is None else seen

    return Translator(_sayings(), say, put=put, why=why).translated(text)


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
def _sayings() -> Sayings:
    """What the program says of photos and of itself: the texts below `said`."""
    return sayings_of({key: each["en"] for key, each in _all().items() if key.startswith(_SAID)})
