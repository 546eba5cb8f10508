"""What the process that draws makes of each kind of file."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from daemon.looking import Limits, limits_of
from daemon.settings import WatchSettings
from daemon.sheet.child import sheet_of, small_of
from daemon.sheet.drawing import SMALL_SIDE
from daemon.sheet.messages import SheetWanted, Tile


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    return limits_of(WatchSettings(max_megapixels=1), tmp_path)


def put(path: Path, size: tuple[int, int] = (640, 480)) -> Path:
    Image.new("RGB", size, (10, 200, 30)).save(path)
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.bmp", "a.gif"])
def test_a_picture_is_made_small(tmp_path: Path, limits: Limits, name: str) -> None:
    data = small_of(put(tmp_path / name), limits)
    assert data is not None
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("JPEG", (SMALL_SIDE, SMALL_SIDE * 3 // 4))


def test_a_small_one_stays_as_small(tmp_path: Path, limits: Limits) -> None:
    data = small_of(put(tmp_path / "a.png", (40, 60)), limits)
    assert data is not None
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (40, 60)


def test_what_cannot_be_read_or_may_not_be_is_none(tmp_path: Path, limits: Limits) -> None:
    put(tmp_path / "a.png")
    (tmp_path / "torn.jpg").write_bytes(put(tmp_path / "whole.jpg").read_bytes()[:-100])
    (tmp_path / "text.jpg").write_bytes(b"dear diary")
    (tmp_path / "link.png").symlink_to("a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    put(tmp_path / "vast.png", (2000, 2000))
    names = ("torn.jpg", "text.jpg", "link.png", "pipe.png", "folder.png", "vast.png", "gone.png")
    assert [small_of(tmp_path / name, limits) for name in names] == [None] * len(names)
    assert small_of(tmp_path / "a.png", limits) is not None
    assert small_of(tmp_path / "a.png", replace(limits, file_bytes=10)) is None


def test_the_sheet_is_drawn_with_the_fonts_that_are_there(tmp_path: Path) -> None:
    wanted = SheetWanted((Tile("Waves", None), Tile("星", None)))
    assert sheet_of(wanted, (tmp_path,)).unwritten == ("星",)
