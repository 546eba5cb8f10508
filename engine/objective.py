"""What is minimised: the weighted sum of all losses over the taps, for one content and one style.

Gatys, Ecker, Bethge 2016, equation 7, with a total variation term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.losses import ContentLoss, StyleLoss, TotalVariation, energy, gram
from engine.mx import Array, nd
from engine.progress import LossParts
from engine.recipe import CONVOLUTIONS, Convolution, Recipe
from engine.vgg import Vgg

Grams = dict[str, Array]
TapLoss = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True)
class _Term:
    """One loss at one tap; `label` is "content" or the style tap's name."""

    tap: str
    label: str
    loss: TapLoss


class Objective:
    """Value and gradient of the total loss for images of one size.

    Args:
        network: the trained network.
        content: the content at this scale, (1, 3, H, W), RGB, 0 to 255.
        grams: Gram matrices of the style at this scale, one for each style tap of the recipe.
        recipe: weights, layers, normalisation and pooling.
    """

    def __init__(self, network: Vgg, content: Array, grams: Grams, recipe: Recipe) -> None:
        self._network = network
        self._recipe = recipe
        self._terms = [*self._content_terms(content), *self._style_terms(grams)]
        self._taps = {term.tap for term in self._terms}
        self._smoothness = TotalVariation(recipe.tv_weight) if recipe.tv_weight else None

    def evaluate(self, image: Array) -> tuple[LossParts, Array]:
        """Return the loss, taken apart, and its gradient with respect to an image.

        The whole evaluation is queued on the device before the losses are read back: one wait.

        Args:
            image: (1, 3, H, W) float32, RGB, 0 to 255 (values outside are allowed).
        """
        passage = self._network.record(image, self._taps, self._recipe)
        values, gradients = self._at_taps(passage.maps)
        gradient = passage.back(gradients)
        if self._smoothness is not None:
            roughness, slope = self._smoothness(image)
            values.append(roughness)
            gradient = nd.elemwise_add(gradient, slope)
        return self._parts(nd.concat(*values, dim=0).asnumpy().tolist()), gradient

    def _at_taps(self, maps: dict[str, Array]) -> tuple[list[Array], dict[str, Array]]:
        values: list[Array] = []
        gradients: dict[str, Array] = {}
        for term in self._terms:
            value, gradient = term.loss(maps[term.tap])
            values.append(value)
            known = gradients.get(term.tap)
            gradients[term.tap] = gradient if known is None else nd.elemwise_add(known, gradient)
        return values, gradients

    def _parts(self, values: list[float]) -> LossParts:
        content = 0.0
        style: dict[str, float] = {}
        for term, value in zip(self._terms, values, strict=False):
            if term.label == "content":
                content += value
            else:
                style[term.label] = value
        tv = values[-1] if self._smoothness is not None else 0.0
        return LossParts(sum(values), content, style, tv)

    def _content_terms(self, content: Array) -> list[_Term]:
        recipe = self._recipe
        if not recipe.content_weight:
            return []
        maps = self._network.record(content, recipe.content_layers, recipe).maps
        return [
            _Term(tap, "content", ContentLoss(maps[tap], self._factor(maps[tap], weight)))
            for tap, weight in _scaled(recipe.content_layers, recipe.content_weight)
        ]

    def _style_terms(self, grams: Grams) -> list[_Term]:
        recipe = self._recipe
        if not recipe.style_weight:
            return []
        return [
            _Term(tap, tap, StyleLoss(grams[tap], self._factor(grams[tap], weight)))
            for tap, weight in _scaled(recipe.style_layers, recipe.style_weight)
        ]

    def _factor(self, target: Array, weight: float) -> float:
        return weight / energy(target) if self._recipe.normalization == "relative" else weight


def style_grams(network: Vgg, style: Array, recipe: Recipe) -> Grams:
    """Gram matrices of a style picture (1, 3, H, W) at the recipe's style taps."""
    maps = network.record(style, recipe.style_layers, recipe).maps
    return {tap: gram(maps[tap]) for tap in recipe.style_layers}


def _scaled(layers: Mapping[Convolution, float], weight: float) -> list[tuple[str, float]]:
    """Layers in the network's order with their weights; `relative` or not, a weight is a factor."""
    return [(tap, layers[tap] * weight) for tap in sorted(layers, key=CONVOLUTIONS.index)]
