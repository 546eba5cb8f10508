"""The network in low precisions: how they round, and that nothing leaves float16's range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import Recipe, gram, pyramid
from engine.layers import chain_to, channels_of
from engine.mx import mx, nd
from engine.objective import Objective
from engine.precision import BFLOAT16, FLOAT16, FLOAT32, Carried, Precision
from engine.selfcheck import SelfCheck
from engine.stages import Tiling
from engine.style_statistics import style_statistics
from engine.tiles import Grid
from engine.vgg import Vgg
from engine.weights import load
from tests.engine.rounding import emulate, needs_bfloat16

SCALED = Precision("scaled float32", "float32", 4, scale=2.0**-3, narrow=True)
CUT = Tiling(Grid(2, 1), Grid(1, 2))
TRACED = replace(CUT, traced=frozenset({"conv2_2", "conv4_1"}))

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def network(weights):
    return lambda precision: Vgg(load(weights.parent), mx.cpu(), precision)


@pytest.fixture
def evaluated(photo, style):
    """Gives loss and gradient of a network: whole or in tiles, as a recipe says."""
    content, pattern = (pyramid.resized(each, (96, 112)) for each in (photo, style))
    noise = np.random.default_rng(0).uniform(0, 255, content.shape)
    image = (0.7 * content + 0.3 * noise).astype(np.float32)
    return lambda one, tiling=None, **recipe: evaluate(
        one, (content, pattern, image), Recipe(**recipe), tiling
    )


def evaluate(one, pictures, recipe, tiling):
    content, style, image = (one.to_device(each) for each in pictures)
    known = style_statistics(one, style, recipe, tiling)
    loss, gradient = Objective(one, content, known, recipe, tiling).evaluate(image)
    return loss.total, gradient.asnumpy()


@pytest.fixture
def rounding(monkeypatch):
    emulate(monkeypatch)


def distance(found, right):
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))


def test_float32_casts_nothing(painter):
    maps = nd.ones((1, 2, 3, 3))
    for step in (FLOAT32.lowered, FLOAT32.raised, FLOAT32.read, FLOAT32.entering):
        assert step(maps) is maps
    assert painter.network.precision is FLOAT32


@pytest.mark.parametrize("precision", [BFLOAT16, FLOAT16])
def test_there_and_back_a_value_is_rounded_alone(precision):
    values = np.array([0, 1, -3, 0.1, 1000.7], np.float32)
    low = precision.lowered(nd.array(values))
    assert precision.lowered(low) is low
    found = precision.raised(low)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.asnumpy(), values, rtol=2**-8)


@pytest.mark.parametrize(
    ("pooling", "tiling"),
    [("avg", None), ("avg", CUT), ("avg", TRACED), ("max", None), ("max", CUT)],
    ids=["whole", "tiles", "traces", "whole, maximum", "tiles, maximum"],
)
def test_scales_alone_change_nothing(painter, network, evaluated, pooling, tiling):
    right = evaluated(painter.network, tiling, pooling=pooling)
    found = evaluated(network(SCALED), tiling, pooling=pooling)
    assert found[0] == pytest.approx(right[0], rel=1e-5)
    assert distance(found[1], right[1]) < 1e-5


@pytest.mark.parametrize(
    ("precision", "bounds"), [(FLOAT16, (0.002, 0.04)), (BFLOAT16, (0.015, 0.1))]
)
@pytest.mark.usefixtures("rounding")
def test_rounding_costs_little(painter, network, evaluated, precision, bounds):
    right, low = evaluated(painter.network), network(precision)
    for tiling in (None, CUT, TRACED):
        found = evaluated(low, tiling)
        assert found[0] == pytest.approx(right[0], rel=bounds[0])
        assert 0 < distance(found[1], right[1]) < bounds[1]


@pytest.mark.parametrize(
    ("low", "measured"),
    [
        ((BFLOAT16, None), ["conv1_1", "conv3_1"]),  # conv2_1 is compared as well
        ((BFLOAT16, Tiling(shelved=True)), ["conv1_1", "conv3_1"]),
        ((BFLOAT16, CUT), []),
        ((BFLOAT16, TRACED), []),
        ((FLOAT16, None), []),
    ],
)
@pytest.mark.usefixtures("rounding")
def test_what_the_style_alone_asks_for_is_measured_as_it_is(
    network, evaluated, monkeypatch, low, measured
):
    (precision, tiling), seen = low, []

    class Noted(gram._Recorded):
        def __init__(self, maps, shelf):
            seen.append(maps.shape[1])
            super().__init__(maps, shelf)

    by_the_way_back = gram._by_the_way_back
    monkeypatch.setattr(
        "engine.gram._by_the_way_back",
        lambda maps: seen.append(maps.shape[1]) or by_the_way_back(maps),
    )
    monkeypatch.setattr("engine.gram._Recorded", Noted)
    taps = dict.fromkeys(("conv1_1", "conv2_1", "conv3_1"), 1.0)
    evaluated(network(precision), tiling, style_layers=taps, content_layers={"conv2_1": 1.0})
    assert list(dict.fromkeys(seen)) == [channels_of(name) for name in measured]


@pytest.mark.parametrize(
    "kinds", [["wasserstein"], ["histogram"], ["gram", "wasserstein"], ["gram", "histogram"]]
)
@pytest.mark.usefixtures("rounding")
def test_where_another_loss_needs_float32_all_are_measured_in_that(
    network, evaluated, monkeypatch, kinds
):
    seen = []
    monkeypatch.setattr("engine.gram._by_the_way_back", lambda *_: seen.append(kinds))
    evaluated(network(BFLOAT16), style_loss=dict.fromkeys(kinds, 1.0))
    assert not seen


@pytest.mark.parametrize(
    ("precision", "tiling"),
    [(FLOAT16, None), (BFLOAT16, None), (BFLOAT16, Tiling(shelved=True)), (BFLOAT16, TRACED)],
)
@pytest.mark.parametrize("kind", ["gram", "wasserstein", "histogram"])
@pytest.mark.usefixtures("rounding")
def test_each_style_loss_bears_rounding(network, evaluated, precision, tiling, kind):
    asked = {"style_loss": {kind: 1.0}, "content_weight": 0.0}
    right = evaluated(network(FLOAT32), **asked)
    found = evaluated(network(precision), tiling, **asked)
    assert found[0] == pytest.approx(right[0], rel=0.02)
    assert distance(found[1], right[1]) < 0.15


@pytest.mark.parametrize("precision", [FLOAT16, BFLOAT16])
@pytest.mark.usefixtures("rounding")
def test_rounding_passes_the_self_check(painter, network, precision):
    assert SelfCheck(painter.network).fault(network(precision)) == ""


def test_no_maps_leave_the_range_of_float16(painter):
    """Noise that leaves 0 to 255 by far has the largest maps of all that were tried."""
    wild = np.random.default_rng(0).uniform(-300, 555, (64, 64, 3))
    layers = chain_to("conv5_4")
    passage = painter.network.passage(layers, layers, Recipe(pooling="max"))
    forth = passage.forth(painter.to_device(wild), record=False)
    most = max(float(maps.max().asscalar()) for _, maps in forth)
    assert 10_000 < most < np.finfo(np.float16).max / FLOAT16.scale / 5


def test_a_gradient_that_float16_cannot_hold_arrives_all_the_same():
    own = nd.array(np.random.default_rng(0).normal(0, 1e-9, (1, 2, 4, 4)), dtype="float32")
    plain, carried = (Carried(replace(FLOAT16, narrow=narrow)) for narrow in (False, True))
    for each in (plain, carried):
        each.add(own)
        each.pass_on(each.values * 4)
        each.add(own * 10)
    np.testing.assert_allclose(carried.arrived().asnumpy(), own.asnumpy() * 14, rtol=2e-3)
    assert distance(plain.arrived().asnumpy(), own.asnumpy() * 14) > 0.5


def test_no_gradient_at_all_stays_none():
    carried = Carried(FLOAT16)
    carried.add(nd.zeros((1, 2, 3, 3)))
    assert not carried.arrived().asnumpy().any()


@needs_bfloat16
def test_bfloat16_on_a_processor_that_has_it(painter, network, evaluated):
    right, low = evaluated(painter.network), network(BFLOAT16)
    for tiling in (None, CUT, TRACED):
        found = evaluated(low, tiling)
        assert found[0] == pytest.approx(right[0], rel=0.02)
        assert distance(found[1], right[1]) < 0.15
