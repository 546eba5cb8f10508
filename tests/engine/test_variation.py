"""The total variation loss against its formulas, and its gradient against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mx import nd
from engine.variation import TotalVariation

PICTURE = np.random.default_rng(0).uniform(0, 255, (1, 3, 6, 7))


def evaluated(loss, picture):
    value, gradient = loss(nd.array(picture))
    return float(value.asscalar()), gradient.asnumpy()


def test_of_amounts_it_is_the_mean_rounded_off_under_one_grey_level():
    lengths = (np.sqrt(np.diff(PICTURE, axis=axis) ** 2 + 1).mean() for axis in (2, 3))
    found, _ = evaluated(TotalVariation(0.7), PICTURE)
    assert found == pytest.approx(0.7 * 0.5 * sum(lengths) / 255, rel=1e-5)


def test_of_squares_it_is_the_mean():
    squares = (np.square(np.diff(PICTURE, axis=axis) / 255).mean() for axis in (2, 3))
    found, _ = evaluated(TotalVariation(0.7, squared=True), PICTURE)
    assert found == pytest.approx(0.7 * 0.5 * sum(squares), rel=1e-5)


@pytest.mark.parametrize("squared", [False, True])
def test_the_gradient_is_the_slope_of_the_value(squared):
    loss, way = TotalVariation(0.7, squared=squared), 0.01 * PICTURE
    ahead, behind = (evaluated(loss, PICTURE + sign * way)[0] for sign in (1, -1))
    slope = float((evaluated(loss, PICTURE)[1] * way).sum())
    assert (ahead - behind) / 2 == pytest.approx(slope, rel=0.02)


def test_of_squares_an_edge_costs_more_than_the_same_step_spread_out():
    """Of amounts it does not: that keeps edges."""
    edge, slope = (np.zeros((1, 3, 8, 9), np.float32) for _ in range(2))
    edge[..., 4:] = 200
    slope[...] = np.linspace(0, 200, 9)
    ratios = [
        evaluated(TotalVariation(1.0, squared=squared), edge)[0]
        / evaluated(TotalVariation(1.0, squared=squared), slope)[0]
        for squared in (False, True)
    ]
    assert ratios == [pytest.approx(1.0, abs=0.05), pytest.approx(8.0, rel=1e-4)]
