"""Directories are read within bounds and written so that others read them."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from daemon.formats import ifd

ORDERS = ["<", ">"]


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_written_is_read_again(order: str) -> None:
    below = {
        0x8769: [ifd.Entry(0x9003, 2, 20, b"2020:01:02 03:04:05\0"), ifd.short(0xA001, order, 1)],
        0x8825: [],
    }
    entries = [ifd.Entry(0x0110, 2, 4, b"abc\0"), ifd.Entry(0x010F, 2, 9, b"Somebody\0")]
    place, data = ifd.tree(order, 8, entries, below)
    data = ifd.header(order, place) + data
    assert ifd.start(data) == (order, place)
    main = ifd.read(data, order, place, {0x010F, 0x0110, 0x8769, 0x8825}, 100)
    assert [main[0x010F], main[0x0110]] == entries[::-1]
    assert set(main) == {0x010F, 0x0110, 0x8769}
    inner = ifd.read(data, order, main[0x8769].numbers(order)[0], {0x9003, 0xA001}, 100)
    assert list(inner.values()) == below[0x8769]


@pytest.mark.parametrize("order", ORDERS)
def test_pillow_reads_what_is_written(order: str) -> None:
    below = {0x8769: [ifd.Entry(0x829A, 5, 1, struct.pack(f"{order}II", 1, 50))]}
    place, data = ifd.tree(order, 8, [ifd.Entry(0x010F, 2, 9, b"Somebody\0")], below)
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + ifd.header(order, place) + data)
    assert exif[0x010F] == "Somebody"
    assert exif.get_ifd(0x8769) == {0x829A: 0.02}


@pytest.mark.parametrize("order", ORDERS)
def test_pillow_writes_what_is_read(order: str) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F] = "Somebody"
    exif[0x0112] = 6
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    began = ifd.start(data)
    assert began is not None
    found = ifd.read(data, *began, {0x010F, 0x0112, 0x0110}, 100)
    assert found[0x010F].value == b"Somebody\0"
    assert found[0x0112].numbers(began[0]) == (6,)
    assert 0x0110 not in found


def one(kind: int, count: int, value: int, tag: int = 270) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, tag, kind, count, value, 0)


@pytest.mark.parametrize(
    "data",
    [
        one(2, 2**32 - 1, 0),  # endless
        one(2, 101, 8),  # larger than is asked for
        one(2, 50, 20),  # beyond the end
        one(99, 1, 0),  # of no kind
        one(2, 0, 0),  # nothing
        one(3, 1, 1, tag=271),  # not wanted
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0\xff\xff\xff\xff\x01\0",
    ],
)
def test_what_cannot_be_is_not_there(data: bytes) -> None:
    assert ifd.read(data, "<", ifd.start(data)[1], {270}, 100) == {}  # type: ignore[index]


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II+\0" + bytes(20), b"\xff\xd8" + bytes(20)])
def test_what_is_no_tiff_has_no_start(data: bytes) -> None:
    assert ifd.start(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    whole = b"MM\0*\0\0\0\x08" + data
    found = ifd.read(whole, ">", 8, range(0x10000), 50)
    assert all(0 < len(entry.value) <= 50 for entry in found.values())
    for entry in found.values():
        entry.numbers(">")


def test_no_more_entries_are_read_than_a_camera_writes() -> None:
    entries = [ifd.short(tag, "<", 1) for tag in range(1, ifd.MOST_ENTRIES + 100)]
    found = ifd.read(ifd.written("<", 0, entries), "<", 0, range(0x10000), 50)
    assert len(found) == ifd.MOST_ENTRIES
    assert io.BytesIO(ifd.written("<", 0, [])).read() == bytes(6)
