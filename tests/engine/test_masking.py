"""Masks: what is painted, what is seen, and that what is kept does not move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PictureError
from engine.lbfgs import Lbfgs
from engine.masking import Masked, composed, painted
from engine.mx import nd
from engine.progress import LossParts
from tests.engine.labellings import as_jpeg

LEVELS = st.integers(0, 255)


def picture(seed, size=(12, 17)):
    return np.random.default_rng(seed).uniform(0, 255, (*size, 3)).astype(np.float32)


def laid(array):
    return nd.array(array.transpose(2, 0, 1)[np.newaxis])


def back(array):
    return array.asnumpy()[0].transpose(1, 2, 0)


def mask(seed=0, size=(12, 17)):
    """Black, white and grey pixels."""
    shares = np.random.default_rng(seed).choice([0.0, 0.3, 1.0], size)
    return shares.astype(np.float32)


def test_white_is_painted_and_black_is_kept():
    grey = np.array([[0, 64, 128, 255]], np.uint8)
    shares = painted(grey[:, :, np.newaxis].repeat(3, axis=2))
    assert (shares[0, 0], shares[0, 3], shares.dtype) == (0, 1, np.float32)
    assert shares[0] == pytest.approx(grey[0] / 255, abs=0.04)


def test_noise_of_a_jpeg_does_not_paint_what_is_black():
    drawn = np.zeros((96, 96, 3), np.uint8)
    drawn[16:64, 32:80] = 255
    shares = painted(as_jpeg(drawn, 85))
    assert not shares[:8].any()
    assert (shares[16:64, 32:80] == 1).mean() > 0.95
    assert (shares == (drawn[:, :, 0] > 0)).mean() > 0.95


@given(LEVELS, LEVELS)
def test_what_is_lighter_is_painted_more(one, other):
    shares = painted(np.array([[[one] * 3, [other] * 3, [255] * 3]], np.uint8))[0]
    assert shares.min() >= 0
    assert shares.max() == 1
    assert (shares[0] <= shares[1]) if one <= other else (shares[0] >= shares[1])


def test_a_black_mask_is_refused():
    with pytest.raises(PictureError, match="nothing would be painted"):
        painted(np.full((4, 4, 3), 7, np.uint8))


def test_what_is_seen_is_the_one_or_the_other_to_the_last_bit():
    shares = mask()
    found = composed(picture(1), picture(2), shares)
    assert found.dtype == np.float32
    assert np.array_equal(found[shares == 1], picture(1)[shares == 1])
    assert np.array_equal(found[shares == 0], picture(2)[shares == 0])
    part = shares == np.float32(0.3)
    expected = 0.3 * picture(1)[part] + 0.7 * picture(2)[part]
    assert found[part] == pytest.approx(expected, rel=1e-5)


def test_a_photo_of_bytes_may_be_kept():
    photo = picture(2).astype(np.uint8)
    found = composed(picture(1), photo, np.zeros((12, 17), np.float32))
    assert np.array_equal(found, photo)


class Bowl:
    """Half the squared distance to a target."""

    def __init__(self, target):
        self.target = target

    def evaluate(self, image):
        off = image - self.target
        return LossParts(0.5 * float(nd.sum(nd.square(off)).asscalar()), 0.0, {}, 0.0), off


def masked():
    return Masked(Bowl(laid(picture(5))), laid(picture(2)), mask())


def test_on_the_device_the_same_is_seen():
    expected = composed(picture(1), picture(2), mask())
    assert back(masked().composed(laid(picture(1)))) == pytest.approx(expected, rel=1e-5)


def test_the_gradient_is_the_slope_of_the_value():
    image, way = picture(1), picture(3) - 128
    _, gradient = masked().evaluate(laid(image))
    ahead, behind = (masked().evaluate(laid(image + s * way))[0].total for s in (0.1, -0.1))
    slope = float((back(gradient).astype(np.float64) * way).sum())
    assert (ahead - behind) / 0.2 == pytest.approx(slope, rel=1e-3)


def test_pixels_that_are_kept_do_not_move():
    _, gradient = masked().evaluate(laid(picture(1)))
    assert not back(gradient)[mask() == 0].any()
    assert back(gradient)[mask() > 0].all()


def test_whatever_an_optimiser_does_what_is_kept_is_seen():
    aim, optimizer, image = masked(), Lbfgs(), laid(picture(1))
    before = aim.evaluate(image)[0].total
    for _ in range(40):
        image = optimizer.step(image, aim.evaluate(image)[1])
    seen = back(aim.composed(image))
    assert np.array_equal(seen[mask() == 0], picture(2)[mask() == 0])
    assert seen[mask() == 1] == pytest.approx(picture(5)[mask() == 1], abs=2)
    assert aim.evaluate(image)[0].total < before
