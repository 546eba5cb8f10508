"""The Wasserstein loss: the work of carrying the maps' distribution over to the style's.

At each position the maps are a point in as many dimensions as there are channels. Where all points
are taken for drawn from a normal distribution, mean and covariance are all that is known of it, and
the squared Wasserstein distance of two such is that of Bures (Dowson, Landau 1982; Gelbrich 1990):

    |m - n|^2 + tr(S + A - 2 (A^(1/2) S A^(1/2))^(1/2))

for means m, n and covariances S, A. The least work is done by the map x -> n + T (x - m), with T
the symmetric matrix for which T S T = A. So the gradient at a point x is twice its way back from
where it is carried, x - n - T (x - m).

T is found without a root of any matrix, as half of a matrix sign (Higham 2008, chapter 6):

    sign [[0, A], [S, 0]] = [[0, T], [T^-1, 0]]

by Newton-Schulz steps on both halves, which are products alone (`carrying`). They start from A and
S, and not from their product, whose condition is the square of theirs: so float32 is enough.

The covariances have a ridge added, so that what hardly varies in the style, in rounding or in any
picture is not stretched to no end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.gram import products
from engine.losses import AS_OF_PRODUCTS, LEAST_ENERGY, Aim, Parts, Place, StyleKind, mixed, shifted
from engine.mx import Array, nd
from engine.precision import raised
from engine.shelf import NO_SHELF, Shelf
from engine.sums import along_rows, total

_MEAN: Final = "mean"
_COVARIANCE: Final = "covariance"

_RIDGE: Final = 0.01
"""Of the mean square of a style's values, added to each channel's variance."""

_ROUNDING: Final = 8e-6
"""Least ridge, of the trace of the products that a covariance is made of in float32. Of channels
that do not vary, as much as 4e-6 of it were seen to be missing in the end."""

_LEAST: Final = 1e-4
"""Square root of the least eigenvalue of what the steps start from, over the largest one; what is
smaller is carried by less than it should be. With the ridge it is about 1e-4 at 512 channels."""

_SPEED: Final = 2.5
"""Most by which a step is sped up. For the least number of steps it would be 3, where the largest
eigenvalue is taken for the smallest, and its digits are lost."""

_DONE: Final = 1e-4
"""Distance from 1 from where on a plain step comes to the end of float32's digits."""


