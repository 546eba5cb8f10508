"""Both ways write over what they are given, in oneDNN's layout or in a plain one."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mx import nd
from engine.precision import BFLOAT16, FLOAT32
from engine.relu import let_through, rectify
from tests.engine.rounding import needs_bfloat16


def noise(seed, shape=(1, 16, 5, 7)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def convolved(picture):
    """As oneDNN lays it; values stay."""
    kernel = np.eye(16, dtype=np.float32).reshape((16, 16, 1, 1))
    return nd.Convolution(
        nd.array(picture), nd.array(kernel), kernel=(1, 1), num_filter=16, no_bias=True
    )


@pytest.mark.parametrize("laid", [nd.array, convolved])
def test_what_is_negative_becomes_zero_in_place(laid):
    maps = laid(noise(1))
    assert rectify(maps) is maps
    assert np.array_equal(maps.asnumpy(), np.maximum(noise(1), 0))


@pytest.mark.parametrize("laid", [nd.array, convolved])
@pytest.mark.parametrize("maps_laid", [nd.array, convolved])
@pytest.mark.parametrize("precision", [FLOAT32, pytest.param(BFLOAT16, marks=needs_bfloat16)])
def test_a_gradient_passes_in_place_where_something_was_let_through(laid, maps_laid, precision):
    maps = precision.lowered(rectify(maps_laid(noise(1))))
    gradient = precision.lowered(laid(noise(2)))
    before = precision.raised(gradient).asnumpy()
    assert let_through(gradient, maps) is gradient
    assert np.array_equal(precision.raised(gradient).asnumpy(), before * (noise(1) > 0))
