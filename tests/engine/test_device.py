"""Choosing a device, with drivers and cards of all kinds."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cuda import LIBRARIES, Card, Found, ask_driver, find_libraries
from engine.device import choose, is_built_for_gpus, try_out
from engine.errors import DeviceError
from engine.mx import mx, threads

H200 = Card(0, "NVIDIA H200", (9, 0))
RTX_3090 = Card(0, "NVIDIA GeForce RTX 3090", (8, 6))
RTX_4090 = Card(1, "NVIDIA GeForce RTX 4090", (8, 9))
K80 = Card(0, "Tesla K80", (3, 7))


class Driver:
    """A stand-in for libcuda.so.1 that answers as NVIDIA's does: a status, results by reference."""

    def __init__(self, *cards: Card, start: int = 0, broken: str = "") -> None:
        self.cards, self.start, self.broken = cards, start, broken

    def load(self, name: str) -> Driver:
        assert name == "libcuda.so.1"
        return self

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's name
        assert flags == 0
        return self.start

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = len(self.cards)
        return self._status("cuDeviceGetCount")

    def cuDeviceGet(self, device: Any, index: int) -> int:  # noqa: N802
        device._obj.value = 40 + index  # a handle, not the index
        return self._status("cuDeviceGet")

    def cuDeviceGetName(self, name: Any, length: int, device: ctypes.c_int) -> int:  # noqa: N802
        name.value = self.cards[device.value - 40].name.encode()[: length - 1]
        return self._status("cuDeviceGetName")

    def cuDeviceGetAttribute(self, value: Any, number: int, device: ctypes.c_int) -> int:  # noqa: N802
        value._obj.value = self.cards[device.value - 40].capability[{75: 0, 76: 1}[number]]
        return self._status("cuDeviceGetAttribute")

    def cuGetErrorString(self, status: int, text: Any) -> int:  # noqa: N802
        text._obj.value = {999: b"unknown error"}.get(status)
        return 0 if text._obj.value else 1

    def _status(self, call: str) -> int:
        return 999 if call == self.broken else 0


def no_driver(name: str) -> Any:
    raise OSError(name)


def works(context: Any) -> str:
    assert context.device_type == "gpu"
    return ""


def must_not_be_used(context: Any) -> str:
    pytest.fail(f"{context} was used")


def sees(*cards: Card) -> Callable[[], Found]:
    return lambda: Found(cards)


def test_the_driver_names_its_cards() -> None:
    found = ask_driver(Driver(H200, RTX_4090).load)
    assert found == Found((H200, RTX_4090), "")


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (no_driver, "no NVIDIA driver"),
        (Driver(start=100).load, "shows this process no GPU"),
        (Driver().load, "shows this process no GPU"),
        (Driver(start=999).load, "unknown error (CUDA error 999)"),
        (Driver(start=34).load, "does not say why (CUDA error 34)"),
        (Driver(H200, broken="cuDeviceGetCount").load, "CUDA error 999"),
        (Driver(H200, broken="cuDeviceGet").load, "CUDA error 999"),
        (Driver(H200, broken="cuDeviceGetName").load, "CUDA error 999"),
        (Driver(H200, broken="cuDeviceGetAttribute").load, "CUDA error 999"),
    ],
)
def test_why_there_is_no_gpu(load: Callable[[str], Any], words: str) -> None:
    found = ask_driver(load)
    assert found.cards == ()
    assert words in found.remark
    device = choose("auto", find=lambda: found, trial=must_not_be_used)
    assert device.report.name == "cpu"
    assert words in device.report.reason
    with pytest.raises(DeviceError, match=r"engine\.device") as raised:
        choose("gpu", find=lambda: found, trial=must_not_be_used)
    assert words in str(raised.value)


@pytest.mark.parametrize("card", [H200, K80, Card(0, "NVIDIA B200", (10, 0))])
@pytest.mark.parametrize("built", [True, False])
def test_a_card_without_code_in_the_wheels_is_named_and_never_used(card: Card, built: Any) -> None:
    chosen = choose("auto", find=sees(card), built_for_gpus=lambda: built, trial=must_not_be_used)
    assert chosen.context == mx.cpu()
    assert str(card) in chosen.report.reason
    assert "hold no code for it, only for compute capability 5.0 to 8.9" in chosen.report.reason
    with pytest.raises(DeviceError, match=card.name):
        choose("gpu", find=sees(card), built_for_gpus=lambda: built, trial=must_not_be_used)


