"""An objective that sees a painting through a mask.

The loss is that of the composition, which is what people will see; so a pixel that is kept
has no gradient, and does not move (`engine.bounds.stepped`). Wherever an optimiser that learns of a
place from those around it would carry it, that is not seen, and of no weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.averages import Plane
from engine.mx import Array, nd
from engine.progress import LossParts

if TYPE_CHECKING:
    from engine.descent import Landscape


class Masked:
    """An objective that sees the composition: its gradient is that of what is painted alone.

    Args:
        objective: value and gradient for images.
        photo: (1, 3, H, W) float32, RGB, 0 to 255.
        shares: what of each pixel is painted, (H, W).
    """

    def __init__(self, objective: Landscape, photo: Array, shares: Plane) -> None:
        self._objective = objective
        planes = np.broadcast_to(shares, photo.shape)
        self._seen = nd.array(planes, ctx=photo.context, dtype=np.float32)
        self._kept = nd.array(1 - planes, ctx=photo.context, dtype=np.float32) * photo

    def evaluate(self, image: Array) -> tuple[LossParts, Array]:
        """Loss and gradient of an image, (1, 3, H, W), of which a part is seen."""
        loss, gradient = self._objective.evaluate(self.composed(image))
        return loss, nd.elemwise_mul(gradient, self._seen)

    def composed(self, image: Array) -> Array:
        """What is seen of an image, and the photo elsewhere."""
        return nd.elemwise_add(nd.elemwise_mul(image, self._seen), self._kept)
