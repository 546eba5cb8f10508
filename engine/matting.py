"""What of a picture is no photograph: what no affine map of a photo's colours makes in any place.

The matting Laplacian L of a photo (Levin, Lischinski, Weiss 2008, "A closed-form solution to
natural image matting", equation 12) is made of all its windows of 3x3 pixels: for a plane v of
numbers, one a pixel, v' L v is the sum over the windows of

    min over a, b of   sum over the window's pixels of (v - a' colour - b)^2  +  epsilon |a|^2

Deep Photo Style Transfer (Luan, Paris, Shechtman, Bala 2017, equation 2) takes it for each colour
of a painting, so that edges stay straight and textures the photo's, while colours may change from
place to place.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import PictureError
from engine.pyramid import Size, size_of
from engine.windows import Planes, Roots

Matrix = Any
"""A sparse matrix of SciPy's, which has no types."""

EPSILON: Final = 1e-7
"""Levin's, for colours of 0 to 1. It is under a tenth of the variance that rounding to bytes gives
(1.3e-6), so it matters in windows alone whose colours are one, or lie on a line or a plane."""

_SIDE: Final = 3
_PIXELS: Final = _SIDE**2
_COLOURS: Final = 3
_REACH: Final = _SIDE - 1
"""Pixels share a window if they are no further than this from one another, down and across."""

_NEAR: Final = tuple((down, across) for down in range(-2, 3) for across in range(-2, 3))
"""Where the pixels are that share a window with one, in the order of the matrix's columns."""

