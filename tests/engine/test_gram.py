"""Products of channels against numpy's, from maps of either type, as they are laid."""

from __future__ import annotations

import numpy as np
import pytest

from engine.gram import products
from engine.mx import mx, nd
from engine.precision import BFLOAT16, raised
from engine.shelf import Shelf
from tests.engine.rounding import emulate, needs_bfloat16

SHAPES = [(1, 5, 6, 7), (1, 64, 33, 20), (1, 128, 16, 16), (1, 512, 2, 3)]


def maps(shape):
    """What a ReLU leaves."""
    return np.maximum(np.random.default_rng(0).normal(1, 10, shape), 0).astype(np.float32)


def right(array):
    flat = array.astype(np.float64).reshape(array.shape[1], -1)
    return flat @ flat.T


@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_those_of_all_pairs_of_channels(shape):
    found = products(nd.array(maps(shape))).asnumpy()
    assert found == pytest.approx(right(maps(shape)), rel=1e-4)


@pytest.fixture(params=[pytest.param(False, marks=needs_bfloat16), True])
def narrow(request, monkeypatch):
    """Brings values into bfloat16, where layers are the processor's own, and where they are not."""
    if request.param:
        emulate(monkeypatch)
    return BFLOAT16.lowered


@pytest.mark.parametrize("shape", SHAPES)
def test_of_bfloat16_only_the_sums_are_rounded(narrow, shape):
    given = narrow(nd.array(maps(shape)))
    before = raised(given).asnumpy()
    found = products(given)
    assert found.dtype == np.float32
    assert found.asnumpy() == pytest.approx(right(before), rel=2**-8)
    assert np.array_equal(found.asnumpy(), found.asnumpy().T)
    assert np.array_equal(raised(given).asnumpy(), before)


@needs_bfloat16
@pytest.mark.parametrize("channels", [64, 512])
def test_maps_may_lie_in_blocks(channels):
    lying = nd.Convolution(
        BFLOAT16.lowered(nd.array(maps((1, 16, 12, 20)))),
        BFLOAT16.lowered(nd.random.normal(shape=(channels, 16, 3, 3))),
        kernel=(3, 3), num_filter=channels, no_bias=True,
    )  # fmt: skip
    # The way it is asked here leaves them as they lie: reading them would lay them plainly.
    found = products(lying).asnumpy()
    plain = raised(lying).asnumpy()
    assert np.linalg.norm(found - right(plain)) < 2**-8 * np.linalg.norm(right(plain))


def test_what_comes_with_them_is_from_the_shelf(narrow):
    shelf = Shelf(mx.cpu())
    given = narrow(nd.array(maps((1, 64, 8, 8))))
    one, other = products(given, shelf).asnumpy(), products(given, shelf).asnumpy()
    assert np.array_equal(one, other)
    assert shelf.bytes == 2 * given.size
    assert not shelf._lent
