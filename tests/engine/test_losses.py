"""What losses share: channels mixed, energies, weights."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.losses import Aim, energy, mixed, shifted
from engine.mx import nd
from engine.precision import BFLOAT16, FLOAT32, raised
from tests.engine.near import near
from tests.engine.rounding import emulate, needs_bfloat16
from tests.engine.tap_losses import error


def maps(seed, shape=(1, 5, 6, 7)):
    return np.random.default_rng(seed).normal(0, 10, shape)


def test_energy_is_the_mean_square_and_never_nothing():
    array = maps(1)
    assert energy(nd.array(array)) == pytest.approx(np.mean(array**2), rel=1e-5)
    assert energy(nd.zeros((2, 2))) > 0


FATAL_SIZE = """
import numpy as np
from engine.losses import mixed, shifted
from engine.mx import nd
matrix = nd.array(np.random.default_rng(0).normal(size=(64, 64)))
picture = nd.random.normal(shape=(1, 3, 1024, 1024))
kernel = nd.random.normal(shape=(64, 3, 3, 3))
# In oneDNN's layout, as a convolution leaves it.
maps = nd.Convolution(picture, kernel, kernel=(3, 3), pad=(1, 1), num_filter=64, no_bias=True)
found = mixed(maps, matrix)
right = nd.dot(matrix, maps.reshape((64, -1))).reshape(maps.shape)
worst = float(nd.max(nd.abs(found - right)).asscalar())
shift = matrix[0]
again = shifted(found, shift)
found += shift.reshape((1, -1, 1, 1))
print(max(worst, float(nd.max(nd.abs(found - again)).asscalar())))
"""


def test_maps_of_a_size_that_ends_the_process_forward_are_mixed_and_shifted():
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
    assert found.asnumpy() == near(right, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("emulated", [pytest.param(False, marks=needs_bfloat16), True])
@pytest.mark.parametrize("low", [FLOAT32, BFLOAT16], ids=lambda each: each.name)
def test_each_channel_is_shifted_by_its_own(emulated, low, monkeypatch):
    if emulated:
        emulate(monkeypatch)
    given_maps = low.lowered(nd.array(maps(1, (1, 64, 8, 9))))
    before, shift = raised(given_maps).asnumpy(), maps(3, (64,))
    out = nd.empty(given_maps.shape, dtype=given_maps.dtype)
    for found in (
        shifted(given_maps, nd.array(shift)),
        shifted(given_maps, nd.array(shift), out),
    ):
        assert found.dtype == given_maps.dtype
        right = before + shift.reshape(1, -1, 1, 1)
        assert error(raised(found).asnumpy(), right) < (0.005 if low is BFLOAT16 else 1e-6)
    assert found is out
    assert np.array_equal(raised(given_maps).asnumpy(), before)


@given(
    st.lists(st.floats(0.1, 10), min_size=1, max_size=3),
    st.sampled_from(["relative", "classic"]),
)
def test_a_weight_is_over_the_energy_if_that_is_asked_for(numbers, normalization):
    weight, energy_of_it = numbers[0], numbers[-1]
    aim = Aim(weight, normalization == "relative", 1, nd.array)
    expected = weight / energy_of_it if normalization == "relative" else weight
    assert aim.factor(energy_of_it) == pytest.approx(expected)
