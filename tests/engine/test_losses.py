"""Each loss against its formula and its gradient against finite differences."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from engine.gram import products
from engine.losses import ContentLoss, StyleLoss, TotalVariation, cut, energy, mixed
from engine.mx import nd


def maps(seed, shape=(1, 5, 6, 7)):
    return np.random.default_rng(seed).normal(0, 10, shape)


def gram(array):
    return products(array) / array.size


def test_energy_is_the_mean_square_and_never_nothing():
    array = maps(1)
    assert energy(nd.array(array)) == pytest.approx(np.mean(array**2), rel=1e-5)
    assert energy(nd.zeros((2, 2))) > 0


FATAL_SIZE = """
import numpy as np
from engine.losses import mixed
from engine.mx import nd
matrix = nd.array(np.random.default_rng(0).normal(size=(64, 64)))
picture = nd.random.normal(shape=(1, 3, 1024, 1024))
kernel = nd.random.normal(shape=(64, 3, 3, 3))
# In oneDNN's layout, as a convolution leaves it.
maps = nd.Convolution(picture, kernel, kernel=(3, 3), pad=(1, 1), num_filter=64, no_bias=True)
found = mixed(maps, matrix)
right = nd.dot(matrix, maps.reshape((64, -1))).reshape(maps.shape)
print(float(nd.max(nd.abs(found - right)).asscalar()))
"""


def test_maps_of_a_size_that_ends_the_process_forward_are_mixed():
    # A convolution of 1x1 forward: with AVX-512 oneDNN 2.4 divides by an overflowed product there.
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FATAL_SIZE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert float(run.stdout) < 1e-2


def test_mixing_is_a_product_of_matrices():
    array, matrix = maps(7, (1, 4, 7, 3)), maps(8, (4, 4))
    right = np.einsum("ck,nkhw->nchw", matrix, array)
    found = mixed(nd.array(array), nd.array(matrix))
    assert found.asnumpy() == pytest.approx(right, rel=1e-4, abs=1e-3)


WHOLE = (slice(0, 6), slice(0, 7))


def at_once(loss):
    """A tap's loss on maps that come in one piece."""

    def call(array):
        value, pull = loss.conclude(loss.measure(array, WHOLE))
        return value, loss.pull(array, WHOLE, pull)

    return call


def tap_losses():
    target = nd.array(maps(2))
    return {
        "content": ContentLoss(target, 0.7),
        "style": StyleLoss(gram(target), 0.7, target.size),
    }


def losses():
    return {
        **{name: at_once(loss) for name, loss in tap_losses().items()},
        "tv": TotalVariation(0.7),
    }


@pytest.mark.parametrize("name", ["content", "style"])
def test_maps_may_come_tile_by_tile(name):
    loss, array = tap_losses()[name], nd.array(maps(3))
    places = [(rows, columns) for rows in (slice(0, 2), slice(2, 6))
              for columns in (slice(0, 3), slice(3, 4), slice(4, 7))]  # fmt: skip
    total = sum(loss.measure(cut(array, place), place) for place in places)
    value, pull = loss.conclude(total)
    expected, slope = at_once(loss)(array)
    assert value.asnumpy() == pytest.approx(expected.asnumpy(), rel=1e-5)
    for place in places:
        found = loss.pull(cut(array, place), place, pull)
        assert found.asnumpy() == pytest.approx(cut(slope, place).asnumpy(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["content", "style", "tv"])
def test_the_gradient_is_the_slope_of_the_value(name):
    loss, array = losses()[name], maps(3)
    _, gradient = loss(nd.array(array))
    way = maps(4) / 100
    ahead, behind = (float(loss(nd.array(array + s * way))[0].asscalar()) for s in (1, -1))
    slope = float((gradient.asnumpy() * way).sum())
    assert (ahead - behind) / 2 == pytest.approx(slope, rel=0.02)


def test_each_value_is_its_formula():
    array, target = maps(3), maps(2)
    found = {name: float(loss(nd.array(array))[0].asscalar()) for name, loss in losses().items()}
    assert found["content"] == pytest.approx(0.7 * np.mean((array - target) ** 2), rel=1e-4)
    grams = [flat @ flat.T / flat.size for flat in (a.reshape(5, -1) for a in (array, target))]
    assert found["style"] == pytest.approx(0.7 * np.mean((grams[0] - grams[1]) ** 2), rel=1e-3)
    lengths = (np.sqrt(np.diff(array, axis=axis) ** 2 + 1).mean() for axis in (2, 3))
    assert found["tv"] == pytest.approx(0.7 * 0.5 * sum(lengths) / 255, rel=1e-4)