@dataclass(frozen=True)
class WassersteinLoss:
    """Squared Wasserstein distance between the maps and the style, taken for normal distributions.

    Over the number of channels: it is a mean over all values, as the content loss is.

    Attributes:
        mean: of the style, (C, 1).
        covariance: of the style, (C, C), with the ridge.
        ridge: what was added, and is added to the maps' covariance at least.
        factor: weight of the loss over a quarter of the style's energy (or over 1).
        size: elements of the whole picture's maps, C h w.
        shelf: where to take arrays from for gradients.
    """

    mean: Array
    covariance: Array
    ridge: float
    factor: float
    size: int
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:  # noqa: ARG002 - no place is special
        """Products of channels, and beside them the channels' sums, (C, C + 1)."""
        return _measured(maps)

    def conclude(self, measured: Array) -> tuple[Array, Any]:
        """Value (1,), and what pulls the maps: a matrix (C, C) and a shift (C,)."""
        channels = measured.shape[0]
        unit = nd.eye(channels, ctx=measured.context)
        mean, covariance = self._moments(measured, unit)
        there, back = carrying(covariance, self.covariance)
        way, gap = unit - there, mean - self.mean
        # tr(S (1 - T)) + tr(A (1 - T^-1)): an error of T does not show in it before its square.
        work = total(covariance * way) + total(self.covariance * (unit - back))
        value = (work + total(nd.square(gap))) * (self.factor / channels)
        scale = 2 * self.factor / self.size
        return value, (way * scale, (gap - nd.dot(way, mean)).reshape(-1) * scale)

    def pull(self, maps: Array, place: Place, by: tuple[Array, Array]) -> Array:  # noqa: ARG002 - as in measure
        """Gradient, (1, C, h, w): the way of each point to where it is carried."""
        matrix, shift = by
        kind = maps.shape, maps.dtype
        turned = self.shelf.made(*kind, lambda out: mixed(maps, matrix, out))
        gradient = self.shelf.made(*kind, lambda out: shifted(turned, shift, out))
        self.shelf.put(turned)
        return gradient

    def _moments(self, measured: Array, unit: Array) -> tuple[Array, Array]:
        """Mean (C, 1) and covariance (C, C), with the ridge."""
        channels = measured.shape[0]
        means = measured / (self.size // channels)
        mean = nd.slice_axis(means, axis=1, begin=channels, end=None)
        raw = nd.slice_axis(means, axis=1, begin=0, end=channels)
        # What rounding leaves of maps much larger than the style is no covariance without more.
        ridge = nd.maximum(total(raw * unit) * _ROUNDING, self.ridge).reshape((1, 1))
        covariance = raw - nd.dot(mean, mean, transpose_b=True)
        return mean, covariance + nd.broadcast_mul(unit, ridge)


def carrying(covariance: Array, target: Array) -> tuple[Array, Array]:
    """The symmetric matrix T with T S T = A, and its inverse, for covariances S and A.

    Args:
        covariance: S, (C, C), float32, without an eigenvalue of 0.
        target: A, likewise.
    """
    product = nd.dot(covariance, target)
    # Its eigenvalues are to lie between 0 and 1: they are at most its norm.
    peak = nd.max(nd.abs(product)).reshape((1, 1))
    norm = peak * nd.sqrt(total(nd.square(nd.broadcast_div(product, peak)))).reshape((1, 1))
    root = nd.sqrt(norm)
    there, back = nd.broadcast_div(target, root), nd.broadcast_div(covariance, root)
    unit = nd.eye(covariance.shape[0], ctx=covariance.context)
    for own, other in _STEPS:
        step = unit * own - nd.dot(back, there) * other
        there, back = nd.dot(there, step), nd.dot(step, back)
    return _symmetric(there), _symmetric(back)


def _symmetric(matrix: Array) -> Array:
    return (matrix + nd.transpose(matrix)) * 0.5


def _steps() -> Iterator[tuple[float, float]]:
    """Factors of the unit and of the product in each Newton-Schulz step, ``x (3 - x^2) / 2``.

    A step brings what lies between some least value and 1 closer to 1; it does more with x times a
    factor first, which is the best for all between the two where it maps both to the same (Chen,
    Chow 2014, "A stable scaling of Newton-Schulz for improving the sign function computation").
    """
    least = _LEAST
    while least < 1 - _DONE:
        square = min(3 / (1 + least + least**2), _SPEED)
        own, other = 1.5 * square**0.5, 0.5 * square**1.5
        yield own, other
        least = min(least * (own - other * least**2), own - other)
    yield 1.5, 0.5


_STEPS: Final = tuple(_steps())


def _measured(maps: Array) -> Array:
    # In float32 in any case: the covariance is what is left of the products without the means', and
    # as much would be left of their rounding.
    maps = raised(maps)
    rows = maps.reshape((maps.shape[1], -1))
    return nd.concat(products(maps), along_rows(rows), dim=1)


def _statistics(measured: Array, size: int) -> tuple[NDArray[np.float32], ...]:
    found = measured.asnumpy().astype(np.float64)
    means = found / (size // len(found))
    mean = means[:, -1]
    covariance = means[:, :-1] - np.outer(mean, mean)
    return mean.astype(np.float32), covariance.astype(np.float32)


def _loss(parts: Parts, aim: Aim) -> WassersteinLoss:
    mean, covariance = parts[_MEAN], parts[_COVARIANCE]
    energy = max(float(np.trace(covariance) + mean @ mean) / len(mean), LEAST_ENERGY)
    ridge = _RIDGE * energy
    return WassersteinLoss(
        aim.lay(mean.reshape(-1, 1)),
        aim.lay(covariance + np.float32(ridge) * np.eye(len(mean), dtype=np.float32)),
        ridge,
        aim.factor(energy / AS_OF_PRODUCTS),
        aim.size,
        aim.shelf,
    )


WASSERSTEIN: Final = StyleKind(
    (_MEAN, _COVARIANCE), _measured, _statistics, _loss, pulls_narrow=True, passing=1
)
"""How channels vary, and how much together, apart from their means."""
