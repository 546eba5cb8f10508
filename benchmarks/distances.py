"""How far a picture is from its photo and from its style, at layers that no painter here minimises.

Every picture is judged by the same function: by the trained float32 network, once with average and
once with max pooling, and what counts is the mean of both. So neither a painter that works with the
one pooling nor one that works with the other is judged by its own yardstick alone.

Beyond its edge a picture goes on mirrored, so far that hardly anything of what is behind that is
seen, and positions that lie there do not count. With zeros there, as the network was trained, most
of what counts of a small picture is how its edge goes with black: of 128x85 pixels the deepest
layer sees 8x5 positions, of which 22 are at the edge. That can be asked for too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine import Recipe
from engine.gram import products
from engine.layers import level_of
from engine.mx import Array, nd
from engine.objective import whole_maps
from engine.pyramid import Size, resized, size_of
from engine.recipe import Convolution
from engine.vgg import Vgg

LAYERS: Final[tuple[Convolution, ...]] = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_2")
Beyond = Literal["mirror", "zeros"]
"""What is beyond a picture's edge."""
SURROUND: Final = 64
"""Of the mirrored picture on each side, pixels; a multiple of the deepest layer's stride."""
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
        beyond: what is beyond their edges.
    """

    def __init__(
        self,
        network: Vgg,
        photo: NDArray[Any],
        style: NDArray[Any],
        size: Size,
        beyond: Beyond = "mirror",
    ) -> None:
        self._network = network
        self._size = size
        self._surround = SURROUND if beyond == "mirror" else 0
        within, as_many = resized(photo, size), of_as_many_pixels(size_of(style), size)
        likewise = resized(style, as_many)
        self._targets = [
            (recipe, _grams(self._maps(likewise, recipe)), self._maps(within, recipe))
            for recipe in _YARDSTICKS
        ]

    def distances(self, picture: NDArray[Any]) -> Distances:
        """Judge a picture of the size that was said, (H, W, 3), 0 to 255.

        Raises:
            ValueError: it is of another size.
        """
        if size_of(picture) != self._size:
            raise ValueError(f"a picture of {size_of(picture)}, but {self._size} was agreed on")
        style, content = [], []
        for recipe, grams, maps in self._targets:
            found = self._maps(picture, recipe)
            style.append(_relative(_grams(found), grams))
            content.append(_relative(found, maps))
        return Distances(float(np.mean(style)), float(np.mean(content)))

    def _maps(self, picture: NDArray[Any], recipe: Recipe) -> dict[str, Array]:
        """Maps (1, C, h, w) of the picture alone, without what goes on around it."""
        laid = self._network.to_device(_surrounded(picture, self._surround))
        maps = whole_maps(self._network, laid, recipe)
        return {tap: self._own(each, tap, size_of(picture)) for tap, each in maps.items()}

    def _own(self, maps: Array, tap: str, size: Size) -> Array:
        level = level_of(tap)
        begin = self._surround >> level
        rows, columns = (slice(begin, begin + (side >> level)) for side in size)
        return maps[:, :, rows, columns]


def _surrounded(picture: NDArray[Any], width: int) -> NDArray[np.float32]:
    """The picture, mirrored around itself at least so far, to a multiple of that."""
    if not width:
        return picture.astype(np.float32)
    sides = [(width, width + -side % SURROUND) for side in size_of(picture)]
    return np.pad(picture.astype(np.float32), [*sides, (0, 0)], mode="symmetric")


def of_as_many_pixels(own: Size, other: Size) -> Size:
    """The size with the proportions of `own` that has about as many pixels as `other`."""
    height = round(math.sqrt(other[0] * other[1] * own[0] / own[1]))
    return height, round(height * own[1] / own[0])


def _grams(maps: dict[str, Array]) -> dict[str, Array]:
    return {tap: products(each) / each.size for tap, each in maps.items()}


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
