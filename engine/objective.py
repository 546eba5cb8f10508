"""What is minimised: the weighted sum of all losses over the taps, for one content and one style.

Gatys, Ecker, Bethge 2016, equation 7, with a total variation term. A picture that is too large for
the memory is worked through in tiles, and value and gradient are those of the whole all the same: a
first pass, forward alone, adds up what each loss has to know of the maps; a second one carries each
tile's share of the loss's gradient back, and where halos overlap the shares add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from engine.layers import deepest, level_of
from engine.losses import ContentLoss, StyleLoss, TapLoss, TotalVariation, cut, energy, products
from engine.mx import Array, nd
from engine.progress import LossParts
from engine.recipe import CONVOLUTIONS, Convolution, Recipe
from engine.room import give_back
from engine.tiles import Grid, Tile
from engine.vgg import Vgg

Grams = dict[str, Array]


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
        grid: the tiles to work through.
    """

    def __init__(
        self, network: Vgg, content: Array, grams: Grams, recipe: Recipe, grid: Grid | None = None
    ) -> None:
        self._network = network
        self._recipe = recipe
        self._grid = grid or Grid()
        self._size = content.shape[2:]
        self._terms = [*self._content_terms(content), *self._style_terms(grams)]
        self._taps = {term.tap for term in self._terms}
        self._smoothness = TotalVariation(recipe.tv_weight) if recipe.tv_weight else None

    def evaluate(self, image: Array) -> tuple[LossParts, Array]:
        """Return the loss, taken apart, and its gradient with respect to an image.

        Of a picture in one piece the whole evaluation is queued on the device before the losses
        are read back: one wait.

        Args:
            image: (1, 3, H, W) float32, RGB, 0 to 255 (values outside are allowed).
        """
        values, gradient = self._whole(image) if self._grid.whole else self._in_tiles(image)
        if self._smoothness is not None:
            roughness, slope = self._smoothness(image)
            values.append(roughness)
            gradient = nd.elemwise_add(gradient, slope)
        return self._parts(nd.concat(*values, dim=0).asnumpy().tolist()), gradient

    def _whole(self, image: Array) -> tuple[list[Array], Array]:
        (tile,) = self._tiles()
        passage = self._network.record(image, self._taps, self._recipe)
        values, pulls = self._conclude(self._measured(passage.maps, tile))
        return values, passage.back(lambda tap, maps: self._pulled(tap, maps, tile, pulls))

    def _in_tiles(self, image: Array) -> tuple[list[Array], Array]:
        sums: list[Array] = []
        for tile in self._tiles():
            maps = self._network.forward(_area(image, tile), self._taps, self._recipe)
            measured = self._measured(_own(maps, tile), tile)
            sums = [a + b for a, b in zip(sums, measured, strict=True)] if sums else measured
            _settle(*sums)
        values, pulls = self._conclude(sums)
        gradient = nd.zeros_like(image)
        for tile in self._tiles():
            _add(gradient, self._share(image, tile, pulls), tile)
        return values, gradient

    def _share(self, image: Array, tile: Tile, pulls: list[Any]) -> Array:
        """Gradient over a tile's area of the part of the loss that its own maps make."""

        def gradient_at(tap: str, maps: Array) -> Array:
            own = cut(maps, tile.own(level_of(tap)))
            return _widened(self._pulled(tap, own, tile, pulls), maps, tile, tap)

        passage = self._network.record(_area(image, tile), self._taps, self._recipe)
        return passage.back(gradient_at)

    def _tiles(self) -> list[Tile]:
        return list(self._grid.tiles(self._size, deepest(self._taps)))

    def _measured(self, maps: Mapping[str, Array], tile: Tile) -> list[Array]:
        return [
            term.loss.measure(maps[term.tap], tile.place(level_of(term.tap)))
            for term in self._terms
        ]

    def _conclude(self, measured: list[Array]) -> tuple[list[Array], list[Any]]:
        """Values of all terms, and what pulls the maps."""
        pairs = [term.loss.conclude(each) for term, each in zip(self._terms, measured, strict=True)]
        return [value for value, _ in pairs], [pull for _, pull in pairs]

    def _pulled(self, tap: str, maps: Array, tile: Tile, pulls: list[Any]) -> Array:
        """Gradient at one tap, those of several losses added up."""
        place = tile.place(level_of(tap))
        gradients = [
            term.loss.pull(maps, place, pull)
            for term, pull in zip(self._terms, pulls, strict=True)
            if term.tap == tap
        ]
        return reduce(nd.elemwise_add, gradients)

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
        targets = whole_maps(self._network, content, recipe, self._grid)
        return [
            _Term(tap, "content", ContentLoss(targets[tap], self._factor(targets[tap], weight)))
            for tap, weight in _scaled(recipe.content_layers, recipe.content_weight)
        ]

    def _style_terms(self, grams: Grams) -> list[_Term]:
        recipe = self._recipe
        if not recipe.style_weight:
            return []
        return [
            _Term(
                tap,
                tap,
                StyleLoss(
                    grams[tap], self._factor(grams[tap], weight), self._elements(tap, grams[tap])
                ),
            )
            for tap, weight in _scaled(recipe.style_layers, recipe.style_weight)
        ]

    def _elements(self, tap: str, target: Array) -> int:
        height, width = (int(side) >> level_of(tap) for side in self._size)
        return int(target.shape[0]) * height * width

    def _factor(self, target: Array, weight: float) -> float:
        return weight / energy(target) if self._recipe.normalization == "relative" else weight


