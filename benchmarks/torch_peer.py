"""The same network, losses and gradient in PyTorch, the way its users write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine import CONVOLUTIONS, Recipe
from engine.weights import Weights


def make_network(weights: Weights, last: str = "conv5_1") -> nn.ModuleDict:
    """VGG-19 with average pooling up to a convolution, no parameter of it trained."""
    layers: dict[str, nn.Module] = {}
    for name in CONVOLUTIONS[: CONVOLUTIONS.index(last) + 1]:
        if layers and next(reversed(layers))[4] != name[4]:
            layers[f"pool{int(name[4]) - 1}"] = nn.AvgPool2d(2)
        kernel, bias = weights.layers[name]
        convolution = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
        convolution.weight.data = torch.from_numpy(kernel.copy())
        convolution.bias.data = torch.from_numpy(bias.copy())  # type: ignore[union-attr]
        layers[name] = convolution
    return nn.ModuleDict(layers).requires_grad_(requires_grad=False)


def gram(maps: torch.Tensor) -> torch.Tensor:
    """Gram matrix F F' / (C h w) of maps (1, C, h, w)."""
    flat = maps.flatten(2)[0]
    return flat @ flat.T / flat.numel()


class TorchObjective:
    """Value and gradient of the classic loss, by autograd.

    Args:
        weights: trained; their channel order is the order of the pictures that are given.
        content: (H, W, 3) RGB, 0 to 255.
        style: likewise.
        recipe: weights and taps; the normalisation is classic.
        bfloat16: whether convolutions run under autocast.
    """

    def __init__(
        self,
        weights: Weights,
        content: NDArray[Any],
        style: NDArray[Any],
        recipe: Recipe,
        *,
        bfloat16: bool = False,
    ) -> None:
        self._convention = weights.convention
        self._network = make_network(weights)
        self._recipe = recipe
        self._bfloat16 = bfloat16
        with torch.no_grad():
            self._content = self._maps(self.laid(content))
            self._grams = {tap: gram(m) for tap, m in self._maps(self.laid(style)).items()}

    def laid(self, picture: NDArray[Any]) -> torch.Tensor:
        """A picture as (1, 3, H, W) float32, RGB, 0 to 255."""
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], np.float32)
        return torch.from_numpy(planes)

    def evaluate(self, image: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Loss and gradient at an image (1, 3, H, W)."""
        image = image.detach().requires_grad_()
        loss = self._loss(self._maps(image))
        (gradient,) = torch.autograd.grad(loss, image)
        return float(loss.detach()), gradient

    def _maps(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        order = [2, 1, 0] if self._convention.order == "BGR" else [0, 1, 2]
        mean, scale = (
            torch.tensor(each).view(1, 3, 1, 1)
            for each in (self._convention.mean, self._convention.scale)
        )
        current = (image[:, order] * (self._convention.range / 255) - mean) / scale
        taps = self._recipe.taps
        maps: dict[str, torch.Tensor] = {}
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            for name, layer in self._network.items():
                current = layer(current)
                if name.startswith("conv"):
                    current = torch.relu(current)
                if name in taps:
                    maps[name] = current.float()
        return maps

    def _loss(self, maps: Mapping[str, torch.Tensor]) -> torch.Tensor:
        recipe = self._recipe
        total = torch.zeros(())
        for tap, weight in recipe.content_layers.items():
            difference = (maps[tap] - self._content[tap]).square().mean()
            total = total + recipe.content_weight * weight * difference
        for tap, weight in recipe.style_layers.items():
            difference = (gram(maps[tap]) - self._grams[tap]).square().mean()
            total = total + recipe.style_weight * weight * difference
        return total
