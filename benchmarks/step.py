"""One step, forward, losses and gradient to the image, against PyTorch and against the limit."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.flops import step_flops
from benchmarks.timing import interleaved
from engine import Recipe
from engine.mx import autograd, nd
from engine.painter import Painter
from engine.precision import Precision
from engine.stages import Tiling
from engine.weights import Weights


@dataclass(frozen=True)
class StepRow:
    """One size and precision; seconds and share are medians."""

    size: int
    precision: str
    seconds: float
    torch_float32_seconds: float
    torch_bfloat16_seconds: float | None
    ratio_to_torch_float32: float
    share_of_limit: float


class Limit:
    """Most floating point operations a second that a large convolution reaches here, now.

    A call finds it out once more, so that it can take turns with what is held against it: where the
    machine drifts, its limit does. It is made as in training, like the network's, of maps that lie
    in oneDNN's blocks, and written over what it made before: nothing comes from the system.

    Args:
        precision: of the convolution.
        times: how often it is made for each call; the best counts.

    Attributes:
        rates: one for each call.
    """

    def __init__(self, precision: Precision, times: int = 5) -> None:
        given, made, side = 256, 256, 128
        shapes = (1, given, side, side), (made, given, 3, 3)
        self._image, self._kernel = (
            precision.lowered(nd.random.normal(shape=shape)) for shape in shapes
        )
        self._made = nd.empty((1, made, side, side), dtype=self._image.dtype)
        self._convolve()
        self._image, self._made = self._made, self._image  # what was made lies in blocks
        self._work = 2 * 9 * given * made * side * side
        self._times = times
        self.rates: list[float] = []

    def __call__(self) -> None:
        """Make the convolutions."""
        made = {"convolution": self._convolve}
        self.rates.append(self._work / interleaved(made, self._times)["convolution"].least)

    def _convolve(self) -> None:
        with autograd.train_mode():
            nd.Convolution(
                self._image,
                self._kernel,
                kernel=(3, 3),
                pad=(1, 1),
                num_filter=self._kernel.shape[0],
                no_bias=True,
                out=self._made,
            )
        self._made.wait_to_read()


def measure(painter: Painter, weights: Weights, size: int, rounds: int) -> StepRow:
    """Time our step, PyTorch's and the limit in turns on the same noise.

    Ours keeps its arrays from step to step, as it does where there is room; PyTorch's does as it
    does by itself.
    """
    import torch  # noqa: PLC0415 - after MXNet, whose OpenMP it must not replace

    from benchmarks.torch_peer import TorchObjective  # noqa: PLC0415 - likewise

    torch.set_num_threads(painter.device.threads)
    recipe = Recipe(
        content_weight=5, style_weight=100, normalization="classic", padding="zeros", size=size
    )
    generator = np.random.default_rng(0)
    content, style, start = (
        generator.uniform(0, 255, (size, size, 3)).astype(np.float32) for _ in range(3)
    )
    grams = painter.grams(style, f"noise {size}", recipe)
    ours = painter.objective(content, grams, recipe, Tiling(shelved=True))
    image = painter.to_device(start)
    theirs = TorchObjective(weights, content, style, recipe)
    their_image = theirs.laid(start)
    limit = Limit(painter.network.precision)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: ours.evaluate(image),
        "limit": limit,
        "torch": lambda: theirs.evaluate(their_image),
    }
    lower = painter.device.precision == "bfloat16"
    if lower:
        autocast = TorchObjective(weights, content, style, recipe, bfloat16=True)
        ways["torch bfloat16"] = lambda: autocast.evaluate(their_image)
    times = interleaved(ways, rounds)
    shares = [
        step_flops(size, size) / seconds / rate
        for seconds, rate in zip(times["ours"].each, limit.rates[-rounds:], strict=True)
    ]
    mine, other = times["ours"].median, times["torch"].median
    return StepRow(
        size=size,
        precision=painter.device.precision,
        seconds=mine,
        torch_float32_seconds=other,
        torch_bfloat16_seconds=times["torch bfloat16"].median if lower else None,
        ratio_to_torch_float32=mine / other,
        share_of_limit=statistics.median(shares),
    )
