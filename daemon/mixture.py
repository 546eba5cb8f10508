"""Several things by their names, each with its share: ``gram 70 + histogram 30``.

::

    mixture = term *( "+" term )
    term    = name [ space number [ "%" ] ]

People write it as the name of a folder too (``Starry Night + Great Wave``), so names are as they
come: they may hold spaces, digits and pluses of their own. A text is therefore read against the
names that there are. At each place the longest of them is taken that leaves a rest which can be
read as well; so of ``Route`` and ``Route 66`` the text ``Route 66 + Waves`` means the latter.

Numbers are shares in percent. If all have one, their proportions count, whatever they add up to; if
none has, the shares are equal; if some have, the others share what those leave of a hundred.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from daemon.names import canonical

LONGEST: Final = 300
"""Characters of the longest text that is read: no name of a folder is longer."""

_MOST_PLUSES: Final = 50
"""Of a text that is read: each two of them may be the ends of a name."""

_WHOLE: Final = 100.0
_WITH_SHARE: Final = re.compile(r"(.*\S)\s+([0-9]{1,6}(?:[.,][0-9]{1,6})?)\s*%?", re.DOTALL)


class Term(NamedTuple):
    """One thing of a mixture.

    Attributes:
        name: as it is in what is known.
        percent: over 0; None if it has the share that the others leave.
    """

    name: str
    percent: float | None


def parse(text: str, known: Iterable[str] | Names) -> dict[str, float] | None:
    """Read a mixture.

    Args:
        text: as somebody wrote it; whether letters are large or small does not matter where only
            one name can be meant, nor does the form of Unicode.
        known: the names that there are; as `Names` where many texts are read.

    Returns:
        The share of each name, as it is in `known`, in the order of the text; together they are 1.
        None if the text is no mixture of these names, names one of them twice, or leaves nothing
        for one of them.
    """
    if len(text) > LONGEST or text.count("+") > _MOST_PLUSES:
        return None
    terms = _terms(text.split("+"), known if isinstance(known, Names) else Names(known))
    if terms is None or len({term.name for term in terms}) < len(terms):
        return None
    return shares_of(terms)


class Names:
    """Names, to be found as people write them.

    Args:
        known: all of them; of two that people take for one the first.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._exact: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        for name in known:
            form = canonical(name).strip()
            if form:
                self._exact.setdefault(form, name)
                self._folded.setdefault(form.casefold(), name)

    def term(self, text: str) -> Term | None:
        """What a text means: a name, or else a name and a share of more than nothing."""
        if (name := self.found(text)) is not None:
            return Term(name, None)
        parts = _WITH_SHARE.fullmatch(text.strip())
        name = self.found(parts[1]) if parts else None
        percent = float(parts[2].replace(",", ".")) if parts else 0.0
        return Term(name, percent) if name is not None and percent else None

    def found(self, text: str) -> str | None:
        """The name that a text is, as it is in what is known; None if it is none."""
        form = canonical(text).strip()
        return self._exact.get(form) or self._folded.get(form.casefold())


def strangers(text: str, names: Names) -> list[str]:
    """What in a text that is no mixture is none of the names, without its share.

    Args:
        text: as for `parse`.
        names: those that there are.

    Returns:
        Each such piece, in the order of the text; empty where two pluses have nothing between them.
        None of them if all are names, or the text has more pluses than any that is read.
    """
    pieces = text.split("+")
    found, start = list[str](), 0
    while start < len(pieces) <= _MOST_PLUSES + 1:
        ends = range(len(pieces), start, -1)
        known = (end for end in ends if names.term("+".join(pieces[start:end])) is not None)
        end = next(known, None)
        if end is None:
            found.append(_without_share(pieces[start].strip(), names))
        start = start + 1 if end is None else end
    return found


def _without_share(text: str, names: Names) -> str:
    """The name that a piece was to be; where that is one, its share is what is wrong with it."""
    parts = _WITH_SHARE.fullmatch(text)
    return text if parts is None or names.found(parts[1]) is not None else parts[1]


def _terms(pieces: list[str], names: Names) -> list[Term] | None:
    """The terms of a text that was cut at each plus; a name with pluses is joined again."""
    # From the end on, so that each rest is read once, however many ways lead to it.
    rests: list[list[Term] | None] = [*[None] * len(pieces), []]
    for start in reversed(range(len(pieces))):
        for end in range(len(pieces), start, -1):  # the longest first
            rest = rests[end]
            term = None if rest is None else names.term("+".join(pieces[start:end]))
            if rest is not None and term is not None:
                rests[start] = [term, *rest]
                break
    return rests[0]


def shares_of(terms: Collection[Term]) -> dict[str, float] | None:
    """What each name has of the whole, which is 1; None if there is nothing left for one of them.

    Args:
        terms: of different names.
    """
    said = sum(term.percent or 0.0 for term in terms)
    open_ = sum(term.percent is None for term in terms)
    left = (_WHOLE - said) / open_ if open_ else 0.0
    if open_ and left <= 0:
        return None
    whole = _WHOLE if open_ else said
    return {term.name: (left if term.percent is None else term.percent) / whole for term in terms}
