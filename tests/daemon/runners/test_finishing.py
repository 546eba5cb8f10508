"""A painting becomes a file with the photo's proportions, alpha, notes and record."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from daemon import pictures
from daemon.errors import PictureUnreadableError
from daemon.formats import xmp
from daemon.formats.colour import GROUND
from daemon.rations import TOO_LONG, Ration
from daemon.record import record_of
from daemon.runners import finishing
from daemon.runners.finishing import Finished, finished
from daemon.runners.request import PaintRequest, StyleFile
from engine import DeviceReport, LossParts, Painting, Recipe

RECIPE = Recipe(size=64, seed=7)


def photo(mode: str = "RGB", size: tuple[int, int] = (120, 90), **options: Any) -> bytes:
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").rotate(90).resize(size))
    file = io.BytesIO()
    image.save(file, options.pop("kind", "PNG"), **options)
    return file.getvalue()


def painting(width: int = 64, height: int = 48) -> Painting:
    down, across = np.mgrid[0:height, 0:width]
    picture = np.stack([down * 5.0, across * 3.9, (down + across) * 2.0], -1).astype(np.float32)
    return Painting(
        picture=picture, loss=LossParts(1.0, 1.0), iterations=3, seconds=1, seconds_per_iteration=1,
        stopped_by="steps", device=DeviceReport("cpu", "float32", 1, ""), normalization="relative",
        weights_sha256="f" * 64, tiles=1, predicted_memory_mb=1,
    )  # fmt: skip


def request(content: bytes = b"", **fields: Any) -> PaintRequest:
    styles = (StyleFile(b"style", "Waves.png"),)
    whole = {"content": content or photo(), "styles": styles, "recipe": RECIPE, **fields}
    return PaintRequest("1", content_name="Photo.jpg", **whole)


def opened(made: Finished) -> Image.Image:
    with Image.open(io.BytesIO(made.data)) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("mode", "fields", "suffix", "format_", "result"),
    [
        ("RGB", {}, ".jpg", "JPEG", "RGB"),
        ("RGB", {"format": "auto"}, ".jpg", "JPEG", "RGB"),
        ("RGB", {"format": "auto", "depth": 16}, ".png", "PNG", "RGB"),
        ("RGBA", {"format": "auto"}, ".png", "PNG", "RGBA"),
        ("RGBA", {"format": "jpeg", "depth": 16}, ".jpg", "JPEG", "RGB"),
        ("RGBA", {"format": "webp", "depth": 16}, ".webp", "WEBP", "RGBA"),
        ("RGBA", {"format": "tiff"}, ".tif", "TIFF", "RGBA"),
        ("RGBA", {"format": "tiff", "depth": 16}, ".tif", "TIFF", "RGBA"),
        ("RGB", {"format": "webp", "lossless": True}, ".webp", "WEBP", "RGB"),
    ],
)
def test_the_format_is_the_one_that_is_asked_for_or_fits(
    mode: str, fields: dict[str, Any], suffix: str, format_: str, result: str
) -> None:
    made = finished(painting(), request(photo(mode), **fields))
    image = opened(made)
    assert (made.suffix, image.format, image.mode) == (suffix, format_, result)
    assert made.size == image.size == (64, 48)


def test_what_is_too_long_for_a_format_becomes_a_png() -> None:
    long = photo(size=(17_000, 40))
    made = finished(painting(640, 32), request(long, format="webp", size="original"))
    assert (made.suffix, opened(made).size) == (".png", (17_000, 40))


@pytest.mark.parametrize("size", [(120, 90), (40, 33), (640, 479)])
def test_the_original_size_is_the_photos_to_the_pixel(size: tuple[int, int]) -> None:
    made = finished(painting(), request(photo(size=size), size="original", format="png"))
    assert made.size == opened(made).size == size
    enlarged = np.asarray(opened(made).resize((64, 48), Image.Resampling.BOX), float)
    np.testing.assert_allclose(enlarged, painting().picture, atol=12)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG"])
def test_a_photo_that_lies_on_its_side_gives_an_upright_result(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = finished(painting(48, 64), request(photo(kind=kind, exif=exif), size="original"))
    assert made.size == opened(made).size == (90, 120)
    assert opened(made).getexif().get(0x0112, 1) == 1


def test_the_record_of_a_photograph_says_whether_it_has_the_photos_detail() -> None:
    asked = request(size="original", refine=4)
    made = finished(replace(painting(), carried=True), asked)
    assert record_of(made.data, "").refine == 4
    assert record_of(finished(painting(), asked).data, "").refine == 0


def test_what_was_refined_in_the_photos_own_size_is_not_resampled() -> None:
    refined = replace(painting(120, 90), refined=3)
    asked = request(photo("RGB"), size="original", refine=4, format="png")
    made = finished(refined, asked)
    assert np.array_equal(np.asarray(opened(made)), np.rint(refined.picture.clip(0, 255)))
    deep = finished(refined, replace(asked, content=photo("RGBA"), depth=16, format="tiff"))
    assert opened(deep).size == (120, 90)


@pytest.mark.parametrize(("refined", "told"), [(3, 4), (0, 0)])
def test_the_record_says_what_it_was_refined_by_if_it_was(refined: int, told: int) -> None:
    made = finished(replace(painting(), refined=refined), request(size="original", refine=4))
    assert record_of(made.data, "").refine == told


@pytest.mark.parametrize("size", ["working", "original"])
def test_alpha_is_put_back_and_the_ground_taken_out(size: Any) -> None:
    content = Image.fromarray(pictures.decode(photo("RGBA"), max_pixels=100_000))
    like_the_photo = np.asarray(content.resize((64, 48), Image.Resampling.LANCZOS), np.float32)
    work = replace(painting(), picture=like_the_photo)
    made = finished(work, request(photo("RGBA"), format="png", size=size))
    result = np.asarray(opened(made)).astype(float)
    with Image.open(io.BytesIO(photo("RGBA"))) as image:
        alpha = np.asarray(image.getchannel("A").resize(made.size), float)
    np.testing.assert_allclose(result[:, :, 3], alpha, atol=3)
    share = result[:, :, 3:] / 255
    laid = result[:, :, :3] * share + GROUND * (1 - share)
    np.testing.assert_allclose(laid, np.asarray(content.resize(made.size), float), atol=4)
    # And the colours are the photo's own, without the grey that they were painted on.
    own = np.asarray(Image.linear_gradient("L").resize(made.size), float)[:, :, None]
    seen = result[:, :, 3] > 60
    np.testing.assert_allclose(result[:, :, :1][seen], own[seen], atol=10)


def test_an_alpha_channel_in_which_nothing_is_transparent_is_none() -> None:
    image = Image.new("RGBA", (60, 45), (1, 2, 3, 255))
    file = io.BytesIO()
    image.save(file, "PNG")
    assert finished(painting(), request(file.getvalue(), format="auto")).suffix == ".jpg"


@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "tiff"])
def test_the_record_says_how_it_was_made(format_: Any) -> None:
    made = finished(painting(), request(format=format_, size="original"))
    found = record_of(made.data, "a")
    assert (found.recipe, found.size) == (RECIPE, "original")
    assert (found.content.name, found.start) == ("Photo.jpg", None)
    assert [(one.name, one.weight) for one in found.styles] == [("Waves.png", 1.0)]
    assert (found.device, found.precision, found.weights_sha256) == ("cpu", "float32", "f" * 64)


@pytest.mark.parametrize("kept", [False, True])
def test_the_place_is_left_out_unless_it_is_asked_for(kept: bool) -> None:  # noqa: FBT001
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    exif.get_ifd(0x8825)[1] = "N"
    credits_ = xmp.packet(xmp.Found(["Ada"], "mine"), "camera")
    data = photo(kind="JPEG", exif=exif, xmp=credits_)
    made = finished(painting(), request(data, keep_location=kept))
    noted = opened(made).getexif()
    assert noted[0x013B] == "Ada"
    assert dict(noted.get_ifd(0x8825)) == ({1: "N"} if kept else {})
    packet = opened(made).info["xmp"]
    assert (xmp.read(packet).creators, xmp.read(packet).rights) == (["Ada"], "mine")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0" + bytes(300)])
def test_broken_notes_are_no_reason_to_fail(kind: str, exif: bytes) -> None:
    data = photo(kind=kind, exif=exif)
    assert finished(painting(), request(data)).size == (64, 48)


@pytest.mark.parametrize("encoding", ["foo", "hex", "rot13", "utf-16"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_packet_in_an_odd_encoding_is_dropped(kind: str, encoding: str) -> None:
    packet = f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode()
    made = finished(painting(), request(noted(kind, packet)))
    assert (made.size, made.trouble) == ((64, 48), "")


def noted(kind: str, packet: bytes) -> bytes:
    if kind != "PNG":
        return photo(kind=kind, xmp=packet)
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet.decode())
    return photo(kind=kind, pnginfo=text)


@pytest.mark.parametrize("reader", ["exif.kept", "xmp.read"])
def test_whatever_goes_wrong_with_notes_the_rest_is_kept(
    reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise LookupError("unknown")

    exif = Image.Exif()
    exif[0x013B] = "Ada"
    credits_ = xmp.packet(xmp.Found(["Ada"], "mine"), "camera")
    data = photo("RGBA", kind="WEBP", exif=exif, xmp=credits_)
    monkeypatch.setattr(f"daemon.formats.{reader}", fail)
    found = pictures.about(data, max_pixels=100_000, location=False)
    assert found.size == (120, 90)
    assert found.alpha is not None
    assert (found.exif is None) == (reader == "exif.kept")
    assert (found.creators == []) == (reader == "xmp.read")


@pytest.mark.parametrize(
    "error", [PictureUnreadableError(TOO_LONG), MemoryError(), RuntimeError("odd")]
)
def test_a_painting_is_saved_though_the_photo_cannot_be_read_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(pictures, "about", fail)
    made = finished(painting(), request(photo("RGBA"), size="original", format="png"))
    assert opened(made).size == made.size == (64, 48)
    assert opened(made).mode == "RGB"
    assert record_of(made.data, "a").recipe == RECIPE
    assert "could not be read again" in made.trouble
    assert str(error) in made.trouble
    assert type(error).__name__ in made.detail


def test_a_painting_is_saved_though_its_photo_uses_up_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dawdle(*_: Any, **__: Any) -> None:
        while True:
            pass

    monkeypatch.setattr(pictures, "about", dawdle)
    monkeypatch.setattr(finishing, "ration_for", lambda *_: Ration(10**6, 1 << 33, 0.2))
    made = finished(painting(), request())
    assert opened(made).size == (64, 48)
    assert TOO_LONG in made.trouble


def test_a_record_in_the_photo_is_not_taken_for_the_results() -> None:
    other = xmp.packet(xmp.Found(record='{"program": "evil"}'), "x")
    made = finished(painting(), request(photo(kind="JPEG", xmp=other)))
    assert record_of(made.data, "a").recipe == RECIPE
    assert b"evil" not in made.data


def test_equal_requests_give_equal_files() -> None:
    one = request(photo("RGBA"), format="png", depth=16)
    assert finished(painting(), one) == finished(painting(), replace(one))


def test_a_photo_is_not_decoded_again_where_nothing_is_transparent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(pictures.colour, "flattened", refuse)
    assert finished(painting(), request(photo(kind="JPEG"))).size == (64, 48)
