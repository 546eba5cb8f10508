from __future__ import annotations

import numpy as np
import pytest

from engine.adam import Adam
from engine.mx import nd


def test_the_first_step_is_the_learning_rate_long_whatever_the_scale_of_the_loss():
    for scale in (1e-9, 1.0, 1e6):
        moved = Adam(10.0).step(nd.zeros((1, 3, 4, 4)), scale * nd.ones((1, 3, 4, 4)))
        assert moved.asnumpy() == pytest.approx(-10.0, rel=1e-3)


def test_it_finds_the_bottom_of_a_bowl():
    x, optimizer = nd.zeros((1, 3, 4, 4)), Adam(5.0)
    for _ in range(300):
        x = optimizer.step(x, x - 100)
    assert x.asnumpy() == pytest.approx(100, abs=2)


def test_a_restored_optimiser_takes_the_same_steps():
    x, optimizer = nd.zeros((1, 3, 4, 4)), Adam(5.0)
    for _ in range(5):
        x = optimizer.step(x, x - 100)
    other = Adam(1.0)
    other.restore(optimizer.state(), x)
    ours, theirs = optimizer.step(x, x - 100), other.step(x, x - 100)
    assert np.array_equal(ours.asnumpy(), theirs.asnumpy())


def test_gentler_is_a_third():
    optimizer = Adam(9.0)
    optimizer.gentler()
    assert optimizer.step(nd.zeros((1, 3, 4, 4)), nd.ones((1, 3, 4, 4))).asnumpy() == (
        pytest.approx(-3.0, rel=1e-3)
    )
