"""VGG-19 in PyTorch, the way its users write it: what other programs are measured with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.weights import Weights

Maps = dict[str, torch.Tensor]

_LAST: Final = "conv5_1"


class Network:
    """VGG-19 up to conv5_1, its maps after the ReLU, no parameter of it trained.

    Args:
        weights: trained.
        taps: the convolutions whose maps are given.
        pooling: its module, which halves.
        padding: `zeros` or `replicate`, of the first convolution.
        scale: what maps are divided by.
    """

    def __init__(
        self,
        weights: Weights,
        taps: Collection[str],
        pooling: type[nn.Module],
        *,
        padding: str = "zeros",
        scale: float = 1.0,
    ) -> None:
        self._convention = weights.convention
        self._taps = set(taps)
        self._scale = scale
        self._layers: list[tuple[str, nn.Module]] = []
        for name in weights.layers:
            if self._layers and self._layers[-1][0][4] != name[4]:
                self._layers.append((f"pool{name[4]}", pooling(2)))
            self._layers.append((name, _convolution(weights, name, padding)))
            padding = "zeros"
            if name == _LAST:
                break

    def __call__(self, image: torch.Tensor) -> Maps:
        """Maps of an image (1, 3, H, W), RGB, 0 to 255."""
        order = [2, 1, 0] if self._convention.order == "BGR" else [0, 1, 2]
        mean, scale = (
            torch.tensor(each, dtype=torch.float32).view(1, 3, 1, 1)
            for each in (self._convention.mean, self._convention.scale)
        )
        current = (image[:, order] * (self._convention.range / 255) - mean) / scale
        maps: Maps = {}
        for name, layer in self._layers:
            current = layer(current)
            if name.startswith("conv"):
                current = torch.relu(current)
            if name in self._taps:
                found = current.float()
                maps[name] = found if self._scale == 1 else found / self._scale
        return maps


def _convolution(weights: Weights, name: str, padding: str) -> nn.Conv2d:
    kernel, bias = weights.layers[name]
    found = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1, padding_mode=padding)
    found.weight.data = torch.from_numpy(kernel.copy())
    found.bias.data = torch.from_numpy(bias.copy())  # type: ignore[union-attr]
    return found.requires_grad_(requires_grad=False)


def gram(maps: torch.Tensor) -> torch.Tensor:
    """Gram matrix F F' / (C h w) of maps (1, C, h, w)."""
    flat = maps.flatten(2)[0]
    return flat @ flat.T / flat.numel()


def laid(picture: NDArray[Any]) -> torch.Tensor:
    """A picture (H, W, 3) as (1, 3, H, W) float32, 0 to 255."""
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], np.float32)
    return torch.from_numpy(planes)


def noise(weights: Weights, shape: Sequence[int]) -> torch.Tensor:
    """What neural-style starts from: a thousandth of a grey level around the mean colour.

    Args:
        weights: trained; say that colour.
        shape: of the image, (1, 3, H, W).
    """
    mean = torch.tensor(weights.convention.mean, dtype=torch.float32).view(1, 3, 1, 1)
    mean = mean.flip(1) if weights.convention.order == "BGR" else mean
    return mean * (255 / weights.convention.range) + 0.001 * torch.randn(*shape)
