"""Through a mask what is kept does not move."""

from __future__ import annotations

import numpy as np
import pytest

from engine.lbfgs import Lbfgs
from engine.masking import Masked
from engine.masks import composed
from engine.mx import nd
from engine.progress import LossParts
from tests.engine.test_masks import mask, picture


def laid(array):
    return nd.array(array.transpose(2, 0, 1)[np.newaxis])


def back(array):
    return array.asnumpy()[0].transpose(1, 2, 0)


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
