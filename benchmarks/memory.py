"""Predicted against measured peaks, and large pictures in tiles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.peak import Peak, noise
from engine import Recipe
from engine.malloc import environment
from engine.objective import Objective
from engine.painter import Painter
from engine.precision import Name
from engine.stages import Tiling
from engine.style_statistics import style_statistics
from engine.tiles import Grid

_TILES: Final = Tiling(Grid(2, 3), Grid(2, 1), frozenset({"conv3_2", "conv4_1"}))
"""Like those of a large picture: for its gradient against that of the whole."""


@dataclass(frozen=True)
class MemoryRow:
    """One size and precision."""

    size: int
    precision: str
    predicted_mb: float
    measured_mb: float


@dataclass(frozen=True)
class LargeRow:
    """A large picture in tiles, against the whole of a smaller one.

    Attributes:
        width: pixels.
        height: pixels.
        tiles: how many.
        peak_mb: of the process, MiB.
        seconds_per_step: at that size.
        per_pixel_ratio: time a pixel over the untiled time a pixel of the smaller picture.
        gradient_relative_error: tiled against whole, relative L2, at a size where both fit.
    """

    width: int
    height: int
    tiles: int
    peak_mb: float
    seconds_per_step: float
    per_pixel_ratio: float
    gradient_relative_error: float


def peak_of(
    weights: Path,
    width: int,
    height: int,
    max_memory_mb: int | None = None,
    precision: Name = "float32",
) -> Peak:
    """Paint in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.peak", f"--weights={weights}",
               f"--width={width}", f"--height={height}", f"--precision={precision}"]  # fmt: skip
    if max_memory_mb is not None:
        command.append(f"--max-memory={max_memory_mb}")
    # As the daemon starts the process that paints.
    surroundings = {**os.environ, **environment(os.environ)}
    done = subprocess.run(  # noqa: S603 - ours
        command, check=True, capture_output=True, text=True, env=surroundings
    )
    return Peak(**json.loads(done.stdout))


def memory_rows(weights: Path, sizes: Iterable[int], precisions: Iterable[Name]) -> list[MemoryRow]:
    """Square pictures of these sizes, in these precisions."""
    ways = list(product(precisions, sizes))
    peaks = [peak_of(weights, size, size, precision=name) for name, size in ways]
    return [
        MemoryRow(size, name, peak.predicted_mb, peak.measured_mb)
        for (name, size), peak in zip(ways, peaks, strict=True)
    ]


def large_row(
    painter: Painter, weights: Path, size: tuple[int, int], small: tuple[int, int], limit_mb: int
) -> LargeRow:
    """A picture that does not fit into `limit_mb` in one piece, and a smaller one that does.

    Args:
        painter: for the comparison of gradients.
        weights: folder of the trained weights.
        size: width and height of the large picture.
        small: width and height of the small one.
        limit_mb: memory that the large one may take, MiB.
    """
    large, whole = peak_of(weights, *size, limit_mb), peak_of(weights, *small)
    per_pixel = [peak.seconds_per_step / (peak.width * peak.height) for peak in (large, whole)]
    return LargeRow(
        width=size[0],
        height=size[1],
        tiles=large.tiles,
        peak_mb=large.measured_mb,
        seconds_per_step=large.seconds_per_step,
        per_pixel_ratio=per_pixel[0] / per_pixel[1],
        gradient_relative_error=gradient_error(painter, (384, 512), _TILES),
    )


def gradient_error(painter: Painter, size: tuple[int, int], tiling: Tiling) -> float:
    """Relative L2 distance of the gradient in tiles from that of the whole."""
    content, style, image = (
        painter.to_device(noise(*size, seed).astype(np.float32)) for seed in range(3)
    )
    recipe = Recipe()
    known = style_statistics(painter.network, style, recipe)
    whole, tiled = (
        Objective(painter.network, content, known, recipe, each).evaluate(image)[1].asnumpy()
        for each in (Tiling(), tiling)
    )
    return float(np.linalg.norm(tiled - whole) / np.linalg.norm(whole))
