"""`make bench`: all measurements in one run, a table, and benchmarks/results/latest.json."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks import equal_quality, machine, memory, pastiche, resident, step
from benchmarks.pastiche_program import PAIRS, STARTER, find
from engine import PRESETS
from engine.malloc import environment
from engine.mx import threads
from engine.painter import Painter
from engine.weights import load

RESULTS: Final = Path(__file__).parent / "results"
PHOTO: Final = STARTER / "photo.jpg"
STYLE: Final = STARTER / "styles" / "Waves.jpg"


def measured(weights: Path, *, quick: bool) -> dict[str, Any]:
    """Do all measurements.

    Args:
        weights: folder of the trained weights.
        quick: the smallest of each, in minutes.
    """
    painter, trained = Painter(weights, "cpu", precision="float32"), load(weights)
    fastest = Painter(weights, "cpu")
    painters = [painter] if fastest.device.precision == "float32" else [painter, fastest]
    sizes, rounds = ((256,), 3) if quick else ((256, 512, 1024), 5)
    steps = [
        asdict(step.measure(each, trained, size, rounds)) for each in painters for size in sizes
    ]
    large, small, limit = (
        ((640, 480), (320, 240), 1024) if quick else ((4096, 3072), (1024, 768), 6144)
    )
    quality, job = (128, 512) if quick else (256, 512)
    peer_steps = 60 if quick else equal_quality.PEER_STEPS
    preset = "draft" if quick else "standard"
    photo, style = square(PHOTO, quality), square(STYLE, quality)
    return {
        "machine": {**machine.describe(), "threads": threads},
        "step": steps,
        "equal_quality": asdict(
            equal_quality.measure(painter, trained, photo, style, peer_steps=peer_steps)
        ),
        "pastiche": []
        if quick
        else [
            asdict(row) for row in pastiche.measure(painter.network, weights, pastiche.all_kept())
        ],
        "resident": asdict(
            resident.measure(
                weights,
                square(PHOTO, job),
                square(STYLE, job),
                PRESETS[preset],
            )
        ),
        "memory": [
            asdict(row)
            for row in memory.memory_rows(weights, (256,) if quick else (512, 1024, 2048))
        ],
        "large": asdict(memory.large_row(painter, weights, large, small, limit)),
    }


def square(path: Path, side: int) -> NDArray[np.uint8]:
    """The middle of a picture file as (side, side, 3)."""
    with Image.open(path) as picture:
        fitted = ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
        return np.asarray(fitted)


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Lay rows of the same keys out for reading."""
    found = list(rows)
    head = list(found[0])
    cells = [head, *([_cell(row[name]) for name in head] for row in found)]
    widths = [max(len(line[number]) for line in cells) for number in range(len(head))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    )


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Do what the command line says."""
    wanted = {**os.environ, **environment(os.environ)}
    if wanted != dict(os.environ):  # as the daemon starts the process that paints
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]], wanted)  # noqa: S606 - ourselves
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    parser.add_argument("--quick", action="store_true", help="the smallest of each")
    parser.add_argument("--output", type=Path, default=RESULTS / "latest.json")
    said = parser.parse_args()
    found = measured(said.weights, quick=said.quick)
    said.output.parent.mkdir(parents=True, exist_ok=True)
    said.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for name, part in found.items():
        print(f"\n{name}")
        if part:
            print(table(part if isinstance(part, list) else [part]))
    missing = [str(pair) for pair in PAIRS if find(pair) is None]
    if missing and not said.quick:
        print(f"\nnot painted by pastiche yet (benchmarks.pastiche --keep): {', '.join(missing)}")
    print(f"\nwritten to {said.output}")


if __name__ == "__main__":
    main()
