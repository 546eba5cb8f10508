"""The Wasserstein loss against float64 and roots by eigenvalues, wherever these may lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.mx import mx, nd
from engine.precision import BFLOAT16, raised
from engine.shelf import Shelf
from engine.wasserstein import _STEPS, WASSERSTEIN, carrying
from tests.engine.rounding import emulate, needs_bfloat16
from tests.engine.tap_losses import (
    at_once,
    error,
    in_tiles,
    laid,
    loss_of,
    maps,
    statistics,
    style_loss,
    whole,
)

SHAPES = [(1, 5, 6, 7), (1, 16, 20, 30), (1, 64, 24, 24), (1, 64, 5, 6)]
"""The last with fewer positions than channels."""


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def moments(array, ridge):
    rows = array.astype(np.float64).reshape(array.shape[1], -1)
    return rows.mean(1), np.cov(rows, bias=True) + ridge * np.eye(len(rows))


def reference(array, style, ridge):
    """Squared distance over the number of channels."""
    products = np.square(array.astype(np.float64)).mean((0, 2, 3)).sum()
    mean, own = moments(array, max(ridge, 1e-6 * products))
    target_mean, target = moments(style, ridge)
    half = root(target)
    between = np.trace(own) + np.trace(target) - 2 * np.trace(root(half @ own @ half))
    return (np.sum((mean - target_mean) ** 2) + between) / len(mean)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.01, 10, 1000])
def test_it_is_the_distance_of_normal_distributions(shape, scale):
    array, style = maps(3, shape, scale), maps(2, shape, scale)
    loss = style_loss(WASSERSTEIN, style, weight=0.7, relative=False)
    expected = 0.7 * reference(array, style, loss.ridge)
    assert at_once(loss, array)[0] == pytest.approx(expected, rel=1e-4)


def test_relative_is_over_a_quarter_of_the_mean_square_of_the_style():
    array, style = maps(3, SHAPES[1]), maps(2, SHAPES[1])
    plain, relative = (
        at_once(style_loss(WASSERSTEIN, style, relative=each), array)[0] for each in (False, True)
    )
    assert relative == pytest.approx(4 * plain / np.mean(style.astype(np.float64) ** 2), rel=1e-4)


def test_from_nothing_it_is_as_far_as_the_style_has_energy():
    style = maps(2, SHAPES[2])
    value, _ = at_once(style_loss(WASSERSTEIN, style, relative=False), np.zeros_like(style))
    assert value == pytest.approx(np.mean(style**2), rel=0.2)  # but for the ridge


def test_the_style_may_have_another_size():
    style, array = maps(2, (1, 16, 20, 30)), maps(3, (1, 16, 11, 8))
    loss = style_loss(WASSERSTEIN, style, array.size, relative=False)
    expected = reference(array, style, loss.ridge)
    assert at_once(loss, array)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_is_the_slope_of_the_formula(shape):
    """By differences of the formula in float64: those of the loss would show its own rounding."""
    array, style = maps(3, shape), maps(2, shape)
    loss = style_loss(WASSERSTEIN, style, relative=False)
    _, gradient = at_once(loss, array)
    for seed in range(3):
        way = np.random.default_rng(seed).normal(0, 1e-3, shape) + 1e-3 * gradient / gradient.std()
        ahead, behind = (
            reference(array.astype(np.float64) + sign * way, style, loss.ridge) for sign in (1, -1)
        )
        slope = float((gradient * way).sum())
        assert slope == pytest.approx((ahead - behind) / 2, rel=2e-3)


@pytest.mark.parametrize("shape", SHAPES[:3])
def test_maps_may_come_tile_by_tile(shape):
    loss, array = style_loss(WASSERSTEIN, maps(2, shape)), maps(3, shape)
    (value, slope), (found, gradient) = at_once(loss, array), in_tiles(loss, array)
    assert found == pytest.approx(value, rel=1e-5)
    assert error(gradient, slope) < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_the_style_is_no_distance_from_itself(shape):
    loss, style = style_loss(WASSERSTEIN, maps(2, shape)), maps(2, shape)
    value, gradient = at_once(loss, style)
    assert abs(value) < 4e-6
    _, elsewhere = at_once(loss, maps(3, shape))
    assert np.linalg.norm(gradient) < 1e-3 * np.linalg.norm(elsewhere)


def test_against_its_gradient_the_maps_come_to_the_style():
    """One whole step of least squares carries mean and covariance where they should be."""
    array, style = maps(3, (1, 8, 30, 30)), maps(2, (1, 8, 30, 30))
    loss = style_loss(WASSERSTEIN, style, relative=False)
    _, gradient = at_once(loss, array)
    carried = array - gradient * (array.size / 2)
    (mean, covariance), (right_mean, right) = moments(carried, 0), moments(style, 0)
    assert error(mean, right_mean) < 1e-4
    assert error(covariance, right) < 0.02  # the ridge is in between


KINDS = st.sampled_from(["any", "blank", "constant", "alike", "one channel", "other scale"])


def odd(kind, seed, shape, scale):
    """Maps whose covariance lacks ranks, or all."""
    found = maps(seed, shape, scale)
    if kind == "blank":
        found[:] = 0
    elif kind == "constant":
        found[:] = found[:, :, :1, :1]
    elif kind == "alike":
        found[:] = found[:, :1]
    elif kind == "one channel":
        found[:, 1:] = 0
    elif kind == "other scale":
        found *= 300
    return found


@settings(deadline=None)
@given(
    st.tuples(st.just(1), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12)),
    st.floats(-3, 3.5),
    st.tuples(KINDS, KINDS),
    st.integers(0, 2**16),
)
@example((1, 1, 5, 11), 0.0, ("constant", "blank"), 1)
def test_whatever_the_maps_are_value_and_gradient_are_finite(shape, power, kinds, seed):
    array, style = (odd(kind, seed + number, shape, 10**power) for number, kind in enumerate(kinds))
    loss = style_loss(WASSERSTEIN, style)
    value, gradient = at_once(loss, array)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # What it is measured in, and what is left of digits.
    energy = max(np.mean(style.astype(np.float64) ** 2), 1e-12) / 4
    both = np.mean(array.astype(np.float64) ** 2) + np.mean(style.astype(np.float64) ** 2)
    expected = reference(array, style, loss.ridge)
    assert value * energy == pytest.approx(expected, rel=1e-3, abs=1e-4 * (both + energy))


@settings(deadline=None)
@given(st.integers(1, 64), st.floats(-4, 8), st.floats(0, 3.5), st.integers(0, 2**16))
def test_one_covariance_is_carried_to_the_other(channels, power, spread, seed):
    generator = np.random.default_rng(seed)

    def covariance(scale):
        vectors, _ = np.linalg.qr(generator.normal(size=(channels, channels)))
        values = 10 ** generator.uniform(-spread, 0, channels)
        return (vectors * (values * scale)) @ vectors.T

    own, target = covariance(10**power), covariance(1.0)
    there, back = (each.asnumpy() for each in carrying(laid(own), laid(target)))
    assert np.array_equal(there, there.T)
    assert error(there @ own @ there, target) < 5e-3
    assert error(there @ back, np.eye(channels)) < 5e-3 * 10 ** (spread / 2)


@given(st.floats(1e-4, 1.0))
def test_the_steps_bring_each_eigenvalue_to_one(value):
    for own, other in _STEPS:
        value = value * (own - other * value**2)
        assert 0 < value < 1.001
    assert value == pytest.approx(1, abs=1e-6)


def test_covariances_of_several_styles_are_blended_as_arrays():
    styles = [maps(seed, (1, 6, 12, 12)) for seed in (2, 3)]
    parts = [statistics(WASSERSTEIN, style) for style in styles]
    blended = {name: (parts[0][name] + 3 * parts[1][name]) / 4 for name in parts[0]}
    loss = loss_of(WASSERSTEIN, blended, styles[0].size)
    values = [at_once(loss, style)[0] for style in styles]
    apart = at_once(style_loss(WASSERSTEIN, styles[1]), styles[0])[0]
    assert 0 < values[1] < values[0] < apart


@pytest.fixture(params=[pytest.param(False, marks=needs_bfloat16), True])
def narrow(request, monkeypatch):
    if request.param:
        emulate(monkeypatch)
    return BFLOAT16.lowered


def test_maps_of_bfloat16_are_measured_in_float32_and_pulled_as_they_are(narrow):
    shape = (1, 64, 24, 24)
    style, array = maps(2, shape), raised(narrow(nd.array(maps(3, shape)))).asnumpy()
    loss = style_loss(WASSERSTEIN, style)
    value, gradient = at_once(loss, array)
    given_maps = narrow(nd.array(array))
    found, pull = loss.conclude(loss.measure(given_maps, whole(array)))
    assert float(found.asscalar()) == pytest.approx(value, rel=1e-6)
    pulled = loss.pull(given_maps, whole(array), pull)
    assert pulled.dtype == given_maps.dtype
    assert error(raised(pulled).asnumpy(), gradient) < 0.01


def test_the_gradient_is_from_the_shelf():
    shelf = Shelf(mx.cpu())
    array = maps(3)
    loss = style_loss(WASSERSTEIN, maps(2), shelf=shelf)
    _, pull = loss.conclude(loss.measure(nd.array(array), whole(array)))
    gradient = loss.pull(nd.array(array), whole(array), pull)
    assert shelf.bytes == 4 * array.size  # what was mixed before it was shifted
    shelf.put(gradient)
    assert shelf.bytes == 2 * 4 * array.size
