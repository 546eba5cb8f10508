"""Square windows around the pixels of a picture: means over them, and matrices of their colours.

What is many small problems of three unknowns each is done plane by plane: arrays are indexed by
colour first, and by place last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[Any]
"""(n, H, W) of floats, or with more indices in front."""


class Means:
    """Means over the windows around each place; at the border over what of them is in the picture.

    The cost does not grow with the radius: sums run along.

    Args:
        size: height and width of the planes.
        radius: of the windows, whose side is 2 radius + 1.
    """

    def __init__(self, size: tuple[int, int], radius: int) -> None:
        self._sides = [min(2 * radius + 1, 2 * side - 1) for side in size]
        self._shares = [
            _shares(length, side) for length, side in zip(size, self._sides, strict=True)
        ]

    def __call__(self, planes: Planes) -> Planes:
        """Mean of each plane over each window, (..., H, W), of the planes' type."""
        from scipy.ndimage import uniform_filter1d  # noqa: PLC0415 - only who asks pays for it

        down, across = self._sides
        found = uniform_filter1d(planes, down, axis=-2, mode="constant")
        uniform_filter1d(found, across, axis=-1, mode="constant", output=found)
        found *= self._shares[0][:, np.newaxis].astype(planes.dtype)
        found *= self._shares[1].astype(planes.dtype)
        return np.asarray(found)


def _shares(length: int, side: int) -> NDArray[np.float64]:
    """Side of a window over what of it is within an axis, for each place."""
    places, radius = np.arange(length), side // 2
    within = np.minimum(places + radius, length - 1) - np.maximum(places - radius, 0) + 1
    return np.asarray(side / within)


class Roots:
    """Cholesky's roots of covariances of colours, one for each place.

    By hand, since LAPACK is called once a matrix, and stable where the colours of a window lie on a
    line or are one, where a closed form of the inverse is not.

    Args:
        covariances: (3, 3, H, W); of a symmetric matrix only one half is read.
        ridge: is added to the diagonal, over 0.
    """

    def __init__(self, covariances: Planes, ridge: float) -> None:
        (rr, _, _), (gr, gg, _), (br, bg, bb) = covariances
        self._rr = 1 / np.sqrt(rr + ridge)
        self._gr, self._br = gr * self._rr, br * self._rr
        self._gg = 1 / np.sqrt(gg + ridge - self._gr**2)
        self._bg = (bg - self._br * self._gr) * self._gg
        self._bb = 1 / np.sqrt(bb + ridge - self._br**2 - self._bg**2)

    def whitened(self, colours: Planes) -> Planes:
        """The inverse root times vectors (3, H, W): what has the covariance loses it."""
        red, green, blue = colours
        red = red * self._rr
        green = (green - self._gr * red) * self._gg
        return np.stack([red, green, (blue - self._br * red - self._bg * green) * self._bb])

    def solved(self, colours: Planes) -> Planes:
        """The inverse of the covariances, ridge included, times vectors (3, H, W)."""
        red, green, blue = self.whitened(colours)
        blue = blue * self._bb
        green = (green - self._bg * blue) * self._gg
        return np.stack([(red - self._gr * green - self._br * blue) * self._rr, green, blue])
