"""Two programs that people would otherwise use, each at its defaults, in PyTorch.

Both with the trained weights that we paint with, and of pictures as we are given them:

- **neural-style** (J. Johnson 2015, after Gatys, Ecker, Bethge 2016): L-BFGS of 1000 steps from
  noise at one size, a hundred steps remembered, max pooling, content 5 at relu4_2, style 100 at
  relu1_1 to relu5_1, total variation 0.001, of squares.
- **style-transfer-pytorch** (K. Crowson 2020): sizes that grow by the square root of 2 from 128
  pixels on, 1000 steps on the first and 500 on each other, Adam of 0.02 whose moments go along to
  the next size, as does the average of the iterates, which is the picture in the end; style layers
  256 : 64 : 16 : 4 : 1 with the Wasserstein distance of normal distributions, content 0.015,
  squared total variation 2, and the first convolution sees the picture's edge repeated.

The latter's weights are for maps of pictures that were brought to a spread of 1. The original
network wants grey levels; since it is as good as homogeneous, its maps are divided by what grey
levels are larger. The former knows grey levels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from benchmarks.torch_network import Network, gram, laid, noise
from engine.pyramid import fitted, resized, size_of
from engine.weights import Weights

Picture = NDArray[Any]

CONTENT: Final = "conv4_2"
STYLE: Final = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
_SPREAD: Final = 0.226 * 255
"""Of the colours of photographs, grey levels: what the newer networks' pictures are divided by."""


def network_of(weights: Weights, *, padding: str = "zeros", scale: float = 1.0) -> Network:
    """The network that both go by, with max pooling; see `Network`."""
    return Network(weights, {CONTENT, *STYLE}, nn.MaxPool2d, padding=padding, scale=scale)


