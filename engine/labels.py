"""Pictures of colour labels: which colours are meant, and which of them each pixel has.

People paint regions in plain colours, and what they save is seldom plain: edges are smoothed,
the picture was resized, a JPEG has noise of its own. So the colours are looked for:

- A picture of nine colours at most has just these, if none of them is a mere edge: at each pixel
  of it there are two others beside it.
- In any other one they are looked for among plain places, where a pixel and the two on each side of
  it in every direction differ little: edges are no such places. The colour that most of these
  pixels have about them is the first one, what is near it is set aside, and so on, until hardly
  anything is left.

Colours that are near each other are taken for the same. Pixels take the nearest of the colours
found; those at soft edges the nearest of what is plain about them, since a blend of two colours
often is a third one.

Colours are compared by their distance in RGB; a large picture is sampled for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import PictureError

Colour = tuple[int, int, int]

MOST: Final = 9
"""Colours in one picture."""

APART: Final = 48.0
"""Colours that are nearer to each other than this are the same."""

_CALM: Final = 32
"""Differences in red, green or blue within a plain place: under it noise, over it an edge."""

_REACH: Final = 2
"""Pixels of a plain place on each side of its middle."""

_LEAST: Final = 1 / 4000
"""Share of the picture that a colour takes at least to be one, in pictures that are not plain."""

_LEFT_OVER: Final = 0.02
"""Share of the plain places that may be of none of the colours."""

_MISSED: Final = 0.2
"""Share of the pixels that may be far from all of them. Measured: 0.11 at most in pictures of
labels with soft edges as JPEG, and 0.32 at least in photos and paintings."""

_EDGES: Final = 3
"""Colours in the 3x3 around a pixel that make it one of an edge: its own, and one on each side."""

_EDGE: Final = 8
"""Pixels from a soft edge's middle to something plain; JPEG has noise as far as that."""

_SAMPLED: Final = 2**20
"""Pixels among which colours are looked for."""

_ROWS: Final = 256
"""Rows that are worked on at a time."""

_CELL: Final = 8
"""Width of the cells of red, green and blue in which colours are counted."""


@dataclass(frozen=True, eq=False)
class Labels:
    """A picture of labels, understood.

    Attributes:
        numbers: (H, W) uint8, the number of each pixel's colour.
        colours: all colours, the most frequent first.
    """

    numbers: NDArray[np.uint8]
    colours: tuple[Colour, ...]


def read(picture: NDArray[np.uint8], of: str = "photo") -> Labels:
    """Find the colours of a picture of labels, and each pixel's.

    Args:
        picture: (H, W, 3), sRGB.
        of: the picture whose regions it marks, for people.

    Raises:
        PictureError: more colours than nine, or hardly a plain one: a photo, perhaps.
    """
    sample = _sampled(picture)
    few = _few(sample)
    if few is not None:
        return Labels(nearest(picture, few), few)
    colours = _frequent(sample, of)
    return Labels(_settled(picture, colours), colours)


def distance(one: Sequence[int], other: Sequence[int]) -> float:
    """How far two colours are from each other; 442 from black to white."""
    return float(np.linalg.norm(np.subtract(one, other, dtype=float)))


def nearest(picture: NDArray[np.uint8], colours: Sequence[Colour]) -> NDArray[np.uint8]:
    """Number of the nearest colour for each pixel of a picture (H, W, 3)."""
    numbers = np.empty(picture.shape[:2], np.uint8)
    for rows in _slabs(picture.shape[0]):
        numbers[rows] = _distances(picture[rows], colours).argmin(axis=0)
    return numbers


