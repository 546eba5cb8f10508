"""What can be measured of a picture without a network: shapes, colours, noise.

Pictures are (H, W, 3), 0 to 255. Two that are compared have the same size, where nothing else is
said. Luma is that of Rec. 601, as JPEG has it: Y = 0.299 R + 0.587 G + 0.114 B.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Picture = NDArray[Any]
Plane = NDArray[np.float64]

_LUMA: Final = np.array([0.299, 0.587, 0.114])
_BLUE, _RED = 0.564, 0.713  # Rec. 601: Cb = 0.564 (B - Y), Cr = 0.713 (R - Y)

_SIGMA: Final = 1.5
_WINDOW: Final = 5  # pixels on each side of the middle of an 11x11 window
_STABLE: Final = (0.01 * 255) ** 2, (0.03 * 255) ** 2

_BLUR: Final = 1.4
_EDGES: Final = 0.05
_NEAR: Final = 0.0075
_BINS: Final = 8
_LAPLACIANS: Final = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
_BLOT: Final = 15


def luma(picture: Picture) -> Plane:
    """How light each pixel is, (H, W)."""
    plane: Plane = picture.astype(np.float64) @ _LUMA
    return plane


def ssim(picture: Picture, photo: Picture) -> float:
    """How alike two pictures are in their luma; 1 is the same.

    The mean over windows of ``(2 m n + a) (2 c + b) / ((m^2 + n^2 + a) (v + w + b))``, with means
    m and n, variances v and w and the covariance c under a Gaussian of 1.5 pixels cut off at
    11x11, ``a = (0.01 L)^2``, ``b = (0.03 L)^2``, L = 255 (Wang, Bovik, Sheikh, Simoncelli 2004,
    "Image quality assessment: from error visibility to structural similarity", equation 13).
    Windows that reach over the edge do not count.
    """
    one, other = luma(picture), luma(photo)
    a, b = _STABLE
    m, n = _windowed(one), _windowed(other)
    v, w = _windowed(one**2) - m**2, _windowed(other**2) - n**2
    c = _windowed(one * other) - m * n
    found = (2 * m * n + a) * (2 * c + b) / ((m**2 + n**2 + a) * (v + w + b))
    return float(found[_WINDOW:-_WINDOW, _WINDOW:-_WINDOW].mean())


def _windowed(plane: Plane) -> Plane:
    found: Plane = ndimage.gaussian_filter(plane, _SIGMA, truncate=_WINDOW / _SIGMA)
    return found


def edge_f1(picture: Picture, photo: Picture) -> float:
    """How many edges of a picture are the photo's, and the other way round; 1 is all of them.

    ``2 P R / (P + R)``, P the share of the picture's edge pixels that have one of the photo's
    within 0.75 % of the diagonal, at least a pixel, R the reverse (Martin, Fowlkes, Malik 2004,
    "Learning to detect natural image boundaries using local brightness, color, and texture cues";
    here without their one-to-one matching). Edge pixels are the twentieth of all with the steepest
    luma among those that are steepest across their own direction (Canny 1986), so the contrast of a
    picture does not count, and a picture without any edge has 0. Edges at random places come to
    about 0.3.
    """
    one, other = edges(picture), edges(photo)
    if not (one.any() and other.any()):
        return 0.0
    near = max(_NEAR * math.hypot(*one.shape), 1.0)  # an edge between two pixels is in either
    precision, recall = _found(one, other, near), _found(other, one, near)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _found(edge: NDArray[np.bool_], of: NDArray[np.bool_], near: float) -> float:
    return float((ndimage.distance_transform_edt(~of)[edge] <= near).mean())


def edges(picture: Picture) -> NDArray[np.bool_]:
    """Which pixels lie on the strongest edges, (H, W)."""
    smooth = ndimage.gaussian_filter(luma(picture), _BLUR)
    down, across = ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1)
    steep = np.hypot(down, across)
    thin = np.where(_steepest(steep, down, across), steep, 0.0)
    least = np.quantile(thin, 1 - _EDGES)
    found: NDArray[np.bool_] = (thin >= least) & (thin > np.finfo(np.float32).eps)
    return found


def _steepest(steep: Plane, down: Plane, across: Plane) -> NDArray[np.bool_]:
    """Where nothing is steeper one pixel on and back in the direction of the slope."""
    octant = np.round(np.arctan2(down, across) / (math.pi / 4)).astype(int) % 4
    wide = np.pad(steep, 1)
    height, width = steep.shape
    found = np.zeros(steep.shape, bool)
    for number, (y, x) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        ahead = wide[1 + y : 1 + y + height, 1 + x : 1 + x + width]
        behind = wide[1 - y : 1 - y + height, 1 - x : 1 - x + width]
        found |= (octant == number) & (steep >= ahead) & (steep > behind)
    return found


def colour_distance(picture: Picture, style: Picture) -> float:
    """How different the colours of two pictures of any sizes are; 0 is the same, 1 nothing shared.

    Hellinger's distance ``sqrt(1 - sum sqrt(p q))`` of two histograms p and q (Hellinger 1909;
    for colours: Comaniciu, Ramesh, Meer 2000, "Real-time tracking of non-rigid objects using mean
    shift"). They have 8x8x8 bins of RGB. A colour is shared out among the eight bins around it,
    so no boundary of a bin tells alike colours apart.
    """
    shared = float(np.sqrt(_histogram(picture) * _histogram(style)).sum())
    return math.sqrt(max(1 - shared, 0.0))


def _histogram(picture: Picture) -> Plane:
    at = picture.reshape(-1, 3).astype(np.float64).clip(0, 255) / 255 * (_BINS - 1)
    low = np.minimum(at.astype(int), _BINS - 2)
    part = at - low
    found = np.zeros(_BINS**3)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        bins = np.ravel_multi_index(tuple((low + corner).T), (_BINS,) * 3)
        found += np.bincount(bins, weight, _BINS**3)
    return found / len(at)


def noise(picture: Picture) -> float:
    """How much of a picture's luma changes from each pixel to the next, grey levels.

    For a picture of smooth shapes, the standard deviation of the noise that lies over it:
    ``sqrt(pi / 2) / 6 mean |Y * N|``, with N the difference of two Laplacians,
    [[1, -2, 1], [-2, 4, -2], [1, -2, 1]] (Immerkær 1996, "Fast noise variance estimation"). Strokes
    and grain of a painting count too: what it says of a picture is said beside its style's own.
    """
    return float(_rough(luma(picture)).mean())


def colour_noise(picture: Picture) -> float:
    """The same of its colours apart from light and dark: the mean of Cb's and Cr's."""
    return float(_coloured(picture).mean())


def blot(picture: Picture) -> float:
    """The most of `colour_noise` in any square of 15x15 pixels: is there one spot of dots?"""
    return float(ndimage.uniform_filter(_coloured(picture), _BLOT, mode="nearest").max())


def rim(picture: Picture, pixels: int = 6) -> float:
    """`noise` in a picture's margin of so many pixels, over that of the rest: is there a frame?"""
    rough = _rough(luma(picture))
    inside = np.zeros(rough.shape, bool)
    inside[pixels - 1 : -pixels + 1, pixels - 1 : -pixels + 1] = True  # it lacks a pixel already
    return float(rough[~inside].mean() / max(rough[inside].mean(), np.finfo(np.float32).eps))


def frame(picture: Picture) -> float:
    """How far the outermost line of pixels is from what lies inside it, grey levels.

    The mean over the four sides, and over the colours, of the amount by which the line's mean
    differs from the mean of the fourth to twelfth line. Photographs have 2 to 16.
    """
    wide = picture.astype(np.float64)
    across = wide.transpose(1, 0, 2)
    sides = (wide, wide[::-1], across, across[::-1])
    return float(np.mean([np.abs(_mean(side[:1]) - _mean(side[3:12])).mean() for side in sides]))


def _mean(lines: Plane) -> Plane:
    found: Plane = lines.mean(axis=(0, 1))
    return found


def _coloured(picture: Picture) -> Plane:
    light, wide = luma(picture), picture.astype(np.float64)
    blue, red = _BLUE * (wide[..., 2] - light), _RED * (wide[..., 0] - light)
    found: Plane = (_rough(blue) + _rough(red)) / 2
    return found


def _rough(plane: Plane) -> Plane:
    """For each pixel but those at the edge, what it adds to the estimate of the noise."""
    found = ndimage.convolve(plane, _LAPLACIANS)[1:-1, 1:-1]
    scaled: Plane = np.abs(found) * (math.sqrt(math.pi / 2) / 6)
    return scaled
