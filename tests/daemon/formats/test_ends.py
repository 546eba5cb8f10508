"""What lacks its end is told apart from what is whole."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from daemon.formats import ends

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
NOISE = np.random.default_rng(1).integers(1, 255, (64, 64, 3), dtype=np.uint8)


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, kind, **options)
    return file.getvalue()


WHOLE = {
    "JPEG": saved("JPEG"),
    "PNG": saved("PNG"),
    "WEBP": saved("WEBP"),
    "GIF": saved("GIF"),
    "AVIF": saved("AVIF"),
    "TIFF": saved("TIFF", compression="tiff_lzw"),
    "HEIF": (SAMPLES / "phone.heic").read_bytes(),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_are_whole(kind: str) -> None:
    assert ends.is_whole(WHOLE[kind], kind)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "HEIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
def test_a_file_that_is_cut_short_is_not(kind: str, share: float) -> None:
    if kind == "TIFF":  # its directory stands at its end, and the decoder misses it
        file = WHOLE[kind]
        place = int.from_bytes(file[4:8], "little")
        assert place == 8 or not ends.ifd.read(file[: int(len(file) * share)], "<", place, {256}, 9)
        return
    assert not ends.is_whole(WHOLE[kind][: int(len(WHOLE[kind]) * share)], kind)


def test_a_tiff_whose_strips_lie_beyond_its_end_is_not_whole() -> None:
    grown = saved("TIFF", compression="tiff_lzw", tiffinfo={270: "x" * 50})
    assert ends.is_whole(grown, "TIFF")
    order, place = ends.ifd.start(grown) or ("", 0)
    found = ends.ifd.read(grown, order, place, {273, 279}, 1000)
    begin, size = found[273].numbers(order)[-1], found[279].numbers(order)[-1]
    zeros = grown[:begin] + bytes(size) + grown[begin + size :]
    assert not ends.is_whole(zeros, "TIFF")
    moved = grown.replace(found[273].value, (len(grown) - 3).to_bytes(4, "little"))
    assert not ends.is_whole(moved, "TIFF")


def test_an_uncompressed_tiff_may_be_black() -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "TIFF")
    assert ends.is_whole(file.getvalue(), "TIFF")


def test_a_webp_may_end_in_zeros_that_are_no_picture() -> None:
    whole = saved("WEBP", exif=b"Exif\0\0" + bytes(500))
    assert whole.endswith(bytes(500))
    assert ends.is_whole(whole, "WEBP")
    end = whole.index(b"EXIF")
    assert not ends.is_whole(whole[: end - 400] + bytes(400) + whole[end:], "WEBP")


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_boxes_that_end_in_zeros_are_not_written_yet(kind: str) -> None:
    whole = WHOLE[kind] if kind == "AVIF" else WHOLE[kind] + b""
    mdat = whole.index(b"mdat") - 4
    if len(whole) - mdat > 300:
        assert not ends.is_whole(whole[:-290] + bytes(290), kind)
    assert ends.is_whole(whole + bytes(1000), kind)  # what phones put behind is not looked at
    assert ends.is_whole(whole + b"SEFT and more of that", kind)


def test_boxes_of_no_size_lead_nowhere() -> None:
    endless = b"\0\0\0\x18ftypheic" + bytes(16) + b"\0\0\0\x08free" * 5000
    assert ends.is_whole(endless, "HEIF")  # no box of the picture lacks its end: the decoder's case
    vast = b"\0\0\0\1mdat" + (2**63).to_bytes(8, "big")
    assert [end for _, _, end in ends._boxes(vast)] == [2**63]
    assert [kind for kind, _, _ in ends._boxes(b"\0\0\0\0mdat" + bytes(99))] == [b"mdat"]
