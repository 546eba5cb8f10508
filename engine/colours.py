"""Whose colours a painting has: the style's, or the photo's, kept in one of two ways.

Both are of Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving Color in Neural Artistic Style
Transfer". `match`: before anything is painted, each style picture is given the photo's colours,
mean and covariance, by an affine map. `luminance`: only light and dark are painted, with the photo
and the styles in grey, and what was painted is put under the colours that the photo has.

Maps are made from pictures of the largest size that is painted, and applied to those of any size
after these have been resized: so no photo of a camera is ever held as floats for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.pyramid import Picture, Size, resized
from engine.recipe import Colours

LUMA: Final = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in what is light and dark (ITU-R BT.601)."""

_FLATTEST: Final = 2.0
"""Standard deviation, grey levels, below which a picture counts as having this one: what varies
less is noise, such as JPEG's, and would become blots of colour."""

_BAND: Final = 2**16
"""Pixels that are worked at together, so that nothing of a picture's size lies beside it."""

_Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Palette:
    """The colours of a picture.

    Attributes:
        mean: of red, green and blue, (3,).
        covariance: of them, (3, 3).
    """

    mean: _Values
    covariance: _Values

    @classmethod
    def of(cls, picture: NDArray[Any]) -> Palette:
        """That of a picture (H, W, 3); the same to the last bit with any number of threads."""
        pixels = picture.shape[0] * picture.shape[1]
        mean, covariance = np.zeros(3), np.zeros((3, 3))
        for band in _bands(picture):
            mean += _flat(band).sum(axis=0) / pixels
        for band in _bands(picture):
            centred = _flat(band) - mean
            covariance += np.einsum("pi,pj->ij", centred, centred) / pixels
        return cls(mean, covariance)

    @property
    def light(self) -> tuple[float, float]:
        """Mean and standard deviation of what is light and dark."""
        weights = np.array(LUMA)
        variance = float(weights @ self.covariance @ weights)
        return float(weights @ self.mean), max(variance, 0.0) ** 0.5


@dataclass(frozen=True, eq=False)
class Change:
    """An affine map of colours: x becomes `matrix` x + `shift`, within 0 to 255.

    Attributes:
        matrix: (3, 3).
        shift: (3,), grey levels.
    """

    matrix: NDArray[np.float32]
    shift: NDArray[np.float32]

    @classmethod
    def around(cls, matrix: _Values, before: _Values, after: _Values) -> Change:
        """The one with this matrix that takes one colour to another."""
        shift = after - matrix @ before
        return cls(matrix.astype(np.float32), shift.astype(np.float32))

    @cached_property
    def digest(self) -> str:
        """What it is told from others by."""
        return hashlib.sha256(self.matrix.tobytes() + self.shift.tobytes()).hexdigest()

    def __call__(self, picture: Picture, out: Picture | None = None) -> Picture:
        """The picture in its new colours.

        Args:
            picture: (H, W, 3) float32.
            out: where to write it; may be the picture itself.
        """
        found = np.empty_like(picture) if out is None else out
        for before, after in zip(_bands(picture), _bands(found), strict=True):
            np.clip(before @ self.matrix.T + self.shift, 0, 255, out=after)
        return found


def changed(picture: NDArray[Any], size: Size, change: Change | None) -> Picture:
    """A picture in a size and then in other colours, with no copy more than it takes.

    Args:
        picture: (H, W, 3), uint8 or float; stays as it is.
        size: height and width.
        change: None leaves the colours.
    """
    sized = resized(picture, size)
    if change is None:
        return sized
    return change(sized, None if np.may_share_memory(sized, picture) else sized)


def changes(
    colors: Colours, photo: NDArray[Any], styles: Sequence[NDArray[Any]]
) -> tuple[Change | None, list[Change | None]]:
    """What is to be done to the colours of the photo, and to those of each style.

    Args:
        colors: the recipe's.
        photo: as large as it is painted.
        styles: as large as they are looked at then.
    """
    if colors == "style":
        return None, [None] * len(styles)
    palette, make = Palette.of(photo), _MAKERS[colors]
    return (
        grey() if colors == "luminance" else None,
        [make(palette, Palette.of(style)) for style in styles],
    )


def grey() -> Change:
    """The map to grey."""
    return Change.around(_to_grey(1.0), np.zeros(3), np.zeros(3))


def matched(photo: Palette, style: Palette) -> Change:
    """The map that gives a style the mean and covariance of the photo's colours.

    Of all maps that do so it is the one that moves the colours least (Monge's; Pitié and Kokaram
    2007, "The linear Monge-Kantorovitch linear colour mapping for example-based colour transfer").
    A style without colours, or a flat one, gets less than the photo's covariance.
    """
    root = _power(style.covariance, 0.5, least=_FLATTEST**2)
    back = _power(style.covariance, -0.5, least=_FLATTEST**2)
    matrix = back @ _power(root @ photo.covariance @ root, 0.5) @ back
    return Change.around(matrix, style.mean, photo.mean)


def relit(photo: Palette, style: Palette) -> Change:
    """The map to grey that gives a style as much light and dark as the photo has."""
    (mean, deviation), (own_mean, own_deviation) = photo.light, style.light
    factor = deviation / max(own_deviation, _FLATTEST)
    shift = mean - factor * own_mean
    return Change(_to_grey(factor).astype(np.float32), np.full(3, shift, np.float32))


def under_colours(
    photo: NDArray[Any], painted: Callable[[int], NDArray[np.float32]]
) -> Iterator[NDArray[np.float32]]:
    """Red, green and blue of a photo, each as much lighter or darker as it was painted.

    Equal amounts on all three leave Cb and Cr as they are. It is done plane by plane: a whole
    picture more may be too much between two steps.

    Args:
        photo: in its colours, (H, W, 3).
        painted: gives a plane of what was painted, (H, W), by its number.
    """
    lighter = np.zeros(photo.shape[:2], np.float32)
    for colour, share in enumerate(LUMA):
        plane = painted(colour) - photo[:, :, colour]
        plane *= np.float32(share)
        lighter += plane
    for colour in range(len(LUMA)):
        yield photo[:, :, colour] + lighter


_MAKERS: Final = {"match": matched, "luminance": relit}


def _to_grey(factor: float) -> _Values:
    return factor * np.tile(np.array(LUMA), (3, 1))


def _power(matrix: _Values, exponent: float, least: float = 0.0) -> _Values:
    """A power of a symmetric matrix; eigenvalues below `least` count as that."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, least) ** exponent) @ vectors.T)


def _bands(picture: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Rows of a picture that make some pixels."""
    rows = max(1, _BAND // picture.shape[1])
    for first in range(0, picture.shape[0], rows):
        yield picture[first : first + rows]


def _flat(band: NDArray[Any]) -> _Values:
    return band.reshape(-1, 3).astype(np.float64)
