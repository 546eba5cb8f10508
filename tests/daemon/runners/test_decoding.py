"""A request's files become pictures, and one that cannot be used is said to be the one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from daemon.runners.decoding import RefusedError, sources_of
from daemon.runners.request import PaintRequest, StyleFile
from engine import Recipe


def grey(value: int, size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (value,) * 3).save(file, "PNG")
    return file.getvalue()


def request(*styles: StyleFile, **fields: Any) -> PaintRequest:
    return PaintRequest("a", fields.pop("content", grey(1)), styles, Recipe(), **fields)


def nothing() -> None:
    """Nobody has anything to say between two pictures."""


def test_each_picture_is_where_it_belongs() -> None:
    styles = (StyleFile(grey(2), "a.png", 3.0), StyleFile(grey(3, (50, 60)), "b.png"))
    found = sources_of(request(*styles, start=grey(4)), nothing)
    assert found.content[0, 0, 0] == 1
    assert [(one.picture[0, 0, 0], one.weight) for one in found.styles] == [(2, 3.0), (3, 1.0)]
    assert found.styles[1].picture.shape == (60, 50, 3)
    assert found.start is not None
    assert found.start[0, 0, 0] == 4
    assert sources_of(request(*styles), nothing).start is None


def test_so_is_what_guides_it() -> None:
    styles = (StyleFile(grey(2), regions=grey(5)), StyleFile(grey(3)))
    found = sources_of(request(*styles, mask=grey(6, (70, 40)), regions=grey(7)), nothing)
    assert found.mask is not None
    assert (found.mask.shape, found.mask[0, 0, 0]) == ((40, 70, 3), 6)
    assert found.regions is not None
    assert found.regions[0, 0, 0] == 7
    assert found.styles[0].regions is not None
    assert found.styles[0].regions[0, 0, 0] == 5
    assert found.styles[1].regions is None
    plain = sources_of(request(*styles[1:]), nothing)
    assert plain.mask is plain.regions is None


GOOD, BAD = StyleFile(grey(2), "good.png"), StyleFile(b"no picture", "b{a}d\x1b.png")


@pytest.mark.parametrize(
    ("asked", "blame", "words"),
    [
        (request(GOOD, content=b""), "content", "The file is empty. "),
        (request(BAD), "style", "The style picture cannot be used. The file is not a picture"),
        (
            request(GOOD, BAD),
            "style",
            'The style picture "b{a}d\\x1b.png" cannot be used. The file is not a picture',
        ),
        (
            request(GOOD, start=b"x", start_name="begun.png"),
            "start",
            'The picture to start from, "begun.png", cannot be used. The file is not a picture',
        ),
        (
            request(GOOD, mask=b"x", mask_name="m.png"),
            "guide",
            'The mask "m.png" cannot be used. The file is not a picture',
        ),
        (
            request(GOOD, regions=b"x", regions_name="r.png"),
            "guide",
            'The picture that marks regions, "r.png", cannot be used. The file is not',
        ),
        (
            request(StyleFile(grey(2), regions=b"x", regions_name="s.png")),
            "guide",
            'The picture that marks regions, "s.png", cannot be used. The file is not',
        ),
        (request(GOOD, max_pixels=64 * 48 - 1), "content", "64 x 48"),
        (
            request(StyleFile(grey(2, (65, 48))), max_pixels=64 * 48),
            "style",
            "65 x 48",
        ),
        (
            request(GOOD, start=grey(2, (65, 48)), max_pixels=64 * 48),
            "start",
            "65 x 48",
        ),
    ],
)
def test_one_that_cannot_be_used_is_named(asked: PaintRequest, blame: str, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        sources_of(asked, nothing)
    assert refused.value.blame == blame
    assert words in str(refused.value)


def test_styles_have_as_many_pixels_together_as_one_picture_may_and_none_is_decoded_before() -> (
    None
):
    decoded = []
    pixels = 64 * 48
    styles = [StyleFile(grey(2), f"{number}.png", regions=grey(5)) for number in range(3)]
    for most, enough in ((3 * pixels, 3), (3 * pixels - 1, 2)):
        asked = request(*styles[:enough], regions=grey(5), max_pixels=most)
        assert len(sources_of(asked, nothing).styles) == enough
    large = StyleFile(grey(2, (64, 49)), "la{r}ge.png")
    asked = request(styles[0], large, styles[1], max_pixels=3 * pixels)
    with pytest.raises(
        RefusedError, match=r'Save "la\{r\}ge.png", the largest, smaller'
    ) as refused:
        sources_of(asked, lambda: decoded.append(1))
    assert refused.value.blame == "style"
    marked = [
        StyleFile(grey(2), "s.png", regions=grey(5, (99, 99)), regions_name=f"{number}.png")
        for number in range(2)
    ]
    with pytest.raises(RefusedError, match="million pixels together") as refused:
        sources_of(request(*marked, max_pixels=99 * 99), lambda: decoded.append(1))
    assert (refused.value.blame, decoded) == ("guide", [])


def test_whoever_does_not_want_it_any_more_need_not_wait_for_the_last_picture() -> None:
    seen = []

    class EnoughError(Exception):
        pass

    def between() -> None:
        seen.append(1)
        if len(seen) == 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        sources_of(request(GOOD, BAD), between)  # the bad one is never looked at
