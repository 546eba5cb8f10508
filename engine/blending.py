"""Several styles as one: what is known of each is weighted and added up.

The squared distances to several Gram matrices, under weights that add up to 1, are the squared
distance to their weighted mean, and a constant. So it is the statistics that are blended, never the
losses, and a blend costs no more a step than one style. Of means and covariances the weighted means
come near the barycentre of the distributions (Agueh and Carlier 2011); of quantiles they are it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from engine.colours import Change, changed
from engine.pyramid import Picture, Size
from engine.regions import Regions


@dataclass(frozen=True, eq=False)
class Look:
    """One style as it is looked at.

    Attributes:
        picture: trimmed, and no larger than it is needed; of its own memory.
        share: of the blend; all of them add up to 1.
        change: what is done to its colours, once it has a size; None leaves them.
        regions: in which the photo is painted after it; None if it counts for each as a whole.
    """

    picture: NDArray[Any]
    share: float = 1.0
    change: Change | None = None
    regions: Regions | None = None

    @cached_property
    def digest(self) -> str:
        """What it is known by: the picture, the change of its colours, and its regions."""
        found = hashlib.sha256(self.picture.data)
        if self.change is not None:
            found.update(self.change.digest.encode())
        if self.regions is not None:
            found.update(f"regions {self.regions.digest}".encode())
        return found.hexdigest()

    def sized(self, size: Size) -> Picture:
        """It in a size, in the colours that it is to have."""
        return changed(self.picture, size, self.change)


def in_order(looks: Iterable[Look]) -> list[Look]:
    """The styles of a blend in an order that does not depend on how they were given.

    Sums of floats depend on their order, and a blend is to come out the same to the last bit.
    """
    return sorted(looks, key=lambda look: (look.digest, look.share))


def shares(weights: Sequence[float]) -> list[float]:
    """Weights, all over 0, so that they add up to 1.

    Args:
        weights: one a style.
    """
    largest = max(weights)  # first, so that no sum leaves the range
    parts = [weight / largest for weight in weights]
    total = math.fsum(parts)
    return [part / total for part in parts]


def blended(parts: Sequence[tuple[float, Mapping[str, Any]]]) -> dict[str, Any]:
    """The statistics of a blend: of each array the weighted mean; those of one style as they are.

    Args:
        parts: the share of each style, and its statistics: arrays, of the same names and shapes in
            all of them.
    """
    (share, first), *others = parts
    if not others:
        return dict(first)
    blend = {name: array * share for name, array in first.items()}
    for more, statistics in others:
        blend = {name: array + statistics[name] * more for name, array in blend.items()}
    return blend
