"""Texts as HTML that the page itself can say again in another language.

A text becomes an element with its key (`data-say`), and each value in it an element that knows its
place (`data-slot`) and, if it is a number, a moment or a time, its plain value. So a browser can
put all of it into its reader's language (`status.js`), and one without scripts shows what stands
there. Nothing here trusts a name: whatever is not `Markup` is escaped, and nothing is `Markup` but
what is made here.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from markupsafe import Markup, escape

from daemon.names import printable
from daemon.words import Words

LONGEST_NAME: Final = 64
"""Characters of a name that are shown; of a longer one the middle is left out."""

_HEAD: Final = 40
_LATEST: Final = 253402300799.0  # the last second that a date can say, of the year 9999
_MINUTE: Final = 60
_HOUR: Final = 3600
_EXACT_FOR: Final = 600  # seconds; of more than ten minutes nobody asks for the seconds


def shown(name: str) -> str:
    """A name as it is shown: nothing in it hides or turns; a long one without its middle."""
    whole = printable(name)
    if len(whole) <= LONGEST_NAME:
        return whole
    return f"{whole[:_HEAD]}…{whole[_HEAD - LONGEST_NAME + 1 :]}"


def named(name: str) -> Markup:
    """A name, set apart from the text around it, whatever its direction; whole in its title."""
    whole, short = printable(name), shown(name)
    if whole == short:
        return Markup("<bdi>{}</bdi>").format(whole)
    return Markup('<bdi title="{}">{}</bdi>').format(whole, short)


def lines(text: str) -> str:
    """Sentences of the program, without what would hide or turn anything in them."""
    return "\n".join(map(printable, text.splitlines()))


def number(value: int) -> Markup:
    """A whole number."""
    return Markup('<span data-number="{0}">{0}</span>').format(int(value))


def percent(share: float) -> Markup:
    """A share of one, in per cent."""
    return Markup('<span data-percent="{:.4f}">{:.0f} %</span>').format(share, share * 100)


def moment(seconds: float) -> Markup:
    """A moment, in UTC; a browser says how long ago it is.

    Args:
        seconds: since 1970.
    """
    known = min(max(seconds, 0.0), _LATEST)
    when = datetime.fromtimestamp(known, timezone.utc)
    return Markup('<time datetime="{}" data-moment="{:.0f}">{}</time>').format(
        when.isoformat(timespec="seconds"), known, f"{when:%Y-%m-%d %H:%M} UTC"
    )


class Phrases:
    """Says texts of the page.

    Args:
        words: the language of a page that no script has changed.
    """

    def __init__(self, words: Words) -> None:
        self._words = words

    def say(self, key: str, **slots: object) -> Markup:
        """A text of the page.

        Args:
            key: below ``page``.
            slots: values for its places.
        """
        text = escape(self._words.texts[f"page.{key}"])
        filled = text.format(**{name: _slot(name, value) for name, value in slots.items()})
        return Markup('<span data-say="{}">{}</span>').format(key, filled)

    def count(self, key: str, many: int) -> Markup:
        """A text with a number in its place `count`, which there is for one and for others."""
        return self.say(f"{key}.{'one' if many == 1 else 'other'}", count=number(many))

    def plain(self, key: str, **values: object) -> str:
        """A text of the page without any marks."""
        return self._words.say(f"page.{key}", **values)

    def lasting(self, seconds: float) -> Markup:
        """How long something took."""
        return Markup('<span data-lasting="{:.0f}">{}</span>').format(
            seconds, self._span(round(seconds), exact=seconds < _EXACT_FOR)
        )

    def about(self, seconds: float) -> Markup:
        """How long something will take, to the minute."""
        rounded = max(round(seconds / _MINUTE), 1) * _MINUTE
        return Markup('<span data-lasting="{}" data-about>{}</span>').format(
            rounded, self._span(rounded, exact=False)
        )

    def _span(self, seconds: int, *, exact: bool) -> str:
        if seconds < _MINUTE:
            return self.plain("span.seconds", seconds=seconds)
        if not exact:
            seconds = round(seconds / _MINUTE) * _MINUTE
        hours, minutes, rest = seconds // _HOUR, seconds % _HOUR // _MINUTE, seconds % _MINUTE
        if hours:
            key = "span.hours_minutes" if minutes else "span.hours"
        else:
            key = "span.minutes_seconds" if rest else "span.minutes"
        return self.plain(key, hours=hours, minutes=minutes, seconds=rest)


def _slot(name: str, value: object) -> Markup:
    return Markup('<span data-slot="{}">{}</span>').format(name, value)