def neural_style(
    weights: Weights, content: Picture, style: Picture, *, steps: int = 1000
) -> Picture:
    """Paint as neural-style does.

    Args:
        weights: trained.
        content: (H, W, 3), in the size that is painted.
        style: likewise, of any size.
        steps: of L-BFGS; 1000 is its default.
    """
    network = network_of(weights)
    photo, painting = laid(content), laid(_beside(style, max(size_of(content))))
    target = network(photo)[CONTENT]
    grams = {tap: gram(maps) for tap, maps in network(painting).items() if tap in STYLE}
    image = noise(weights, photo.shape).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image], max_iter=steps, max_eval=steps * 5 // 4, history_size=100,
        tolerance_grad=0, tolerance_change=0,
    )  # fmt: skip

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        maps = network(image)
        loss = 5 * functional.mse_loss(maps[CONTENT], target) + 1e-3 * _roughness(image)
        for tap, wanted in grams.items():
            loss = loss + 100 * functional.mse_loss(gram(maps[tap]), wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return _seen(image)


def _roughness(image: torch.Tensor) -> torch.Tensor:
    """Its total variation, of which it has the gradient alone: half the squares, summed.

    Each pixel is compared with the next one and the one below, but in the last line and column.
    """
    corner = image[..., :-1, :-1]
    across, down = image[..., :-1, 1:] - corner, image[..., 1:, :-1] - corner
    return (across.square().sum() + down.square().sum()) / 2


def style_transfer_pytorch(  # noqa: PLR0913 - what its users would set
    weights: Weights,
    content: Picture,
    style: Picture,
    *,
    first: int = 1000,
    each: int = 500,
    least: int = 128,
) -> Picture:
    """Paint as style-transfer-pytorch does.

    Args:
        weights: trained.
        content: (H, W, 3), in the size that is painted.
        style: likewise, of any size.
        first: steps on the first size; 1000 is its default.
        each: on each other; 500 is.
        least: the first size is no smaller than this; 128 pixels is its default.
    """
    network = network_of(weights, padding="replicate", scale=_SPREAD)
    moments, average = None, None
    for long_side in sides(max(size_of(content)), least):
        size = fitted(size_of(content), long_side)
        photo = laid(resized(content, size)) / 255
        image = photo if average is None else _enlarged(average.value, size).clamp(0, 1)
        image = image.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([image], lr=0.02, betas=(0.9, 0.99))
        if moments is not None:
            optimizer.load_state_dict(_carried(optimizer, moments, size))
        no_larger = min(long_side, max(size_of(style)))
        loss = _loss(network, photo, laid(_beside(style, no_larger)) / 255)
        average = _Average(image.detach())
        for _ in range(each if moments is not None else first):
            optimizer.zero_grad()
            loss(image).backward()
            optimizer.step()
            with torch.no_grad():
                average.add(image.clamp_(0, 1))
        moments = optimizer.state_dict()["state"][0]
    assert average is not None  # noqa: S101 - there is at least one size
    return _seen(average.value * 255)


def sides(last: int, least: int = 128) -> list[int]:
    """Long sides that it works through, each the square root of 2 times the one before."""
    found: list[int] = []
    while not found or (side := round(last / math.sqrt(2) ** len(found))) >= least:
        found.append(side if found else last)
    return found[::-1]


class _Average:
    """The mean of the start and the iterates, in which older ones fade by 0.99 a step."""

    def __init__(self, start: torch.Tensor) -> None:
        self._sum: torch.Tensor = torch.zeros(())
        self._weight = 0.0
        self.add(start)

    def add(self, image: torch.Tensor) -> None:
        self._sum = 0.99 * self._sum + 0.01 * image
        self._weight = 0.99 * self._weight + 0.01

    @property
    def value(self) -> torch.Tensor:
        return self._sum / self._weight


def _loss(
    network: Network, photo: torch.Tensor, painting: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    with torch.no_grad():
        target = network(photo * 255)[CONTENT]
        found = network(painting * 255)
        styles = {tap: _Normal(found[tap]) for tap in STYLE}

    def loss(image: torch.Tensor) -> torch.Tensor:
        maps = network(image * 255)
        found = 0.015 * functional.mse_loss(maps[CONTENT], target) + 2 * _squares(image)
        for weight, tap in zip((256, 64, 16, 4, 1), STYLE, strict=True):
            found = found + weight / 341 * styles[tap].distance(maps[tap])
        return found

    return loss


class _Normal:
    """Mean and covariance of a style's maps, and how far others are from that."""

    def __init__(self, maps: torch.Tensor) -> None:
        self._mean, self._covariance = _moments(maps)
        values, vectors = torch.linalg.eigh(self._covariance)
        self._root = vectors * values.clamp_min(0).sqrt() @ vectors.T

    def distance(self, maps: torch.Tensor) -> torch.Tensor:
        """Squared Wasserstein distance of normal distributions, a channel."""
        mean, covariance = _moments(maps)
        # Root and trace by eigenvalues: exact, and quicker than the twelve products of a
        # Newton-Schulz root and their way back, which the program itself takes.
        values = torch.linalg.eigvalsh(self._root @ covariance @ self._root)
        least = 1e-6 * float(values.detach().max())
        work = (
            covariance.trace() + self._covariance.trace() - 2 * values.clamp_min(least).sqrt().sum()
        )
        return (mean - self._mean).square().mean() + work / len(mean)


def _moments(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    flat = maps.flatten(2)[0]
    mean = flat.mean(1)
    ridge = 1e-4 * torch.eye(len(mean))
    return mean, flat @ flat.T / flat.shape[1] - torch.outer(mean, mean) + ridge


def _squares(image: torch.Tensor) -> torch.Tensor:
    """Total variation of squares, to all eight neighbours: the diagonal ones count a quarter."""
    wide = functional.pad(image, (1, 1, 1, 1), "replicate")
    own = wide[..., 1:-1, 1:-1]
    across, down = wide[..., 1:-1, 2:] - own, wide[..., 2:, 1:-1] - own
    falling = wide[..., 1:, 1:] - wide[..., :-1, :-1]
    rising = wide[..., 1:, :-1] - wide[..., :-1, 1:]
    straight, diagonal = (
        one.square().mean() + other.square().mean()
        for one, other in ((across, down), (falling, rising))
    )
    return (4 * straight + diagonal) / 6


def _carried(optimizer: Any, moments: Any, size: tuple[int, int]) -> Any:
    """An optimiser's state, with moments from the size before."""
    found = optimizer.state_dict()
    found["state"] = {0: {
        "step": moments["step"],
        "exp_avg": _enlarged(moments["exp_avg"], size),
        "exp_avg_sq": _enlarged(moments["exp_avg_sq"], size, "bilinear").relu(),
    }}  # fmt: skip
    return found


def _enlarged(planes: torch.Tensor, size: tuple[int, int], mode: str = "bicubic") -> torch.Tensor:
    return functional.interpolate(planes.detach(), size, mode=mode, align_corners=False)


def _beside(style: Picture, long_side: int) -> Picture:
    return resized(style, fitted(size_of(style), long_side))


def _seen(image: torch.Tensor) -> Picture:
    planes = image.detach()[0].round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())


PAINTERS: Final = MappingProxyType(
    {"neural-style": neural_style, "style-transfer-pytorch": style_transfer_pytorch}
)
"""Both, by name."""
