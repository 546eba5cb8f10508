"""Which device paints, and why: a GPU where MXNet can really use one, else the CPU."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engine.cuda import NEWEST, OLDEST, Card, Found, ask_driver
from engine.errors import DeviceError
from engine.mx import mx, nd, threads
from engine.progress import DeviceReport
from engine.room import give_back


@dataclass(frozen=True)
class Device:
    """A device to compute on.

    Attributes:
        context: MXNet's handle of it.
        report: what it is, and why it was chosen.
    """

    context: Any
    report: DeviceReport


def is_built_for_gpus() -> bool:
    """Whether the MXNet that is installed can use GPUs at all."""
    return bool(mx.runtime.Features().is_enabled("CUDA"))


def try_out(context: Any) -> str:
    """Add and convolve a little: the only proof that wheel, libraries, driver and card agree.

    Args:
        context: MXNet's handle of a device.

    Returns:
        What is wrong with it; empty if the results are right.
    """
    # Small whole numbers: every precision that a card may compute in has them exactly.
    image = np.arange(3 * 8 * 8).reshape(1, 3, 8, 8) % 7
    kernel = np.arange(4 * 3 * 3 * 3).reshape(4, 3, 3, 3) % 5 - 2
    expected = 1 + sum(
        np.einsum("nchw,oc->nohw", image[:, :, y : y + 6, x : x + 6], kernel[:, :, y, x])
        for y, x in np.ndindex(3, 3)
    )
    try:
        given, weight = (nd.array(each, ctx=context, dtype="float32") for each in (image, kernel))
        maps = nd.Convolution(given, weight, kernel=(3, 3), num_filter=4, no_bias=True) + 1
        right = np.array_equal(maps.asnumpy(), expected)
    except mx.MXNetError as error:
        forget_errors()
        return f"it failed a trial ({last_line(error)})"
    return "" if right else "it computed wrong results in a trial"


def last_line(error: Exception) -> str:
    """The line of MXNet's message that says what happened; others are a backtrace."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


def forget_errors() -> None:
    """Wait for the devices, and forget what went wrong in work whose results nobody will read.

    MXNet works behind Python's back and raises an error when a result is read. One that nobody
    reads would come up at the next wait for everything, in the middle of work that is well.
    """
    with suppress(mx.MXNetError):
        nd.waitall()


def let_go() -> None:
    """Give back to the system what nobody holds any more, once all that is queued is done."""
    nd.waitall()
    give_back()


def choose(
    wanted: Literal["auto", "cpu", "gpu"],
    *,
    find: Callable[[], Found] = ask_driver,
    built_for_gpus: Callable[[], bool] = is_built_for_gpus,
    trial: Callable[[Any], str] = try_out,
) -> Device:
    """Choose a device.

    Args:
        wanted: `auto` prefers a GPU; `gpu` insists on one.
        find: asks the driver for its cards.
        built_for_gpus: whether MXNet can use any.
        trial: uses a device a little; returns what is wrong with it, or nothing. It is never
            called for a card that MXNet's wheels hold no code for.

    Raises:
        DeviceError: `gpu` is wanted and none can be used; says why.
    """
    if wanted == "cpu":
        return _cpu("the settings ask for the CPU")
    found = find()
    faults = []
    for card in found.cards:
        fault = _unusable(card, built_for_gpus) or trial(mx.gpu(card.index))
        if not fault:
            return _gpu(card)
        faults.append(f"{card}: {fault}")
    reason = "; ".join(faults) or found.remark
    if wanted == "gpu":
        raise DeviceError(
            f"No GPU can be used: {reason}. Set engine.device to auto or cpu to paint on the CPU."
        )
    return _cpu(f"no GPU can be used: {reason}")


def _unusable(card: Card, built_for_gpus: Callable[[], bool]) -> str:
    if not card.supported:
        low, high = (f"{major}.{minor}" for major, minor in (OLDEST, NEWEST))
        return f"MXNet's wheels hold no code for it, only for compute capability {low} to {high}"
    if not built_for_gpus():
        return (
            "MXNet's build for the CPU is installed; to use the card, install atelierd with the "
            "extra `gpu` in a new virtual environment"
        )
    return ""


def _gpu(card: Card) -> Device:
    reason = f"{card} passed a trial"
    return Device(mx.gpu(card.index), DeviceReport(f"gpu{card.index}", "float32", threads, reason))


def _cpu(reason: str) -> Device:
    return Device(mx.cpu(), DeviceReport("cpu", "float32", threads, reason))
