"""Planes of numbers made smooth but for the edges of a photo.

A guided filter (He, Sun, Tang 2013, "Guided image filtering", section 3.5, for guides in colour):
in each window what is to be filtered becomes the affine function of the photo's colours that is the
nearest to it, and each place has the mean of the functions of all windows that it is in.
"""

from __future__ import annotations

import numpy as np

from engine.windows import Means, Planes, Roots


def box_radius(sigma: float) -> int:
    """Radius of a box that, used twice, has about the variance of a Gaussian, r (r + 1) 2 / 3."""
    return max(1, round(float(np.sqrt(1.5 * sigma**2 + 0.25)) - 0.5))


class Guide:
    """A photo that planes of numbers are smoothed along, by regression on its colours.

    Args:
        colours: (3, h, w), 0 to 1.
        means: over the windows.
        ridge: variance of colours that is not worth to be followed.
    """

    def __init__(self, colours: Planes, means: Means, ridge: float) -> None:
        self._colours, self._means = colours, means
        self._middle = means(colours)
        self._roots = Roots(_covariances(colours, self._middle, means), ridge)

    def filtered(self, plane: Planes) -> Planes:
        """A plane (h, w), in each window an affine function of the colours, the mean of these."""
        slopes, offset = self.regressed(plane)
        return np.asarray((self._means(slopes) * self._colours).sum(axis=0) + self._means(offset))

    def regressed(self, plane: Planes) -> tuple[Planes, Planes]:
        """The function that is best for a plane in each window: slopes (3, h, w), what is added."""
        middle = self._means(plane)
        slopes = self._roots.solved(self._means(plane * self._colours) - middle * self._middle)
        return slopes, middle - (slopes * self._middle).sum(axis=0)


def _covariances(colours: Planes, middle: Planes, means: Means) -> Planes:
    """Covariances (3, 3, h, w) of colours within the windows; of the upper half, zeros."""
    found = np.zeros((3, *colours.shape), colours.dtype)
    for one in range(3):
        for other in range(one + 1):
            found[one, other] = means(colours[one] * colours[other])
            found[one, other] -= middle[one] * middle[other]
    return found
