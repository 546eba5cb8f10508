"""What steps have told of the curvature is used for the next one."""

from __future__ import annotations

import numpy as np
import pytest

from engine.curvature import Curvature
from engine.mx import mx, nd
from engine.wavelets import Wavelets

SIZE = (32, 64)  # halved five times without a margin
LENGTH = 3 * SIZE[0] * SIZE[1]


@pytest.fixture
def wavelets():
    return Wavelets(SIZE, mx.cpu())


def noise(seed):
    return nd.array(np.random.default_rng(seed).normal(size=LENGTH).astype(np.float32))


def bent(wavelets, step):
    """A change of gradient where each band is stiffer by four than the next coarser one."""
    bands = wavelets.forth(step)
    return wavelets.back([band * 4.0**-number for number, band in enumerate(bands)])


def test_bands_are_scaled_by_the_inverse_of_their_curvature(wavelets):
    steps = [noise(seed) for seed in range(4)]
    curvature = Curvature(wavelets, steps, [bent(wavelets, step) for step in steps])
    unseen = noise(9)
    found = curvature.scaled(bent(wavelets, unseen))
    assert np.allclose(found.asnumpy(), unseen.asnumpy(), rtol=1e-3, atol=1e-4)


def test_where_it_is_stiff_gradients_are_scaled_down(wavelets):
    place = np.ones((3, *SIZE), np.float32)
    place[:, :, 32:] = 10
    stiff = nd.array(place.ravel())
    steps = [noise(seed) for seed in range(8)]
    curvature = Curvature(wavelets, steps, [stiff * step for step in steps])
    found = np.abs(curvature.scaled(noise(9)).asnumpy().reshape(3, *SIZE)).mean(axis=(0, 1))
    assert found[4:28].mean() > 2 * found[36:].mean()


def test_it_is_symmetric_and_positive(wavelets):
    curvature = Curvature(wavelets, [noise(1)], [noise(2)])
    one, other = noise(3), noise(4)
    crossed = [
        float(nd.dot(a, curvature.scaled(b)).asscalar()) for a, b in ((one, other), (other, one))
    ]
    assert crossed[0] == pytest.approx(crossed[1], rel=1e-3)
    own = float(nd.dot(one, curvature.scaled(one)).asscalar())
    assert own > 0
    assert curvature.squared(one) == pytest.approx(own, rel=1e-4)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_a_band_in_which_nothing_happened_is_scaled_as_the_others_are(wavelets, unit):
    flat = nd.ones((LENGTH,))
    curvature = Curvature(wavelets, [flat], [flat * 2 * unit])
    found = curvature.scaled(noise(1) * unit).asnumpy()
    assert np.allclose(found, noise(1).asnumpy() / 2, rtol=1e-3, atol=1e-4)
