"""Whether a network computes what it should: a small picture's loss and gradient, compared.

A card, a driver, a library or a precision may fail in ways that no trial of single operators shows.
So a network is trusted after it has worked through a real objective with the real weights, forth
and back, and come to what float32 on the processor comes to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.device import forget_errors, last_line
from engine.mx import mx
from engine.objective import Objective
from engine.recipe import Recipe
from engine.style_statistics import style_statistics
from engine.vgg import Vgg

SIDE: Final = 64

LOSS_BOUND: Final = 0.02
"""Of the relative error of the loss. Measured here, with each layer's result rounded: bfloat16
0.12 %, float16 0.014 %; with other pictures, recipes and starts up to 0.9 % and 0.05 %."""

GRADIENT_BOUND: Final = 0.15
"""Of the gradient's relative error (L2 norm). Measured likewise: bfloat16 6.2 %, float16 1.9 %;
otherwise up to 7.4 % and 2.7 %, in pictures of flat blocks 18 % and 5.4 %. That is much more than
of the loss, because rounding turns some ReLUs on or off."""

_RECIPES: Final = (Recipe(pooling="avg"), Recipe(pooling="max", normalization="classic"))
"""Maximum pooling makes the largest maps, average pooling the smallest gradients. Relative losses
do not see a layer that is only too strong, the classic ones do."""


class SelfCheck:
    """Compares networks with a trusted one.

    Args:
        trusted: computes in float32 on the processor, with the weights that the others have.
    """

    def __init__(self, trusted: Vgg) -> None:
        self._expected = list(_evaluated(trusted))

    def fault(self, network: Vgg) -> str:
        """What is wrong with a network; empty if it computes as it should."""
        try:
            found = list(_evaluated(network))
        except mx.MXNetError as error:
            forget_errors()
            return f"it failed a self-check ({last_line(error)})"
        pairs = list(zip(found, self._expected, strict=True))
        # numpy's, which keeps what is no number; and asked in this way round: that is a fault too.
        loss = float(np.max([abs(own - right) / right for (own, _), (right, _) in pairs]))
        gradient = float(np.max([_distance(own, right) for (_, own), (_, right) in pairs]))
        if loss <= LOSS_BOUND and gradient <= GRADIENT_BOUND:
            return ""
        return (
            f"it computed wrong results in a self-check (loss off by {100 * loss:.2g} %, "
            f"gradient by {100 * gradient:.2g} %)"
        )


def _evaluated(network: Vgg) -> Iterator[tuple[float, NDArray[np.float32]]]:
    content, style, image = (network.to_device(each) for each in _pictures())
    for recipe in _RECIPES:
        found = style_statistics(network, style, recipe)
        loss, gradient = Objective(network, content, found, recipe).evaluate(image)
        yield loss.total, gradient.asnumpy()


def _pictures() -> tuple[NDArray[np.float32], ...]:
    """A content with edges and slopes, a style of stripes, and something between them."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    disc = 255.0 * ((x - 30) ** 2 + (y - 36) ** 2 < 18**2)
    content = np.stack([4 * x, disc, 127 + 120 * np.sin(x / 5) * np.cos(y / 7)], axis=2)
    wave = 0.5 + 0.5 * np.sin((x + 2 * y) / 3)
    style = np.stack([255 * wave, 90 + 60 * wave, 200 - 180 * wave], axis=2)
    noise = np.random.default_rng(0).uniform(0, 255, content.shape)
    image = 0.6 * content + 0.2 * style + 0.2 * noise
    return tuple(each.clip(0, 255).astype(np.float32) for each in (content, style, image))


def _distance(found: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))
