"""Pictures decode to the same upright sRGB array whatever they are wrapped in, or are refused."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from daemon import pictures
from daemon.errors import PictureUnreadableError
from daemon.formats import heif

MOST = 1_000_000
LOSSLESS = ["PNG", "TIFF", "BMP", "PPM", "GIF"]
LOSSY = ["JPEG", "WEBP", "JPEG2000", "AVIF"]


def scene(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Four flat quarters: red, green, blue and light grey."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (200, 30, 30)
    picture[: height // 2, width // 2 :] = (30, 200, 30)
    picture[height // 2 :, : width // 2] = (30, 30, 200)
    picture[height // 2 :, width // 2 :] = (220, 220, 220)
    return picture


def saved(image: Image.Image | NDArray[Any], format_: str, **options: Any) -> bytes:
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def quarters(picture: NDArray[Any]) -> list[list[int]]:
    height, width = picture.shape[:2]
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [picture[row, column].tolist() for row in rows for column in columns]


def why_refused(data: bytes, max_pixels: int = MOST) -> str:
    with pytest.raises(PictureUnreadableError) as caught:
        pictures.decode(data, max_pixels=max_pixels)
    return str(caught.value)


@pytest.mark.parametrize("format_", LOSSLESS)
def test_lossless_formats_come_back_as_they_were(format_: str) -> None:
    decoded = pictures.decode(saved(scene(), format_), max_pixels=MOST)
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(decoded, scene())


@pytest.mark.parametrize("format_", LOSSY)
def test_lossy_formats_come_back_alike(format_: str) -> None:
    decoded = pictures.decode(saved(scene(), format_, quality=95), max_pixels=MOST)
    assert decoded.shape == scene().shape
    np.testing.assert_allclose(quarters(decoded), quarters(scene()), atol=8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    # EXIF 2.32: where row 0 and column 0 of the stored picture belong in the upright one.
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](scene())
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(np.ascontiguousarray(stored), "PNG", exif=exif)
    np.testing.assert_array_equal(pictures.decode(data, max_pixels=MOST), scene())


def test_broken_exif_does_no_harm() -> None:
    data = saved(scene(), "PNG", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    np.testing.assert_array_equal(pictures.decode(data, max_pixels=MOST), scene())


def test_lab_pictures_are_converted() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.createProfile("sRGB")
    in_lab = ImageCms.profileToProfile(Image.fromarray(scene()), srgb, lab, outputMode="LAB")
    assert in_lab is not None
    decoded = pictures.decode(saved(in_lab, "TIFF"), max_pixels=MOST)
    np.testing.assert_allclose(
        quarters(decoded), quarters(scene()), atol=16
    )  # 8 bits of Lab are coarse


def test_a_wide_profile_changes_the_numbers() -> None:
    wide = linear_profile()
    decoded = pictures.decode(saved(scene(), "PNG", icc_profile=wide), max_pixels=MOST)
    # Linear light 220/255 is sRGB 238: IEC 61966-2-1, 1.055 * (220/255)**(1/2.4) - 0.055.
    np.testing.assert_allclose(quarters(decoded)[3], [238] * 3, atol=2)


def linear_profile() -> bytes:
    """The sRGB profile with its tone curves replaced by the identity (ICC.1:2010, 10.5)."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    for number in range(count):
        name, offset, size = struct.unpack(">4sII", data[132 + 12 * number : 144 + 12 * number])
        if name in {b"rTRC", b"gTRC", b"bTRC"}:
            data[offset : offset + size] = (b"curv" + bytes(8)).ljust(size, b"\0")
    return bytes(data)


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 200])
@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_a_broken_profile_is_taken_as_srgb(profile: bytes, format_: str) -> None:
    data = saved(scene(), format_, icc_profile=profile)
    np.testing.assert_array_equal(pictures.decode(data, max_pixels=MOST), scene())


def test_a_profile_of_another_kind_is_taken_as_srgb() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = Image.fromarray(scene()).convert("L")
    decoded = pictures.decode(saved(grey, "PNG", icc_profile=srgb), max_pixels=MOST)
    np.testing.assert_array_equal(decoded[:, :, 0], np.asarray(grey))


