"""Finds what the program says in English among all that it may say, and says it in other words.

A text may be put together: of several sentences, or of several troubles that semicolons join, each
without its last full stop. Nobody can list all combinations, and where a name in it begins and
ends nobody can tell for sure. So it is cut in the way that leaves the least unknown, counting names
as unknown. What is not known stays in English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from daemon.wrapping import is_wide

WORDS_AGAIN: Final = frozenset({"why", "what", "how", "wanted"})
"""Places for words of the program, not for names: what stands there is looked up in turn."""

NUMBERS: Final = frozenset({"number", "width", "height", "most", "least", "size", "room"})
"""Places for numbers, which match nothing else."""

_PLACE: Final = re.compile(r"\{(\w+)\}")
_BETWEEN: Final = re.compile(r"(?<=[.!?]) |; ")
_MOST_DEPTH: Final = 8  # no text holds another one more than four times
_MOST_PARTS: Final = 16  # more than any text has; a name may hold as many dots as it likes
_STOPS: Final = (".", "!", "?")
_CHINESE_STOP: Final = "\N{IDEOGRAPHIC FULL STOP}"
_CHINESE_SEMICOLON: Final = "\N{FULLWIDTH SEMICOLON}"

Sayings = tuple[tuple[str, re.Pattern[str]], ...]
"""The keys of what the program may say, and what finds it; long ones first."""


def sayings_of(texts: Mapping[str, str]) -> Sayings:
    """Make that.

    Args:
        texts: in English, by key, with places for values.
    """
    longest_first = sorted(texts.items(), key=lambda one: -len(one[1]))
    return tuple((key, _pattern(text)) for key, text in longest_first)


@dataclass(frozen=True)
class Told:
    """A text in other words.

    Attributes:
        text: these.
        unknown: how many characters of the English were not known.
        lost: whether words of the program were among these, and not only names.
    """

    text: str
    unknown: int = 0
    lost: bool = False


class Translator:
    """Says texts of the program in other words.

    What it takes grows with a power of a text's length: whoever asks has to set a limit to that.

    Args:
        sayings: all that it may say.
        say: a text in these words, by its key, with its values.
        put: what is put into a text for a value, each as a whole; None, the value itself.
        why: what is put there for a `why` that is not known; None, the English.
    """

    def __init__(
        self,
        sayings: Sayings,
        say: Callable[..., str],
        *,
        put: Callable[[str], str] | None = None,
        why: str | None = None,
    ) -> None:
        self._sayings = sayings
        self._say = say
        self._put = put
        self._why = why
        self._told: dict[str, Told] = {}
        self._depth = 0

    def translated(self, text: str) -> Told:
        """A text in these words, as far as it is known."""
        return self._best(text)

    def _best(self, text: str) -> Told:
        if text not in self._told:
            if self._depth == _MOST_DEPTH:  # not noted: elsewhere it may stand less deep
                return _unknown(text)
            self._told[text] = _unknown(text)  # in case that it holds itself
            self._depth += 1
            self._told[text] = self._cut(text)
            self._depth -= 1
        return self._told[text]

    def _cut(self, text: str) -> Told:
        """The best way to cut a text, from its end to its beginning."""
        starts, ends = _cuts(text)
        best = [Told("")]
        for start in reversed(range(len(starts))):
            ways = []
            for end in range(start, len(ends)):  # of ways that are as good, the finest cut
                part = text[starts[start] : ends[end]]
                told = self._whole(part)
                if told is None and end == start:
                    told = _unknown(part)
                if told is not None:
                    between = text[ends[end] : [*starts, len(text)][end + 1]]
                    ways.append(_joined(told, between, best[len(ends) - end - 1]))
            best.append(min(ways, key=_fault))
        return best[-1]

    def _whole(self, text: str) -> Told | None:
        """A text that is known as a whole; where troubles are joined, it has lost its full stop."""
        told = self._exactly(text)
        if told is not None or text.endswith(_STOPS):
            return told
        stopped = self._exactly(f"{text}.")
        if stopped is None:
            return None
        text = stopped.text.removesuffix(_CHINESE_STOP).removesuffix(".")
        return replace(stopped, text=text)

    def _exactly(self, text: str) -> Told | None:
        ways = (
            self._said(key, found.groupdict())
            for key, pattern in self._sayings
            if (found := pattern.fullmatch(text))
        )
        return min(ways, key=_fault, default=None)

    def _said(self, key: str, values: Mapping[str, str]) -> Told:
        told = {name: self._value(name, value) for name, value in values.items()}
        text = self._say(key, **{name: one.text for name, one in told.items()})
        unknown = sum(one.unknown for one in told.values())
        return Told(text, unknown, any(one.lost for one in told.values()))

    def _value(self, name: str, value: str) -> Told:
        if name not in WORDS_AGAIN:
            return Told(self._shown(value), 0 if name in NUMBERS else len(value))
        told = self._best(value)
        if told.lost and name == "why" and self._why is not None:
            return Told(self._why, told.unknown)
        if told.lost and name == "what":  # which may be a name
            return Told(self._shown(value), len(value))
        return told

    def _shown(self, value: str) -> str:
        return value if self._put is None else self._put(value)


def _unknown(text: str) -> Told:
    return Told(text, len(text), lost=bool(text))


def _fault(told: Told) -> tuple[int, bool]:
    return told.unknown, told.lost


def _cuts(text: str) -> tuple[list[int], list[int]]:
    """Where parts of a text may begin, and where they may end."""
    found = list(islice(_BETWEEN.finditer(text), _MOST_PARTS))
    starts = [0, *(each.end() for each in found)]
    return starts, [*(each.start() for each in found), len(text)]


def _joined(one: Told, between: str, rest: Told) -> Told:
    # Chinese marks bring their space along.
    wide = is_wide(one.text[-1:] or "a"), is_wide(rest.text[:1] or "a")
    if between == "; " and any(wide):
        between = _CHINESE_SEMICOLON
    elif between == " " and wide[0]:
        between = ""
    text, unknown = one.text + between + rest.text, one.unknown + rest.unknown
    return Told(text, unknown, one.lost or rest.lost)


def _pattern(text: str) -> re.Pattern[str]:
    parts = _PLACE.split(text)
    return re.compile("".join(map(_finder, parts, range(len(parts)))), re.DOTALL)


def _finder(part: str, number: int) -> str:
    if number % 2 == 0:
        return re.escape(part)
    return rf"(?P<{part}>-?[\d.,e+]+)" if part in NUMBERS else f"(?P<{part}>.+?)"
