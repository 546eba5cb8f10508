"""Cameras' raw files are told from pictures: what is first in them is a preview."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from daemon import pictures
from daemon.errors import NoPictureError, PictureUnreadableError
from daemon.formats import ifd, raw
from daemon.words import words
from tests.daemon import bad_pictures as corpus


def why_refused(data: bytes) -> str:
    with pytest.raises(PictureUnreadableError) as caught:
        pictures.decode(data, max_pixels=1_000_000)
    assert not isinstance(caught.value, NoPictureError)
    with pytest.raises(PictureUnreadableError, match=str(caught.value)):
        pictures.about(data, max_pixels=1_000_000, location=False)
    return str(caught.value)


@pytest.mark.parametrize("name", corpus.raw_files())
def test_a_raw_file_is_refused_in_words(name: str) -> None:
    data = corpus.raw_files()[name]
    assert raw.is_raw(data)
    told = why_refused(data)
    assert told.startswith("This is a camera's raw file")
    assert "save it as a JPEG or TIFF" in told
    assert words("zh").translated(told).startswith("这是相机的原始文件")


@pytest.mark.parametrize("name", corpus.previews_first())
def test_a_preview_is_not_taken_for_the_picture(name: str) -> None:
    data = corpus.previews_first()[name]
    assert not raw.is_raw(data)
    told = why_refused(data)
    assert "only a small preview" in told
    assert "小预览图" in words("zh").translated(told)


def two_pages(first: int, second: int) -> bytes:
    """A TIFF of two pages, each of which says of what kind it is; the second is half as large."""
    pixels, behind = 64 * 48, 400 + 64 * 48
    small = {254: second, 256: 32, 257: 24, 258: 8, 259: 1, 262: 1, 273: 400, 277: 1, 279: 32 * 24}
    entries = [ifd.long(tag, "<", value) for tag, value in small.items()]
    page = corpus.tiff({254: first}, bytes(range(64)) * (pixels // 64), following=behind)
    return page + ifd.written("<", behind, entries)


@pytest.mark.parametrize("kinds", [(0, 0), (2, 2), (0, 1), (2, 3)])
def test_ordinary_pages_are_read_also_where_a_later_one_is_small(kinds: tuple[int, int]) -> None:
    data = two_pages(*kinds)
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        assert image.size == (32, 24), "it has a second page"
    picture = pictures.decode(data, max_pixels=1_000_000)
    assert picture.shape == (48, 64, 3)
    assert picture[0, :3, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", corpus.good())
def test_no_picture_is_taken_for_a_raw_file(name: str) -> None:
    data = corpus.good()[name]
    assert not raw.is_raw(data)
    assert not raw.begins_with_a_preview(data)


def test_directories_that_lead_in_circles_come_to_an_end() -> None:
    circle = corpus.tiff({330: 8}, following=8)
    assert not raw.is_raw(circle)
    many = b"".join(
        ifd.written("<", 8 + number * 18, [ifd.long(330, "<", 8 + (number + 1) * 18)])
        for number in range(1000)
    )
    assert not raw.is_raw(ifd.header("<", 8) + many)


@pytest.mark.parametrize("length", range(0, 40, 3))
def test_what_is_cut_short_is_survived(length: int) -> None:
    for data in corpus.raw_files().values():
        raw.is_raw(data[:length])
        raw.begins_with_a_preview(data[:length])
        raw.is_raw(data[: len(data) - length])
