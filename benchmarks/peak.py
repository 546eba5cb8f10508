"""One painting in a process of its own, so that its most memory can be told: prints JSON."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from engine import Painting, Recipe
from engine.painter import Painter
from engine.precision import Name
from engine.room import peak
from engine.sources import Sources


@dataclass(frozen=True)
class Peak:
    """What one painting took.

    Attributes:
        width: pixels.
        height: pixels.
        tiles: in how many it was worked through.
        predicted_mb: peak of the process by the plan, MiB.
        measured_mb: peak of the process, MiB.
        seconds_per_step: on average, evaluation of the start included.
    """

    width: int
    height: int
    tiles: int
    predicted_mb: float
    measured_mb: float
    seconds_per_step: float


def measure(painter: Painter, width: int, height: int, steps: int) -> Peak:
    """Paint noise in the style of noise, at one scale, for a few steps."""
    recipe = Recipe(size=max(width, height), scales=(1.0,), iterations=(steps,))
    sources = Sources.of(noise(height, width, 0), noise(height, width, 1))
    *_, painting = painter.paint(sources, recipe)
    assert isinstance(painting, Painting)  # noqa: S101 - the last thing that a painter yields
    return Peak(
        width=width,
        height=height,
        tiles=painting.tiles,
        predicted_mb=painting.predicted_memory_mb,
        measured_mb=peak() / 2**20,
        seconds_per_step=painting.seconds_per_iteration,
    )


def noise(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """A picture in which nothing is the same twice."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peak", description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--max-memory", type=int, help="MiB")
    parser.add_argument("--precision", choices=get_args(Name), default="float32")
    said = parser.parse_args()
    limit = None if said.max_memory is None else said.max_memory * 2**20
    painter = Painter(said.weights, "cpu", precision=said.precision, max_memory=limit)
    found = measure(painter, said.width, said.height, said.steps)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
