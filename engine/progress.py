"""What the engine yields while it paints, and what it yields last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class DeviceReport:
    """Where a painter computes, and why there.

    Attributes:
        name: `cpu`, or `gpu0` and so on.
        precision: of the network's maps: `float32`, `bfloat16` or `float16`.
        threads: CPU threads in use.
        reason: one sentence for the log, such as "no GPU that MXNet can use was found".
    """

    name: str
    precision: str
    threads: int
    reason: str


@dataclass(frozen=True)
class LossParts:
    """A loss, taken apart. All parts are weighted: they add up to `total`.

    Attributes:
        total: what the optimiser minimises.
        content: weighted content loss, all content taps together.
        style: weighted style loss of each tap, by its name.
        tv: weighted total variation loss.
        realism: weighted photorealism loss.
    """

    total: float
    content: float
    style: dict[str, float] = field(default_factory=dict)
    tv: float = 0.0
    realism: float = 0.0


@dataclass(frozen=True)
class Progress:
    """One optimiser step is done.

    Attributes:
        iteration: steps done over all scales, 1 to `total`.
        total: steps over all scales that the recipe allows (a plateau may end earlier).
        scale: which scale, 1 to `scales`.
        scales: how many scales there are.
        width: of the picture on this scale, pixels.
        height: of the picture on this scale, pixels.
        loss: total loss after this step.
        eta_seconds: estimate of the seconds left.
        largest: long side of the picture on the last scale, pixels.
    """

    iteration: int
    total: int
    scale: int
    scales: int
    width: int
    height: int
    loss: float
    eta_seconds: float
    largest: int = 0


@dataclass(frozen=True)
class Painting:
    """The finished picture and how it came about.

    Attributes:
        picture: (H, W, 3) float32, sRGB, 0 to 255, not rounded.
        loss: of the picture that is returned (the best one), at the last scale.
        iterations: optimiser steps that were taken.
        seconds: from the first to the last step, preparation of targets included.
        seconds_per_iteration: seconds a step on the last scale that took one.
        stopped_by: `steps`, `plateau` or `time`.
        device: where it was painted.
        normalization: the recipe's, for the reader of `loss`.
        weights_sha256: of the file of weights that was used.
        tiles: in how many the largest scale was worked through; 1 is in one piece.
        predicted_memory_mb: what the process was expected to hold at its fullest, MiB.
        refined: steps of the refinement, once the painting was enlarged; 0 if there was none.
        left_out: why it was not refined in the photo's own size although that was asked for.
        carried: whether a picture that stays a photograph is of the photo's own size, or as near to
            that as there was memory for.
    """

    picture: NDArray[np.float32]
    loss: LossParts
    iterations: int
    seconds: float
    seconds_per_iteration: float
    stopped_by: Literal["steps", "plateau", "time"]
    device: DeviceReport
    normalization: str
    weights_sha256: str
    tiles: int
    predicted_memory_mb: float
    refined: int = 0
    left_out: str = ""
    carried: bool = False
