"""TIFF files that Pillow cannot read, or reads wrong, become what they hold."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from daemon import pictures
from daemon.errors import PictureUnreadableError
from daemon.formats import deep_tiff, ifd

HEIGHT, WIDTH = 40, 50
KINDS = {"u2": 1, "u4": 1, "f2": 3, "f4": 3}
ALPHA = (338, 2)


def scene(channels: int = 3) -> NDArray[np.float64]:
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [down / (HEIGHT - 1), across / (WIDTH - 1), (down * across) % 17 / 16, across / 99]
    return np.stack(planes[:channels], -1)


def valued(picture: NDArray[np.float64], kind: str) -> NDArray[Any]:
    if kind[0] == "f":
        return picture.astype(kind)
    return np.rint(picture * np.iinfo(kind).max).astype(kind)


def packed(block: NDArray[Any], order: str, predictor: int) -> bytes:
    """One strip or tile: (rows, columns, numbers a pixel)."""
    kind = np.dtype(block.dtype).newbyteorder(order)
    if predictor == 2:
        whole = block.view(f"u{block.itemsize}")
        block = whole.copy()
        block[:, 1:] -= whole[:, :-1]
        return zlib.compress(block.astype(f"{order}u{block.itemsize}").tobytes())
    if predictor == 3:  # the highest bytes first, then differences of the bytes
        rows, numbers = len(block), block.shape[2]
        planes = np.frombuffer(block.astype(block.dtype.newbyteorder(">")).tobytes(), np.uint8)
        planes = (
            planes.reshape(rows, -1, block.itemsize).transpose(0, 2, 1).reshape(rows, -1, numbers)
        )
        block = planes.copy()
        block[:, 1:] -= planes[:, :-1]
        return zlib.compress(block.tobytes())
    return zlib.compress(block.astype(kind).tobytes())


def blocks(plane: NDArray[Any], tile: int) -> list[NDArray[Any]]:
    if not tile:
        return [plane[top : top + 7] for top in range(0, HEIGHT, 7)]
    padded = np.pad(plane, ((0, -HEIGHT % tile), (0, -WIDTH % tile), (0, 0)), mode="edge")
    sides = range(0, padded.shape[0], tile), range(0, padded.shape[1], tile)
    return [padded[y : y + tile, x : x + tile] for y in sides[0] for x in sides[1]]


def made(  # noqa: PLR0913 - each is a way in which such files differ
    values: NDArray[Any],
    *extra: tuple[int, int],
    order: str = "<",
    apart: bool = False,
    predictor: int = 1,
    tile: int = 0,
    photometric: int = 2,
) -> bytes:
    """A file of these numbers; `extra` are tags of one number."""
    number, kind = values.shape[2], f"{values.dtype.kind}{values.itemsize}"
    planes = [values[:, :, i : i + 1] for i in range(number)] if apart else [values]
    data = [packed(block, order, predictor) for plane in planes for block in blocks(plane, tile)]
    data = [one + b"\0" * (len(one) % 2) for one in data]
    places = [8 + sum(map(len, data[:i])) for i in range(len(data))]
    entries = [
        ifd.long(256, order, WIDTH), ifd.long(257, order, HEIGHT), ifd.short(259, order, 8),
        ifd.short(258, order, *[values.itemsize * 8] * number), ifd.short(277, order, number),
        ifd.short(339, order, *[KINDS[kind]] * number), ifd.short(262, order, photometric),
        ifd.short(284, order, 2 if apart else 1), ifd.short(317, order, predictor),
        ifd.long(324 if tile else 273, order, *places),
        ifd.long(325 if tile else 279, order, *map(len, data)),
        *(ifd.short(tag, order, one) for tag, one in extra),
    ]  # fmt: skip
    entries += [ifd.long(322, order, tile), ifd.long(323, order, tile)] if tile else []
    entries += [] if tile else [ifd.long(278, order, 7)]
    place = 8 + sum(map(len, data))
    return b"".join([ifd.header(order, place), *data, ifd.written(order, place, entries)])


def decoded(data: bytes) -> NDArray[np.uint8]:
    return pictures.decode(data, max_pixels=1_000_000)


@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("predictor", [1, 2, 3])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_arrangement_is_read(
    order: str,
    kind: str,
    apart: bool,  # noqa: FBT001 - a parameter
    predictor: int,
    tile: int,
) -> None:
    if predictor == 3 and kind[0] == "u":
        return
    data = made(valued(scene(), kind), order=order, apart=apart, predictor=predictor, tile=tile)
    close = 0.51 if kind != "f2" else 0.6  # of half a float's eleven bits
    np.testing.assert_allclose(decoded(data), scene() * 255, atol=close)


@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_alpha_is_read(kind: str) -> None:
    data = made(valued(scene(4), kind), ALPHA)
    about = pictures.about(data, max_pixels=10_000, location=False)
    assert about.alpha is not None
    np.testing.assert_allclose(about.alpha, scene(4)[:, :, 3] * 255, atol=0.51)
    alpha = scene(4)[:, :, 3:]
    np.testing.assert_allclose(decoded(data), scene() * 255 * alpha + 128 * (1 - alpha), atol=1.3)


def test_colours_that_were_multiplied_by_alpha_are_divided_again() -> None:
    picture = scene(4)
    multiplied = np.dstack([picture[:, :, :3] * picture[:, :, 3:], picture[:, :, 3]])
    once, again = made(valued(multiplied, "f4"), (338, 1)), made(valued(picture, "f4"), ALPHA)
    np.testing.assert_allclose(decoded(once).astype(int), decoded(again).astype(int), atol=1)


def test_grey_with_alpha_and_grey_whose_zero_is_white_are_read() -> None:
    two = made(valued(scene(4)[:, :, [0, 3]], "u2"), ALPHA, photometric=1)
    assert pictures.about(two, max_pixels=10_000, location=False).alpha is not None
    inverse = made(valued(scene(1), "u2"), photometric=0)
    np.testing.assert_allclose(decoded(inverse)[:, :, 1], 255 - scene(1)[:, :, 0] * 255, atol=0.51)


def test_lights_beyond_white_are_white() -> None:
    data = made(valued(scene() * 3, "f4"))
    np.testing.assert_allclose(decoded(data), np.clip(scene() * 3, 0, 1) * 255, atol=0.51)
    data = made(valued(scene() * 255, "f4"))
    np.testing.assert_allclose(decoded(data), scene() * 255, atol=0.51)


def test_what_is_no_number_is_refused() -> None:
    values = valued(scene(), "f4")
    values[3, 3, 1] = np.nan
    with pytest.raises(PictureUnreadableError, match="damaged"):
        decoded(made(values))


def test_orientation_profile_and_words_are_known() -> None:
    data = made(valued(scene(), "u2"), (274, 6))
    assert decoded(data).shape == (WIDTH, HEIGHT, 3)
    assert pictures.about(data, max_pixels=10_000, location=False).size == (HEIGHT, WIDTH)
    plain = decoded(made(valued(scene(), "u2")))
    np.testing.assert_array_equal(decoded(data), np.rot90(plain, -1))


def test_other_files_are_left_to_pillow() -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 40)).save(file, "TIFF")
    assert deep_tiff.described(file.getvalue()) is None
    assert deep_tiff.described(made(valued(scene(1), "u2"), photometric=1)) is None
    assert deep_tiff.described(b"II*\0" + struct.pack("<I", 2**32 - 1)) is None
    assert deep_tiff.described(b"no tiff at all") is None


def test_too_many_pixels_are_refused_before_they_are_unpacked() -> None:
    with pytest.raises(PictureUnreadableError, match="50 x 40 pixels"):
        pictures.decode(made(valued(scene(), "f4")), max_pixels=1999)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_a_file_that_is_cut_short_is_refused(share: float) -> None:
    data = made(valued(scene(), "u2"))
    for tail in (b"", bytes(int(len(data) * (1 - share)))):
        with pytest.raises(PictureUnreadableError):
            decoded(data[: int(len(data) * share)] + tail)
