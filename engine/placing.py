"""Where a network is put, and in which precision: the fastest that proves itself.

bfloat16 where the processor has instructions for it, float16 on a card, else float32; each only if
the self-check passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from engine.cgroups import read_text
from engine.device import Device, choose, forget_errors, last_line, try_out
from engine.errors import DeviceError
from engine.mx import mx
from engine.precision import BFLOAT16, FLOAT16, FLOAT32, Precision
from engine.progress import DeviceReport
from engine.selfcheck import SelfCheck
from engine.vgg import Vgg
from engine.weights import Weights

Wanted = Literal["auto", "float32", "bfloat16", "float16"]

_ON_PROCESSORS: Final = (BFLOAT16, FLOAT32)
_ON_CARDS: Final = (FLOAT16, FLOAT32)
_FLAGS: Final = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class Placed:
    """A network in its place.

    Attributes:
        network: VGG-19, checked.
        context: MXNet's handle of the device.
        report: device and precision, and why these.
    """

    network: Vgg
    context: Any
    report: DeviceReport


def has_bfloat16(root: Path = Path("/")) -> bool:
    """Whether the processor has instructions for bfloat16; without them it is slow, or not there.

    Args:
        root: where `/proc` stands.
    """
    for line in read_text(root / "proc/cpuinfo").splitlines():
        name, _, flags = line.partition(":")
        if name.strip() == "flags":
            return not _FLAGS.isdisjoint(flags.split())
    return False


class Check(Protocol):
    """Compares networks with a trusted one."""

    def fault(self, network: Vgg) -> str:
        """What is wrong with a network; empty if nothing is."""
        ...


def place(  # noqa: PLR0913 - what is asked for, and what tests replace
    weights: Weights,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    precision: Wanted = "auto",
    *,
    choose_device: Callable[..., Device] = choose,
    knows_bfloat16: Callable[[], bool] = has_bfloat16,
    make_check: Callable[[Vgg], Check] = SelfCheck,
) -> Placed:
    """Put a network in its place.

    Args:
        weights: the trained weights.
        device: `auto` prefers a card that passes the self-check; `gpu` insists on one.
        precision: `auto` takes the fastest that passes; a name insists on it.
        choose_device: `engine.device.choose`; tests put others in its place.
        knows_bfloat16: whether the processor does.
        make_check: makes the self-check, given the network in float32 on the processor.

    Raises:
        DeviceError: the device or precision that is asked for cannot be used; says why.
    """
    search = _Search(weights, precision, make_check)
    chosen = choose_device(
        device, trial=lambda context: try_out(context) or search.on(context, _ON_CARDS)
    )
    reasons = [chosen.report.reason]
    if search.network is None:
        able: tuple[Precision, ...] = _ON_PROCESSORS
        if precision == "auto" and not knows_bfloat16():
            able = (FLOAT32,)
            reasons.append("the processor has no instructions for bfloat16")
        fault = search.on(chosen.context, able)
        if search.network is None:
            raise DeviceError(
                f"{precision} cannot be used on the processor: {fault} ({reasons[0]}). "
                "Set engine.precision to auto or float32."
            )
    reason = "; ".join([*reasons, *search.remarks])
    report = replace(chosen.report, precision=search.network.precision.name, reason=reason)
    return Placed(search.network, chosen.context, report)


class _Search:
    """Tries precisions until one passes.

    Attributes:
        network: the one that passed.
        remarks: on those that were tried, on the device on which one passed.
    """

    def __init__(
        self, weights: Weights, wanted: Wanted, make_check: Callable[[Vgg], Check]
    ) -> None:
        self._weights = weights
        self._wanted = wanted
        self._make_check = make_check
        self.network: Vgg | None = None
        self.remarks: list[str] = []

    def on(self, context: Any, able: tuple[Precision, ...]) -> str:
        """Try what a device may be able to; what is wrong, or nothing if something passed."""
        asked = [each for each in able if self._wanted in ("auto", each.name)]
        faults: list[str] = []
        for precision in asked:
            fault = self._fault(context, precision)
            if not fault:
                self.remarks = [*faults, *self.remarks]
                return ""
            faults.append(f"in {precision.name} {fault}")
        return "; ".join(faults) or f"it does not compute in {self._wanted}"

    def _fault(self, context: Any, precision: Precision) -> str:
        if context == mx.cpu() and precision is FLOAT32:
            self.network = self._trusted  # there is nothing to compare it with
            return ""
        try:
            network = Vgg(self._weights, context, precision)
        except mx.MXNetError as error:
            forget_errors()
            return f"it does not take the network ({last_line(error)})"
        fault = self._check.fault(network)
        if not fault:
            self.network = network
            self.remarks = [f"{precision.name} passed a self-check"]
        return fault

    @cached_property
    def _trusted(self) -> Vgg:
        return Vgg(self._weights, mx.cpu())

    @cached_property
    def _check(self) -> Check:
        return self._make_check(self._trusted)