def style_grams(network: Vgg, style: Array, recipe: Recipe, grid: Grid | None = None) -> Grams:
    """Gram matrices of a style picture (1, 3, H, W) at the recipe's style taps."""
    taps = list(recipe.style_layers)
    sums: Grams = {}
    for tile in (grid or Grid()).tiles(style.shape[2:], deepest(taps)):
        maps = _own(network.forward(_area(style, tile), taps, recipe), tile)
        for tap in taps:
            found = products(maps[tap])
            sums[tap] = sums[tap] + found if tap in sums else found
        _settle(*sums.values())
    height, width = style.shape[2:]
    return {
        tap: total / (total.shape[0] * (height >> level_of(tap)) * (width >> level_of(tap)))
        for tap, total in sums.items()
    }


def whole_maps(network: Vgg, content: Array, recipe: Recipe, grid: Grid) -> dict[str, Array]:
    """Maps of a content picture (1, 3, H, W) at the recipe's content taps, put together."""
    taps = list(recipe.content_layers)
    maps: dict[str, Array] = {}
    for tile in grid.tiles(content.shape[2:], deepest(taps)):
        for tap, own in _own(network.forward(_area(content, tile), taps, recipe), tile).items():
            if grid.whole:
                maps[tap] = own
                continue
            level = level_of(tap)
            sides = (int(side) >> level for side in content.shape[2:])
            whole = maps.setdefault(tap, nd.zeros((1, own.shape[1], *sides), ctx=own.context))
            rows, columns = tile.place(level)
            whole[:, :, rows, columns] = own
        _settle(*maps.values())
    return maps


def _area(image: Array, tile: Tile) -> Array:
    return cut(image, tile.area)


def _own(maps: Mapping[str, Array], tile: Tile) -> dict[str, Array]:
    return {tap: cut(each, tile.own(level_of(tap))) for tap, each in maps.items()}


def _widened(share: Array, maps: Array, tile: Tile, tap: str) -> Array:
    """A gradient on a tile's own part, with nothing in the halo."""
    if share.shape == maps.shape:
        return share
    around: list[int] = [0, 0, 0, 0]
    for own, side in zip(tile.own(level_of(tap)), maps.shape[2:], strict=True):
        around += [own.start, side - own.stop]
    return nd.pad(share, mode="constant", pad_width=tuple(around), constant_value=0)


def _add(gradient: Array, share: Array, tile: Tile) -> None:
    rows, columns = tile.area
    gradient[:, :, rows, columns] += share
    _settle(gradient)


def _settle(*arrays: Array) -> None:
    """Wait, so that the next tile does not begin while the last one's memory is still in use."""
    for array in arrays:
        array.wait_to_read()
    give_back()


def _scaled(layers: Mapping[Convolution, float], weight: float) -> list[tuple[str, float]]:
    """Layers in the network's order with their weights; `relative` or not, a weight is a factor."""
    return [(tap, layers[tap] * weight) for tap in sorted(layers, key=CONVOLUTIONS.index)]
