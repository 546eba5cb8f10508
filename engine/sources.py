"""What a picture is painted from: the photo, one or several styles, and what else is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Style:
    """One style of a painting.

    Attributes:
        picture: (H, W, 3) uint8 or float in 0 to 255, sRGB, of any size.
        weight: its share in a blend, over 0; the shares of a blend need not add up to anything.
    """

    picture: NDArray[Any]
    weight: float = 1.0


@dataclass(frozen=True)
class Sources:
    """Everything that a painting is made from, but for the recipe.

    Attributes:
        content: the photo, (H, W, 3) uint8 or float in 0 to 255, sRGB.
        styles: at least one; several are blended by their weights.
        start: a picture to start from in place of the photo, of any size; its proportions are made
            the photo's.
    """

    content: NDArray[Any]
    styles: Sequence[Style]
    start: NDArray[Any] | None = None

    @classmethod
    def of(cls, content: NDArray[Any], style: NDArray[Any]) -> Sources:
        """A photo and one style."""
        return cls(content, (Style(style),))
