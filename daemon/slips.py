"""What is wrong with the name of a folder in the inbox that nearly asks for styles.

::

    Wavs + Dots        There is no style "Wavs". Did you mean "Waves"?
    Waves, as foto     A folder cannot ask for "as foto". Did you mean "as photo"?

Whoever made such a folder meant it to be painted; its photos wait, and look like any others. A
folder of somebody's own, `Holiday` or `Anna + Ben`, has no slip: nothing in it is a style, nor near
one. The first reading is by pluses and commas; a style that has some in its own name is thought of
where a piece that they cut off is near to nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from daemon import mixture
from daemon.looks import COMMAS, Book, ending, plain_pluses, wish_words
from daemon.named import meant, nearest, short
from daemon.names import canonical
from daemon.runners.request import MOST_STYLES

_MOST_FOLDERS: Final = 40  # each is compared with all styles, while photos wait for that
_MOST_MARKS: Final = MOST_STYLES + 4  # pluses and commas; likewise

_NO_STYLE: Final = 'There is no style "{}".'
_NO_WISH: Final = 'A folder cannot ask for "{}".'
_MISSING: Final = "Something is missing before or after a plus or a comma."


class Slip(NamedTuple):
    """A folder whose name nearly asks for styles.

    Attributes:
        folder: its name.
        why: what in it cannot be read and what may have been meant, in plain English.
    """

    folder: str
    why: str


class Slips:
    """Finds them; what is known of a name is kept while the styles are the same."""

    def __init__(self) -> None:
        self._book = Book({})
        self._known: dict[str, str] = {}

    def of(self, photos: Iterable[PurePath], styles: Mapping[str, Path]) -> tuple[Slip, ...]:
        """The slips in the names of the folders that photos without a style lie in.

        Args:
            photos: below the inbox; of their folders the first few are looked at.
            styles: the style pictures by name.
        """
        if self._book.styles != styles:
            self._book, self._known = Book(styles), {}
        folders = dict.fromkeys(photo.parts[0] for photo in photos if len(photo.parts) > 1)
        first = list(islice(folders, _MOST_FOLDERS))
        self._known = {folder: self._why(folder) for folder in first}
        return tuple(Slip(folder, why) for folder, why in self._known.items() if why)

    def _why(self, folder: str) -> str:
        known = self._known.get(folder)
        return why_unread(folder, self._book) if known is None else known


def why_unread(folder: str, book: Book) -> str:
    """What in a folder's name cannot be read, in plain English.

    Args:
        folder: its name, which may be anything.
        book: the styles that there are.

    Returns:
        Empty if all of it can be read, or it is a name of somebody's own.
    """
    text = canonical(folder)
    marks = _count(plain_pluses(text), ("+", *COMMAS))
    if len(text) > mixture.LONGEST or marks > _MOST_MARKS:
        return ""
    return " ".join(_faults(text, book) or ())


def _faults(text: str, book: Book) -> list[str] | None:
    """What is wrong in a text, in its order; None if it is a name of somebody's own."""
    if book.looks(text) is not None:
        return []
    end = ending(text)
    if end is None:
        return _of_styles(plain_pluses(text), book) or None
    before = _faults(end.before, book)
    if end.is_wish:
        return before
    near = nearest(end.text, wish_words())
    whole = [] if near else _as_a_whole(text, COMMAS, book)
    return whole or (None if before is None else [*before, _no(_NO_WISH, end.text, near)])


def _of_styles(text: str, book: Book) -> list[str]:
    """The same of a text in which nothing but styles is asked for; nothing if it is one's own."""
    if "+" not in text:
        near = nearest(text, book.styles)
        return [_no(_NO_STYLE, text, near)] if near else []
    strangers = mixture.strangers(text, book.names)
    nears = {one: nearest(one, book.styles) for one in strangers}
    if not all(nears.values()) and (whole := _as_a_whole(text, ("+",), book)):
        return whole
    is_own = len(strangers) > text.count("+") and not any(nears.values())
    return [] if is_own else [_no(_NO_STYLE, one, near) for one, near in nears.items()]


def _as_a_whole(text: str, marks: Sequence[str], book: Book) -> list[str]:
    """A text as one slip, where a style is near that has as many of such marks in its own name."""
    number = _count(text, marks)
    near = nearest(text, (name for name in book.styles if _count(name, marks) == number))
    return [_no(_NO_STYLE, text, near)] if near else []


def _count(text: str, marks: Sequence[str]) -> int:
    return sum(map(text.count, marks))


def _no(sentence: str, text: str, near: str) -> str:
    return f"{sentence.format(short(text))}{meant(near)}" if text else _MISSING
