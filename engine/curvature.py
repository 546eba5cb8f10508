"""The curvature of a loss, learned band by band and place by place from the steps taken.

Of one step and the change of gradient that it brought, L-BFGS learns the curvature along the step.
For all other directions it has one number, and what it takes to move a broad shape is far from what
it takes to move fine grain, in the sky or in foliage. So here that number becomes one for each
coefficient of a wavelet transform: by how much steps moved it over how much its gradient changed.
L-BFGS allows any positive matrix in that place, and another at each step (Nocedal and Wright 2006,
section 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.mx import Array, nd
from engine.sums import along_rows, total
from engine.wavelets import Wavelets

_SHARED: Final = 0.5
"""Weight of a band's mean in each of its coefficients: one coefficient has seen few steps."""

_COMMON: Final = 1e-9
"""Weight of the mean over all bands: where nothing has happened the scale is that of all."""

_LEAST: Final = 1e-36  # nothing is divided by nothing


class Curvature:
    """Scales gradients by the inverse of the curvature, as far as it is known.

    Args:
        wavelets: for pictures of this size.
        steps: what pictures were moved by, (3 H W,) each; at least one.
        changes: of the gradient that this brought, one for each step.
    """

    def __init__(
        self, wavelets: Wavelets, steps: Sequence[Array], changes: Sequence[Array]
    ) -> None:
        self._wavelets = wavelets
        moved, turned = _energies(wavelets, steps), _energies(wavelets, changes)
        self._scales = [nd.sqrt(over / under) for over, under in zip(moved, turned, strict=True)]

    def scaled(self, gradient: Array) -> Array:
        """A gradient, (3 H W,), with each coefficient scaled; positive definite as an operator."""
        bands = self._wavelets.forth(gradient)
        return self._wavelets.back(
            [nd.elemwise_mul(*pair) for pair in zip(bands, self._scales, strict=True)]
        )

    def squared(self, change: Array) -> float:
        """Product of a change, (3 H W,), with what `scaled` makes of it: y' H y."""
        bands = self._wavelets.forth(change)
        parts = [
            total(nd.elemwise_mul(nd.square(band), scale))
            for band, scale in zip(bands, self._scales, strict=True)
        ]
        return float(nd.add_n(*parts).asscalar())


def _energies(wavelets: Wavelets, vectors: Sequence[Array]) -> list[Array]:
    """Squares of the coefficients, over all vectors, and a share of their mean in each band."""
    energies: list[Array] = []
    for vector in vectors:
        squares = [nd.square(band) for band in wavelets.forth(vector)]
        energies = [a + b for a, b in zip(energies, squares, strict=True)] if energies else squares
    means = [
        nd.mean(along_rows(each), axis=(2, 3), keepdims=True) / each.shape[-1] for each in energies
    ]
    common = nd.mean(nd.concat(*(mean.reshape((-1,)) for mean in means), dim=0))
    floor = common.reshape((1, 1, 1, 1)) * _COMMON + _LEAST
    return [
        nd.broadcast_add(each, nd.broadcast_add(mean * _SHARED, floor))
        for each, mean in zip(energies, means, strict=True)
    ]
