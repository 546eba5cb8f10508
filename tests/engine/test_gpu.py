"""On a real card, where there is one that MXNet can use; everywhere else these are skipped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import Painting, Recipe
from engine.device import choose
from engine.mx import mx
from engine.painter import Painter
from engine.placing import place
from engine.selfcheck import SelfCheck
from engine.sources import Sources
from engine.weights import load

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.weights,
    pytest.mark.skipif(mx.context.num_gpus() == 0, reason="MXNet sees no GPU here"),
]

RECIPE = Recipe(size=128, scales=(1.0,), iterations=(6,))


@pytest.fixture(autouse=True)
def _usable_card() -> None:
    device = choose("auto")
    if device.context.device_type != "gpu":
        pytest.skip(device.report.reason)


@pytest.fixture
def paint(photo, style):
    def paint(painter, recipe=RECIPE):
        *_, painting = painter.paint(Sources.of(photo, style), recipe)
        assert isinstance(painting, Painting)
        return painting

    return paint


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_card_passes_the_self_check(weights, painter, precision):
    placed = place(load(weights.parent), "gpu", precision)
    assert placed.report.precision == precision
    assert f"{precision} passed a self-check" in placed.report.reason
    assert SelfCheck(painter.network).fault(placed.network) == ""


def test_the_fastest_precision_is_chosen(weights):
    device = Painter(weights.parent, "gpu").device
    assert device.precision == "float16", device.reason


@pytest.mark.parametrize(("precision", "near"), [("float32", 0.01), ("float16", 0.05)])
def test_a_picture_is_the_one_that_the_processor_paints(weights, painter, paint, precision, near):
    card = Painter(weights.parent, "gpu", precision=precision)
    found, right = (paint(each) for each in (card, painter))
    assert found.device.precision == precision
    assert found.loss.total == pytest.approx(right.loss.total, rel=near)
    assert np.abs(found.picture - right.picture).mean() < 4  # of 255


def test_the_plan_goes_by_the_card_s_memory(weights):
    painter = Painter(weights.parent, "gpu")
    free, total = mx.context.gpu_memory_info(0)
    size = (256, 256)
    plan = painter.plan(size, [size], Recipe(size=256))
    assert total - free - 2**30 < plan.bytes < total


def test_it_steps_down_when_the_memory_is_full(weights, paint, monkeypatch):
    painter = Painter(weights.parent, "gpu", precision="float32")
    recipe = RECIPE.model_copy(update={"size": 1024, "iterations": (2,)})
    # As if all of the card were free, while a block of it is taken.
    plan = painter.plan((768, 1024), [(768, 1024)], recipe)
    monkeypatch.setattr(painter, "plan", lambda *_: replace(plan, maps=2**60))
    free, _ = mx.context.gpu_memory_info(0)
    left = plan.maps // 2 + 2**29  # for the optimiser, and a place to work in
    block = mx.nd.empty((max(free - left, 4) // 4,), ctx=mx.gpu(0))
    block[:1] = 0
    block.wait_to_read()
    assert paint(painter, recipe).tiles > 1
