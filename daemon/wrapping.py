"""Breaks a sentence into lines for editors that do not: by columns, of which Chinese takes two."""

from __future__ import annotations

import unicodedata
from typing import Final

_WIDE: Final = frozenset("WF")  # Unicode's East Asian width: wide, and full-width
_NEVER_FIRST: Final = frozenset({"Pe", "Pf", "Po"})  # Unicode's categories: what closes, and commas
_NEVER_LAST: Final = frozenset({"Ps", "Pi"})


def wrapped(text: str, columns: int) -> list[str]:
    """Break a text into lines.

    A line ends at a space, or beside a wide character; not before a mark that closes something, nor
    behind one that opens something. What has no such place stays whole, however long it is.

    Args:
        text: one paragraph.
        columns: the most in a line.

    Returns:
        The lines, without spaces at their ends; none if there is nothing but spaces.
    """
    lines, line = list[str](), ""
    for piece in pieces(text):
        if line.strip() and width(line + piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


def width(text: str) -> int:
    """How many columns a text takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if is_wide(character) else 1


def is_wide(character: str) -> bool:
    """Whether a character takes two columns, as Chinese ones and their marks do."""
    return unicodedata.east_asian_width(character) in _WIDE


def pieces(text: str) -> list[str]:
    """The parts of a text between which a line may end."""
    pieces = [""]
    for character in text:
        if _may_end(pieces[-1], character):
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _may_end(before: str, character: str) -> bool:
    if not before or character == " ":
        return False
    last = before[-1]
    if last == " ":
        return True
    closes = unicodedata.category(character) in _NEVER_FIRST
    if closes or unicodedata.category(last) in _NEVER_LAST:
        return False
    return is_wide(last) or is_wide(character)
