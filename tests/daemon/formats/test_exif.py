"""Camera, dates, author and rights are carried over; places, previews and makers' notes are not."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from daemon.formats import exif, ifd

GPS = {1: "N", 2: (52.0, 30.0, 1.5), 3: "E", 4: (13.0, 24.0, 0.0)}


def photo(order: str = "<", **more: Any) -> bytes:
    """EXIF data with everything in it."""
    made = Image.Exif()
    made.endian = order
    made[0x010F], made[0x0110], made[0x0112] = "Maker", "Model 7", 6
    made[0x0132], made[0x013B], made[0x8298] = "2020:01:02 03:04:05", "Ada", "(c) Ada"
    made[0x010E], made[0x0131] = "at home", "Editor"
    inner = made.get_ifd(0x8769)
    inner.update({0x9003: "2020:01:02 03:04:05", 0x829A: 0.004, 0x829D: 2.8, 0x8827: 200})
    inner.update({0x927C: b"secret place" * 50, 0xA431: "serial 1234", 0xA434: "50 mm"})
    inner.update({0xA002: 4000, 0xA003: 3000, 0xA001: 65535, **more})
    made.get_ifd(0x8825).update(GPS)
    return made.tobytes()


def read_again(block: bytes) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    read = Image.Exif()
    read.load(block)
    inner, gps = dict(read.get_ifd(0x8769)), dict(read.get_ifd(0x8825))
    main = {tag: value for tag, value in read.items() if tag not in {0x8769, 0x8825}}
    return main, inner, gps


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_is_known_to_be_harmless_is_carried_over(order: str) -> None:
    main, inner, gps = read_again(exif.block(exif.kept(photo(order), location=False)))
    assert main == {
        0x010F: "Maker", 0x0110: "Model 7", 0x0132: "2020:01:02 03:04:05", 0x013B: "Ada",
        0x8298: "(c) Ada",
    }  # fmt: skip
    assert inner == {
        0x9003: "2020:01:02 03:04:05", 0x829A: 0.004, 0x829D: 2.8, 0x8827: 200, 0xA434: "50 mm",
        0xA001: 1,
    }  # fmt: skip
    assert gps == {}


def test_the_place_is_kept_if_it_is_asked_for() -> None:
    _, _, gps = read_again(exif.block(exif.kept(photo(), location=True)))
    assert gps == GPS


def test_nothing_of_the_place_stands_anywhere_else() -> None:
    block = exif.block(exif.kept(photo(), location=False))
    for secret in (b"secret", b"serial", b"at home", b"Editor", struct.pack("<II", 52, 1)):
        assert secret in photo()
        assert secret not in block


def test_there_is_nothing_where_nothing_is() -> None:
    assert exif.kept(b"", location=True) is None
    assert exif.kept(Image.Exif().tobytes(), location=True) is None
    assert exif.block(None) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x0f\1\2\0\xff\xff\xff\x7f\0\0\0\0" * 50,
        # The directory below is the directory itself.
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + bytes(4),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 2, 0) + bytes(4),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8825, 2, 1, 0) + bytes(4),
    ],
)
def test_broken_data_is_none(data: bytes) -> None:
    assert exif.kept(data, location=True) is None


def test_it_is_bounded() -> None:
    order, author = "<", "x" * 900
    inner = [ifd.Entry(tag, 2, 1000, b"x" * 999 + b"\0") for tag in sorted(exif._EXIF_TAGS)]
    main = [
        ifd.Entry(0x013B, 2, 901, author.encode() + b"\0"),
        ifd.Entry(0x8298, 2, 2000, b"y" * 2000),
    ]
    place, data = ifd.tree(order, 8, main, {0x8769: inner})
    block = exif.block(exif.kept(ifd.header(order, place) + data, location=False))
    assert 20_000 < len(block) < 26_000
    assert read_again(block)[0] == {0x013B: author}  # the longer one is left out


@given(st.binary(max_size=300))
def test_any_bytes_are_harmless(data: bytes) -> None:
    block = exif.block(exif.kept(b"Exif\0\0MM\0*\0\0\0\x08" + data, location=True))
    assert len(block) < 26_000
