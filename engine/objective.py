"""What is minimised: the weighted sum of all losses over the taps, for one content and one style.

Gatys, Ecker, Bethge 2016, equation 7, with a total variation term, and one for photographs that are
to stay such (Luan, Paris, Shechtman, Bala 2017). A picture that is too large for
the memory is worked through in tiles, and value and gradient are those of the whole all the same: a
first pass, forward alone, adds up what each loss has to know of the maps; a second one carries each
tile's share of the loss's gradient back, and where halos overlap the shares add up. How much of the
network is gone through again for that is the tiling's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.content_loss import ContentLoss
from engine.footprint import elements
from engine.guiding import AtTaps, region_losses
from engine.layers import level_of
from engine.losses import Aim, Place, StyleKind, TapLoss, energy
from engine.matting import PhotorealismLoss
from engine.mx import Array, nd
from engine.patchwork import Patchwork
from engine.precision import raised
from engine.progress import LossParts
from engine.recipe import CONVOLUTIONS, Convolution, Recipe
from engine.shelf import NO_SHELF, Shelf
from engine.stages import Tiling
from engine.style_losses import weighted_kinds
from engine.style_statistics import parts_at
from engine.style_store import Statistics
from engine.variation import TotalVariation
from engine.vgg import Vgg


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
        style: statistics of the style at this scale, all that the recipe asks for.
        recipe: weights, layers, normalisation and pooling.
        tiling: the pieces to work through; without it there is one.
        regions: of the content at the style taps, each with a style loss of its own; the style's
            statistics are by region then.
        realism: how far images are from a photograph; it sees the whole picture, tiles or not.

    Raises:
        PictureError: a side of the content is too small for the network.
    """

    def __init__(  # noqa: PLR0913 - this is where all of these meet
        self,
        network: Vgg,
        content: Array,
        style: Statistics,
        recipe: Recipe,
        tiling: Tiling | None = None,
        *,
        regions: AtTaps | None = None,
        realism: PhotorealismLoss | None = None,
    ) -> None:
        self._network = network
        self._regions = regions
        self._recipe = recipe
        self._tiling = tiling or Tiling()
        shelved = self._tiling.shelved and self._tiling.whole
        self._shelf = Shelf(content.context) if shelved else NO_SHELF
        self._size = content.shape[2:]
        self._raw = _measured_raw(recipe)
        self._terms = [*self._content_terms(content), *self._style_terms(style)]
        self._taps = {term.tap for term in self._terms}
        self._smoothness = (
            TotalVariation(recipe.tv_weight, squared=recipe.tv_norm == "l2")
            if recipe.tv_weight
            else None
        )
        self._realism = realism

    def evaluate(self, image: Array) -> tuple[LossParts, Array]:
        """Return the loss, taken apart, and its gradient with respect to an image.

        Of a picture in one piece the whole evaluation is queued on the device before the losses
        are read back: one wait (but for the first time, when kernels are copied for the way back).

        Args:
            image: (1, 3, H, W) float32, RGB, 0 to 255 (values outside are allowed).
        """
        self._shelf.forget()
        work = Patchwork(self._network, image, self._taps, self._recipe, self._tiling, self._shelf)
        values, pulls = self._conclude(self._measured(work))
        gradient = work.back(lambda *piece: self._pulled(pulls, *piece))
        if self._smoothness is not None:
            roughness, slope = self._smoothness(image)
            values.append(roughness)
            gradient = nd.elemwise_add(gradient, slope)
        unreal = 0.0
        if self._realism is not None:
            # While the host is at that, the device works off what is queued.
            unreal, pull = self._realism(image.asnumpy()[0].transpose(1, 2, 0))
            gradient = nd.elemwise_add(gradient, self._network.to_device(pull))
        return self._parts(nd.concat(*values, dim=0).asnumpy().tolist(), unreal), gradient

    def _measured(self, work: Patchwork) -> list[Array]:
        """What each loss has to know of the maps, added up over the pieces."""
        sums: dict[int, Array] = {}
        for tap, maps, place in work.forward(to_return=True, raw=self._raw):
            for number, term in enumerate(self._terms):
                if term.tap == tap:
                    found = term.loss.measure(maps, place)
                    sums[number] = sums[number] + found if number in sums else found
        return [sums[number] for number in range(len(self._terms))]

    def _conclude(self, measured: list[Array]) -> tuple[list[Array], list[Any]]:
        """Values of all terms, and what pulls the maps."""
        pairs = [term.loss.conclude(each) for term, each in zip(self._terms, measured, strict=True)]
        return [value for value, _ in pairs], [pull for _, pull in pairs]

    def _pulled(self, pulls: list[Any], tap: str, maps: Array, place: Place) -> Array:
        """Gradient at one tap, those of several losses added up."""
        total: Array | None = None
        for term, pull in zip(self._terms, pulls, strict=True):
            if term.tap == tap:
                own = term.loss.pull(maps, place, pull)
                total = own if total is None else self._summed(total, own)
        return total

    def _summed(self, one: Array, other: Array) -> Array:
        total = nd.elemwise_add(raised(one), raised(other))
        self._shelf.put(one)
        self._shelf.put(other)
        return total

    def _parts(self, values: list[float], realism: float) -> LossParts:
        content = 0.0
        style: dict[str, float] = {}
        for term, value in zip(self._terms, values, strict=False):
            if term.label == "content":
                content += value
            else:
                style[term.label] = style.get(term.label, 0.0) + value
        tv = values[-1] if self._smoothness is not None else 0.0
        return LossParts(sum(values) + realism, content, style, tv, realism)

    def _content_terms(self, content: Array) -> list[_Term]:
        recipe = self._recipe
        if not recipe.content_weight:
            return []
        targets = whole_maps(self._network, content, recipe, self._tiling)
        return [
            _Term(
                tap,
                "content",
                ContentLoss(targets[tap], self._factor(targets[tap], weight), self._shelf),
            )
            for tap, weight in _scaled(recipe.content_layers, recipe.content_weight)
        ]

    def _style_terms(self, style: Statistics) -> list[_Term]:
        recipe = self._recipe
        if not recipe.style_weight:
            return []
        losses = [
            (tap, self._style_loss(style, tap, kind, weight * share))
            for tap, weight in _scaled(recipe.style_layers, recipe.strength * recipe.style_weight)
            for kind, share in weighted_kinds(recipe)
        ]
        return [_Term(tap, tap, loss) for tap, loss in losses if loss is not None]

    def _style_loss(
        self, style: Statistics, tap: str, kind: StyleKind, weight: float
    ) -> TapLoss | None:
        aim = self._aim(tap, weight)
        if self._regions is not None:
            return region_losses(style, tap, kind, self._regions[tap], aim)
        return kind.loss(parts_at(style, tap, kind), aim)

    def _aim(self, tap: str, weight: float) -> Aim:
        values, raw = round(elements(tap, self._size)), tap in self._raw
        return Aim(weight, self._is_relative, values, self._network.laid, self._shelf, raw)

    def _factor(self, target: Array, weight: float) -> float:
        return weight / energy(target) if self._is_relative else weight

    @property
    def _is_relative(self) -> bool:
        return self._recipe.normalization == "relative"


