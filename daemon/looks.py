"""What a folder of the inbox asks for by its name alone: styles with their shares, and wishes.

::

    folder = styles *( "," wish )
    styles = name | name [ share ] 1*( "+" name [ share ] )      (`daemon.mixture`)
    wish   = "own colours" | "as photo", or what else `words.toml` has for them

So ``Starry Night 70 + Great Wave, own colours`` is painted in both, over the photo's own colours.
A name of a style means that style, whatever it is made of: the whole text is read as styles first,
and only where that fails its end is read as a wish. The words are those of all languages at once:
a folder's name goes on meaning the same when the share speaks another one.

Nothing here opens a file, and no path comes from a name: it only chooses among the pictures that
are styles. Whatever cannot be read so asks for nothing, as any folder of somebody's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from daemon import mixture
from daemon.names import canonical
from daemon.runners.request import MOST_STYLES
from daemon.words import LANGUAGES, words

_WISHES: Final[Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "look.own_colors": {"colors": "luminance"},
        "look.as_photo": {"preset": "photo", "photo": True},
    }
)
"""By the key of the words that ask for it: what that is in the settings' own names."""

_BETWEEN: Final = " / "  # words that mean the same, in the catalogue
COMMAS: Final = (",", "\uff0c", "\u3001")
"""What a wish may stand behind; the last two are Chinese."""

_WIDE_PLUS: Final = "\uff0b"  # as it is typed between Chinese characters
_MOST_READ: Final = 4096  # names that are remembered; thousands of folders may be jobs of their own


class Part(NamedTuple):
    """One style of a blend.

    Attributes:
        path: of its picture.
        share: over 0; those of a blend are together 1.
    """

    path: Path
    share: float


class InStyles:
    """What is painted in one style, or in a blend of several.

    Attributes:
        style: the style's picture; of a blend the first one.
        styles: all parts of a blend; empty for one style.
    """

    style: Path
    styles: tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is painted in: one style, or those of a blend."""
        return self.styles or (Part(self.style, 1.0),)

    @property
    def style_files(self) -> tuple[Path, ...]:
        """The pictures of these."""
        return tuple(part.path for part in self.parts)


@dataclass(frozen=True)
class Looks:
    """How photos are to be painted.

    Attributes:
        name: of the style, or of all with their shares, for people.
        parts: the styles, at least one.
        wishes: settings for these photos, as a `job.toml` has them.
    """

    name: str
    parts: tuple[Part, ...]
    wishes: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def blend(self) -> tuple[Part, ...]:
        """The styles if they are several; empty for one."""
        return self.parts if len(self.parts) > 1 else ()


def of_one(name: str, path: Path, wishes: Mapping[str, object] | None = None) -> Looks:
    """The looks of photos that are painted in one style."""
    return Looks(name, (Part(path, 1.0),), wishes or {})


class Book:
    """Reads the names of folders against the styles that there are.

    Args:
        styles: the style pictures by name; Unicode forms (NFC, NFD) of a name are the same.
    """

    def __init__(self, styles: Mapping[str, Path]) -> None:
        self.styles: Final = dict(styles)
        self._exact = {canonical(name): name for name in styles}
        self.names: Final = mixture.Names(styles)
        self._read: dict[str, Looks | None] = {}

    def looks(self, folder: str) -> Looks | None:
        """What a folder of this name asks for; None if it names no style.

        Args:
            folder: its name, which may be anything.
        """
        if folder not in self._read:
            if len(self._read) >= _MOST_READ:
                self._read.clear()
            self._read[folder] = self._looks(canonical(folder))
        return self._read[folder]

    def _looks(self, text: str) -> Looks | None:
        asked: list[str] = []
        while (found := self._styles(text)) is None:
            text, wish = _cut(text)
            if not wish or wish in asked:  # one that is asked for twice is no name that we know
                return None
            asked.append(wish)
        wishes = {name: value for wish in asked for name, value in _WISHES[wish].items()}
        return Looks(*found, wishes)

    def _styles(self, text: str) -> tuple[str, tuple[Part, ...]] | None:
        if (name := self._exact.get(text)) is not None:
            return name, (Part(self.styles[name], 1.0),)
        shares = mixture.parse(text, self.names)
        if shares is None and _WIDE_PLUS in text:
            shares = mixture.parse(plain_pluses(text), self.names)
        if shares is None or len(shares) > MOST_STYLES:
            return None
        if len(shares) == 1 and _folded(next(iter(shares))) != _folded(text):
            return None  # a share of the only one: "Waves 2" may be anybody's folder
        return self._mixed(shares)

    def of(self, shares: Mapping[str, float]) -> Looks:
        """The looks of photos that are painted in these styles.

        Args:
            shares: by the names of the styles, at least one; together 1.
        """
        return Looks(*self._mixed(shares))

    def _mixed(self, shares: Mapping[str, float]) -> tuple[str, tuple[Part, ...]]:
        return _shown(shares), tuple(Part(self.styles[one], shares[one]) for one in shares)


def _folded(name: str) -> str:
    return canonical(name).strip().casefold()


def _shown(shares: Mapping[str, float]) -> str:
    if len(set(shares.values())) == 1:
        return " + ".join(shares)
    return " + ".join(f"{name} {100 * share:.3g}" for name, share in shares.items())


def _cut(text: str) -> tuple[str, str]:
    """A text without the wish that it ends with, and the key of that; empty if there is none."""
    place = max(text.rfind(comma) for comma in COMMAS)
    if place <= 0:
        return text, ""
    end = " ".join(text[place + 1 :].split()).casefold()
    return text[:place].rstrip(), _known_words().get(end, "")


class Ending(NamedTuple):
    """What stands behind the last comma of a folder's name.

    Attributes:
        before: the name without it, and without the comma.
        text: itself; may be empty.
        is_wish: whether it asks for something.
    """

    before: str
    text: str
    is_wish: bool


def ending(folder: str) -> Ending | None:
    """The end of a folder's name that may be a wish; None if there is no comma before it.

    Args:
        folder: its name, or what is left of it.
    """
    text = canonical(folder)
    before, wish = _cut(text)
    if before == text:
        return None
    end = text[len(before) :].strip()
    return Ending(before, end[1:].strip(), bool(wish))


def wish_words() -> tuple[str, ...]:
    """All words that ask for something at the end of a folder's name, in all languages."""
    return tuple(_known_words())


def plain_pluses(text: str) -> str:
    """A text with the pluses as they are read, where it has those of Chinese keyboards."""
    return text.replace(_WIDE_PLUS, "+")


def wished_for(folder: str, style: str) -> str:
    """The wishes that the name of a folder ends with, as they stand there: ", own colours".

    Args:
        folder: its name.
        style: what it names, which may end so itself.
    """
    name = rest = canonical(folder)
    while rest != canonical(style) and _cut(rest)[1]:
        rest, _ = _cut(rest)
    is_named = _folded(rest) == _folded(style) or ("+" in style and {*rest} & {"+", _WIDE_PLUS})
    return name[len(rest) :] if is_named else ""


@cache
def _known_words() -> Mapping[str, str]:
    """The keys of wishes, by all words that ask for them."""
    return {
        canonical(one).casefold(): key
        for key in _WISHES
        for language in LANGUAGES
        for one in words(language).say(key).split(_BETWEEN)
    }
