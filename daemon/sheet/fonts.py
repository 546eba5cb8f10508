"""Which of the machine's fonts can write a name, in whatever script; in a child process only.

Names are anybody's, and no font has all characters. So a name is written in the first font that has
all of them, or else in several. Pillow's own font is the last one: it has the letters of English
alone, and a name is written in it without its accents.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from PIL import ImageFont

_ENDINGS: Final = (".ttf", ".ttc", ".otf", ".otc")
_MOST_FILES: Final = 2000
_MOST_FONTS: Final = 24
_NO_CHARACTER: Final = "\U0010ffff"  # Unicode promises that it never is one
_SIMPLIFIED: Final = " SC"  # in the names of fonts that draw each country's forms
_MOST_FACES: Final = 10  # in one file

# By what their files' names begin with. Those of the first line are plain and have much; then come
# those for Chinese, Japanese and Korean; then those for other scripts.
_LIKED: Final = (
    *("notosans-regular", "dejavusans.", "liberationsans-regular", "freesans."),
    *("notosanscjksc-regular", "notosanscjk-regular", "notosanssc", "sourcehansans"),
    *("wqy-microhei", "wqy-zenhei", "droidsansfallback", "uming", "ukai"),
    *("notosans", "unifont"),
)

Font = ImageFont.FreeTypeFont


class Fonts:
    """The fonts of one size.

    Args:
        files: fonts, the best liked first (`found_in`).
        size: of the letters, pixels.
    """

    def __init__(self, files: Sequence[Path], size: int) -> None:
        self._size = size
        self._files: Iterator[Path | None] = iter([*files, None])
        self._fonts: list[Font] = []
        self._by_character: dict[str, Font | None] = {}

    def runs(self, text: str) -> list[tuple[str, Font]] | None:
        """A text in parts, each with a font that has all of its characters.

        What stands beside letters (pictures, signs) and is in no font is left out.

        Returns:
            The parts; None if there is no font for one of the letters or digits.
        """
        return self._found(text) or self._found(_without_accents(text))

    def _found(self, text: str) -> list[tuple[str, Font]] | None:
        characters = [one for one in text if not (_is_sign(one) and self._font_for(one) is None)]
        text = " ".join("".join(characters).split())
        if not text:
            return None
        if whole := next((font for font in self._all() if _has_all(font, text)), None):
            return [(text, whole)]
        found: list[tuple[str, Font]] = []
        for character in text:
            font = self._font_for(character)
            if font is None:
                return None
            if found and font is found[-1][1]:
                found[-1] = (found[-1][0] + character, font)
            else:
                found.append((character, font))
        return found

    def _font_for(self, character: str) -> Font | None:
        if character not in self._by_character:
            fonts = (font for font in self._all() if _has(font, character))
            self._by_character[character] = next(fonts, None)
        return self._by_character[character]

    def _all(self) -> Iterator[Font]:
        """Those that are loaded, then the others, as far as they are needed."""
        yield from self._fonts
        while (font := self._next()) is not None:
            self._fonts.append(font)
            yield font

    def _next(self) -> Font | None:
        for file in self._files:
            try:
                font = _own(self._size) if file is None else _loaded(file, self._size)
            except OSError:  # a font of pictures, or a broken one
                continue
            if font is not None:
                return font
        return None


def found_in(folders: Sequence[Path]) -> list[Path]:
    """The files of fonts below some folders, the best liked first.

    Args:
        folders: whichever of them are there.
    """
    files = [path for folder in folders for path in _walk(folder)][:_MOST_FILES]
    return sorted(files, key=lambda path: (_rank(path), path.name, str(path)))[: 4 * _MOST_FONTS]


def _walk(folder: Path) -> Iterator[Path]:
    for above, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(above) / name for name in sorted(names) if _is_font(name))


def _is_font(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _rank(path: Path) -> tuple[int, int]:
    name = path.name.lower()
    liked = (place for place, start in enumerate(_LIKED) if name.startswith(start))
    # Bold and italic ones are for want of a plain one only.
    return next(liked, len(_LIKED)), "regular" not in name and "-" in name


def _own(size: int) -> Font | None:
    """Pillow's own font; None where it is made of pictures."""
    font = ImageFont.load_default(size)
    return font if isinstance(font, Font) else None


def _loaded(file: Path, size: int) -> Font:
    first = ImageFont.truetype(str(file), size)
    if not file.suffix.lower().endswith("c") or _SIMPLIFIED in str(first.getname()[0]):
        return first
    for face in range(1, _MOST_FACES):
        try:
            font = ImageFont.truetype(str(file), size, index=face)
        except OSError:  # that was the last one
            break
        if _SIMPLIFIED in str(font.getname()[0]):
            return font
    return first


def _has_all(font: Font, text: str) -> bool:
    return all(_has(font, character) for character in text)


def _has(font: Font, character: str) -> bool:
    if character.isspace():
        return True
    # What a font lacks it draws as one and the same shape, or not at all.
    drawn = _drawn(font, character)
    return any(drawn[1]) and drawn != _drawn(font, _NO_CHARACTER)


@cache
def _drawn(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character, mode="L")
    return mask.size, bytes(mask)


def _without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(character for character in apart if not unicodedata.combining(character))


def _is_sign(character: str) -> bool:
    """Whether a name can be read without a character: it is no letter and no digit."""
    return unicodedata.category(character)[0] not in "LN"
