"""Masks: what of a photo is painted, and what stays as it is.

White is painted, black keeps the photo, and grey gives so much of the one and the rest of the
other. The loss is that of the composition, which is what people will see; so a pixel that is kept
has no gradient, and does not move. An optimiser that learns of a place from those around it may
move it all the same: that is not seen, and of no weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.averages import Plane
from engine.errors import PictureError
from engine.mx import Array, nd
from engine.progress import LossParts

if TYPE_CHECKING:
    from engine.descent import Landscape

_NOISE: Final = 8
"""Grey levels from black, and from white, that are meant to be that: JPEG has such noise."""


def painted(mask: NDArray[np.uint8]) -> Plane:
    """What of each pixel is painted, 0 to 1.

    Args:
        mask: (H, W, 3) uint8; of colours the luma counts.

    Raises:
        PictureError: nothing at all.
    """
    levels = (np.arange(256) - _NOISE) / (255 - 2 * _NOISE)
    luma = np.asarray(Image.fromarray(np.ascontiguousarray(mask)).convert("L"))
    shares = np.asarray(levels.clip(0, 1).astype(np.float32)[luma])
    if not shares.any():
        raise PictureError(
            "The mask is black all over, so nothing would be painted. Paint white what is to be "
            "painted, and leave black what is to stay as it is."
        )
    return shares


def composed(
    painting: NDArray[np.float32], photo: NDArray[Any], shares: Plane
) -> NDArray[np.float32]:
    """The painting where it is to be seen, and the photo elsewhere.

    Where the mask is white that is the painting to the last bit, and the photo where it is black.

    Args:
        painting: (H, W, 3).
        photo: in the same size.
        shares: what of each pixel is painted, (H, W).
    """
    seen = shares[:, :, np.newaxis]
    return np.asarray(seen * painting + (1 - seen) * photo, np.float32)


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
