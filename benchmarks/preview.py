"""Does a small painting show what the large one will be?

The same scene is painted small and large by one preset, the large one is reduced, and both are
measured in the small size: how far each is from the style, and how alike they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks import looks, scenes
from benchmarks.distances import Judge
from benchmarks.quality import as_bytes, paint, recipe_of
from benchmarks.scenes import Scene
from engine.mx import mx
from engine.painter import Painter
from engine.pyramid import resized, size_of
from engine.vgg import Vgg
from engine.weights import load

SIZES: Final = (256, 512)


@dataclass(frozen=True)
class Row:
    """One scene, painted twice.

    Attributes:
        scene: what it shows.
        preset: by which it was painted.
        small: long side of the small painting, pixels.
        large: of the large one.
        style_small: distance of the small one from the style, see `benchmarks.distances`.
        style_large: of the large one, reduced.
        ratio: the latter over the former.
        content_small: distance from the photo.
        content_large: likewise.
        ssim: of the two.
        colour_distance: of the two.
    """

    scene: str
    preset: str
    small: int
    large: int
    style_small: float
    style_large: float
    ratio: float
    content_small: float
    content_large: float
    ssim: float
    colour_distance: float


def measure(
    weights: Path,
    found: Iterable[Scene],
    preset: str = "standard",
    sizes: tuple[int, int] = SIZES,
    steps: int | None = None,
) -> Iterator[Row]:
    """Paint each scene small and large.

    Args:
        weights: folder of the trained weights.
        found: what to paint.
        preset: how.
        sizes: long sides of the small and of the large painting, pixels.
        steps: on each scale, in place of the preset's own, for tests.
    """
    painter, network = Painter(weights, "cpu"), Vgg(load(weights), mx.cpu())
    for scene in found:
        small, large = (paint(painter, scene, recipe_of(preset, each, steps))[0] for each in sizes)
        reduced = as_bytes(resized(large, size_of(small)))
        judge = Judge(network, scene.photo, scene.painting, size_of(small))
        near, far = judge.distances(small), judge.distances(reduced)
        yield Row(
            str(scene), preset, *sizes, near.style, far.style, far.style / near.style,
            near.content, far.content, looks.ssim(reduced, small),
            looks.colour_distance(reduced, small),
        )  # fmt: skip


def main() -> None:
    """Do what the command line says."""
    from benchmarks.__main__ import table  # noqa: PLC0415 - which knows this module

    parser = argparse.ArgumentParser(prog="python -m benchmarks.preview", description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--scene", action="append", metavar="NAME")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES)
    said = parser.parse_args()
    found = scenes.of_folder(said.pictures) if said.pictures else scenes.starter()
    wanted = scenes.named(found, said.scene)
    rows = measure(said.weights, wanted, said.preset, tuple(said.sizes))
    print(table([asdict(row) for row in rows]))


if __name__ == "__main__":
    main()
