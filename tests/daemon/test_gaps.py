"""Parts of a file that may not be written yet: what tells of them, and what does not."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from daemon import gaps
from daemon.bounded import read_with_holes

BEGINNINGS = {
    "jpeg": b"\xff\xd8\xff\xe0",
    "png": b"\x89PNG\r\n\x1a\n",
    "gif": b"GIF89a",
    "webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "heic": b"\x00\x00\x00\x18ftypheic",
    "avif": b"\x00\x00\x00\x1cftypavif",
    "jp2": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
}


def with_zeros(beginning: bytes, place: int, number: int) -> bytes:
    before = beginning.ljust(place, b"x")
    return before + bytes(number) + b"x" * 5000


@pytest.mark.parametrize("name", BEGINNINGS)
@pytest.mark.parametrize("place", [4096, 8192])
def test_a_whole_block_of_zeros_in_compressed_data_is_one(name: str, place: int) -> None:
    assert gaps.has_zeros(with_zeros(BEGINNINGS[name], place, 4096))


@pytest.mark.parametrize(("place", "number"), [(4096, 4095), (4097, 8190), (100, 4000), (5000, 0)])
def test_fewer_zeros_and_such_at_other_places_are_none(place: int, number: int) -> None:
    assert not gaps.has_zeros(with_zeros(BEGINNINGS["jpeg"], place, number))


def test_a_png_says_itself_whether_zeros_are_a_gap_or_black() -> None:
    """Such as a mask, of which much is black."""
    files = []
    for image in (Image.new("RGBA", (4000, 3000)), Image.effect_noise((400, 300), 100)):
        file = io.BytesIO()
        image.save(file, "PNG")
        files.append(file.getvalue())
    black, noise = files
    assert any(black[place : place + 4096] == bytes(4096) for place in range(0, len(black), 4096))
    assert not gaps.has_zeros(black)
    assert not gaps.has_zeros(noise)
    for data in (black[:-1], black[:-9] + b"x" + black[-8:]):
        assert gaps.has_zeros(data)
    for place in range(4096, len(noise) - 4096, 4096):
        assert gaps.has_zeros(noise[:place] + bytes(4096) + noise[place + 4096 :])


@pytest.mark.parametrize("beginning", [b"8BPS", b"P8 ", b"P", b"B", b""])
def test_of_other_formats_nothing_is_said(beginning: bytes) -> None:
    assert not gaps.has_zeros(with_zeros(beginning, 4096, 40_960))
    assert not gaps.has_zeros(beginning.ljust(4096, b"x") + bytes(100_000))


WITHOUT_END = [b"BM", b"II*\x00", b"MM\x00*", b"II+\x00", b"P1 9 9", b"P4 9 9", b"P6 9 9"]


@pytest.mark.parametrize("beginning", WITHOUT_END)
@pytest.mark.parametrize(("size", "zeros"), [(10_000, 1000), (2_000_000, 1 << 16), (99, 10)])
def test_many_zeros_at_the_end_of_what_has_no_end_mark_are_one(
    beginning: bytes, size: int, zeros: int
) -> None:
    assert gaps.has_zeros(beginning.ljust(size - zeros, b"x") + bytes(zeros))
    assert not gaps.has_zeros(beginning.ljust(size - zeros + 1, b"x") + bytes(zeros - 1))
    assert not gaps.has_zeros(with_zeros(beginning, 4096, 40_960))  # a black part of it


@pytest.mark.parametrize("length", [0, 1, 4, 4095])
def test_what_is_short_is_none(length: int) -> None:
    assert not gaps.has_zeros(BEGINNINGS["jpeg"][:length].ljust(length, b"\0"))


def write_with_hole(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"BM" * 4096)
        file.seek(1 << 20)
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
        knows = os.fstat(file.fileno()).st_blocks * 512 < 1 << 19
    if not knows:
        pytest.skip("needs a disk that knows of holes")


def test_a_hole_that_the_disk_knows_of_is_one_and_the_file_is_read_from_its_beginning(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.bmp"
    write_with_hole(path)
    data, hole = read_with_holes(path, 1 << 21)
    assert (data[:2], len(data), hole) == (b"BM", (1 << 20) + 4096, True)
    path.write_bytes(data)
    assert read_with_holes(path, 1 << 21) == (data, False)


def test_where_the_disk_knows_nothing_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seek = tmp_path / "a.bmp", os.lseek
    path.touch()
    assert read_with_holes(path, 9) == (b"", False)
    path.write_bytes(b"BM")

    def refuse(handle: int, place: int, how: int) -> int:
        if how == os.SEEK_HOLE:
            raise OSError(22, "Invalid argument")
        return seek(handle, place, how)

    monkeypatch.setattr(os, "lseek", refuse)
    assert read_with_holes(path, 9) == (b"BM", False)


@pytest.fixture
def knows_no_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that holds holes and does not tell of them: the end of the file is the first."""
    seek = os.lseek

    def answer_size(handle: int, place: int, how: int) -> int:
        return os.fstat(handle).st_size if how == os.SEEK_HOLE else seek(handle, place, how)

    monkeypatch.setattr(os, "lseek", answer_size)


@pytest.mark.usefixtures("knows_no_holes")
def test_a_file_of_another_machine_that_takes_far_less_than_its_size_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bmp"
    write_with_hole(path)
    assert not read_with_holes(path, 1 << 21).hole  # this machine's disks may have compressed it
    monkeypatch.setattr(gaps, "silent_file_system", lambda _folder: "cifs")
    assert read_with_holes(path, 1 << 21).hole
    path.write_bytes(b"BM" * 100_000)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    assert not read_with_holes(path, 1 << 21).hole


@pytest.mark.usefixtures("knows_no_holes")
def test_a_file_system_on_which_no_file_takes_anything_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "silent_file_system", lambda _folder: "fuse.remote")
    path = tmp_path / "a.bmp"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    if path.stat().st_blocks:
        pytest.skip("needs a disk that knows of holes")
    assert not read_with_holes(path, 1 << 21).hole
