"""Reads TOML from whoever may write it: what cannot be worked with is refused in one way.

The parser lets pass what its language leaves open: whole numbers of any length, which Python then
refuses to write out again, and tables nested so deep that nothing can walk through them.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST: Final = 2**63 - 1  # what every reader of TOML has to know, and most know no more
_DEEPEST: Final = 32
_PLACE: Final = re.compile(r"\(at line (\d+), column \d+\)$")
_ASSIGNED: Final = re.compile(r"\s*([\w.-]+)\s*=\s*([^#]*)")
_MARKS: Final = "\"'\u2018\u2019\u201a\u201c\u201d\u201e"  # also those that text programs make


def read_toml(text: str) -> dict[str, Any]:
    """Read a text as TOML.

    Args:
        text: what stands in a file; its size is the caller's to bound.

    Returns:
        Its values, no whole number of more than 64 bits, no table or list too deep in others.

    Raises:
        ValueError: it is no TOML, or holds one of these.
    """
    try:
        tree: dict[str, Any] = tomllib.loads(text)
    except RecursionError:  # thousands of brackets
        raise ValueError(_too_deep()) from None
    _refuse_unusable(tree)
    return tree


def unquoted(text: str, error: ValueError) -> tuple[int, str] | None:
    """What is wrong most often: words without quotation marks, or with a printer's.

    Args:
        text: what was read.
        error: what `read_toml` said of it.

    Returns:
        The number of the line, and how it should be; None if that is not what is wrong.
    """
    place = _PLACE.search(str(error))
    number = int(place[1]) if place else 0
    lines = text.split("\n")
    found = _ASSIGNED.match(lines[number - 1]) if 0 < number <= len(lines) else None
    if found is None:
        return None
    name, words = found[1], found[2].strip().strip(_MARKS)
    is_plain = words.isprintable() and not set(words) & {*_MARKS, "=", "["}
    better = f'{name} = "{words}"'
    return (number, better) if words[:1].isalpha() and is_plain and _is_toml(better) else None


def _is_toml(text: str) -> bool:
    try:
        read_toml(text)
    except ValueError:  # the name is none
        return False
    return True


def _refuse_unusable(tree: dict[str, Any]) -> None:
    waiting: list[tuple[int, Any]] = [(0, tree)]
    while waiting:
        depth, value = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError(_too_deep())
        if isinstance(value, int) and not -_LARGEST - 1 <= value <= _LARGEST:
            raise ValueError("a whole number is longer than 64 bits")
        if isinstance(value, (dict, list)):
            parts = value.values() if isinstance(value, dict) else value
            waiting += [(depth + 1, part) for part in parts]


def _too_deep() -> str:
    return f"tables or lists lie more than {_DEEPEST} deep in one another"
