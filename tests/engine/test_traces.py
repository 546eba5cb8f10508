"""Traces lead back to the same gradients as records do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from engine import Recipe
from engine.layers import chain_to
from engine.mx import mx, nd
from engine.traces import Signs

CHAIN = tuple(chain_to("conv5_1"))
FAR = CHAIN[CHAIN.index("conv4_1") :]


@given(arrays(np.float32, array_shapes(max_side=9), elements=st.floats(0, 2, width=32)))
def test_signs_tell_where_there_was_something(values):
    signs = Signs(nd.array(values)).laid(mx.cpu())
    assert signs.dtype == np.float32
    np.testing.assert_array_equal(signs.asnumpy(), values > 0)


@pytest.mark.weights
@pytest.mark.parametrize("wanted", [("conv5_1",), ("conv4_2", "conv5_1"), ("conv4_1", "pool4")])
@pytest.mark.parametrize("size", [(12, 16), (13, 9)])
def test_the_way_back_is_that_of_a_record(painter, wanted, size):
    """With sides that cannot be halved too."""
    layers = FAR[: FAR.index(wanted[-1]) + 1]
    source = nd.array(np.random.default_rng(1).uniform(0, 200, (1, 256, *size)))
    found = []
    for way in (painter.network.passage, painter.network.traces):
        crossing = way(layers, wanted, Recipe())
        values = {name: maps.asnumpy() for name, maps in crossing.forth(source, record=True)}
        slopes = {name: nd.array(np.cos(value)) for name, value in values.items()}
        found.append((values, crossing.back(lambda name, _, slopes=slopes: slopes[name]).asnumpy()))
    (right, record), (values, traced) = found
    for name in wanted:
        np.testing.assert_allclose(values[name], right[name], rtol=1e-4, atol=1e-3)
    assert traced.shape == record.shape
    assert np.linalg.norm(traced - record) < 1e-4 * np.linalg.norm(record)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("layers", "pooling", "why"), [(FAR, "max", "maximum"), (CHAIN, "avg", "first convolution")]
)
def test_what_traces_are_not_enough_for_is_refused(painter, layers, pooling, why):
    with pytest.raises(ValueError, match=why):
        painter.network.traces(layers, {"conv5_1"}, Recipe(pooling=pooling))
