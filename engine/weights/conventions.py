"""What a network expects at its input, and how that is told from its weights."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsConventionError

Layers = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Convolution name to kernel (out, in, 3, 3) and bias (out,)."""


@dataclass(frozen=True)
class Convention:
    """Input of a network: (channels in `order`, 0 to `range`, minus `mean`) over `scale`."""

    order: Literal["BGR", "RGB"]
    range: float
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


CONVENTIONS: Final = MappingProxyType(
    {
        "oxford-bgr": Convention("BGR", 255.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
        "oxford-rgb": Convention("RGB", 255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
        "torchvision": Convention("RGB", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
)
"""The Oxford weights as they were published, the same with the first kernel turned to RGB (as MXNet
conversions of that time have it), and the
re-trainings of torchvision and MXNet's model zoo."""

_OXFORD_NORMS: Final = (4.06799, 5.07612, 4.58051)
"""L2 norms of the Oxford conv1_1 over its blue, green and red input: tells weights and order."""


def recognised(layers: Layers, retrained_names: bool) -> str:  # noqa: FBT001 - one caller
    """Name the convention of a set of layers.

    Args:
        layers: what was read.
        retrained_names: whether the names in the file are those of torchvision or the model zoo.

    Raises:
        WeightsConventionError: it cannot be told.
    """
    kernel = layers["conv1_1"][0].astype(np.float64)
    norms = np.sqrt((kernel**2).sum(axis=(0, 2, 3)))
    for name, expected in (("oxford-bgr", _OXFORD_NORMS), ("oxford-rgb", _OXFORD_NORMS[::-1])):
        if np.allclose(norms, expected, rtol=0.02):  # 8-bit copies are a little off
            return name
    if retrained_names:
        return "torchvision"
    raise WeightsConventionError(
        "These are not the original Oxford weights, and the file does not say what input they were "
        f"trained on. Say it: --convention {'|'.join(CONVENTIONS)}."
    )


def as_json(convention: Convention) -> dict[str, Any]:
    """For a manifest."""
    return {
        "channel_order": convention.order,
        "input_range": convention.range,
        "mean": list(convention.mean),
        "scale": list(convention.scale),
    }


def from_json(data: dict[str, Any]) -> Convention:
    """Out of a manifest."""
    mean, scale = tuple(map(float, data["mean"])), tuple(map(float, data["scale"]))
    return Convention(data["channel_order"], float(data["input_range"]), mean, scale)  # type: ignore[arg-type]  # three each
