"""The losses of a painting as lines to be drawn, a scale a line.

Losses of two scales have no common measure: each is drawn from the top to the bottom of its own
part of the plot, by the logarithm, so that halving looks the same wherever it happens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from daemon.page.board import Point

WIDTH: Final = 400
HEIGHT: Final = 100
_HIGHEST: Final = 9.99  # of what does not fall nobody needs to know how far it rose
_FEWEST: Final = 2  # one alone tells nothing, as after a restart in the midst of a painting
_MARGIN: Final = 5.0  # so that a line's own width stays inside


@dataclass(frozen=True)
class Line:
    """What is drawn of one scale.

    Attributes:
        scale: which one, from 1 on.
        path: of SVG, in a box of `WIDTH` by `HEIGHT`.
        start: where its part begins, from the left.
        end: where the line ends, from the left.
        level: where it ends, from the top.
        fall: its last loss as a share of its first.
    """

    scale: int
    path: str
    start: float
    end: float
    level: float
    fall: float


def lines(points: Iterable[Point], total: int) -> tuple[Line, ...]:
    """Lines through all points that can be drawn: of finite losses above zero, if there are two.

    Args:
        points: of one painting.
        total: steps that the recipe allows, which is the whole width; 0 if that is not known.
    """
    good = [one for one in points if math.isfinite(one.loss) and one.loss > 0 and one.step > 0]
    good.sort(key=lambda one: (one.scale, one.step))
    if len(good) < _FEWEST:
        return ()
    last = max(total, *(one.step for one in good), 2)
    return tuple(
        _line(scale, list(group), last) for scale, group in groupby(good, lambda one: one.scale)
    )


def _line(scale: int, points: Sequence[Point], last: int) -> Line:
    levels = _levels([math.log(one.loss) for one in points])
    across = [(one.step - 1) / (last - 1) * WIDTH for one in points]
    corners = [f"{x:.1f} {y:.1f}" for x, y in zip(across, levels, strict=True)]
    # A line of no length is drawn as a dot, since its ends are round.
    path = f"M{corners[0]}L{' '.join(corners[1:] or corners)}"
    fall = min(points[-1].loss / points[0].loss, _HIGHEST)
    return Line(scale, path, round(across[0], 1), round(across[-1], 1), levels[-1], fall)


def _levels(logs: Sequence[float]) -> list[float]:
    top, low = max(logs), min(logs)
    room = HEIGHT - 2 * _MARGIN
    if top == low:
        return [HEIGHT / 2] * len(logs)
    return [_MARGIN + (top - one) / (top - low) * room for one in logs]
