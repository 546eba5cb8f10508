"""What guides a painting by place: a mask, and regions of photo and styles."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine import labels
from engine.averages import Padding, Plane, Size
from engine.errors import GuideError, PictureError, RecipeError
from engine.masks import composed, inwards, luma, painted, restored
from engine.regions import Regions, Weights, matched

if TYPE_CHECKING:
    from engine.recipe import Recipe
    from engine.sources import Sources

_ALL = Regions(np.zeros((1, 1), np.uint8), 1)
"""One region, of everything."""

_PLANES, _COLOURS = 2, 3


@dataclass(frozen=True, eq=False)
class Guides:
    """What is painted where; of a painting without any of this nothing.

    Attributes:
        regions: of the photo.
        styles: those of each style; None for one that has none. Empty if nobody has regions.
        mask: what is painted, light, and what is kept, dark, (H, W) uint8, of any size: it is laid
            over the photo.
    """

    regions: Regions | None = None
    styles: tuple[Regions | None, ...] = ()
    mask: NDArray[np.uint8] | None = None
    _known: dict[Size, Plane] = field(default_factory=dict, init=False, repr=False)

    @property
    def count(self) -> int:
        """How many regions have style losses of their own; 0 if the picture has one as a whole.

        What a mask keeps has no part in the style: so what it lets be painted is a region.
        """
        return self._regions.count if self else 0

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.regions is not None or self.mask is not None

    @property
    def _regions(self) -> Regions:
        return self.regions or _ALL

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """All of it that decides the picture, but for the styles' part; empty if it is nothing."""
        found = () if self.regions is None else (f"regions {self.regions.digest}",)
        if self.mask is None:
            return found
        seen = hashlib.sha256(np.ascontiguousarray(self.mask).data)
        return *found, f"mask {self.mask.shape} {seen.hexdigest()}"

    def shares(self, size: Size) -> Plane | None:
        """What of each pixel is painted, for the picture in a height and width; None: all of it."""
        if self.mask is None:
            return None
        if size not in self._known:
            # For the size that is worked at alone: a mask may be as large as a camera's photo.
            self._known.clear()
            self._known[size] = painted(self.mask, size)
        return self._known[size]

    def at_taps(
        self, size: Size, taps: Collection[str], padding: Padding, margin: int = 0
    ) -> dict[str, Weights]:
        """Weights of the regions for the maps of some taps; see `Regions.at_taps`.

        Under a mask what sees its edge counts for little (`masks.inwards`).
        """
        weights = self._regions.at_taps(size, taps, padding, self.shares(size), margin)
        return weights if self.mask is None else {t: inwards(each) for t, each in weights.items()}

    def seen(self, painting: NDArray[np.float32], photo: NDArray[Any]) -> NDArray[np.float32]:
        """What people see of a painting (H, W, 3): the photo, where it is kept."""
        shares = self.shares((photo.shape[0], photo.shape[1]))
        return painting if shares is None else composed(painting, photo, shares)

    def carried(self, painting: NDArray[np.float32], photo: NDArray[Any]) -> NDArray[np.float32]:
        """What of a painting is painted on: where nothing of it is seen, the photo."""
        shares = self.shares((photo.shape[0], photo.shape[1]))
        return painting if shares is None else restored(painting, photo, shares)


NOTHING = Guides()
"""Of a painting that is painted all over, in the styles as they are."""


def guides_of(sources: Sources) -> Guides:
    """Understand the mask and the labels of a painting's sources; its styles are trimmed.

    Raises:
        GuideError: a picture of labels has too many colours, or none in common with the photo's.
    """
    content = sources.regions
    mask = None if sources.mask is None else luma(sources.mask)
    if content is None:
        return NOTHING if mask is None else Guides(mask=mask)
    try:
        photo = labels.read(content)
        styles = [
            None if one.regions is None else labels.read(one.regions, name)
            for one, name in zip(sources.styles, sources.names, strict=True)
        ]
        found = matched(photo, styles)
    except PictureError as error:
        raise GuideError(str(error)) from error
    return Guides(found.content, found.styles, mask)


def check_guides(sources: Sources, recipe: Recipe) -> None:
    """See that mask and labels are pictures, and go together with each other and the recipe.

    Raises:
        GuideError: one of them is no picture, or a mask lets nothing be painted.
        RecipeError: one is there without its partner, or goes not with the recipe.
    """
    marked = [
        (name, one.regions)
        for one, name in zip(sources.styles, sources.names, strict=True)
        if one.regions is not None
    ]
    for name, picture in [("photo", sources.regions), *marked]:
        if picture is not None:
            _check_regions(picture, name)
    if sources.mask is not None:
        _check_mask(sources.mask)
    _check_partners(sources.regions is not None, [name for name, _ in marked])
    guided = sources.regions is not None or sources.mask is not None
    if guided and "histogram" in recipe.style_loss:
        raise RecipeError(
            "Masks and regions do not go together with the style loss histogram, which knows "
            "nothing of places. Set style_loss to gram, wasserstein or both, or leave mask and "
            "regions out."
        )


def _check_regions(picture: NDArray[Any], name: str) -> None:
    shape, kind = picture.shape, picture.dtype
    if len(shape) != _COLOURS or shape[2] != _COLOURS or 0 in shape:
        raise GuideError(
            f"The picture that marks regions of the {name} must be (height, width, 3), not {shape}."
        )
    if kind != np.uint8:
        raise GuideError(f"The picture that marks regions of the {name} must be uint8, not {kind}.")


def _check_mask(mask: NDArray[Any]) -> None:
    shape, kind = mask.shape, mask.dtype
    is_picture = len(shape) == _PLANES or shape[2:] == (_COLOURS,)
    if not is_picture or 0 in shape:
        raise GuideError(f"The mask must be (height, width) or (height, width, 3), not {shape}.")
    if kind != np.uint8:
        raise GuideError(f"The mask must be uint8, not {kind}.")
    try:
        painted(mask)
    except PictureError as error:
        raise GuideError(str(error)) from error


def _check_partners(photo: bool, styles: Collection[str]) -> None:  # noqa: FBT001 - whether it is marked
    if styles and not photo:
        raise RecipeError(
            f"Regions are marked for the {', '.join(styles)}, and none for the photo. Mark the "
            "photo's regions in the same colours too, or leave the others out."
        )
    if photo and not styles:
        raise RecipeError(
            "Regions are marked for the photo, and for no style. Mark a style's regions in the "
            "same colours too, or leave the photo's out."
        )
