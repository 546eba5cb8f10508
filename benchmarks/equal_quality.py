"""Time to equal quality: when do we reach the loss at which neural-style's way ends?

The peer is neural-style's way in PyTorch: L-BFGS of 500 steps from noise, a hundred remembered,
content 5, style 100; here with average pooling and the same weights, and without its total
variation term. We begin with the photo, as we always do, and compute in the precision that is the
fastest here. The loss is the classic one at the full size, computed in float32 for both, of the
picture as it is shown: what neural-style has painted beyond black and white is cut off in the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.apart import Apart
from engine import Recipe, pyramid
from engine.descent import Descent, Limits
from engine.mx import Array, threads
from engine.objective import Objective
from engine.optimizer import make_optimizer
from engine.painter import Painter
from engine.stages import Tiling
from engine.weights import Weights, load

PEER_STEPS: Final = 500
_HISTORY: Final = 40  # of ours: it pays off where so many steps are taken on one scale
_NEAR: Final = 1.02
"""So near to the loss that is wanted, in our precision, a picture is looked at in float32."""

_CLASSIC: Final = {
    "content_weight": 5.0, "style_weight": 100.0, "normalization": "classic", "padding": "zeros",
    "margin": 0, "style_trim": 0.0, "tv_weight": 0.0,
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
        precision: that we computed in.
    """

    size: int
    target_loss: float
    seconds: float
    peer_seconds: float
    speedup: float
    precision: str


def measure(
    weights: Path,
    content: NDArray[np.uint8],
    style: NDArray[np.uint8],
    *,
    peer_steps: int = PEER_STEPS,
) -> EqualQuality:
    """Let the peer end, in a process of its own, then paint until its loss is reached.

    Args:
        weights: folder of the trained weights.
        content: (S, S, 3).
        style: likewise.
        peer_steps: of the peer.
    """
    painter, judge = Painter(weights, "cpu"), Painter(weights, "cpu", precision="float32")
    size = content.shape[0]
    with Apart(prepare_peer, weights, content, style, peer_steps) as peer:
        target, peer_seconds = peer()
    recipe = Recipe(
        size=size, scales=(1.0,), iterations=(peer_steps,), history=_HISTORY, **_CLASSIC
    )
    judging, _ = _objective(judge, content, style, recipe)
    seconds = _ours(painter, judging, content, style, recipe, target)
    return EqualQuality(
        size, target, seconds, peer_seconds, peer_seconds / seconds, painter.device.precision
    )


def _ours(  # noqa: PLR0913, PLR0917 - what is compared, and by what
    painter: Painter,
    judging: Objective,
    content: NDArray[Any],
    style: NDArray[Any],
    recipe: Recipe,
    target: float,
) -> float:
    """Seconds until a picture is as good; the look at it in float32 does not count."""
    began = time.perf_counter()
    objective, start = _objective(painter, content, style, recipe)
    limits = Limits(recipe.iterations[-1])
    descent = Descent(objective, make_optimizer(recipe), start, limits, painter.now)
    for loss in descent:
        if loss <= _NEAR * target:
            here = time.perf_counter()
            if judging.evaluate(descent.best)[0].total <= target:
                return here - began
            began += time.perf_counter() - here
    return float("inf")


def _objective(
    painter: Painter, content: NDArray[Any], style: NDArray[Any], recipe: Recipe
) -> tuple[Objective, Array]:
    """What is minimised, and where it is begun with, as `engine.work` makes them."""
    photo, painting = (each.astype(np.float32) for each in (content, style))
    known = painter.statistics(painting, f"equal quality {painter.device.precision}", recipe)
    start = painter.to_device(pyramid.first(photo, recipe))
    return painter.objective(photo, known, recipe, Tiling(shelved=True)), start


def prepare_peer(
    weights: Path, content: NDArray[Any], style: NDArray[Any], steps: int
) -> Callable[[], tuple[float, float]]:
    """The peer; it gives the loss of its picture, and its seconds."""
    import torch  # noqa: PLC0415 - after MXNet, whose OpenMP it must not replace

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    trained = load(weights)
    return lambda: _peer(trained, content, style, steps)


def _peer(
    weights: Weights, content: NDArray[Any], style: NDArray[Any], steps: int
) -> tuple[float, float]:
    import torch  # noqa: PLC0415 - as above

    from benchmarks.torch_network import noise  # noqa: PLC0415 - likewise
    from benchmarks.torch_peer import TorchObjective  # noqa: PLC0415 - likewise

    began = time.perf_counter()
    objective = TorchObjective(weights, content, style, Recipe(**_CLASSIC))
    image = noise(weights, (1, 3, *content.shape[:2])).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image], max_iter=steps, max_eval=2 * steps, history_size=100,
        tolerance_grad=0, tolerance_change=0,
    )  # fmt: skip

    def closure() -> torch.Tensor:
        loss, image.grad = objective.evaluate(image)
        return torch.tensor(loss)

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    seconds = time.perf_counter() - began
    return objective.evaluate(image.clamp(0, 255))[0], seconds