_LATER: Final = _NEAR[len(_NEAR) // 2 + 1 :]
"""Half of them. The matrix is symmetric: the other half is these, seen from the other pixel."""

_BAND: Final = 2**14
"""Pixels whose rows of the matrix are made at a time: about 1 kB each while that lasts."""


def entries(size: Size) -> int:
    """How many numbers of the Laplacian are stored for a picture, each side at least 3."""
    height, width = size
    return (5 * height - 6) * (5 * width - 6)


def laplacian_bytes(size: Size) -> int:
    """What the Laplacian takes: just under 204 bytes a pixel, float32 with its column."""
    return 8 * entries(size) + 4 * (size[0] * size[1] + 1)


def laplacian(photo: NDArray[Any], epsilon: float = EPSILON) -> Matrix:
    """The matting Laplacian of a photo.

    Computed in float64 and stored in float32. It is symmetric to the last bit, and each diagonal
    entry is made of the stored others, so that a row adds up to 0 as nearly as that type can.

    Args:
        photo: (H, W, 3), 0 to 255, each side at least 3.
        epsilon: how much a colour map is held to be flat, for colours of 0 to 1.

    Returns:
        (H W, H W) float32, a `scipy.sparse.csr_array`; pixels are counted row by row.

    Raises:
        PictureError: a side is under 3.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415 - only who asks for photographs pays for it

    height, width = size = size_of(photo)
    if min(size) < _SIDE:
        raise PictureError(f"A picture of {width}x{height} pixels has no windows of 3x3.")
    starts = _starts(size)
    numbers = np.empty(entries(size), np.float32)
    columns = np.empty(entries(size), starts.dtype)
    step = max(_BAND // width, 1)
    for first in range(0, height, step):
        last = min(first + step, height)
        place = slice(starts[first * width], starts[last * width])
        there = _within((first, last), size)
        numbers[place] = _rows_of(photo, (first, last), epsilon, there)[there]
        columns[place] = _columns_of((first, last), width)[there]
    return csr_array((numbers, columns, starts), shape=(height * width,) * 2)


def _starts(size: Size) -> NDArray[Any]:
    """Where each pixel's row of the matrix begins among all entries, and where the last ends."""
    down, across = (
        np.minimum(np.arange(side) + _REACH, side - 1) - np.maximum(np.arange(side) - _REACH, 0) + 1
        for side in size
    )
    narrow = entries(size) <= np.iinfo(np.int32).max
    starts = np.zeros(size[0] * size[1] + 1, np.int32 if narrow else np.int64)
    np.cumsum(np.outer(down, across), out=starts[1:])
    return starts


def _within(rows: tuple[int, int], size: Size) -> NDArray[np.bool_]:
    """Whether each pixel near each of some rows' is in the picture, (rows, W, 25)."""
    reach = np.arange(-_REACH, _REACH + 1)
    down = np.arange(*rows)[:, np.newaxis] + reach
    across = np.arange(size[1])[:, np.newaxis] + reach
    down_in, across_in = (down >= 0) & (down < size[0]), (across >= 0) & (across < size[1])
    both = down_in[:, np.newaxis, :, np.newaxis] & across_in[np.newaxis, :, np.newaxis, :]
    return both.reshape(*both.shape[:2], len(_NEAR))


def _columns_of(rows: tuple[int, int], width: int) -> NDArray[np.int64]:
    """The number of each pixel near each of some rows', (rows, W, 25)."""
    steps = np.array([down * width + across for down, across in _NEAR])
    pixels = np.arange(rows[0] * width, rows[1] * width).reshape(-1, width, 1)
    return np.asarray(pixels + steps)


def _rows_of(
    photo: NDArray[Any], rows: tuple[int, int], epsilon: float, there: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The entries of some rows' pixels, (rows, W, 25); what is not within the picture is 0."""
    found = np.zeros(there.shape, np.float32)
    middle = len(_NEAR) // 2
    for number, ((down, across), ties) in enumerate(
        zip(_LATER, _ties(photo, rows, epsilon), strict=True), start=1
    ):
        above = ties[_REACH - down : len(ties) - down]
        found[:, :, middle + number] = ties[_REACH:]
        found[:, :, middle - number] = np.roll(above, across, axis=1)
    found *= there
    found[:, :, middle] = -found.sum(axis=2, dtype=np.float64)
    return found


def _ties(photo: NDArray[Any], rows: tuple[int, int], epsilon: float) -> Planes:
    """Entries between the pixels of some rows, and of two above them, and the later ones near them.

    Returns:
        (12, rows + 2, W) float64; 0 where there is no such pixel.
    """
    first, last = rows
    height, width = photo.shape[:2]
    top = max(first - 2 * _REACH, 0)  # of the uppermost window that has a part in them
    bottom = min(last + _REACH, height)
    colours = photo[top:bottom].transpose(2, 0, 1).astype(np.float64) / 255
    white = _whitened(colours, epsilon)
    windows = white.shape[2:]
    table = np.zeros((len(_LATER), bottom - first + 2 * _REACH, width))
    for one, other in combinations(range(_PIXELS), 2):
        (above, left), (below, right) = divmod(one, _SIDE), divmod(other, _SIDE)
        above_first = above + top - (first - 2 * _REACH)
        place = table[
            _LATER.index((below - above, right - left)),
            above_first : above_first + windows[0],
            left : left + windows[1],
        ]
        place -= np.einsum("crw,crw->rw", white[one], white[other]) + 1 / _PIXELS
    return np.asarray(table[:, _REACH : last - first + 2 * _REACH])


def _whitened(colours: Planes, epsilon: float) -> Planes:
    """Colours of each window's pixels, without their mean and covariance, over 3.

    Their products are those in equation 12, over the number of pixels of a window.

    Args:
        colours: (3, rows, W), 0 to 1.
        epsilon: see `laplacian`.

    Returns:
        (9, 3, rows - 2, W - 2).
    """
    height, width = (side - _REACH for side in colours.shape[1:])
    pixels: Planes = np.stack(
        [
            colours[:, above : above + height, left : left + width]
            for above in range(_SIDE)
            for left in range(_SIDE)
        ]
    )
    pixels -= pixels.mean(axis=0)
    covariances = np.einsum("pirw,pjrw->ijrw", pixels, pixels) / _PIXELS
    roots = Roots(covariances, epsilon / _PIXELS)
    for number, pixel in enumerate(pixels):
        pixels[number] = roots.whitened(pixel) / _SIDE
    return pixels


@dataclass(frozen=True)
class PhotorealismLoss:
    """How far a picture is from being the photo in other colours (Luan et al. 2017, equation 2).

    The mean square, over all windows, their pixels and the three colours, of what no affine map of
    the photo's colours makes in a window; colours count from 0 to 1. So 1e-4 is a hundredth of the
    range, 2.55 grey levels, as a root mean square. The paper has the sum: that of a picture four
    times as large would be four times as much, while content and style losses are means. As a mean
    it means the same at every size; a picture that is laid twice beside itself has the same loss.

    Attributes:
        laplacian: of the photo, at the picture's size.
        size: height and width.
        factor: weight of the loss.
    """

    laplacian: Matrix
    size: Size
    factor: float = 1.0

    @classmethod
    def of(cls, photo: NDArray[Any], factor: float = 1.0) -> PhotorealismLoss:
        """The loss of pictures that are to stay this photo, (H, W, 3) in 0 to 255.

        Raises:
            PictureError: a side is under 3.
        """
        return cls(laplacian(photo), size_of(photo), factor)

    def __call__(self, picture: NDArray[Any]) -> tuple[float, NDArray[np.float32]]:
        """Value, and gradient for each grey level.

        Args:
            picture: (H, W, 3), 0 to 255.

        Returns:
            The value; the gradient by the picture's values, (H, W, 3) float32.
        """
        # About the middle: rows that add up to nearly 0 let nearly nothing of a constant through.
        centred = (picture.reshape(-1, _COLOURS).astype(np.float32) - 127.5) / np.float32(255)
        pulled = self.laplacian @ centred
        value = float(np.einsum("pc,pc->", centred, pulled, dtype=np.float64)) * self._scale
        pulled *= np.float32(2 * self._scale / 255)
        return value, pulled.reshape(picture.shape)

    @property
    def _scale(self) -> float:
        windows = (self.size[0] - _REACH) * (self.size[1] - _REACH)
        return self.factor / (windows * _PIXELS * _COLOURS)
