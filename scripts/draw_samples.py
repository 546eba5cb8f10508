"""Draw the sample photos and the starter styles, and save them where the program ships them.

Run by `make samples`, or by hand to see one of them at another size::

    python scripts/draw_samples.py --only waves --height 300 --into /tmp

The same versions of numpy and Pillow draw the same pictures, to the pixel.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.samples import (  # noqa: E402 - only now can it be found
    brush_strokes,
    dots,
    fruit,
    lake,
    mosaic,
    waves,
    woodcut,
)

STARTER = ROOT / "daemon" / "starter"


@dataclass(frozen=True)
class Sample:
    """One picture: how it is drawn, how large, and where it belongs in the starter folder."""

    draw: Callable[[int, int], Image.Image]
    width: int
    height: int
    path: str


SAMPLES = {
    "lake": Sample(lake.draw, 960, 640, "photo.jpg"),
    "fruit": Sample(fruit.draw, 840, 560, "photo-2.jpg"),
    "waves": Sample(waves.draw, 800, 600, "styles/Waves.jpg"),
    "mosaic": Sample(mosaic.draw, 800, 600, "styles/Mosaic.jpg"),
    "dots": Sample(dots.draw, 800, 600, "styles/Dots.jpg"),
    "brush-strokes": Sample(brush_strokes.draw, 800, 600, "styles/Brush Strokes.jpg"),
    "woodcut": Sample(woodcut.draw, 800, 600, "styles/Woodcut.jpg"),
}


def draw(name: str, height: int | None = None) -> Image.Image:
    """One of the pictures, at its own height or another."""
    sample = SAMPLES[name]
    height = height or sample.height
    return sample.draw(round(sample.width * height / sample.height), height)


def main(arguments: list[str] | None = None) -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=SAMPLES, help="may be given repeatedly")
    parser.add_argument("--height", type=int, help="pixels; the width follows")
    parser.add_argument("--into", type=Path, default=STARTER, help="folder, made when missing")
    given = parser.parse_args(arguments)
    for name in given.only or SAMPLES:
        path = given.into / SAMPLES[name].path
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(name, given.height).save(path, quality=90, optimize=True)
        print(f"{name}: {path} ({path.stat().st_size // 1000} kB)", flush=True)


if __name__ == "__main__":
    main()
