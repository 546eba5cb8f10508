"""Draws the page: a board in, one HTML file out, with all that it needs inside.

The page loads nothing, and says so to the browser (Content-Security-Policy): its one style and its
one script are known by their hashes, pictures stand in it as data, and everything else is refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from daemon.obstacles import Of
from daemon.page import phrases, plot
from daemon.page.board import Board, Now, Result
from daemon.page.phrases import Phrases
from daemon.words import LANGUAGES, Language, Place, Words, words

TEMPLATE: Final = "status.html.j2"
STYLE: Final = "status.css"
SCRIPT: Final = "status.js"

FIRST_WAITING: Final = 8
"""So many of those that wait are seen at once; the others are folded away."""

MOST_STYLES: Final = 60
"""So many styles are named; of the others only the number."""

MOST_ASIDE: Final = 6
"""So many painters that are set aside are named; of the others only the number."""

_NARROWEST: Final = 0.6  # width through height; what goes beyond is cut where it hangs among others
_WIDEST: Final = 2.2
_QUICK: Final = 5  # seconds between two looks, for readers, while there is something to see
_SLOW: Final = 15

_OURS: Final = "page."
_OTHER: Final = "seen.other."
_LINK: Final = re.compile(r"(?!/)[A-Za-z0-9._~!$&'()*+,;=@%/-]+")


@dataclass(frozen=True)
class _Kept:
    """What all pages have in common, as texts that may be trusted."""

    style: str
    script: str


class Drawing:
    """Draws boards, one after another.

    It is made once: reading and compiling the template takes longer than a page.
    """

    def __init__(self) -> None:
        self._kept = _Kept(_file(STYLE), _file(SCRIPT))
        self._environment = Environment(
            loader=FunctionLoader(_file),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            named=phrases.named,
            shown=phrases.shown,
            number=phrases.number,
            percent=phrases.percent,
            moment=phrases.moment,
            picture=_picture,
            link=_link,
        )
        self._environment.globals.update(plot=plot)
        self._template = self._environment.get_template(TEMPLATE)

    def draw(self, board: Board, language: Language = LANGUAGES[0]) -> bytes:
        """One page.

        Args:
            board: what it shows.
            language: of a page that no script has changed.

        Returns:
            HTML in UTF-8, the same for the same board.
        """
        style = self._kept.style + _proportions(board)
        spoken = words(language)
        said = Phrases(spoken)
        page = self._template.render(
            board=board,
            language=language,
            languages={each: words(each).texts["page.language.name"] for each in LANGUAGES},
            say=said.say,
            count=said.count,
            plain=said.plain,
            lasting=said.lasting,
            about=said.about,
            sentences={key: phrases.lines(text) for key, text in _sentences(board, spoken).items()},
            texts={each: _texts(board, words(each)) for each in LANGUAGES},
            style=Markup(style),  # noqa: S704 - our own file, and numbers
            script=Markup(self._kept.script),  # noqa: S704 - our own file
            policy=_policy(style, self._kept.script),
            first_waiting=FIRST_WAITING,
            most_styles=MOST_STYLES,
            most_aside=MOST_ASIDE,
            every=_QUICK if board.running and _is_busy(board) else _SLOW,
        )
        return page.encode("utf-8", "backslashreplace")


def draw(board: Board, language: Language = LANGUAGES[0]) -> bytes:
    """One page; see `Drawing.draw`."""
    return _drawing().draw(board, language)


@cache
def _drawing() -> Drawing:
    return Drawing()


def _file(name: str) -> str:
    return resources.files("daemon.page").joinpath(name).read_text(encoding="utf-8")


def _is_busy(board: Board) -> bool:
    return bool(board.now or board.waiting_in_all or board.loading)


def _sentences(board: Board, language: Words) -> dict[str, str]:
    """What the program says about photos, by keys of this page alone."""
    said = {f"reason.{n}": one.reason for n, one in enumerate(board.failures)}
    said |= {f"slip.{n}": one.reason for n, one in enumerate(board.slips)}
    said |= {f"fault.{n}": one.reason for n, one in enumerate(board.bad_styles)}
    place = board.whereabouts.seen
    told = {key: language.seen(sentence, place) for key, sentence in said.items()}
    if board.trouble:
        told["trouble"] = "\n".join(
            _seen(one.text, one.of, language, place) for one in board.trouble
        )
    aside = board.aside[:MOST_ASIDE]
    told |= {f"aside.{n}": _seen(one.why, "aside", language, place) for n, one in enumerate(aside)}
    return told


def _seen(said: str, of: Of | Literal["aside"], language: Words, place: Place) -> str:
    text = language.seen(said, place, f"{_OTHER}{of}")
    stop = language.say("seen.stop")
    return text if text.endswith((".", "!", "?", stop)) else text + stop


def _texts(board: Board, language: Words) -> dict[str, str]:
    """All that the page may have to say in a language."""
    ours = {
        key.removeprefix(_OURS): text
        for key, text in language.texts.items()
        if key.startswith(_OURS)
    }
    said = {key: phrases.lines(text) for key, text in _sentences(board, language).items()}
    return ours | said


def _proportions(board: Board) -> str:
    """Rules that tell each picture's proportions, for which no attribute is allowed."""
    return _rules("now", board.now) + _rules("result", board.results)


def _rules(kind: str, pictures: Iterable[Now | Result]) -> str:
    """A rule a picture whose size is known, by its place on the page."""
    sizes = ((n, one.width, one.height) for n, one in enumerate(pictures))
    return "".join(
        f".{kind}-{n}{{--ratio:{min(max(width / height, _NARROWEST), _WIDEST):.4f}}}\n"
        for n, width, height in sizes
        if width > 0 and height > 0
    )


def _policy(style: str, script: str) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _picture(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def _link(address: str | None) -> str | None:
    """A relative address, percent-encoded; None for whatever else, such as one with a scheme."""
    return address if address and _LINK.fullmatch(address) else None
