"""The network of first looks does what the paper says, at any size, and as other programs do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.adain import Adain
from engine.errors import PictureError
from engine.weights import adain as stored
from engine.weights.adain import DECODER, ENCODER, AdainWeights

from . import plain_adain

ROOT = Path(__file__).parents[2]


def picture(height: int, width: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Waves of colours, (H, W, 3) float32 in 0 to 255."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x * (1 + k) + seed * y) / (3.0 + seed + k)) for k in range(3)]
    return (127 + 120 * np.stack(waves, axis=2)).astype(np.float32)


@pytest.fixture(scope="module")
def thin() -> AdainWeights:
    return plain_adain.thin_network()


@pytest.mark.parametrize(
    ("photo", "styles", "alpha"),
    [
        ((32, 32), [(1.0, (32, 32))], 1.0),
        ((48, 64), [(1.0, (40, 56))], 1.0),
        ((33, 47), [(1.0, (35, 61))], 1.0),
        ((41, 39), [(1.0, (64, 33))], 0.4),
        ((57, 32), [(0.7, (33, 47)), (0.3, (50, 41))], 1.0),
        ((36, 50), [(0.5, (33, 33)), (0.25, (32, 40)), (0.25, (49, 37))], 0.8),
    ],
)
def test_it_is_what_the_equations_say(
    thin: AdainWeights,
    photo: tuple[int, int],
    styles: list[tuple[float, tuple[int, int]]],
    alpha: float,
) -> None:
    content = picture(*photo)
    looks = [(share, picture(*size, seed=n)) for n, (share, size) in enumerate(styles, start=1)]
    found = Adain(thin).painted(content, looks, alpha)
    wanted = plain_adain.painted(thin.layers, content, looks, alpha)
    assert found.shape == content.shape
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_without_any_of_the_style_the_photo_is_only_sent_there_and_back(
    thin: AdainWeights,
) -> None:
    content, network = picture(40, 40), Adain(thin)
    one, other = (network.painted(content, [(1.0, picture(40, 40, n))], 0.0) for n in (1, 2))
    assert np.allclose(one, other, atol=1e-3)
    assert not np.allclose(one, network.painted(content, [(1.0, picture(40, 40, 1))]), atol=1.0)


def test_a_style_without_anything_in_it_divides_nothing_by_zero(thin: AdainWeights) -> None:
    flat = np.full((40, 40, 3), 90.0, np.float32)
    assert np.isfinite(Adain(thin).painted(flat, [(1.0, flat)])).all()


def test_pictures_stay_as_they_are(thin: AdainWeights) -> None:
    content, style = picture(40, 48), picture(40, 48, 1)
    before = content.copy(), style.copy()
    Adain(thin).painted(content, [(1.0, style)])
    assert np.array_equal(content, before[0])
    assert np.array_equal(style, before[1])


@pytest.mark.parametrize("sides", [(31, 64), (64, 31)])
def test_what_is_too_small_is_refused(thin: AdainWeights, sides: tuple[int, int]) -> None:
    network, small, right = Adain(thin), picture(*sides), picture(40, 40)
    for photo, style in ((small, right), (right, small)):
        with pytest.raises(PictureError, match=f"{sides[1]}x{sides[0]} pixels is too small"):
            network.painted(photo, [(1.0, style)])


def test_the_trained_network_is_the_one_that_is_meant() -> None:
    folder = ROOT / "data" / "param"
    if not stored.in_place(folder):
        pytest.skip("the network of first looks is not here: make first-look fetches it")
    weights = stored.load(folder)
    assert set(weights.layers) == {stored.ENTRY, *ENCODER, *DECODER}
    content, style = picture(32, 40), picture(33, 41, 2)
    found = Adain(weights).painted(content, [(1.0, style)])
    wanted = plain_adain.painted(weights.layers, content, [(1.0, style)], 1.0)
    assert np.abs(found - wanted).max() < 0.05
    # It was trained to give a picture back: in its own style a photo is known again.
    with Image.open(ROOT / "daemon" / "starter" / "photo.jpg") as image:
        photo = np.asarray(image.convert("RGB").resize((128, 96)), np.float32)
    back = Adain(weights).painted(photo, [(1.0, photo)])
    assert np.corrcoef(back.ravel(), photo.ravel())[0, 1] > 0.8
