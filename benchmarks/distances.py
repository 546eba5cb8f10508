"""How far a picture is from its photo and from its style, at layers that no painter here minimises.

Every picture is judged by the same function: by the trained float32 network, with zeros beyond the
picture's edge as the network was trained, once with average and once with max pooling, and what
counts is the mean of both. So neither a painter that works with the one pooling nor one that works
with the other is judged by its own yardstick alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import Recipe
from engine.mx import Array, nd
from engine.objective import whole_maps
from engine.pyramid import Size, resized, size_of
from engine.recipe import Convolution
from engine.style_statistics import style_statistics
from engine.vgg import Vgg

LAYERS: Final[tuple[Convolution, ...]] = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_2")
_YARDSTICKS: Final = tuple(
    Recipe(
        content_layers=dict.fromkeys(LAYERS, 1.0),
        style_layers=dict.fromkeys(LAYERS, 1.0),
        pooling=pooling,
        padding="zeros",
    )
    for pooling in ("avg", "max")
)


@dataclass(frozen=True)
class Distances:
    """Relative square distances; 0 is the same, 1 is as far as a blank target.

    Attributes:
        style: mean over layers of mean((G - A)^2) / mean(A^2), G and A the Gram matrices of the
            picture and of the style.
        content: the same of the maps of the picture and of the photo.
    """

    style: float
    content: float


class Judge:
    """One photo and one style, to which pictures of one size are compared.

    The photo is brought to the pictures' size, and the style to as many pixels with its own
    proportions. All of the style is looked at, its edges too.

    Args:
        network: the trained network.
        photo: (H, W, 3), 0 to 255, of any size.
        style: likewise.
        size: height and width of the pictures, pixels.
    """

    def __init__(self, network: Vgg, photo: NDArray[Any], style: NDArray[Any], size: Size) -> None:
        self._network = network
        self._size = size
        laid_photo = network.to_device(resized(photo, size))
        laid_style = network.to_device(resized(style, of_as_many_pixels(size_of(style), size)))
        self._targets = [
            (recipe, self._grams(laid_style, recipe), self._maps(laid_photo, recipe))
            for recipe in _YARDSTICKS
        ]

    def distances(self, picture: NDArray[Any]) -> Distances:
        """Judge a picture of the size that was said, (H, W, 3), 0 to 255.

        Raises:
            ValueError: it is of another size.
        """
        if size_of(picture) != self._size:
            raise ValueError(f"a picture of {size_of(picture)}, but {self._size} was agreed on")
        laid = self._network.to_device(picture.astype(np.float32))
        style, content = [], []
        for recipe, grams, maps in self._targets:
            style.append(_relative(self._grams(laid, recipe), grams))
            content.append(_relative(self._maps(laid, recipe), maps))
        return Distances(float(np.mean(style)), float(np.mean(content)))

    def _grams(self, laid: Array, recipe: Recipe) -> dict[str, Array]:
        found = style_statistics(self._network, laid, recipe)
        return {name: self._network.laid(gram) for name, gram in found.items()}

    def _maps(self, laid: Array, recipe: Recipe) -> dict[str, Array]:
        return whole_maps(self._network, laid, recipe)


def of_as_many_pixels(own: Size, other: Size) -> Size:
    """The size with the proportions of `own` that has about as many pixels as `other`."""
    height = round(math.sqrt(other[0] * other[1] * own[0] / own[1]))
    return height, round(height * own[1] / own[0])


def _relative(found: dict[str, Array], targets: dict[str, Array]) -> float:
    """Mean over layers of the square distance over the energy of the target."""
    return float(
        np.mean(
            [
                float(nd.mean(nd.square(found[tap] - target)).asscalar())
                / float(nd.mean(nd.square(target)).asscalar())
                for tap, target in targets.items()
            ]
        )
    )
