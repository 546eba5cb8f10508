from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mx import mx, nd
from engine.sums import along_rows, total

SHAPES = st.lists(st.integers(1, 40), min_size=2, max_size=4).map(tuple)


@given(SHAPES, st.integers(0, 2**32 - 1))
def test_sums_are_those_of_numpy(shape: tuple[int, ...], seed: int) -> None:
    values = np.random.default_rng(seed).normal(1, 3, shape).astype(np.float32)
    given_values = nd.array(values, ctx=mx.cpu())
    exact = values.astype(np.float64)
    most = 4e-7 * math.sqrt(shape[-1]) * np.abs(exact).sum()
    assert along_rows(given_values).shape == (*shape[:-1], 1)
    assert np.abs(along_rows(given_values).asnumpy()[..., 0] - exact.sum(-1)).max() <= most
    assert float(total(given_values).asscalar()) == pytest.approx(exact.sum(), abs=most)


def test_a_long_sum_is_exact_to_float32() -> None:
    values = np.random.default_rng(0).uniform(0, 255, (512, 64, 64)).astype(np.float32)
    found = float(total(nd.array(values)).asscalar())
    assert found == pytest.approx(values.astype(np.float64).sum(), rel=2e-7)