def _sampled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every so many rows and columns, where there are too many."""
    pixels = picture.shape[0] * picture.shape[1]
    step = int(np.ceil(np.sqrt(pixels / _SAMPLED)))
    return picture[::step, ::step]


def _few(picture: NDArray[np.uint8]) -> tuple[Colour, ...] | None:
    """The colours of a picture that is plain, the most frequent first."""
    codes = picture @ np.array([2**16, 2**8, 1])
    counts = _counted(codes.ravel())
    if counts is None:
        return None
    colours = [(code >> 16, code >> 8 & 255, code & 255) for code in counts]
    # One that is near another is noise of a JPEG, if there is little of it.
    if any(distance(*pair) < APART for pair in combinations(colours, 2)):
        return None
    places = [codes == code for code in counts]
    beside = np.sum([_around(each, 1) for each in places], axis=0)
    return tuple(colours) if all((beside[each] < _EDGES).any() for each in places) else None


def _counted(codes: NDArray[Any]) -> list[int] | None:
    """All values, the most frequent first; None if they are too many."""
    counts: dict[int, int] = {}
    while codes.size and len(counts) < MOST:
        others = codes[codes != codes[0]]
        counts[int(codes[0])] = codes.size - others.size
        codes = others
    return None if codes.size else sorted(counts, key=lambda code: -counts[code])


def _frequent(picture: NDArray[np.uint8], of: str) -> tuple[Colour, ...]:
    """The colours that most of a picture's plain places have."""
    plain = picture[_plain(picture)]
    rest = plain = plain if plain.size else picture.reshape(-1, 3)
    least = max(1.0, _LEAST * picture.shape[0] * picture.shape[1])
    colours: list[Colour] = []
    while len(rest) >= least:
        about = rest[_near(rest, _fullest(rest), APART / 2)]
        if len(about) < least:
            break
        if len(colours) == MOST:
            break
        red, green, blue = np.median(about, axis=0).round().astype(int).tolist()
        colours.append((red, green, blue))
        rest = rest[~_near(rest, colours[-1], APART)]
    found = tuple(colours) or (_fullest(plain),)
    missed = np.mean(_distances(picture, found).min(axis=0) > (APART / 2) ** 2)
    if len(rest) > _LEFT_OVER * len(plain) or missed > _MISSED:
        raise PictureError(
            f"The picture that marks regions of the {of} has more than {MOST} colours, or they are "
            "not plain. Paint each region in one plain colour, and use the same ones for photo and "
            "style."
        )
    return found


def _fullest(pixels: NDArray[np.uint8]) -> Colour:
    """Middle of the cell of colours in which most pixels are."""
    side = 256 // _CELL
    codes = (pixels // _CELL) @ np.array([side**2, side, 1])
    red, green, blue = np.unravel_index(np.bincount(codes).argmax(), (side, side, side))
    half = _CELL // 2
    return int(red) * _CELL + half, int(green) * _CELL + half, int(blue) * _CELL + half


def _near(pixels: NDArray[np.uint8], colour: Colour, most: float) -> NDArray[np.bool_]:
    return np.asarray(_distances(pixels, [colour])[0] < most**2)


def _distances(pixels: NDArray[np.uint8], colours: Sequence[Colour]) -> NDArray[np.int32]:
    """Squares of distances, one array for each colour."""
    wide = pixels.astype(np.int32)
    table = np.array(colours, np.int32)
    return np.stack([np.square(wide - each).sum(axis=-1, dtype=np.int32) for each in table])


def _settled(picture: NDArray[np.uint8], colours: Sequence[Colour]) -> NDArray[np.uint8]:
    """Number of each pixel's colour; at soft edges one of those that are plain nearby."""
    numbers = np.empty(picture.shape[:2], np.uint8)
    for rows in _slabs(picture.shape[0]):
        above = min(rows.start, _EDGE + _REACH)
        part = picture[rows.start - above : rows.stop + _EDGE + _REACH]
        found = _settled_part(part, colours)
        numbers[rows] = found[above : above + rows.stop - rows.start]
    return numbers


def _settled_part(picture: NDArray[np.uint8], colours: Sequence[Colour]) -> NDArray[Any]:
    distances = _distances(picture, colours)
    of_all = distances.argmin(axis=0)
    plain = _plain(picture)
    for number, each in enumerate(distances):
        each[~_around(plain & (of_all == number), _EDGE)] = np.iinfo(np.int32).max
    soft = ~plain & (distances.min(axis=0) < np.iinfo(np.int32).max)
    return np.where(soft, distances.argmin(axis=0), of_all)


def _plain(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels are the middle of a plain place; the picture's edge bounds it."""
    least, most = (_extreme(picture, function) for function in (np.minimum, np.maximum))
    return np.asarray((most - least <= _CALM).all(axis=2))


def _extreme(picture: NDArray[np.uint8], function: np.ufunc) -> NDArray[np.uint8]:
    """Least or most of each colour within a place."""
    for axis in (0, 1):
        source = np.moveaxis(picture, axis, 0)
        found = source.copy()
        for step in range(1, _REACH + 1):
            function(found[step:], source[:-step], out=found[step:])
            function(found[:-step], source[step:], out=found[:-step])
        picture = np.moveaxis(found, 0, axis)
    return picture


def _around(places: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """All that is no farther than so many rows and columns from some places."""
    counts = np.zeros((places.shape[0] + 1, places.shape[1] + 1), np.int32)
    places.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, out=counts[1:, 1:])
    (top, bottom), (left, right) = (_bounds(side, reach) for side in places.shape)
    counts = counts[bottom] - counts[top]
    return np.asarray(counts[:, right] > counts[:, left])


def _bounds(length: int, reach: int) -> tuple[NDArray[Any], NDArray[Any]]:
    middles = np.arange(length)
    return (middles - reach).clip(0), (middles + reach + 1).clip(None, length)


def _slabs(height: int) -> Iterator[slice]:
    for first in range(0, height, _ROWS):
        yield slice(first, min(first + _ROWS, height))