def whole_maps(
    network: Vgg, content: Array, recipe: Recipe, tiling: Tiling | None = None
) -> dict[str, Array]:
    """Maps of a content picture (1, 3, H, W) at the recipe's content taps, put together.

    Raises:
        PictureError: a side is too small for the network.
    """
    work = Patchwork(network, content, recipe.content_layers, recipe, tiling or Tiling())
    maps: dict[str, Array] = {}
    for tap, own, (rows, columns) in work.forward():
        sides = tuple(int(side) >> level_of(tap) for side in content.shape[2:])
        if own.shape[2:] == sides:
            maps[tap] = own
            continue
        if tap not in maps:
            maps[tap] = nd.zeros((1, own.shape[1], *sides), ctx=own.context)
        maps[tap][:, :, rows, columns] = own
    return maps


def _measured_raw(recipe: Recipe) -> set[str]:
    """Taps whose maps are measured as they are in the network: by each loss that reads them."""
    if not all(kind.measures_narrow for kind, _ in weighted_kinds(recipe)):
        return set()
    style = recipe.style_layers if recipe.style_weight else ()
    content = recipe.content_layers if recipe.content_weight else ()
    return {*style} - {*content}


def _scaled(layers: Mapping[Convolution, float], weight: float) -> list[tuple[str, float]]:
    """Layers in the network's order with their weights; `relative` or not, a weight is a factor."""
    return [(tap, layers[tap] * weight) for tap in sorted(layers, key=CONVOLUTIONS.index)]
