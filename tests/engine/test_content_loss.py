"""The content loss against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from engine.content_loss import ContentLoss
from engine.mx import nd
from tests.engine.tap_losses import at_once, error, in_tiles, maps

ARRAY, TARGET = maps(3), maps(2)


@pytest.fixture
def loss():
    return ContentLoss(nd.array(TARGET), 0.7)


def test_it_is_the_mean_square_of_differences(loss):
    assert at_once(loss, ARRAY)[0] == pytest.approx(0.7 * np.mean((ARRAY - TARGET) ** 2), rel=1e-5)


def test_maps_may_come_tile_by_tile(loss):
    (value, slope), (found, gradient) = at_once(loss, ARRAY), in_tiles(loss, ARRAY)
    assert found == pytest.approx(value, rel=1e-5)
    assert error(gradient, slope) < 1e-6


def test_the_gradient_is_the_slope_of_the_value(loss):
    way = maps(4) / 100
    ahead, behind = (at_once(loss, ARRAY + sign * way)[0] for sign in (1, -1))
    slope = float((at_once(loss, ARRAY)[1] * way).sum())
    assert (ahead - behind) / 2 == pytest.approx(slope, rel=1e-3)
