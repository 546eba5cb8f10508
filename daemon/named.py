"""The styles that a `job.toml` names: what it may say of them, and which these are.

::

    styles = "Starry Night 70 + Great Wave 30"          as a folder is called (`daemon.looks`)
    styles = ["Starry Night", "Great Wave 30"]          one by one, each with or without its share
    styles = { "Starry Night" = 70, "Great Wave" = 30 } likewise

As with folders no path comes from a name: it only chooses among the pictures that are styles.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeAlias

from daemon import mixture
from daemon.errors import OverridesError
from daemon.looks import Book, Looks
from daemon.names import JOB_FILE, canonical, printable
from daemon.runners.request import MOST_STYLES
from daemon.scanner import Sighting

STYLES: Final = "styles"
"""What it is called there."""

BOTH: Final = (
    f"The folder holds something called style, and {JOB_FILE} names styles as well. Take one of "
    "the two away."
)
"""Why a folder cannot be painted that says its style twice."""

_LARGEST: Final = 999_999.0  # percents, as a folder's name may have them
_MOST_KNOWN: Final = 20_000
_SHOWN: Final = 40


class Wanted(NamedTuple):
    """One style, as somebody names it.

    Attributes:
        text: its name; where the share is not said apart, perhaps with that.
        percent: its share.
    """

    text: str
    percent: float | None = None


Named: TypeAlias = str | tuple[Wanted, ...]
"""Styles as somebody names them: as a folder is called, or one by one."""


@dataclass(frozen=True)
class Said:
    """What a `job.toml` says of styles.

    Attributes:
        named: the styles; None if it names none.
        fault: why it cannot be used at all, in plain words.
    """

    named: Named | None = None
    fault: str = ""


class SaysStyles(Protocol):
    """Knows what files of this name say; as `daemon.job_files.JobFiles`."""

    def begin(self) -> Sequence[Path]:
        """A look begins; gives the folders that are to be asked about first, in their order."""

    def said(self, job_file: Sighting) -> Said | None:
        """What one says; None if that is not known just now."""


class Unread:
    """No file names a style: for whoever looks at names alone."""

    def begin(self) -> Sequence[Path]:
        """Nothing is known of an earlier look."""
        return ()

    def said(self, job_file: Sighting) -> Said | None:  # noqa: ARG002 - it is not read
        """No style."""
        return Said()


def read_named(value: object) -> Named:
    """Read what stands in a `job.toml` for `styles`.

    Raises:
        OverridesError: it is nothing that names styles.
    """
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return tuple(map(Wanted, value))
    if isinstance(value, dict) and value:
        return tuple(Wanted(name, _percent(name, share)) for name, share in value.items())
    raise OverridesError(
        f"{JOB_FILE}: {STYLES} must be names of styles, such as "
        f'["Waves", "Dots"] or "Waves 70 + Dots 30", but it is {short(repr(value))}.'
    )


def looks_of(named: Named, book: Book) -> Looks:
    """The looks of a photo for which these styles are named.

    Args:
        named: as somebody names them.
        book: the styles that there are.

    Raises:
        OverridesError: there is no such style, one is named twice, there are too many, or nothing
            is left for one of them.
    """
    if isinstance(named, str):
        return _as_a_folder(named, book)
    if len(named) > MOST_STYLES:
        raise OverridesError(
            f"{JOB_FILE} names {len(named)} styles; {MOST_STYLES} are the most that can be "
            "painted in one picture."
        )
    terms = [_term(one, book) for one in named]
    _refuse_twice(term.name for term in terms)
    shares = mixture.shares_of(terms)
    if shares is None:
        raise OverridesError(
            f"{JOB_FILE}: the shares of the styles leave nothing for those that have none. Give "
            "smaller ones, or give each style its share."
        )
    return book.of(shares)


class Answers:
    """What the styles that are named come to, each worked out once: thousands may ask the same.

    Args:
        book: the styles that there are.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._known: dict[Named, Looks | str] = {}

    def of(self, named: Named) -> Looks | str:
        """The looks, or why there are none, in plain words."""
        if named not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[named] = self._worked_out(named)
        return self._known[named]

    def _worked_out(self, named: Named) -> Looks | str:
        try:
            return looks_of(named, self._book)
        except OverridesError as error:
            return str(error)


def _percent(name: str, value: object) -> float:
    # A truth value is a number to Python, and a NaN is less than nothing.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _LARGEST:  # type: ignore[operator]
        raise OverridesError(
            f'{JOB_FILE}: the share of the style "{short(name)}" must be a number of percents, '
            f"more than 0, but it is {short(repr(value))}."
        )
    return float(value)  # type: ignore[arg-type]


def _as_a_folder(text: str, book: Book) -> Looks:
    looks = book.looks(text) if len(text) <= mixture.LONGEST else None
    if looks is not None:
        return looks
    if "+" not in text and "," not in text:
        raise OverridesError(_unknown(text, list(book.styles)))
    raise OverridesError(
        f'{JOB_FILE}: "{short(text)}" cannot be read as styles that there are, each of them once. '
        'Write them as in ["Waves", "Dots"] or "Waves 70 + Dots 30".'
    )


def _term(wanted: Wanted, book: Book) -> mixture.Term:
    if len(wanted.text) > mixture.LONGEST:
        term = None
    elif wanted.percent is None:
        term = book.names.term(wanted.text)
    else:
        name = book.names.found(wanted.text)
        term = None if name is None else mixture.Term(name, wanted.percent)
    if term is None:
        raise OverridesError(_unknown(wanted.text, list(book.styles)))
    return term


def _refuse_twice(names: Iterable[str]) -> None:
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise OverridesError(f'{JOB_FILE} names the style "{short(name)}" twice. Name it once.')


def _unknown(text: str, names: Sequence[str]) -> str:
    hint = meant(nearest(text, names))
    return (
        f'{JOB_FILE}: there is no style "{short(text)}".{hint} Styles are called as their '
        "pictures are in the folder of styles, without the ending."
    )


def nearest(text: str, names: Iterable[str]) -> str:
    """The name that somebody may have meant by a text that is none; empty if no one is near.

    Args:
        text: as somebody wrote it; whether letters are large or small does not matter.
        names: those that there are.
    """
    folded = {canonical(name).casefold(): name for name in names}
    near = difflib.get_close_matches(canonical(text)[:_SHOWN].casefold(), folded, n=1)
    return folded[near[0]] if near else ""


def meant(near: str) -> str:
    """The question that follows a name that is none; empty if nothing is near."""
    return f' Did you mean "{short(near)}"?' if near else ""


def short(text: str) -> str:
    """A text in one line as it is told to people, cut where it is long."""
    shown = printable(text)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