def test_grey_becomes_three_equal_colours() -> None:
    grey = Image.fromarray(scene()).convert("L")
    decoded = pictures.decode(saved(grey, "PNG"), max_pixels=MOST)
    for colour in range(3):
        np.testing.assert_array_equal(decoded[:, :, colour], np.asarray(grey))


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(format_: str) -> None:
    ramp = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    decoded = pictures.decode(saved(ramp, format_), max_pixels=MOST)
    np.testing.assert_allclose(decoded[:, :, 0], ramp / 257, atol=0.51)


@pytest.mark.parametrize("full", [1.0, 255.0])
def test_float_grey_is_scaled(full: float) -> None:
    ramp = np.linspace(0, full, 64 * 48).reshape(48, 64).astype(np.float32)
    decoded = pictures.decode(saved(ramp, "TIFF"), max_pixels=MOST)
    np.testing.assert_allclose(decoded[:, :, 0], ramp * (255 / full), atol=0.51)


def test_float_grey_with_nan_is_refused() -> None:
    nan = np.full((48, 64), np.nan, np.float32)
    assert "damaged" in why_refused(saved(nan, "TIFF"))


def test_cmyk_is_decoded() -> None:
    data = saved(Image.fromarray(scene()).convert("CMYK"), "JPEG", quality=95)
    decoded = pictures.decode(data, max_pixels=MOST)
    np.testing.assert_allclose(quarters(decoded), quarters(scene()), atol=8)


