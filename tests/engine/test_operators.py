"""Each way back is the slope that MXNet finds for the way forth, into any array that is there."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mx import autograd, nd
from engine.operators import Convolution, Pooling, slope
from engine.precision import BFLOAT16, FLOAT32
from tests.engine.rounding import needs_bfloat16


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def recorded(function, source, gradient):
    """MXNet's own slope."""
    source = source.copy()
    source.attach_grad()
    with autograd.record():
        result = function(source)
    result.backward(gradient)
    return source.grad.asnumpy()


def convolution(pad=1, channels=(16, 32)):
    given, made = channels
    kernel = nd.array(noise(0, made, given, 3, 3))
    return Convolution("conv1_2", kernel, nd.array(noise(1, made)), kernel.copy, pad)


@pytest.mark.parametrize("channels", [(3, 64), (16, 32), (64, 16)])
@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("size", [(6, 7), (16, 16)])
def test_a_convolution_leads_back(channels, pad, size):
    layer = convolution(pad, channels)
    source = nd.array(noise(2, 1, channels[0], *size))
    maps = layer.forth(source)
    assert maps.shape == layer.shape(source.shape)
    gradient = nd.array(noise(3, *maps.shape))
    found = layer.back(gradient, size).asnumpy()
    np.testing.assert_allclose(found, recorded(layer.forth, source, gradient), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("by", ["avg", "max"])
@pytest.mark.parametrize("size", [(6, 8), (7, 8), (7, 9)])
@pytest.mark.parametrize("precision", [FLOAT32, pytest.param(BFLOAT16, marks=needs_bfloat16)])
def test_a_pooling_leads_back(by, size, precision):
    """An odd last row or column has no part in it."""
    layer = Pooling("pool1", by)
    source = precision.lowered(nd.array(noise(2, 1, 16, *size)))
    maps = layer.forth(source)
    assert maps.shape == layer.shape(source.shape)
    gradient = precision.lowered(nd.array(noise(3, *maps.shape)))
    found = precision.raised(layer.back(gradient, size, source=source)).asnumpy()
    wide = precision.raised(source), precision.raised(gradient)
    np.testing.assert_allclose(found, recorded(layer.forth, *wide), rtol=0.01, atol=1e-6)


def test_an_average_needs_nothing_but_the_size():
    layer, gradient = Pooling("pool1", "avg"), nd.array(noise(3, 1, 16, 3, 4))
    source = nd.array(noise(2, 1, 16, 7, 8))
    alone, beside = (layer.back(gradient, (7, 8), source=each) for each in (None, source))
    np.testing.assert_array_equal(alone.asnumpy(), beside.asnumpy())


@pytest.mark.parametrize("layer", [convolution(), Pooling("pool1", "avg"), Pooling("pool1", "max")])
def test_it_is_written_where_it_should_be(layer):
    """And nothing of what was there shows."""
    source = nd.array(noise(2, 1, 16, 6, 8))
    right = layer.forth(source).asnumpy()
    there = nd.full(right.shape, float("nan"))
    assert layer.forth(source, there) is there
    np.testing.assert_array_equal(there.asnumpy(), right)
    gradient = nd.array(noise(3, *right.shape))
    right = layer.back(gradient, (6, 8), source=source).asnumpy()
    there = nd.full(right.shape, float("nan"))
    found = layer.back(gradient, (6, 8), there, source)
    assert found is there
    np.testing.assert_array_equal(found.asnumpy(), right)


def test_a_slope_is_that_of_the_function():
    source, gradient = nd.array(noise(0, 3, 4)), nd.array(noise(1, 3, 4))
    found = slope(lambda x: x * x, source, gradient)
    np.testing.assert_allclose(found.asnumpy(), 2 * noise(0, 3, 4) * noise(1, 3, 4), rtol=1e-5)
