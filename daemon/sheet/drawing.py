"""Draws the picture of all styles: a grid of small pictures with their names; in a child only."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from daemon.sheet.fonts import Font, Fonts
from daemon.sheet.messages import Drawn, SheetWanted, Tile
from daemon.wrapping import pieces

SMALL_SIDE: Final = 320
"""Long side of the small pictures, pixels."""

_WIDTH: Final = 2000  # of the whole, about; pixels
_SMALLEST_SIDE: Final = 160
_SHAPE: Final = 1.4  # width over height of the whole
_MOST_LINES: Final = 2
_QUALITY: Final = 88
_GROUND: Final = (250, 250, 248)
_INK: Final = (40, 40, 44)
_PALE: Final = (150, 150, 154)
_EDGE: Final = (205, 205, 205)
_EMPTY: Final = (228, 228, 228)
_ELLIPSIS: Final = "..."

Run = tuple[str, Font]


@dataclass(frozen=True)
class _Grid:
    """Where the tiles are.

    Attributes:
        columns: how many beside one another.
        side: of the square for a picture, pixels.
        letters: their size, pixels.
    """

    columns: int
    side: int
    letters: int

    @property
    def gap(self) -> int:
        return max(self.side // 10, 12)

    @property
    def line(self) -> int:
        return round(1.35 * self.letters)

    @property
    def step(self) -> tuple[int, int]:
        return self.side + self.gap, self.side + self.gap + self.line * _MOST_LINES

    def size(self, number: int) -> tuple[int, int]:
        rows = math.ceil(number / self.columns)
        return self.columns * self.step[0] + self.gap, rows * self.step[1] + self.gap

    def place(self, number: int) -> tuple[int, int]:
        row, column = divmod(number, self.columns)
        return self.gap + column * self.step[0], self.gap + row * self.step[1]


def small(picture: NDArray[np.uint8]) -> bytes:
    """A picture made small, as a JPEG.

    Args:
        picture: (H, W, 3), sRGB.
    """
    image = Image.fromarray(picture, "RGB")
    image.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _jpeg(image, "")


def draw(wanted: SheetWanted, fonts: Callable[[int], Fonts]) -> Drawn:
    """Draw all of them.

    Args:
        wanted: what is to be drawn.
        fonts: gives the fonts of a size.
    """
    number = len(wanted.tiles) + (wanted.more > 0)
    grid = _grid(number)
    pen = _Pen(grid, number, fonts(grid.letters))
    for place, tile in enumerate(wanted.tiles):
        pen.draw(place, tile)
    if wanted.more:
        pen.write_in(len(wanted.tiles), f"+ {wanted.more}")
    return Drawn(_jpeg(pen.image, wanted.comment), tuple(pen.unwritten))


class _Pen:
    """Draws tile after tile."""

    def __init__(self, grid: _Grid, number: int, fonts: Fonts) -> None:
        self.image = Image.new("RGB", grid.size(number), _GROUND)
        self.unwritten: list[str] = []
        self._grid, self._fonts = grid, fonts
        self._draw = ImageDraw.Draw(self.image)

    def draw(self, number: int, tile: Tile) -> None:
        """Draw one tile."""
        left, top = self._grid.place(number)
        side = self._grid.side
        runs = self._fonts.runs(tile.name)
        if runs is None:
            self.unwritten.append(tile.name)
            runs = self._fonts.runs(str(number + 1)) or []
        if tile.picture is None:
            self._cross(left, top)
        else:
            self._paste(tile.picture, left, top)
        ink = _PALE if tile.picture is None else _INK
        for line, words in enumerate(_lines(runs, side + self._grid.gap // 2)):
            self._write(words, left + side // 2, top + side, line, ink)

    def write_in(self, number: int, text: str) -> None:
        """Write a text in the place of a picture."""
        left, top = self._grid.place(number)
        middle = top + self._grid.side // 2 - self._grid.line
        self._write(self._fonts.runs(text) or [], left + self._grid.side // 2, middle, 0, _PALE)

    def _paste(self, picture: bytes, left: int, top: int) -> None:
        side = self._grid.side
        with Image.open(io.BytesIO(picture), formats=["JPEG"]) as image:
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            x, y = left + (side - image.width) // 2, top + side - image.height
            self.image.paste(image, (x, y))
            box = (x - 1, y - 1, x + image.width, y + image.height)
        self._draw.rectangle(box, outline=_EDGE)

    def _cross(self, left: int, top: int) -> None:
        side, inset = self._grid.side, self._grid.side // 3
        self._draw.rectangle((left, top, left + side, top + side), fill=_EMPTY, outline=_EDGE)
        first, last, width = inset, side - inset, max(side // 60, 2)
        for start, end in ((first, last), (last, first)):
            line = (left + first, top + start, left + last, top + end)
            self._draw.line(line, fill=_PALE, width=width)

    def _write(self, runs: Sequence[Run], middle: int, top: int, line: int, ink: object) -> None:
        x = middle - sum(_length(run) for run in runs) / 2
        y = top + (line + 1) * self._grid.line
        for text, font in runs:
            self._draw.text((x, y), text, fill=ink, font=font, anchor="ls")  # type: ignore[arg-type]
            x += font.getlength(text)


def _grid(number: int) -> _Grid:
    columns = max(round(math.sqrt(number * _SHAPE)), min(number, 3))
    side = min(max(round(_WIDTH / columns / 1.1), _SMALLEST_SIDE), SMALL_SIDE)
    return _Grid(columns, side, max(side // 14, 13))


def _length(run: Run) -> float:
    return run[1].getlength(run[0])


def _lines(runs: Sequence[Run], width: float) -> list[list[Run]]:
    """The words of a name in lines; what does not go into the last one is cut off."""
    words, lines = _words(runs), [list[Run]()]
    for number, word in enumerate(words):
        if not lines[-1] or _width([*lines[-1], word]) <= width:
            lines[-1].append(word)
        elif len(lines) < _MOST_LINES:
            lines.append([word])
        else:
            lines[-1] += words[number:]
            break
    return [_cut(_merged(line), width) for line in lines]


def _words(runs: Sequence[Run]) -> list[Run]:
    """The parts between which a line may end."""
    return [(piece, font) for text, font in runs for piece in pieces(text)]


def _merged(line: Sequence[Run]) -> list[Run]:
    """The same with neighbours of one font as one: scripts that join letters need that."""
    merged: list[Run] = []
    for text, font in line:
        if merged and merged[-1][1] is font:
            merged[-1] = (merged[-1][0] + text, font)
        else:
            merged.append((text, font))
    return merged


def _cut(line: list[Run], width: float) -> list[Run]:
    if _width(line) <= width:
        return line
    *kept, (text, font) = line
    while text and _width([*kept, (text + _ELLIPSIS, font)]) > width:
        text = text[:-1]
    if text or not kept:
        return [*kept, (text + _ELLIPSIS, font)]
    return _cut([*kept[:-1], (kept[-1][0] + _ELLIPSIS, kept[-1][1])], width)


def _width(line: Sequence[Run]) -> float:
    return sum(map(_length, line))


def _jpeg(image: Image.Image, comment: str) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, comment=comment.encode())
    return file.getvalue()
