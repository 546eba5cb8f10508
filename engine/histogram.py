"""The histogram loss: how far each channel's values are from the style's, all of them in order.

Risser, Wilmot, Barnes 2017, "Stable and Controllable Neural Texture Synthesis and Style Transfer
Using Histogram Losses", section 4: each value has a value of the style's at the same place in the
order, and the loss is the mean square of the distances; the gradient is that of distances whose end
is held. In one dimension this is the squared Wasserstein distance between the distributions.

Values are not put into order but into bins, which can be counted tile by tile. Their width is a
part of the values in them, for which no range has to be known beforehand. All values of a bin are
moved by the same: from its centre to the mean of what the style has at the same places in the
order. Where that is spread wider than the bin, as it is for all zeros, what no such move can bring
nearer is part of the loss too: else it would pay to make values alike.

What is known of a style are quantiles, finest where they are largest: few values are large, and
they are most of the energy. The means of the quantiles of several styles are those of what lies
between these (their barycentre).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.losses import AS_OF_PRODUCTS, LEAST_ENERGY, Aim, Parts, Place, StyleKind
from engine.mx import Array, nd
from engine.precision import laid_plain, raised
from engine.shelf import NO_SHELF, Shelf
from engine.sums import total

_QUANTILES: Final = "quantiles"

LEVELS: Final = 256
"""Quantiles of a channel. The share of values above the i-th is (i / 255)^2: the first one is the
largest value, the last one the smallest."""

_TO_AN_OCTAVE: Final = 16
_FIRST, _LAST = -16, 17
"""Powers of two between which there are bins. What is below counts as 0, and most of what a ReLU
leaves is exactly that; nothing is above, whatever the weights (see `engine.precision`)."""

BINS: Final = 1 + _TO_AN_OCTAVE * (_LAST - _FIRST)
"""Of a channel; the first one is that of zeros."""

_AT_ONCE: Final = {"cpu": 2**18, "gpu": 2**23}
"""Values that are binned at once, in whole channels: as many as a processor's cache holds."""

_ALL: Final = 0.999
"""Share above which no value is missing; sums over all of a large picture are rounded."""


class Order:
    """A style's values at one tap, as a function of the share of values above, for each channel.

    Between quantiles they are interpolated over the square root of that share.

    Args:
        quantiles: (C, LEVELS), see there.
        lay: lays an array on the device.

    Attributes:
        energy: mean square of the values.
    """

    def __init__(
        self, quantiles: NDArray[np.float32], lay: Callable[[NDArray[np.float32]], Array]
    ) -> None:
        self._gaps = quantiles.shape[1] - 1
        values = quantiles.astype(np.float64)
        slopes = np.diff(values) * self._gaps
        roots = np.arange(self._gaps) / self._gaps
        parts = _integrals(values[:, :-1], slopes, roots, 1 / self._gaps)
        before = [np.cumsum(each, axis=1) - each for each in parts]
        self._tables = [
            lay(each.astype(np.float32).reshape(-1)) for each in (values[:, :-1], slopes, *before)
        ]
        self.energy = max(float(parts[1].sum(axis=1).mean()), LEAST_ENERGY)

    def integrals(self, above: Array) -> tuple[Array, Array]:
        """Integrals of the values, and of their squares, over the shares from 0 to some, (C, n).

        Args:
            above: shares, (C, n), each between 0 and 1.
        """
        root = nd.sqrt(above)
        gap = nd.minimum(nd.floor(root * self._gaps), self._gaps - 1)
        where = nd.broadcast_add(gap, _firsts(above, self._gaps))
        value, slope, *before = (nd.take(each, where) for each in self._tables)
        start = gap * (1 / self._gaps)
        more = _integrals(value, slope, start, root - start)
        return before[0] + more[0], before[1] + more[1]


@dataclass(frozen=True)
class HistogramLoss:
    """Mean square distance of all values to the style's of the same places in the order.

    Attributes:
        style: the style's values.
        centres: of the bins, (1, BINS).
        widths: likewise.
        factor: weight of the loss over a quarter of the style's energy (or over 1).
        size: elements of the whole picture's maps, C h w.
        shelf: where to take arrays from for gradients.
    """

    style: Order
    centres: Array
    widths: Array
    factor: float
    size: int
    shelf: Shelf = NO_SHELF

    def measure(self, maps: Array, place: Place) -> Array:  # noqa: ARG002 - no place is special
        """How many values there are in each bin, (C, BINS)."""
        return counts(maps)

    def conclude(self, measured: Array) -> tuple[Array, Array]:
        """Value (1,), and the gradient in each bin (C, BINS)."""
        one = measured.shape[0] / self.size  # the share of one position
        above = _from_the_largest(measured) * one
        share = nd.maximum(measured * one, one / 2)  # of an empty bin nothing is asked
        mean, square = (_inside(each) / share for each in self.style.integrals(above))
        spread = nd.sqrt(nd.maximum(square - nd.square(mean), 0))
        way = nd.broadcast_sub(self.centres, mean)
        far = nd.square(way) + nd.square(nd.maximum(nd.broadcast_sub(spread, self.widths), 0))
        value = total(measured * far) * (self.factor / self.size)
        return value / _none_missing(above), way * (2 * self.factor / self.size)

    def pull(self, maps: Array, place: Place, by: Array) -> Array:  # noqa: ARG002 - as in measure
        """Gradient, (1, C, h, w) float32."""
        # A copy, of which rows can be written over.
        gradient = self.shelf.made(maps.shape, np.float32, lambda out: laid_plain(maps, out))
        rows = gradient.reshape((maps.shape[1], -1))
        for some in _channels_at_once(rows):
            values = rows[some]
            nd.take(by[some].reshape(-1), _bins(values), out=values)
        return gradient


