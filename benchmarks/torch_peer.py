"""The same losses and gradient in PyTorch, the way its users write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.torch_network import Maps, Network, gram, laid
from engine import Recipe
from engine.weights import Weights


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
        self._network = Network(weights, recipe.taps, nn.AvgPool2d)
        self._recipe = recipe
        self._bfloat16 = bfloat16
        with torch.no_grad():
            self._content = self._maps(laid(content))
            self._grams = {tap: gram(m) for tap, m in self._maps(laid(style)).items()}

    def evaluate(self, image: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Loss and gradient at an image (1, 3, H, W)."""
        image = image.detach().requires_grad_()
        loss = self._loss(self._maps(image))
        (gradient,) = torch.autograd.grad(loss, image)
        return float(loss.detach()), gradient

    def _maps(self, image: torch.Tensor) -> Maps:
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            return self._network(image)

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
