"""The picture on its way in is mapped as the weights want it, and its gradient on the way out."""

from __future__ import annotations

import numpy as np
import pytest

from engine.entry import Entry
from engine.mx import mx, nd
from engine.precision import BFLOAT16, FLOAT32
from engine.weights import Convention
from tests.engine.rounding import needs_bfloat16

CONVENTION = Convention(order="BGR", range=255.0, mean=(1.0, 2.0, 3.0), scale=(1.0, 2.0, 4.0))
PICTURE = np.random.default_rng(0).uniform(0, 255, (1, 3, 5, 6)).astype(np.float32)
FACTOR, SHIFT = (
    np.reshape(each, (1, 3, 1, 1)) for each in ((1 / 4, 1 / 2, 1), (-3 / 4, -2 / 2, -1))
)


def entry(channels=3, precision=FLOAT32, edge=None):
    return Entry(CONVENTION, channels, mx.cpu(), precision, edge=edge)


def test_colours_are_mapped_in_the_pictures_own_order():
    found = entry().forth(nd.array(PICTURE)).asnumpy()
    np.testing.assert_allclose(found, PICTURE * FACTOR + SHIFT, rtol=1e-5)


@needs_bfloat16
def test_channels_beyond_the_colours_are_zero():
    found = BFLOAT16.raised(entry(16, BFLOAT16).forth(nd.array(PICTURE))).asnumpy()
    assert not found[:, 3:].any()
    np.testing.assert_allclose(found[:, :3], PICTURE * FACTOR + SHIFT, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("edge", ["edge", "reflect"])
def test_the_edge_is_put_around_once(edge):
    found = entry(edge=edge).forth(nd.array(PICTURE)).asnumpy()
    mapped = PICTURE * FACTOR + SHIFT
    around = ((0, 0), (0, 0), (1, 1), (1, 1))
    np.testing.assert_allclose(found, np.pad(mapped, around, mode=edge), rtol=1e-5)


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("edge", [None, "edge", "reflect"])
def test_the_gradient_is_the_slope(channels, edge):
    """The map is linear: what a change of the picture does, the gradient has to say."""
    way, picture = entry(channels, edge=edge), nd.array(PICTURE)
    before = way.forth(picture).asnumpy()
    weights = np.random.default_rng(1).normal(size=before.shape).astype(np.float32)
    change = np.random.default_rng(2).normal(size=PICTURE.shape).astype(np.float32)
    after = way.forth(nd.array(PICTURE + change)).asnumpy()
    gradient = way.back(nd.array(weights), picture).asnumpy()
    assert gradient.shape == PICTURE.shape
    assert float((gradient * change).sum()) == pytest.approx(
        float(((after - before) * weights).sum()), rel=1e-3
    )
