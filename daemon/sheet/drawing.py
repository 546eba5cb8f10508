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
        side: of the square that a picture has to fit into, pixels.
        heights: of the highest picture of each row, pixels.
    """

    columns: int
    side: int
    heights: tuple[int, ...]

    @property
    def letters(self) -> int:
        return max(self.side // 12, 14)

    @property
    def gap(self) -> int:
        return max(self.side // 10, 16)

    @property
    def line(self) -> int:
        return round(1.35 * self.letters)

    @property
    def size(self) -> tuple[int, int]:
        return self.gap + self.columns * (self.side + self.gap), self._top(len(self.heights))

    def place(self, number: int) -> tuple[int, int, int]:
        """Left edge, top, and the line on which the picture stands, of one tile."""
        row, column = divmod(number, self.columns)
        left, top = self.gap + column * (self.side + self.gap), self._top(row)
        return left, top, top + self.heights[row]

    def _top(self, row: int) -> int:
        below = self.gap + self.line * _MOST_LINES
        return self.gap + sum(self.heights[:row]) + row * below


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
    grid = _grid(wanted)
    pen = _Pen(grid, fonts(grid.letters))
    for place, tile in enumerate(wanted.tiles):
        pen.draw(place, tile)
    if wanted.more:
        pen.write_in(len(wanted.tiles), f"+ {wanted.more}")
    return Drawn(_jpeg(pen.image, wanted.comment), tuple(pen.unwritten))


class _Pen:
    """Draws tile after tile."""

    def __init__(self, grid: _Grid, fonts: Fonts) -> None:
        self.image = Image.new("RGB", grid.size, _GROUND)
        self.unwritten: list[str] = []
        self._grid, self._fonts = grid, fonts
        self._draw = ImageDraw.Draw(self.image)

    def draw(self, number: int, tile: Tile) -> None:
        """Draw one tile."""
        left, top, foot = self._grid.place(number)
        if tile.picture is None:
            self._cross(left, top, foot)
        else:
            self._paste(tile.picture, left, foot)
        ink = _PALE if tile.picture is None else _INK
        lines = _lines(self._runs(number, tile.name), self._grid.side + self._grid.gap // 2)
        for line, words in enumerate(lines, 1):
            self._write(words, left, foot + line * self._grid.line, ink)

    def write_in(self, number: int, text: str) -> None:
        """Write a text in the place of a picture."""
        left, top, foot = self._grid.place(number)
        self._write(self._fonts.runs(text) or [], left, (top + foot) // 2, _PALE)

    def _runs(self, number: int, name: str) -> list[Run]:
        runs = self._fonts.runs(name)
        if runs is None:
            self.unwritten.append(name)
            runs = self._fonts.runs(f"#{number + 1}")
        return runs or []

    def _paste(self, picture: bytes, left: int, foot: int) -> None:
        side = self._grid.side
        with Image.open(io.BytesIO(picture), formats=["JPEG"]) as image:
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            x, y = left + (side - image.width) // 2, foot - image.height
            self.image.paste(image, (x, y))
        self._draw.rectangle((x - 1, y - 1, x + image.width, foot), outline=_EDGE)

    def _cross(self, left: int, top: int, foot: int) -> None:
        side, half = self._grid.side, (foot - top) // 6
        self._draw.rectangle((left, top, left + side, foot), fill=_EMPTY, outline=_EDGE)
        x, y = left + side // 2, (top + foot) // 2
        for way in (half, -half):
            line = (x - half, y - way, x + half, y + way)
            self._draw.line(line, fill=_PALE, width=max(side // 60, 2))

    def _write(self, runs: Sequence[Run], left: int, foot: int, ink: tuple[int, int, int]) -> None:
        x = left + (self._grid.side - _width(runs)) / 2
        for text, font in runs:
            self._draw.text((x, foot), text, fill=ink, font=font, anchor="ls")
            x += font.getlength(text)


def _grid(wanted: SheetWanted) -> _Grid:
    number = len(wanted.tiles) + (wanted.more > 0)
    columns = max(round(math.sqrt(number * _SHAPE)), min(number, 3))
    side = min(max(round(_WIDTH / columns / 1.1), _SMALLEST_SIDE), SMALL_SIDE)
    heights = [_height(tile, side) for tile in wanted.tiles]
    rows = range(0, number, columns)
    return _Grid(columns, side, tuple(max([side // 2, *heights[i : i + columns]]) for i in rows))


def _height(tile: Tile, side: int) -> int:
    if tile.picture is None:
        return side // 2
    with Image.open(io.BytesIO(tile.picture), formats=["JPEG"]) as image:
        scale = min(1.0, side / max(image.width, image.height))
        height: int = round(image.height * scale)
    return height


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
