"""The Haar transform of pictures: bands of detail, coarse and fine, that know their places.

A picture's colours are first turned to one of brightness and two of colour proper, which in
photographs have little to do with each other. Then sums and differences of two by two positions are
taken, of the sums again, and so on (Haar 1910; Mallat 1989, "A theory for multiresolution signal
decomposition"). The transform is orthonormal: lengths and angles are those of the pictures.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from engine.mx import Array, nd

_LEVELS: Final = 5
"""From details of two pixels to those of 32."""

_COLOURS: Final = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Brightness, red against blue, green against both: about the principal axes of the colours in
photographs (Ohta, Kanade, Sakai 1980, "Color information for region segmentation")."""

_HAAR: Final = (
    np.array([[[1, 1], [1, 1]], [[1, -1], [1, -1]], [[1, 1], [-1, -1]], [[1, -1], [-1, 1]]]) / 2
)


_STEPS: Final = (0.7548776662466927, 0.5698402909980532)
"""The inverse of the plastic number, and its square: multiples of both, modulo 1, fill a square
evenly, however many they are (Roberts 2018, "The unreasonable effectiveness of quasirandom
sequences")."""

_HALVING: Final = {"kernel": (2, 2), "stride": (2, 2), "no_bias": True}


def grid_at(number: int) -> tuple[int, int]:
    """Where the grid of blocks begins, for one of many transforms that are to have no grid alike.

    Args:
        number: of the transform, from 0 on.
    """
    above, left = (int(number * step % 1 * 2**_LEVELS) for step in _STEPS)
    return above, left


class Wavelets:
    """The transform of pictures of one size.

    Around the picture, as far as its blocks reach, it is continued with zeros.

    Args:
        size: height and width.
        context: MXNet's handle of the device.
        grid: how far above and left of the picture the grid of blocks begins (modulo their side).
    """

    def __init__(self, size: tuple[int, int], context: Any, grid: tuple[int, int] = (0, 0)) -> None:
        self._size = size
        self._levels = min(_LEVELS, int(np.log2(min(size))))
        block = 2**self._levels
        self._before = [begin % block for begin in grid]
        self._after = [
            -(before + side) % block for before, side in zip(self._before, size, strict=True)
        ]
        self._colours, self._haar = (
            nd.array(each.astype(np.float32), ctx=context)
            for each in (_COLOURS, _HAAR[:, np.newaxis])
        )

    def forth(self, flat: Array) -> list[Array]:
        """Transform a picture.

        Args:
            flat: (3 H W,) float32, the planes one after the other.

        Returns:
            Bands of detail, fine to coarse, (3, 3, h, w): colours, directions, places; and last the
            coarse rest, (3, 1, h, w).
        """
        rest = self._widened(nd.dot(self._colours, flat.reshape((3, -1))))
        bands = []
        for _ in range(self._levels):
            parts = nd.Convolution(rest, self._haar, **_HALVING, num_filter=4)
            bands.append(nd.slice_axis(parts, axis=1, begin=1, end=4))
            rest = nd.slice_axis(parts, axis=1, begin=0, end=1)
        return [*bands, rest]

    def back(self, bands: list[Array]) -> Array:
        """Put bands together: the transposed transform, which undoes `forth`.

        Args:
            bands: as `forth` gives them.

        Returns:
            (3 H W,) float32.
        """
        *details, rest = bands
        for band in reversed(details):
            parts = nd.concat(rest, band, dim=1)
            rest = nd.Deconvolution(parts, self._haar, **_HALVING, num_filter=1)
        (above, left), (height, width) = self._before, self._size
        own = rest[:, :, above : above + height, left : left + width]
        return nd.dot(self._colours, own.reshape((3, -1)), transpose_a=True).reshape((-1,))

    def _widened(self, planes: Array) -> Array:
        planes = planes.reshape((3, 1, *self._size))
        (above, left), (below, right) = self._before, self._after
        if not any((above, left, below, right)):
            return planes
        around = (0, 0, 0, 0, above, below, left, right)
        return nd.pad(planes, mode="constant", pad_width=around, constant_value=0)
