"""Products of channels against numpy's, from maps of either type, as they are laid; the loss."""

from __future__ import annotations

import numpy as np
import pytest

from engine import gram
from engine.gram import GRAM, products
from engine.mx import mx, nd
from engine.precision import BFLOAT16, raised
from engine.shelf import Shelf
from tests.engine.near import near
from tests.engine.rounding import emulate, needs_bfloat16
from tests.engine.tap_losses import at_once, error, in_tiles, style_loss
from tests.engine.tap_losses import maps as drawn

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
    assert found == near(right(maps(shape)), rel=1e-4)


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
    assert found.asnumpy() == near(right(before), rel=2**-8)
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


@pytest.mark.parametrize("shape", SHAPES)
def test_of_an_array_that_comes_again_they_are_those_of_what_is_in_it(shape):
    check_again_and_again(shape, lambda values: values)


@pytest.mark.parametrize("shape", SHAPES)
def test_likewise_of_bfloat16(narrow, shape):
    check_again_and_again(shape, narrow)


def check_again_and_again(shape, lowered):
    shelf = Shelf(mx.cpu())
    for factor in (1, 2, -3):
        values = lowered(nd.array(factor * maps(shape)))
        given = shelf.made(shape, values.dtype, lambda out, came=values: write(came, out))
        before = raised(given).asnumpy()
        found = products(given, shelf).asnumpy()
        assert found == near(right(before), rel=2**-8)
        assert np.array_equal(raised(given).asnumpy(), before)
        shelf.put(given)
    assert found == near(products(given).asnumpy(), rel=2**-8)


def write(values, out):
    values.copyto(out)
    return out


def test_they_are_recorded_once_for_an_array_and_with_none_that_is_not_from_the_shelf(monkeypatch):
    recorded = []
    forth = gram._Recorded._forth
    monkeypatch.setattr(
        gram._Recorded, "_forth", lambda self, *more: recorded.append(self) or forth(self, *more)
    )
    shelf, arrays = Shelf(mx.cpu()), [nd.array(maps((1, 8, 4, 4))) for _ in range(2)]
    for _ in range(3):
        found = [products(array, shelf).asnumpy() for array in arrays]
    assert len(recorded) == 2
    assert np.array_equal(*found)
    assert shelf.bytes == arrays[0].size * 4  # what went forth, and nothing else
    assert not shelf._lent
    shelf.clear()
    products(arrays[0], shelf)
    assert len(recorded) == 3


def test_what_was_found_stays_when_the_array_is_written_over():
    shelf, array = Shelf(mx.cpu()), nd.array(maps((1, 8, 4, 4)))
    first = products(array, shelf)
    before = first.asnumpy()
    array[:] = 0
    assert not products(array, shelf).asnumpy().any()
    assert np.array_equal(first.asnumpy(), before)


ARRAY, STYLE = drawn(3), drawn(2)


@pytest.fixture
def loss():
    return style_loss(GRAM, STYLE, weight=0.7, relative=False)


def test_the_loss_is_the_mean_square_between_gram_matrices(loss):
    grams = [flat @ flat.T / flat.size for flat in (a.reshape(5, -1) for a in (ARRAY, STYLE))]
    expected = 0.7 * np.mean((grams[0] - grams[1]) ** 2)
    assert at_once(loss, ARRAY)[0] == pytest.approx(expected, rel=1e-4)
    relative = style_loss(GRAM, STYLE, weight=0.7)
    expected /= np.mean(grams[1] ** 2)
    assert at_once(relative, ARRAY)[0] == pytest.approx(expected, rel=1e-4)


def test_maps_may_come_tile_by_tile(loss):
    (value, slope), (found, gradient) = at_once(loss, ARRAY), in_tiles(loss, ARRAY)
    assert found == pytest.approx(value, rel=1e-5)
    assert error(gradient, slope) < 1e-5


def test_the_gradient_is_the_slope_of_the_value(loss):
    way = drawn(4) / 100
    ahead, behind = (at_once(loss, ARRAY + sign * way)[0] for sign in (1, -1))
    slope = float((at_once(loss, ARRAY)[1] * way).sum())
    assert (ahead - behind) / 2 == pytest.approx(slope, rel=0.02)
