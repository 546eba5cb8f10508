"""Each format of results holds what it promises; those that are written here, bit by bit."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from daemon.formats import deep_tiff, encoding, exif, ifd, xmp
from daemon.formats.encoding import Format, Notes

FORMATS: list[Format] = ["jpeg", "png", "webp", "tiff"]
DEEP: list[Format] = ["png", "tiff"]


def scene(channels: int, kind: type = np.uint8, height: int = 70) -> NDArray[np.uint8]:
    """Slopes and noise: all filters of a PNG are worth something somewhere."""
    down, across = np.mgrid[0:height, 0:90] / (max(height, 90) - 1)
    planes = [down, across, (down * across * 7) % 1, 1 - down]
    noise = np.random.default_rng(3).uniform(0, 1, (height // 2, 30))
    planes[1][: height // 2, :30] = noise
    return (np.stack(planes[:channels], -1) * np.iinfo(kind).max).astype(kind)


def encoded(channels: NDArray[np.uint8], format_: Format, notes: Notes | None = None) -> bytes:
    return encoding.encoded(channels, format_, 95, lossless=True, notes=notes or Notes())


def unfiltered_png(data: bytes) -> NDArray[np.uint16]:
    """A reader of 16 bit PNG, written from the standard: row by row, byte by byte."""
    place, packed, head = 8, b"", b""
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        assert (
            zlib.crc32(kind + body)
            == struct.unpack(">I", data[place + 8 + size : place + 12 + size])[0]
        )
        packed += body if kind == b"IDAT" else b""
        head = body if kind == b"IHDR" else head
        place += 12 + size
    width, height, bits, colour_type = struct.unpack(">IIBB", head[:10])
    step = {2: 3, 6: 4}[colour_type] * bits // 8
    raw, rows, above = zlib.decompress(packed), [], bytes(width * step)
    for number in range(height):
        row = bytearray(raw[number * (width * step + 1) :][: width * step + 1])
        filter_, row = row[0], row[1:]
        for i in range(len(row)):
            a = row[i - step] if i >= step else 0
            c = above[i - step] if i >= step else 0
            b, p = above[i], a + above[i] - c
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + [0, a, b, (a + b) // 2, near][filter_]) % 256
        rows.append(bytes(row))
        above = bytes(row)
    return np.frombuffer(b"".join(rows), ">u2").reshape(height, width, -1)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("format_", [one for one in FORMATS if one != "jpeg"])
def test_lossless_formats_keep_every_value(format_: Format, channels: int) -> None:
    picture = scene(channels)
    with Image.open(io.BytesIO(encoded(picture, format_))) as image:
        assert image.format == format_.upper()
        np.testing.assert_array_equal(np.asarray(image), picture)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("format_", DEEP)
def test_pillow_reads_the_upper_bits_of_deep_pictures(format_: Format, channels: int) -> None:
    picture = scene(channels, np.uint16)
    with Image.open(io.BytesIO(encoded(picture, format_))) as image:
        np.testing.assert_array_equal(np.asarray(image), picture >> 8)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_deep_png_holds_every_bit(channels: int) -> None:
    picture = scene(channels, np.uint16)
    data = encoded(picture, "png")
    np.testing.assert_array_equal(unfiltered_png(data), picture)
    assert len(data) < picture.nbytes * 0.8  # the filters were worth it


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_deep_tiff_holds_every_bit(channels: int, order: str) -> None:
    picture = scene(channels, np.uint16, height=3000)  # of several strips
    noted = exif.Exif(order, (ifd.Entry(0x010F, 2, 4, b"abc\0"),), {})
    data = encoded(picture, "tiff", Notes(noted))
    found = deep_tiff.described(data)
    assert found is not None
    assert len(found.numbers(273)) > 1
    np.testing.assert_array_equal(np.concatenate(list(deep_tiff._planes(data, found)), 2), picture)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("format_", FORMATS)
def test_notes_stand_in_every_format(format_: Format, kind: type) -> None:
    if kind == np.uint16 and format_ not in DEEP:
        return
    photo = Image.Exif()
    photo[0x010F], photo[0x0112] = "Maker", 6
    photo.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    packet = xmp.packet(xmp.Found(["Ada"], "mine", '{"é": 1}'), "tool")
    notes = Notes(exif.kept(photo.tobytes(), location=False), packet)
    data = encoded(scene(3, kind), format_, notes)
    assert xmp.record_in(data) == '{"é": 1}'
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileName(profile)
        found = image.info.get("xmp", image.info.get("XML:com.adobe.xmp"))
        read = found.encode() if isinstance(found, str) else found
        assert xmp.read(read).creators == ["Ada"]
        noted = image.getexif()
        assert (noted[0x010F], noted.get(0x0112, 1)) == ("Maker", 1)
        assert noted.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
        assert noted.get_ifd(0x8769)[0xA001] == 1


@pytest.mark.parametrize("format_", FORMATS)
def test_equal_pictures_are_equal_files(format_: Format) -> None:
    assert encoded(scene(3), format_) == encoded(scene(3), format_)


def test_quality_is_webps_too_unless_nothing_may_be_lost() -> None:
    low, high = (
        encoding.encoded(scene(3), "webp", quality, lossless=False, notes=Notes())
        for quality in (30, 95)
    )
    assert len(low) < len(high)
    with Image.open(
        io.BytesIO(encoding.encoded(scene(3), "webp", 1, lossless=True, notes=Notes()))
    ) as image:
        np.testing.assert_array_equal(np.asarray(image), scene(3))
