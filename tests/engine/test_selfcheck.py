"""The self-check tells a network that computes as it should from one that does not."""

from __future__ import annotations

import pytest

from engine.entry import Entry
from engine.mx import mx
from engine.precision import BFLOAT16, FLOAT16
from engine.selfcheck import GRADIENT_BOUND, SelfCheck
from engine.vgg import Vgg
from engine.weights import load

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def check(painter):
    return SelfCheck(painter.network)


def fresh(weights):
    return Vgg(load(weights.parent), mx.cpu())


def test_a_good_network_passes(check, painter):
    assert check.fault(painter.network) == ""


@pytest.mark.parametrize("factor", [-1.0, 0.0, float("nan")])
@pytest.mark.parametrize("layer", ["conv1_2", "conv5_1"])
def test_wrong_weights_do_not(check, weights, layer, factor):
    spoilt = fresh(weights)
    kernel, bias = spoilt._parameters[layer]
    spoilt._parameters[layer] = kernel * factor, bias
    assert "wrong results in a self-check" in check.fault(spoilt)


def test_a_layer_that_is_too_strong_does_not(check, weights):
    spoilt = fresh(weights)
    kernel, bias = spoilt._parameters["conv1_2"]
    spoilt._parameters["conv1_2"] = kernel * 1.1, bias * 1.1
    assert "wrong results in a self-check" in check.fault(spoilt)


def test_a_wrong_gradient_does_not(check, painter, monkeypatch):
    right = Entry.back
    factor = 1 + 2 * GRADIENT_BOUND

    def too_steep(entry, *given):
        return right(entry, *given) * factor

    monkeypatch.setattr(Entry, "back", too_steep)
    assert "gradient by 30 %" in check.fault(painter.network)


@pytest.mark.parametrize("precision", [FLOAT16, BFLOAT16])
def test_what_mxnet_cannot_compute_is_said_in_a_line(check, weights, precision, monkeypatch):
    def refuses(*_, **__):
        raise mx.MXNetError("Traceback\n  engine\nMXNetError: not on this machine")

    monkeypatch.setattr(mx.nd, "Pooling", refuses)
    fault = check.fault(Vgg(load(weights.parent), mx.cpu(), precision))
    assert fault.startswith("it failed a self-check (")
    assert "\n" not in fault
    mx.nd.waitall()  # and nothing of it comes up later


def test_what_is_no_number_with_maximum_pooling_alone_is_a_fault(check, painter, monkeypatch):
    right = mx.nd.Pooling

    def overflows(maps, **named):
        return right(maps, **named) * (float("nan") if named["pool_type"] == "max" else 1.0)

    monkeypatch.setattr(mx.nd, "Pooling", overflows)
    assert "wrong results in a self-check" in check.fault(painter.network)
