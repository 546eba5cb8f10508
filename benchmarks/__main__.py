"""`make bench`: all measurements in one run, tables, and benchmarks/results/latest.json.

It ends with 1 if the service, under its whole load, does not do what is promised of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks import (
    equal_quality,
    machine,
    memory,
    pastiche,
    peers,
    preview,
    resident,
    scenes,
    step,
)
from benchmarks import load as under_load
from benchmarks import quality as judging
from benchmarks.pastiche_program import PAIRS, STARTER, Pair, find
from daemon.files import write_atomically
from engine import PRESETS
from engine.malloc import environment
from engine.mx import threads
from engine.painter import Painter
from engine.precision import Name

RESULTS: Final = Path(__file__).parent / "results"
PHOTO: Final = STARTER / "photo.jpg"
STYLE: Final = STARTER / "styles" / "Waves.jpg"
PARTS: Final = (
    "step", "equal_quality", "pastiche", "quality", "preview", "resident", "memory", "large",
    "load",
)  # fmt: skip
_LONG: Final = frozenset({"quality", "preview", "load"})
"""Not part of a quick run, unless it is asked for."""


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        sizes: of the squares for steps, pixels.
        rounds: of steps.
        quality: side of the square for the time to equal quality.
        peer_steps: the peer's there.
        preset: of the job whose overhead is taken.
        memory: sides of the squares for predicted against measured memory.
        large: width and height of the large picture.
        small: of the one that its time per pixel is compared with.
        limit: MiB for the large one.
        load: what the service is put under.
        looks: what is painted to be looked at.
        previews: long sides of a small and a large painting of the same, pixels.
    """

    sizes: tuple[int, ...] = (256, 512, 1024)
    rounds: int = 5
    quality: int = 256
    peer_steps: int = equal_quality.PEER_STEPS
    preset: str = "standard"
    memory: tuple[int, ...] = (512, 1024, 2048)
    large: tuple[int, int] = (4096, 3072)
    small: tuple[int, int] = (1024, 768)
    limit: int = 6144
    load: under_load.Load = under_load.FULL
    looks: judging.Extent = judging.FULL
    previews: tuple[int, int] = preview.SIZES


QUICK: Final = Extent(
    (256,), 3, 128, 60, "draft", (256,), (640, 480), (320, 240), 1024, under_load.QUICK,
    judging.Extent(128, ("draft",), 0, ("photo-Waves",)), (96, 192),
)  # fmt: skip
_JOB: Final = 512
_PREVIEWED: Final = ("photo-Waves", "photo-2-Brush Strokes", "photo-2-Woodcut")


def parts(weights: Path, extent: Extent, pairs: Iterable[Pair]) -> dict[str, Callable[[], Any]]:
    """All measurements by name, in the order in which they are to be done.

    Args:
        weights: folder of the trained weights.
        extent: how much of each.
        pairs: for the comparison with pastiche; of these, those that it has painted.
    """

    @cache
    def painter() -> Painter:  # the service is measured without one
        return Painter(weights, "cpu", precision="float32")

    return {
        "step": lambda: [
            asdict(step.measure(weights, each, size, extent.rounds))
            for each in _precisions(weights)
            for size in extent.sizes
        ],
        "equal_quality": lambda: asdict(
            equal_quality.measure(weights, *_pair(extent.quality), peer_steps=extent.peer_steps)
        ),
        "pastiche": lambda: [
            asdict(row)
            for row in pastiche.measure(painter().network, weights, pastiche.all_kept(pairs))
        ],
        "quality": lambda: _looks(weights, extent, pairs),
        "preview": lambda: [
            asdict(row)
            for row in preview.measure(
                weights, scenes.named(scenes.starter(), _PREVIEWED), extent.preset, extent.previews
            )
        ],
        "resident": lambda: asdict(resident.measure(weights, *_pair(_JOB), PRESETS[extent.preset])),
        "memory": lambda: [
            asdict(row) for row in memory.memory_rows(weights, extent.memory, _precisions(weights))
        ],
        "large": lambda: asdict(
            memory.large_row(painter(), weights, extent.large, extent.small, extent.limit)
        ),
        "load": lambda: [asdict(finding) for finding in under_load.measure(extent.load)],
    }


def _looks(weights: Path, extent: Extent, pairs: Iterable[Pair]) -> dict[str, Any]:
    """Beside pictures of others if there are pairs at all."""
    found = scenes.starter()
    theirs = peers.all_kept(found) if tuple(pairs) else ()
    findings = judging.measure(weights, found, theirs, extent.looks)
    return {**asdict(findings), "means": judging.means(findings.pictures), "tally": findings.tally}


def _precisions(weights: Path) -> list[Name]:
    """The one that all have, and the one that is the fastest here if that is another."""
    fastest = Painter(weights, "cpu").device.precision
    return ["float32"] if fastest == "float32" else ["float32", fastest]


def _pair(side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return square(PHOTO, side), square(STYLE, side)


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


def kept(output: Path, here: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run on the same kind of machine has written, or else nothing."""
    if not output.exists():
        return {}
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    changing = {"memory_mb": None}  # what is free, from minute to minute
    return found if {**found["machine"], **changing} == {**here, **changing} else {}


def broken(load: Iterable[dict[str, Any]], *, quick: bool) -> list[str]:
    """Which promises were not kept under load, in words; a quick run's load proves nothing.

    Args:
        load: what that part has found.
        quick: whether it was a small one.
    """
    return [] if quick else under_load.missed(under_load.Finding(**row) for row in load)


def main() -> int:
    """Do what the command line says; 1 if a promise is not kept."""
    wanted = {**os.environ, **environment(os.environ)}
    if wanted != dict(os.environ):  # as the daemon starts the process that paints
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]], wanted)  # noqa: S606 - ourselves
    said = _said()
    here = {**machine.describe(), "threads": threads}
    found = {"machine": here} if said.only is None else {**kept(said.output, here), "machine": here}
    print(table([here]))
    work = parts(said.weights, QUICK if said.quick else Extent(), () if said.quick else PAIRS)
    usual = [name for name in work if not (said.quick and name in _LONG)]
    for name in said.only or usual:
        found[name] = work[name]()
        _write(said.output, {key: found[key] for key in ("machine", *work) if key in found})
        _show(name, found[name])
    missing = [str(pair) for pair in PAIRS if find(pair) is None]
    if missing and not said.quick:
        print(f"\nnot painted by pastiche yet (benchmarks.pastiche --keep): {', '.join(missing)}")
    print(f"\nwritten to {said.output}")
    # Not what an earlier run has found, which stands in the same file.
    measured = found["load"] if "load" in (said.only or usual) else ()
    complaints = broken(measured, quick=said.quick)
    print("\n".join(["", "more than is promised:", *complaints]) if complaints else "")
    return 1 if complaints else 0


def _said() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    parser.add_argument("--quick", action="store_true", help="the smallest of each")
    parser.add_argument(
        "--only", action="append", metavar="PART", choices=PARTS,
        help=f"this part alone ({', '.join(PARTS)}), beside what the output has of the others; may "
        "be given several times",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, default=RESULTS / "latest.json")
    return parser.parse_args()


def _write(output: Path, found: dict[str, Any]) -> None:
    """After each part: a run takes half an hour, and may be cut off."""
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, (json.dumps(found, indent=2) + "\n").encode())


def _show(name: str, part: Any) -> None:
    print(f"\n{name}", flush=True)
    several = isinstance(part, dict) and all(isinstance(each, list) for each in part.values())
    for each in part.values() if several else [part]:
        if each:
            print(table(each if isinstance(each, list) else [each]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
