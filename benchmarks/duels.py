"""Our pictures against those of other programs, at the same distance from the photo.

Who is nearer to the style is nearly always further from the photo. So `strength`, which is the
control that people have for this, is searched until our picture is as near to the photo as the
other one, or a little nearer; and then it is asked which one is nearer to the style.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.row import Row

TRIES: Final = 5
"""Pictures that are painted, at the most, to come near one of another program."""
NEAR: Final = 0.97
"""Of its distance from the photo: from here on a picture is as far."""
_AIM: Final = 0.985
_WEAKEST, _STRONGEST = 0.05, 20.0
_STRIDE: Final = 3.0
"""By which factor strength is changed while all pictures are too near, or all too far."""
_INNER: Final = 0.15
"""Of what lies between two strengths, at each end, where nothing is tried."""


@dataclass(frozen=True)
class Duel:
    """A picture of another program, and the best of ours against it.

    Attributes:
        peer: whose it is.
        scene: what both show.
        size: long side, pixels.
        ours: which of our pictures: of those as near to the photo the nearest to the style, or if
            there is none the nearest to the photo.
        style_distance: of ours.
        peer_style_distance: of theirs.
        content_distance: of ours.
        peer_content_distance: of theirs.
        processor_seconds: that ours took.
        peer_processor_seconds: that theirs took.
        won: whether ours is nearer to the style, no further from the photo, and took less.
    """

    peer: str
    scene: str
    size: int
    ours: str
    style_distance: float
    peer_style_distance: float
    content_distance: float
    peer_content_distance: float
    processor_seconds: float
    peer_processor_seconds: float
    won: bool


def duel(theirs: Row, ours: Sequence[Row]) -> Duel:
    """Set the best of our pictures against one of theirs.

    Args:
        theirs: a picture of another program.
        ours: ours of the same scene and size; at least one.
    """
    quick = [row for row in ours if row.processor_seconds < theirs.processor_seconds]
    near = [row for row in quick if row.content_distance <= theirs.content_distance]
    if near:
        best = min(near, key=lambda row: row.style_distance)
    else:
        best = min(ours, key=lambda row: row.content_distance)
    return Duel(
        peer=theirs.painter,
        scene=theirs.scene,
        size=theirs.size,
        ours=best.painter,
        style_distance=best.style_distance,
        peer_style_distance=theirs.style_distance,
        content_distance=best.content_distance,
        peer_content_distance=theirs.content_distance,
        processor_seconds=best.processor_seconds,
        peer_processor_seconds=theirs.processor_seconds,
        won=bool(near) and best.style_distance < theirs.style_distance,
    )


def approached(
    goal: float, known: Mapping[float, float], painted: Callable[[float], Row], tries: int = TRIES
) -> Iterator[Row]:
    """Paint until a picture is as far from the photo as is wanted, or a little less.

    Args:
        goal: the distance from the photo.
        known: distances of what is painted already, by strength.
        painted: paints with a strength.
        tries: how often.
    """
    found = dict(known)
    for _ in range(tries):
        if any(NEAR * goal <= distance <= goal for distance in found.values()):
            return
        strength = _next(goal, found)
        if strength in found:  # at the end of its range
            return
        row = painted(strength)
        found[strength] = row.content_distance
        yield row


def _next(goal: float, found: Mapping[float, float]) -> float:
    """The strength to try: distance grows about evenly with its logarithm."""
    nearer = max((each for each, distance in found.items() if distance <= goal), default=None)
    beyond = (each for each, distance in found.items() if distance > goal)
    if nearer is None:
        least = min(beyond, default=None)
        return 1.0 if least is None else max(least / _STRIDE, _WEAKEST)
    further = min((each for each in beyond if each > nearer), default=None)
    if further is None:
        return min(nearer * _STRIDE, _STRONGEST)
    rise = (_AIM * goal - found[nearer]) / (found[further] - found[nearer])
    share = min(max(rise, _INNER), 1 - _INNER)
    return math.exp(math.log(nearer) + share * math.log(further / nearer))
