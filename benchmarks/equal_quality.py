"""Time to equal quality: when do we reach the loss at which neural-style's way ends?

The peer is neural-style's way in PyTorch: L-BFGS of 500 steps from noise, a hundred remembered,
content 5, style 100; here with average pooling and the same weights, and without its total
variation term. We begin with the photo, as we always do. The loss is the classic one at the full
size, the same for both.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import Progress, Recipe
from engine.painter import Painter
from engine.weights import Weights

PEER_STEPS: Final = 500
_HISTORY: Final = 40  # of ours: it pays off where so many steps are taken on one scale
_CLASSIC: Final = {
    "content_weight": 5.0, "style_weight": 100.0, "normalization": "classic", "padding": "zeros",
    "style_trim": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class EqualQuality:
    """Both ways to the same loss.

    Attributes:
        size: of the square picture, pixels.
        target_loss: at which the peer ended.
        seconds: until our loss at this size was there, everything included; infinite if never.
        peer_seconds: that the peer took.
        speedup: the latter over the former.
    """

    size: int
    target_loss: float
    seconds: float
    peer_seconds: float
    speedup: float


def measure(
    painter: Painter,
    weights: Weights,
    content: NDArray[np.uint8],
    style: NDArray[np.uint8],
    *,
    peer_steps: int = PEER_STEPS,
) -> EqualQuality:
    """Let the peer end, then paint until its loss is reached.

    Args:
        painter: ours.
        weights: the same for both.
        content: (S, S, 3).
        style: likewise.
        peer_steps: of the peer.
    """
    size = content.shape[0]
    target, peer_seconds = _peer(painter, weights, content, style, peer_steps)
    recipe = Recipe(
        size=size, scales=(1.0,), iterations=(peer_steps,), history=_HISTORY, **_CLASSIC
    )
    seconds = _ours(painter, content, style, recipe, target)
    return EqualQuality(size, target, seconds, peer_seconds, peer_seconds / seconds)


def _ours(
    painter: Painter, content: NDArray[Any], style: NDArray[Any], recipe: Recipe, target: float
) -> float:
    began = time.perf_counter()
    for step in painter.paint(content, style, recipe):
        if isinstance(step, Progress) and step.loss <= target:  # there is one scale
            return time.perf_counter() - began
    return float("inf")


def _peer(
    painter: Painter, weights: Weights, content: NDArray[Any], style: NDArray[Any], steps: int
) -> tuple[float, float]:
    """Least loss of the peer, and its seconds."""
    import torch  # noqa: PLC0415 - after MXNet, whose OpenMP it must not replace

    from benchmarks.torch_peer import TorchObjective  # noqa: PLC0415 - likewise

    torch.set_num_threads(painter.device.threads)
    torch.manual_seed(0)
    began = time.perf_counter()
    objective = TorchObjective(weights, content, style, Recipe(**_CLASSIC))
    # As neural-style: noise of a thousandth of a grey level around the mean colour.
    mean = torch.tensor(weights.convention.mean).view(1, 3, 1, 1)
    mean = mean.flip(1) if weights.convention.order == "BGR" else mean
    image = mean * (255 / weights.convention.range) + 0.001 * torch.randn(1, 3, *content.shape[:2])
    image.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image], max_iter=steps, max_eval=2 * steps, history_size=100,
        tolerance_grad=0, tolerance_change=0,
    )  # fmt: skip
    losses: list[float] = []

    def closure() -> torch.Tensor:
        loss, image.grad = objective.evaluate(image)
        losses.append(loss)
        return torch.tensor(loss)

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return min(losses), time.perf_counter() - began
