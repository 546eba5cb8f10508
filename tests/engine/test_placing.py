"""Device and precision are chosen together: the fastest that proves itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from engine.device import Device, is_built_for_gpus
from engine.errors import DeviceError
from engine.mx import mx, nd
from engine.painter import Painter
from engine.placing import has_bfloat16, place
from engine.progress import DeviceReport
from engine.weights import load
from tests.engine.rounding import needs_bfloat16

pytestmark = pytest.mark.weights

CARD = mx.cpu(1)
"""The processor under another number: to MXNet another device, with all that a card needs."""


@pytest.fixture(scope="module")
def trained(weights):
    return load(weights.parent)


@dataclass
class FailsIn:
    """A self-check that some precisions fail; it notes what it was asked about."""

    precisions: tuple[str, ...]
    asked: list[str]

    def fault(self, network):
        self.asked.append(network.precision.name)
        return "it is off" if network.precision.name in self.precisions else ""


def check(*precisions, asked=None):
    return lambda _: FailsIn(precisions, [] if asked is None else asked)


def with_card(wanted, *, trial):
    """Stands for `choose`, on a machine with a card."""
    fault = "" if wanted == "cpu" else trial(CARD)
    if fault and wanted == "gpu":
        raise DeviceError(f"No GPU can be used: {fault}.")
    if fault or wanted == "cpu":
        return Device(mx.cpu(), DeviceReport("cpu", "float32", 1, f"no card: {fault}"))
    return Device(CARD, DeviceReport("gpu0", "float32", 1, "the card passed a trial"))


on_cpu = partial(place, device="cpu")
on_card = partial(place, choose_device=with_card, knows_bfloat16=lambda: True)


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_the_processor_s_flags_are_read(tmp_path: Path, flag: str) -> None:
    (tmp_path / "proc").mkdir()
    about = tmp_path / "proc/cpuinfo"
    assert not has_bfloat16(tmp_path)
    about.write_text("model name\t: Some avx512_bf16\nflags\t\t: fpu avx2 avx512f\n")
    assert not has_bfloat16(tmp_path)
    about.write_text(f"processor\t: 0\nflags\t\t: fpu avx2 {flag} la57\n\nprocessor\t: 1\n")
    assert has_bfloat16(tmp_path)


def test_a_processor_without_bfloat16_is_not_even_asked(trained):
    asked: list[str] = []
    found = on_cpu(trained, knows_bfloat16=lambda: False, make_check=check(asked=asked))
    assert found.report.precision == found.network.precision.name == "float32"
    assert "the settings ask for the CPU" in found.report.reason
    assert "no instructions for bfloat16" in found.report.reason
    assert asked == []


def test_bfloat16_is_taken_where_it_passes(trained):
    found = on_cpu(trained, knows_bfloat16=lambda: True, make_check=check())
    assert found.report.precision == found.network.precision.name == "bfloat16"
    assert found.report.reason.endswith("bfloat16 passed a self-check")


def test_bfloat16_that_fails_gives_way_to_float32(trained):
    found = on_cpu(trained, knows_bfloat16=lambda: True, make_check=check("bfloat16"))
    assert found.report.precision == found.network.precision.name == "float32"
    assert "in bfloat16 it is off" in found.report.reason


def test_float32_by_name_is_float32_and_needs_no_check(trained):
    found = on_cpu(trained, precision="float32", make_check=check("float32"))
    assert found.report.precision == "float32"
    assert found.report.reason == "the settings ask for the CPU"


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_precision_by_name_that_cannot_be_had_is_an_error(trained, precision):
    with pytest.raises(DeviceError, match=f"{precision} cannot be used") as refused:
        on_cpu(trained, precision=precision, make_check=check("bfloat16"))
    assert "Set engine.precision to auto or float32." in str(refused.value)


def test_a_card_computes_in_float16(trained):
    for device in ("auto", "gpu"):
        found = on_card(trained, device, make_check=check())
        assert found.context == CARD
        assert found.network.precision.name == found.report.precision == "float16"
        assert found.report.name == "gpu0"
        assert "float16 passed a self-check" in found.report.reason


def test_a_card_that_fails_in_float16_computes_in_float32(trained):
    found = on_card(trained, make_check=check("float16"))
    assert (found.report.name, found.report.precision) == ("gpu0", "float32")
    assert "in float16 it is off; float32 passed a self-check" in found.report.reason


def test_a_card_that_fails_in_float32_too_is_not_used(trained):
    faulty = check("float16", "float32")
    found = on_card(trained, make_check=faulty)
    assert (found.report.name, found.report.precision) == ("cpu", "bfloat16")
    assert "no card: in float16 it is off; in float32 it is off" in found.report.reason
    with pytest.raises(DeviceError, match="No GPU can be used: in float16 it is off"):
        on_card(trained, "gpu", make_check=faulty)


def test_a_precision_by_name_decides_about_the_card(trained):
    found = on_card(trained, precision="bfloat16", make_check=check())
    assert (found.report.name, found.report.precision) == ("cpu", "bfloat16")
    assert "it does not compute in bfloat16" in found.report.reason
    with pytest.raises(DeviceError, match="float16"):
        on_card(trained, precision="float16", make_check=check("float16"))


def test_a_real_check_passes_a_card_that_computes_as_the_processor_does(trained):
    found = on_card(trained, "gpu", "float32")
    assert (found.context, found.report.precision) == (CARD, "float32")
    assert found.network.to_device(nd.zeros((32, 32, 3)).asnumpy()).context == CARD


@pytest.mark.skipif(is_built_for_gpus(), reason="MXNet's GPU build is installed")
def test_a_card_that_does_not_take_the_network_says_so(trained, monkeypatch):
    monkeypatch.setattr("engine.placing.try_out", lambda _: "")

    def one_card(*_, trial):
        raise DeviceError(trial(mx.gpu(0)))

    with pytest.raises(DeviceError, match="in float16 it does not take the network") as refused:
        on_card(trained, choose_device=one_card)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(has_bfloat16(), reason="this processor has instructions for bfloat16")
def test_a_painter_here(weights):
    assert Painter(weights.parent, "cpu").device.precision == "float32"
    with pytest.raises(DeviceError, match=r"bfloat16 cannot be used .* self-check"):
        Painter(weights.parent, "cpu", precision="bfloat16")


@needs_bfloat16
def test_a_painter_on_a_processor_with_bfloat16(weights):
    device = Painter(weights.parent, "cpu").device
    assert device.precision == "bfloat16", device.reason
