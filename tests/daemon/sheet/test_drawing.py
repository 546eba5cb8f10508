"""The picture of all styles: everything is in it, apart from one another, within bounds."""

from __future__ import annotations

import io
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from daemon.sheet.drawing import SMALL_SIDE, draw, small
from daemon.sheet.fonts import Fonts, found_in
from daemon.sheet.maker import FONTS
from daemon.sheet.messages import SheetWanted, Tile

OWN = partial(Fonts, ())
COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]


def tile(name: str, colour: tuple[int, int, int], size: tuple[int, int] = (300, 200)) -> Tile:
    width, height = size
    return Tile(name, small(np.full((height, width, 3), colour, np.uint8)))


def drawn(*tiles: Tile, more: int = 0) -> np.ndarray:
    return opened(draw(SheetWanted(tiles, more), OWN).data)


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (abs(picture - colour).max(axis=-1) < 40).nonzero()


def test_each_style_is_in_it_once_in_the_order_of_reading() -> None:
    picture = drawn(*(tile(f"Style {n}", colour) for n, colour in enumerate(COLOURS)))
    places = [near(picture, colour) for colour in COLOURS]
    boxes = [(y.min(), x.min(), y.max(), x.max()) for y, x in places]
    for y, _ in places:
        assert len(y) > 0.9 * 300 * 200
    assert [box[0] // 100 for box in boxes] == [0, 0, 0, 3, 3]
    assert [box[1] for box in boxes[:3]] == sorted(box[1] for box in boxes[:3])
    for one, other in pairwise(boxes):
        assert one[2] < other[0] or one[3] < other[1] or other[3] < one[1]


def test_below_each_is_its_name() -> None:
    with_name, without = drawn(tile("Waves", COLOURS[2])), drawn(tile(".", COLOURS[2]))
    y, _ = near(with_name, COLOURS[2])
    assert (with_name[y.max() + 5 :] < 90).all(axis=-1).sum() > 100
    assert (without[y.max() + 5 :] < 90).all(axis=-1).sum() < 100


def test_one_that_cannot_be_read_is_grey_with_its_name() -> None:
    picture = drawn(tile("Waves", COLOURS[0]), Tile("Torn", None))
    half = picture[:, picture.shape[1] // 2 :]
    assert abs(half - half.mean(axis=-1, keepdims=True)).max() < 40
    assert near(half, (228, 228, 228))[0].size > 5000


@pytest.mark.parametrize("size", [(320, 4), (4, 320), (1, 1), (320, 320), (2000, 1500)])
def test_a_picture_of_any_shape_has_room(size: tuple[int, int]) -> None:
    picture = drawn(tile("A", COLOURS[0], size), tile("B", COLOURS[1]))
    assert near(picture, COLOURS[1])[0].size > 10_000


@pytest.mark.parametrize("number", [1, 2, 3, 7, 40, 200])
def test_its_size_is_bounded(number: int) -> None:
    tiles = [tile(f"Style number {n}", COLOURS[n % 5], (320, 320)) for n in range(number)]
    drawn_ = draw(SheetWanted(tuple(tiles), 57), OWN)
    height, width, _ = opened(drawn_.data).shape
    assert max(height, width) <= 3200
    assert width / height > 0.7
    assert len(drawn_.data) < 8_000_000


def test_the_rest_is_a_number() -> None:
    one = [tile("A", COLOURS[0])]
    assert drawn(*one, more=5).shape[1] > drawn(*one).shape[1]


def test_a_name_that_cannot_be_written_is_told_and_has_a_number() -> None:
    tiles = (tile("Waves", COLOURS[0]), tile("星月夜", COLOURS[1]))
    result = draw(SheetWanted(tiles), OWN)
    assert result.unwritten == ("星月夜",)
    y, _ = near(opened(result.data), COLOURS[1])
    below = opened(result.data)[y.max() + 5 :]
    assert (below[:, below.shape[1] // 2 :] < 90).all(axis=-1).any()


def test_the_comment_is_at_the_beginning_of_the_file() -> None:
    data = draw(SheetWanted((tile("A", COLOURS[0]),), comment="of these"), OWN).data
    assert b"of these" in data[:100]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80))
def test_any_name_stays_within_its_column(name: str) -> None:
    tiles = (tile("A", COLOURS[0]), tile(name, COLOURS[1]), tile("B", COLOURS[2]))
    picture = opened(draw(SheetWanted(tiles), partial(Fonts, found_in(FONTS))).data)
    y, first = near(picture, COLOURS[0])
    _, third = near(picture, COLOURS[2])
    below = (picture[y.max() + 5 :] < 120).all(axis=-1)
    _, x = below.nonzero()
    gap = SMALL_SIDE // 10
    for place in x:
        column = first.min() - gap <= place <= third.max() + gap
        assert column


def test_equal_styles_give_equal_files() -> None:
    tiles = (tile("A", COLOURS[0]), tile("B", COLOURS[1]))
    assert draw(SheetWanted(tiles), OWN) == draw(SheetWanted(tiles), OWN)
