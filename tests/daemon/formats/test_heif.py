"""Photos of phones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daemon import pictures
from daemon.errors import PictureUnreadableError
from daemon.formats import heif

SAMPLES = sorted((Path(__file__).resolve().parents[1] / "samples").glob("*.heic"))
QUARTERS = [[200, 30, 30], [30, 200, 30], [30, 30, 200], [220, 220, 220]]
needed = pytest.mark.skipif(not heif.can_read(), reason="there is no pi-heif on this machine")


def quarters(data: bytes) -> list[list[int]]:
    decoded = pictures.decode(data, max_pixels=10_000)
    assert decoded.shape == (48, 64, 3)
    return [decoded[row, column].tolist() for row in (12, 36) for column in (16, 48)]


def sample(name: str) -> bytes:
    return next(path for path in SAMPLES if path.stem == name).read_bytes()


@needed
@pytest.mark.parametrize("name", ["plain", "phone", "deep"])
def test_heic_is_read_upright_and_in_all_depths(name: str) -> None:
    np.testing.assert_allclose(quarters(sample(name)), QUARTERS, atol=4)


@needed
def test_grey_and_alpha_are_read() -> None:
    np.testing.assert_allclose(quarters(sample("alpha"))[1:], QUARTERS[1:], atol=4)
    np.testing.assert_allclose(quarters(sample("alpha"))[0], [128] * 3, atol=4)
    assert len({tuple(one) for one in quarters(sample("grey"))}) == 4
    about = pictures.about(sample("alpha"), max_pixels=10_000, location=False)
    assert about.alpha is not None
    assert (about.alpha[12, 16], about.alpha[36, 48]) == (0, 255)


@needed
def test_what_the_phone_noted_is_carried_over_and_not_turned_twice() -> None:
    about = pictures.about(sample("phone"), max_pixels=10_000, location=True)
    assert about.size == (64, 48)
    assert about.creators == ["Ada"]
    assert about.exif is not None
    assert [entry.value for entry in about.exif.main] == [b"Phone\0"]
    assert [entry.value for entry in about.exif.below[0x8825]] == [b"N\0"]


@needed
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_is_cut_short_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for share in (0.1, 0.4, 0.8, 0.99):
        with pytest.raises(PictureUnreadableError):
            pictures.decode(data[: int(len(data) * share)], max_pixels=10_000)


def test_without_the_library_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "can_read", lambda: False)
    with pytest.raises(PictureUnreadableError, match="HEIC format, which cannot be read here"):
        pictures.decode(sample("plain"), max_pixels=10_000)


def test_other_boxes_are_no_heic() -> None:
    assert heif.is_heic(sample("plain"))
    assert not heif.is_heic(b"\0\0\0\x18ftypavif")
    assert not heif.is_heic(b"")