def test_palette_is_decoded() -> None:
    data = saved(Image.fromarray(scene()).quantize(16), "PNG")
    np.testing.assert_allclose(
        quarters(pictures.decode(data, max_pixels=MOST)), quarters(scene()), atol=2
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_a_neutral_ground(mode: str) -> None:
    image = Image.fromarray(np.dstack([scene(), np.full((48, 64), 255, np.uint8)]))
    image.paste((255, 0, 0, 0), (0, 0, 32, 24))
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    decoded = pictures.decode(saved(image, "PNG"), max_pixels=MOST)
    np.testing.assert_allclose(quarters(decoded)[0], [128] * 3, atol=2)
    np.testing.assert_allclose(quarters(decoded)[3], [220] * 3, atol=3)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    other = Image.fromarray(255 - scene())
    data = saved(scene(), "GIF", save_all=True, append_images=[other])
    np.testing.assert_array_equal(pictures.decode(data, max_pixels=MOST), scene())


@pytest.mark.parametrize("format_", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(format_: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    data = saved(noise, format_)
    assert why_refused(data[: int(len(data) * share)])


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_whose_tail_is_still_zeros_is_refused(format_: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    data = saved(noise, format_)
    there = int(len(data) * share)
    assert why_refused(data[:there] + bytes(len(data) - there))


def test_a_jpeg_without_its_end_marker_is_refused() -> None:
    data = saved(scene(), "JPEG")
    assert data.endswith(b"\xff\xd9")
    assert "incomplete" in why_refused(data[:-2])


def test_the_end_of_a_preview_inside_is_not_the_end_of_the_picture() -> None:
    preview = saved(scene(), "JPEG")
    data = saved(scene(), "JPEG", exif=b"Exif\x00\x00" + preview)
    assert data.count(b"\xff\xd9") == 2
    assert "incomplete" in why_refused(data[:-2])


def test_what_cameras_put_behind_the_end_does_no_harm() -> None:
    data = saved(scene(), "JPEG") + b"\xff\xd8 a film \xff\x00" + bytes(5000)
    assert pictures.decode(data, max_pixels=MOST).shape == scene().shape


def test_progressive_jpegs_with_restarts_are_whole() -> None:
    data = saved(scene(200, 300), "JPEG", progressive=True, restart_marker_blocks=3)
    assert pictures.decode(data, max_pixels=MOST).shape == (200, 300, 3)


def test_too_many_pixels_are_refused_before_decoding() -> None:
    data = saved(scene(), "PNG")
    message = why_refused(data, max_pixels=48 * 64 - 1)
    assert "64 x 48" in message
    assert pictures.decode(data, max_pixels=48 * 64).shape == scene().shape


@pytest.mark.parametrize("side", [60_000, 2**31 - 1])
def test_a_huge_header_is_refused(side: int) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    data = start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert "million" in why_refused(data)


@pytest.mark.parametrize("shape", [(31, 64), (64, 31), (1, 1)])
def test_too_small_pictures_are_refused(shape: tuple[int, int]) -> None:
    assert "at least 32" in why_refused(saved(np.zeros((*shape, 3), np.uint8), "PNG"))
    assert (
        pictures.decode(saved(np.zeros((32, 32, 3), np.uint8), "PNG"), max_pixels=MOST).any() == 0
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (bytes(5000), "incomplete"),
        (b"hello, I am a text" * 100, "not a picture"),
        (b"<!DOCTYPE html><html></html>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "not a picture"),
        (b"%PDF-1.7\n", "not a picture"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), "picture" if heif.can_read() else "HEIC"),
        (b"\xff\xd8\xff", "picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_plain_words(data: bytes, words: str) -> None:
    assert words in why_refused(data)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damage_is_refused_or_harmless_but_never_anything_else(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = pictures.decode(bytes(whole), max_pixels=MOST)
    except PictureUnreadableError as error:
        assert str(error).endswith(".")  # noqa: PT017 - most examples raise, some do not
    else:
        assert decoded.ndim == 3
        assert decoded.shape[2] == 3
        assert decoded.dtype == np.uint8


WHOLE = [saved(scene(), one) for one in [*LOSSLESS, *LOSSY]]


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_decoded(data: bytes) -> None:
    with pytest.raises(PictureUnreadableError):
        pictures.decode(data, max_pixels=MOST)


def test_pillows_own_limits_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # our picture would be a bomb
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = saved(scene(), "JPEG")
    assert pictures.decode(data, max_pixels=MOST).shape == scene().shape
    why_refused(data[:-2])
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (100, True)


def test_what_libraries_print_about_a_file_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    fax = Image.fromarray(scene()).convert("1")
    data = bytearray(saved(fax, "TIFF", compression="group4"))
    data[8:16] = b"\xff" * 8  # the picture's own data
    with suppress(PictureUnreadableError):
        pictures.decode(bytes(data), max_pixels=MOST)
    os.write(2, b"and this is")
    assert capfd.readouterr().err == "and this is"


@pytest.mark.parametrize(("format_", "close"), [("jpeg", 12), ("png", 0)])
def test_encoded_pictures_come_back(format_: Any, close: int) -> None:
    data = pictures.encode(scene().astype(np.float32), format_, 95)
    decoded = pictures.decode(data, max_pixels=MOST)
    np.testing.assert_allclose(quarters(decoded), quarters(scene()), atol=close)


@pytest.mark.parametrize("format_", ["jpeg", "png"])
def test_encoding_is_repeatable_and_tagged_srgb(
    format_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = scene().astype(np.float32)
    first = pictures.encode(picture, format_, 90)
    profile = ImageCms.ImageCmsProfile(
        io.BytesIO(Image.open(io.BytesIO(first)).info["icc_profile"])
    )
    assert "sRGB" in ImageCms.getProfileName(profile)
    later = dated_profile(ImageCms.ImageCmsProfile.tobytes)
    monkeypatch.setattr(ImageCms.ImageCmsProfile, "tobytes", later)
    assert pictures.encode(picture, format_, 90) == first


def dated_profile(tobytes: Callable[..., bytes]) -> Callable[..., bytes]:
    """The same profile, made in the year 2050."""

    def later(self: ImageCms.ImageCmsProfile) -> bytes:
        data = tobytes(self)
        return data[:24] + struct.pack(">6H", 2050, 1, 1, 0, 0, 0) + data[36:]

    return later


def test_jpeg_keeps_full_colour_resolution() -> None:
    data = pictures.encode(scene().astype(np.float32), "jpeg", 90)
    with Image.open(io.BytesIO(data)) as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


def test_quality_is_used() -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    assert len(pictures.encode(noise, "jpeg", 30)) < len(pictures.encode(noise, "jpeg", 95))


def test_values_are_rounded_and_clipped() -> None:
    picture = np.array([-5.0, 0.4, 0.6, 254.6, 300.0] * 7, np.float32)
    picture = np.broadcast_to(picture[None, :, None], (35, 35, 3))
    decoded = pictures.decode(pictures.encode(picture, "png", 1), max_pixels=MOST)
    assert decoded[0, :5, 0].tolist() == [0, 0, 1, 255, 255]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_encoded(bad: float) -> None:
    picture = scene().astype(np.float32)
    picture[0, 0, 0] = bad
    with pytest.raises(ValueError, match="finite"):
        pictures.encode(picture, "png", 90)