@pytest.mark.parametrize("wanted", ["auto", "gpu"])
@pytest.mark.parametrize("capability", [(5, 0), (6, 1), (7, 5), (8, 6), (8, 9)])
def test_a_card_with_code_in_the_wheels_is_chosen(wanted: Any, capability: tuple[int, int]) -> None:
    card = Card(0, "NVIDIA Some Card", capability)
    chosen = choose(wanted, find=sees(card), built_for_gpus=lambda: True, trial=works)
    assert chosen.context == mx.gpu(0)
    assert chosen.report.name == "gpu0"
    assert chosen.report.precision == "float32"
    assert str(card) in chosen.report.reason


def test_the_first_that_works_is_chosen() -> None:
    chosen = choose("auto", find=sees(H200, RTX_4090), built_for_gpus=lambda: True, trial=works)
    assert chosen.context == mx.gpu(1)
    assert chosen.report.name == "gpu1"


def test_a_good_card_with_the_cpu_s_build_says_how_to_get_the_other() -> None:
    chosen = choose(
        "auto", find=sees(RTX_3090), built_for_gpus=lambda: False, trial=must_not_be_used
    )
    assert chosen.report.name == "cpu"
    assert "RTX 3090 (compute capability 8.6)" in chosen.report.reason
    assert "extra `gpu` in a new virtual environment" in chosen.report.reason


def test_a_card_that_fails_its_trial_is_not_trusted() -> None:
    fails = lambda _: "it computed wrong results in a trial"  # noqa: E731 - one line says it
    chosen = choose("auto", find=sees(RTX_3090), built_for_gpus=lambda: True, trial=fails)
    assert chosen.report.name == "cpu"
    assert "RTX 3090" in chosen.report.reason
    assert "wrong results" in chosen.report.reason
    with pytest.raises(DeviceError, match="wrong results"):
        choose("gpu", find=sees(RTX_3090), built_for_gpus=lambda: True, trial=fails)


def test_the_cpu_is_chosen_without_asking_the_driver() -> None:
    def must_not_be_asked() -> Found:
        pytest.fail("the driver was asked")

    chosen = choose("cpu", find=must_not_be_asked)
    assert chosen.context == mx.cpu()
    assert chosen.report.threads == threads
    assert "settings" in chosen.report.reason


def test_the_trial_passes_where_mxnet_works() -> None:
    assert try_out(mx.cpu()) == ""


def test_the_trial_tells_wrong_results(monkeypatch: pytest.MonkeyPatch) -> None:
    right = mx.nd.Convolution
    monkeypatch.setattr(mx.nd, "Convolution", lambda *given, **named: right(*given, **named) * 1.01)
    assert "wrong results" in try_out(mx.cpu())


@pytest.mark.skipif(is_built_for_gpus(), reason="MXNet's GPU build is installed")
def test_the_trial_fails_in_words_where_mxnet_cannot() -> None:
    fault = try_out(mx.gpu(0))
    assert "failed a trial" in fault
    assert "\n" not in fault


def test_this_machine() -> None:
    chosen = choose("auto")
    assert try_out(chosen.context) == ""
    assert chosen.report.reason


@pytest.mark.gpu
def test_a_real_gpu() -> None:
    found = ask_driver()
    if not is_built_for_gpus() or not any(card.supported for card in found.cards):
        pytest.skip(choose("auto").report.reason)
    chosen = choose("gpu")
    assert chosen.report.name.startswith("gpu")
    assert try_out(chosen.context) == ""


def lay(folder: Path, libraries: list[tuple[str, str]]) -> list[Path]:
    paths = [folder / package / "lib" / library for package, library in libraries]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_cuda_s_libraries_are_found_in_the_order_of_their_needs(tmp_path: Path) -> None:
    paths = lay(tmp_path, list(LIBRARIES))
    (tmp_path / "cudnn/lib/libcudnn_ops_infer.so.8").touch()
    assert find_libraries([tmp_path]) == paths


def test_libraries_may_be_missing_or_there_twice(tmp_path: Path) -> None:
    [first] = lay(tmp_path / "first", [("cudnn", "libcudnn.so.8")])
    _, runtime = lay(
        tmp_path / "second",
        [("cudnn", "libcudnn.so.8"), ("cuda_runtime", "libcudart.so.11.0")],
    )
    places = [tmp_path / "first", tmp_path / "second", tmp_path / "nowhere"]
    assert find_libraries(places) == [runtime, first]
    assert find_libraries([]) == []
