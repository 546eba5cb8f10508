"""One step, forward, losses and gradient to the image, against PyTorch and against the limit."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.apart import Apart
from benchmarks.flops import step_flops
from benchmarks.timing import interleaved
from engine import Recipe
from engine.mx import autograd, nd, threads
from engine.painter import Painter
from engine.precision import Name, Precision
from engine.stages import Tiling
from engine.weights import load


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

    def __call__(self) -> float:
        """Make the convolutions; operations a second."""
        made = {"convolution": self._convolve}
        return self._work / interleaved(made, self._times)["convolution"].least

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


def measure(weights: Path, precision: Name, size: int, rounds: int) -> StepRow:
    """Time our step, PyTorch's and the limit in turns on the same noise.

    Each in a process of its own, as each is used: beside PyTorch in one process our step takes a
    tenth longer. Ours keeps its arrays from step to step, as it does where there is room; PyTorch's
    does as it does by itself.

    Args:
        weights: folder of the trained weights.
        precision: of ours and of the limit, `float32` or `bfloat16`.
        size: side of the picture.
        rounds: how often each has its turn.
    """
    lower = precision == "bfloat16"
    with ExitStack() as processes:
        ours = processes.enter_context(Apart(prepare_ours, weights, precision, size))
        limit = processes.enter_context(Apart(prepare_limit, weights, precision))
        theirs = {
            name: processes.enter_context(Apart(prepare_theirs, weights, size, each))
            for name, each in (("torch", False), ("torch bfloat16", True))[: 1 + lower]
        }
        rates: list[float] = []
        times = interleaved(
            {"ours": ours, "limit": lambda: rates.append(limit()), **theirs}, rounds
        )
    shares = [
        step_flops(size, size) / seconds / rate
        for seconds, rate in zip(times["ours"].each, rates[-rounds:], strict=True)
    ]
    mine, other = times["ours"].median, times["torch"].median
    return StepRow(
        size=size,
        precision=precision,
        seconds=mine,
        torch_float32_seconds=other,
        torch_bfloat16_seconds=times["torch bfloat16"].median if lower else None,
        ratio_to_torch_float32=mine / other,
        share_of_limit=statistics.median(shares),
    )


def prepare_ours(weights: Path, precision: Name, size: int) -> Callable[[], None]:
    """Our step."""
    painter = Painter(weights, "cpu", precision=precision)
    content, style, start = noise(size)
    recipe = recipe_of(size)
    known = painter.statistics(style, f"noise {size}", recipe)
    objective = painter.objective(content, known, recipe, Tiling(shelved=True))
    image = painter.to_device(start)

    def step() -> None:
        objective.evaluate(image)[1].wait_to_read()

    return step


def prepare_limit(weights: Path, precision: Name) -> Callable[[], float]:
    """The best rate of a large convolution."""
    return Limit(Painter(weights, "cpu", precision=precision).network.precision)


def prepare_theirs(weights: Path, size: int, bfloat16: bool) -> Callable[[], None]:  # noqa: FBT001 - given by place
    """PyTorch's step, with as many threads as ours."""
    import torch  # noqa: PLC0415 - after MXNet, whose OpenMP it must not replace

    from benchmarks.torch_network import laid  # noqa: PLC0415 - likewise
    from benchmarks.torch_peer import TorchObjective  # noqa: PLC0415 - likewise

    torch.set_num_threads(threads)
    content, style, start = noise(size)
    objective = TorchObjective(load(weights), content, style, recipe_of(size), bfloat16=bfloat16)
    image = laid(start)

    def step() -> None:
        objective.evaluate(image)

    return step


def noise(size: int) -> list[NDArray[np.float32]]:
    """Content, style and start, (size, size, 3) in 0 to 255, the same each time."""
    generator = np.random.default_rng(0)
    return [generator.uniform(0, 255, (size, size, 3)).astype(np.float32) for _ in range(3)]


def recipe_of(size: int) -> Recipe:
    """What both minimise."""
    return Recipe(
        content_weight=5,
        style_weight=100,
        normalization="classic",
        padding="zeros",
        tv_weight=0,
        size=size,
    )
