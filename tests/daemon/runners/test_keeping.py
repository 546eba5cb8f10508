"""In the photo's own size, too, what a mask keeps is the photo."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from daemon.errors import PictureUnreadableError
from daemon.record import record_of
from daemon.runners.finishing import finished
from daemon.runners.keeping import keeping
from daemon.runners.request import PaintRequest, StyleFile
from engine import DeviceReport, LossParts, Painting, Recipe

PHOTO = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
MASK = np.full((96, 128), 255, np.uint8)
MASK[:, :40], MASK[:, 40:80] = 0, 128


def png(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def request(**fields: Any) -> PaintRequest:
    whole = {"content": png(PHOTO), "mask": png(MASK), "format": "png", **fields}
    return PaintRequest("1", styles=(StyleFile(b"style"),), recipe=Recipe(), **whole)


def painting(picture: NDArray[np.float32]) -> Painting:
    return Painting(
        picture=picture, loss=LossParts(1.0, 1.0), iterations=3, seconds=1, seconds_per_iteration=1,
        stopped_by="steps", device=DeviceReport("cpu", "float32", 1, ""), normalization="relative",
        weights_sha256="f" * 64, tiles=1, predicted_memory_mb=1,
    )  # fmt: skip


def result(asked: PaintRequest, picture: NDArray[np.float32]) -> tuple[NDArray[Any], str]:
    made = finished(painting(picture), asked)
    with Image.open(io.BytesIO(made.data)) as image:
        return np.asarray(image.convert("RGB")), made.trouble


GREY = np.full((48, 64, 3), 100, np.float32)


def test_every_byte_that_is_kept_is_the_photo_s() -> None:
    found, trouble = result(request(size="original"), GREY)
    assert trouble == ""
    assert found.shape == PHOTO.shape
    assert np.array_equal(found[:, :40], PHOTO[:, :40])
    assert (found[:, 82:] == 100).all()


def test_half_of_its_detail_where_the_mask_is_grey() -> None:
    found, _ = result(request(size="original"), GREY)
    plain, _ = result(request(size="original", mask=b""), GREY)
    detail = found[:, 44:76].astype(float) - plain[:, 44:76]
    wide = np.random.default_rng(0).integers(0, 256, PHOTO.shape)[:, 44:76] - 128.0
    share = float((detail * wide).sum() / (wide * wide).sum())
    assert 0.2 < share < 0.5  # half of what is too fine for the painting


@pytest.mark.parametrize("kind", ["webp", "tiff"])
def test_in_other_formats_too(kind: str) -> None:
    found, _ = result(request(size="original", format=kind, lossless=True), GREY)
    assert np.array_equal(found[:, :40], PHOTO[:, :40])


def test_as_large_as_it_was_painted_nothing_is_done_again() -> None:
    whole = np.full((96, 128, 3), 100, np.float32)
    for picture, size in ((GREY, "working"), (whole, "original")):
        found, _ = result(request(size=size), picture)
        assert (found == 100).all()


def test_without_a_mask_nothing_is_kept() -> None:
    found, _ = result(request(size="original", mask=b""), GREY)
    assert (found == 100).all()


def test_a_mask_that_cannot_be_read_any_more_is_told() -> None:
    with pytest.raises(PictureUnreadableError):
        keeping(request(mask=b"none"), (64, 48))
    found, trouble = result(request(size="original", mask=b"none"), GREY)
    assert "only as fine as the painting" in trouble
    assert (found == 100).all()


def test_what_guided_it_is_noted() -> None:
    asked = request(mask_name="m.png", regions=b"r", regions_name="r.png")
    noted = record_of(finished(painting(GREY), asked).data, "a.png")
    assert noted.mask is not None
    assert noted.regions is not None
    assert (noted.mask.name, noted.regions.name) == ("m.png", "r.png")
    plain = record_of(finished(painting(GREY), request(mask=b"")).data, "a.png")
    assert plain.mask is plain.regions is None
