"""Which device paints, and why: a GPU where MXNet can really use one, else the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.cuda import NEWEST, OLDEST, Card, cards
from engine.errors import DeviceError
from engine.mx import mx, nd
from engine.progress import DeviceReport


@dataclass(frozen=True)
class Device:
    """A device to compute on.

    Attributes:
        context: MXNet's handle of it.
        report: what it is, and why it was chosen.
    """

    context: Any
    report: DeviceReport


def choose(
    wanted: Literal["auto", "cpu", "gpu"],
    *,
    find_cards: Callable[[], Sequence[Card]] = cards,
    try_card: Callable[[Card], str] | None = None,
) -> Device:
    """Choose a device.

    Args:
        wanted: `auto` prefers a GPU; `gpu` insists on one.
        find_cards: asks the driver.
        try_card: uses a card a little; returns what is wrong with it, or nothing.

    Raises:
        DeviceError: `gpu` is wanted and none can be used; says why.
    """
    if wanted == "cpu":
        return _cpu("the settings ask for the CPU")
    found = find_cards()
    faults = []
    for card in found:
        fault = _unsupported(card) or (try_card or _trial)(card)
        if not fault:
            reason = f"{card} can be used"
            report = DeviceReport(f"gpu{card.index}", "float32", _threads(), reason)
            return Device(mx.gpu(card.index), report)
        faults.append(fault)
    reason = "; ".join(faults) or "no GPU was found (no NVIDIA driver, or no card)"
    if wanted == "gpu":
        raise DeviceError(f"No GPU can be used: {reason}. Set engine.device to auto or cpu.")
    return _cpu(reason)


def _unsupported(card: Card) -> str:
    if card.supported:
        return ""
    low, high = (f"{major}.{minor}" for major, minor in (OLDEST, NEWEST))
    return f"MXNet's wheels hold no code for {card}: they can run on {low} to {high}"


def _trial(card: Card) -> str:
    """Convolve a little on a card: the only proof that wheel, libraries, driver and card agree."""
    if not mx.runtime.Features().is_enabled("CUDA"):
        return f"this MXNet is built for the CPU; {card} needs the gpu extra (docs/gpu.md)"
    try:
        context = mx.gpu(card.index)
        image, kernel = nd.ones((1, 3, 8, 8), ctx=context), nd.ones((4, 3, 3, 3), ctx=context)
        maps = nd.Convolution(image, kernel, kernel=(3, 3), num_filter=4, no_bias=True)
        right = float(maps.asnumpy()[0, 0, 0, 0]) == 27.0  # noqa: PLR2004 - 3 x 3 x 3 ones
    except mx.MXNetError as error:
        return f"{card} failed a trial: {str(error).splitlines()[0]}"
    return "" if right else f"{card} computes wrong results in a trial"


def _cpu(reason: str) -> Device:
    return Device(mx.cpu(), DeviceReport("cpu", "float32", _threads(), reason))


def _threads() -> int:
    return int(os.environ["OMP_NUM_THREADS"])  # engine.mx has set it if nobody else did
