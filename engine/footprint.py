"""How many bytes the feature maps of a step take, by the layers that it goes through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from engine.layers import block_of, channels_of, inputs_of, is_pooling, level_of
from engine.stages import SEAM, Stage
from engine.tiles import Size

FLOAT: Final = 4


@dataclass(frozen=True)
class Footprint:
    """What a stage takes.

    Attributes:
        kept: bytes that all of its pieces leave, from the way forth until the way back.
        passing: bytes that one piece takes while it is gone through.
    """

    kept: int
    passing: int


def stage_bytes(stage: Stage, tile: Size, taps: Collection[str], width: int = FLOAT) -> Footprint:
    """What a stage takes.

    Args:
        stage: its layers, and how many pieces there are.
        tile: height and width of the largest piece, halo included.
        taps: all of them.
        width: bytes of a value of the maps.
    """
    cut = not stage.grid.whole
    size = _of_picture(tile, stage.layers)
    passing = step_bytes(tile, stage.head, taps, cut=cut, width=width) if stage.head else 0
    if stage.tail:
        behind = _passing_with_traces(stage.tail, size, taps)
        if cut and not stage.head:  # a copy of its part of what goes in, which is there all along
            behind += inputs_of(stage.tail[0]) * tile[0] * tile[1] * FLOAT
        passing = max(passing, behind)
    kept = stage.grid.count * sum(_left(name, size, taps, width) for name in stage.tail)
    kernels = sum(_kernel(name) * width for name in stage.tail)
    return Footprint(round(kept + kernels), passing)


def step_bytes(
    size: Size,
    layers: Sequence[str],
    taps: Collection[str],
    *,
    cut: bool = False,
    width: int = FLOAT,
) -> int:
    """Most bytes of feature maps and gradients at once, in a step through some layers.

    The way forth keeps the result of every layer; the way back lets them go, while it holds the
    gradient that comes and the one that goes on. At a tap it holds the one
    that comes, the tap's own and their sum; of a tile also the part without the halo, and the tap's
    own within the halo. MXNet keeps a place to work in besides, as large as the largest maps.

    Maps of less than float32 are read as float32 at the taps (but in one piece not those that the
    style alone asks for: there it is too much by a copy). So there all is counted as float32, and
    outside of tiles, where that makes up for no copy, one more; the place to work in is counted
    as float32 too. That is rather too much (in bytes a value at most 14, and in tiles 18).

    Args:
        size: height and width of what goes into the first layer, halo included.
        layers: from the picture's first, or from a later one.
        taps: all of them.
        cut: whether this is a tile, with a halo.
        width: bytes of a value of the maps.
    """
    picture = _of_picture(size, layers)
    kept = most = before = float(inputs_of(layers[0]) * size[0] * size[1])
    largest = before
    # Of values of this width; float32's are so many of them.
    read, copied = FLOAT / width, 0 if width == FLOAT else 1
    for name in layers:
        own = elements(name, picture)
        kept += own
        passing = 2 * own + before
        at_tap = (5 if cut else 3 + copied) * read * own if name in taps else 0
        most, before = max(most, kept - own + passing, kept + at_tap), own
        largest = max(largest, own)
    return round(most * width + largest * FLOAT)


def seam_bytes(size: Size) -> int:
    """The maps between the stages of a picture of this size, and their gradient."""
    return round(2 * elements(SEAM, size) * FLOAT)


def weighing_bytes(size: Size, taps: Collection[str], *, kept: bool = False) -> int:
    """Most bytes that come to a step where maps are weighed by regions: two arrays at a tap.

    Those are the gradient of a region, before it is weighed and after, beside the sum of all. And
    there is one that is made new, as large as the largest: what is narrow, read as float32, or what
    means are made of.

    Args:
        size: height and width of the picture, or of a tile's part of it.
        taps: those of the style.
        kept: whether the arrays of each tap are left for the next step.
    """
    values = [elements(tap, size) for tap in taps]
    largest = max(values, default=0)
    return round(FLOAT * (2 * (sum(values) if kept else largest) + largest))


def elements(name: str, size: Size) -> float:
    """Values of a layer's maps for a picture of this size."""
    level = level_of(name)
    return channels_of(name) * (size[0] >> level) * (size[1] >> level)


def _of_picture(size: Size, layers: Sequence[str]) -> Size:
    """Of the picture whose part goes into some layers with this size."""
    level = block_of(layers[0]) - 1
    return size[0] << level, size[1] << level


def _left(name: str, size: Size, taps: Collection[str], width: int) -> float:
    """Bytes that a layer leaves for the way back: signs, or a tap's maps."""
    if is_pooling(name):
        return 0.0
    return elements(name, size) * (width if name in taps else 1 / 8)


def _kernel(name: str) -> int:
    return 0 if is_pooling(name) else 9 * inputs_of(name) * channels_of(name)


def _passing_with_traces(layers: Sequence[str], size: Size, taps: Collection[str]) -> int:
    """Most bytes beside what is left: maps in two layouts forth, and back a gradient and its like.

    Back there are the gradient that comes, where it is let through, what of it is, and that in
    another layout or the one that goes on; at a tap as many as in any step in tiles.
    """
    largest = most = 0.0
    for name, before in _with_inputs(layers, size):
        own = elements(name, size)
        largest = max(largest, own, before)
        most = max(most, before + 3.5 * own, (5 if name in taps else 0) * own)
    return round((most + largest) * FLOAT)


def _with_inputs(layers: Sequence[str], size: Size) -> Iterator[tuple[str, float]]:
    """Each layer, and the values of what goes into it."""
    for name in layers:
        level = block_of(name) - 1
        channels = channels_of(name) if is_pooling(name) else inputs_of(name)
        yield name, channels * (size[0] >> level) * (size[1] >> level)
