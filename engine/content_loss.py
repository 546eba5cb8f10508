"""The content loss: how far feature maps are from the photo's.

Gatys, Ecker, Bethge 2016, equations 1 and 2, with a mean in place of the sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.losses import Place, cut
from engine.mx import Array, nd
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf
from engine.sums import total


@dataclass(frozen=True)
class ContentLoss:
    """Mean square between feature maps and the content's (equation 1).

    Attributes:
        target: maps of the content, (1, C, h, w), of the whole picture.
        factor: weight of the loss over the energy of the target (or over 1).
        shelf: where to take arrays from for differences.
    """

    target: Array
    factor: float
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:
        """Sum of squared differences, (1,)."""
        difference = self._difference(maps, place)
        measured = total(nd.square(difference))
        self.shelf.put(difference)
        return measured

    def conclude(self, measured: Array) -> tuple[Array, None]:
        """Value (1,); the pull is the same at every value (equation 2)."""
        return measured * (self.factor / self.target.size), None

    def pull(self, maps: Array, place: Place, by: None) -> Array:  # noqa: ARG002 - see conclude
        """Gradient, (1, C, h, w) (equation 2)."""
        difference = self._difference(maps, place)
        difference *= 2 * self.factor / self.target.size
        return difference

    def _difference(self, maps: Array, place: Place) -> Array:
        target = cut(self.target, place)
        return self.shelf.made(
            target.shape,
            np.float32,
            lambda out: nd.elemwise_sub(raised(maps), target, out=out),
        )
