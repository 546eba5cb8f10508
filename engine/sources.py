"""What a picture is painted from: the photo, one or several styles, and what else is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from engine import pyramid
from engine.errors import RecipeError
from engine.guides import check_guides
from engine.recipe import Recipe


@dataclass(frozen=True)
class Style:
    """One style of a painting.

    Attributes:
        picture: (H, W, 3) uint8 or float in 0 to 255, sRGB, of any size.
        weight: its share in a blend, over 0; the shares of a blend need not add up to anything.
        regions: its regions, each in a colour that the photo's has too, (h, w, 3) uint8, laid over
            the whole picture.
    """

    picture: NDArray[Any]
    weight: float = 1.0
    regions: NDArray[Any] | None = None


@dataclass(frozen=True)
class Sources:
    """Everything that a painting is made from, but for the recipe.

    Attributes:
        content: the photo, (H, W, 3) uint8 or float in 0 to 255, sRGB.
        styles: at least one; several are blended by their weights.
        start: a picture to start from in place of the photo, of any size; its proportions are made
            the photo's.
        mask: what is painted, white, and what stays as it is, black; (h, w) or (h, w, 3) uint8,
            laid over the photo.
        regions: the photo's regions, each in a colour of its own, (h, w, 3) uint8, likewise.
    """

    content: NDArray[Any]
    styles: Sequence[Style]
    start: NDArray[Any] | None = None
    mask: NDArray[Any] | None = None
    regions: NDArray[Any] | None = None

    @classmethod
    def of(cls, content: NDArray[Any], style: NDArray[Any]) -> Sources:
        """A photo and one style."""
        return cls(content, (Style(style),))

    def trimmed(self, share: float) -> Sources:
        """The same with a share of each style picture left out at its edges."""
        return replace(self, styles=tuple(_trimmed(one, share) for one in self.styles))

    @property
    def names(self) -> list[str]:
        """What the styles are called where something is said of one."""
        if len(self.styles) == 1:
            return ["style"]
        return [f"style {number}" for number in range(1, len(self.styles) + 1)]

    def check(self, recipe: Recipe) -> None:
        """See that a painting can be made of these, before anything is done.

        Raises:
            PictureError: one of them is no picture; it says which.
            RecipeError: there is no style, or what is given goes not with the recipe.
        """
        pyramid.check(self.content, "content")
        if not self.styles:
            raise RecipeError("There is no style to paint in. Give at least one style picture.")
        for style, name in zip(self.styles, self.names, strict=True):
            pyramid.check(style.picture, name)
            _check_weight(style.weight)
        if self.start is not None:
            pyramid.check(self.start, "start")
            _check_init(recipe)
        check_guides(self, recipe)


def _trimmed(style: Style, share: float) -> Style:
    """A style without its edges, and its regions likewise."""
    regions = None if style.regions is None else pyramid.trimmed(style.regions, share)
    return replace(style, picture=pyramid.trimmed(style.picture, share), regions=regions)


def _check_weight(weight: float) -> None:
    if not (math.isfinite(weight) and weight > 0):
        raise RecipeError(f"The weight of a style must be a number over 0, not {weight}.")


def _check_init(recipe: Recipe) -> None:
    if recipe.init == "noise":
        raise RecipeError(
            "There is a picture to start from, and the painting is to start from noise (init). "
            "Leave that picture out, or set init to content or blend."
        )