def counts(maps: Array) -> Array:
    """How many values of each channel lie in each bin, (C, BINS) float32.

    Args:
        maps: (1, C, h, w), none below 0.
    """
    rows = raised(maps).reshape((maps.shape[1], -1))
    found = []
    for some in _channels_at_once(rows):
        values = rows[some]
        bins = values.shape[0] * BINS
        counted, _ = nd.histogram(_bins(values), bins=bins, range=(0, bins))
        found.append(nd.cast(counted, "float32").reshape((-1, BINS)))
    return nd.concat(*found, dim=0)


def _bins(values: Array) -> Array:
    """The middle of the bin of each value among the bins of some channels, shaped as the values."""
    # Written over itself: what is worked on stays in the cache.
    bins = nd.log2(values)  # of 0 minus infinity, which is in the first bin
    bins *= _TO_AN_OCTAVE
    bins += 1 - _TO_AN_OCTAVE * _FIRST
    nd.clip(bins, 0, BINS - 1, out=bins)
    nd.floor(bins, out=bins)
    return nd.broadcast_add(bins, _firsts(values, BINS), out=bins)


def _firsts(rows: Array, length: int) -> Array:
    """Where the entries of each row begin in a table of as many for each, and a half, (C, 1)."""
    return nd.arange(rows.shape[0], ctx=rows.context).reshape((-1, 1)) * length + 0.5


def _channels_at_once(rows: Array) -> Iterator[slice]:
    channels, positions = rows.shape
    many = max(1, _AT_ONCE[rows.context.device_type] // positions)
    return (slice(first, min(first + many, channels)) for first in range(0, channels, many))


def _from_the_largest(measured: Array) -> Array:
    """Sums of the bins from each on, and of none, (C, BINS + 1)."""
    sums = nd.flip(nd.cumsum(nd.flip(measured, axis=1), axis=1), axis=1)
    return nd.concat(sums, nd.zeros_like(sums[:, :1]), dim=1)


def _inside(held: Array) -> Array:
    """What each bin holds of integrals up to the bins' edges, (C, BINS)."""
    inside = nd.slice_axis(held, axis=1, begin=0, end=-1)
    return inside - nd.slice_axis(held, axis=1, begin=1, end=None)


def _none_missing(above: Array) -> Array:
    """One; or zero, if a value lies in no bin, since it is no number."""
    return nd.min(nd.slice_axis(above, axis=1, begin=0, end=1)) > _ALL


def _integrals(value: Any, slope: Any, root: Any, length: Any) -> tuple[Any, Any]:
    """Over the share, of what begins with a value and a slope over the share's root; of its square.

    From the square of `root` to that of `root + length`; for arrays of either library.
    """
    over = slope * length
    plain = value * root + (value * length + over * root) / 2 + over * length / 3
    rising = value * (value * length + 2 * over * root) / 2
    squares = value * value * root + rising + over * (2 * value * length + over * root) / 3
    return 2 * length * plain, 2 * length * (squares + over * over * length / 4)


def _edges() -> NDArray[np.float64]:
    powers = _FIRST + np.arange(BINS) / _TO_AN_OCTAVE
    return np.concatenate([[0.0], 2.0**powers])


def _centres_and_widths() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of the bins, (1, BINS) each."""
    edges = _edges().astype(np.float32)
    centres, widths = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    centres[0] = widths[0] = 0  # of what counts as 0
    return centres.reshape(1, -1), widths.reshape(1, -1)


def _statistics(measured: Array, size: int) -> tuple[NDArray[np.float32], ...]:
    """Quantiles of what was counted; within a bin values are evenly spread."""
    counted = measured.asnumpy().astype(np.float64)
    above = np.pad(np.cumsum(counted[:, ::-1], axis=1), ((0, 0), (1, 0))) * (len(counted) / size)
    # Not quite all: bins below the smallest value have all of them above, too.
    shares = np.minimum(np.linspace(0, 1, LEVELS) ** 2, 1 - 1e-9)
    falling = _edges()[::-1]
    found = np.stack([np.interp(shares, each, falling) for each in above])
    return (found.astype(np.float32),)


def _loss(parts: Parts, aim: Aim) -> HistogramLoss:
    style = Order(parts[_QUANTILES], aim.lay)
    centres, widths = (aim.lay(each) for each in _centres_and_widths())
    factor = aim.factor(style.energy / AS_OF_PRODUCTS)
    return HistogramLoss(style, centres, widths, factor, aim.size, aim.shelf)


HISTOGRAM: Final = StyleKind((_QUANTILES,), counts, _statistics, _loss)
"""How values are spread in each channel, whatever the others do."""
