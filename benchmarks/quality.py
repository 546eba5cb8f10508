"""How our pictures look, by measure: every preset, beside what other programs make of the same.

Each picture is measured by how far it is from its style and from its photo at layers that nobody
minimises (`distances`), and by what can be seen without a network (`looks`). Who is nearer to the
style is nearly always further from the photo. So a duel with another program asks: among our
pictures that are as near to the photo, and took less time, is one nearer to the style? Ours are the
presets and `draft` with more or less `strength`, which is the control that people have for this.

Run as `python -m benchmarks.quality --keep` it has the other programs paint what is not kept of
them yet, which takes minutes a picture, and with `--repaint` all of it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import looks, machine, peers, scenes
from benchmarks.distances import Judge, of_as_many_pixels
from benchmarks.peers import Theirs
from benchmarks.scenes import Scene
from daemon.files import write_atomically
from engine import PRESETS, Painting, Recipe, at_size
from engine.mx import mx, threads
from engine.painter import Painter
from engine.pyramid import fitted, resized, size_of
from engine.sources import Sources
from engine.vgg import Vgg
from engine.weights import load

RESULTS: Final = Path(__file__).parent / "results" / "quality.json"
ELSEWHERE: Final = Path("build") / "peers"
"""Where pictures of scenes are kept that are not the program's own."""
PHOTO: Final = "the photo itself"
_WITH: Final = "draft"


@dataclass(frozen=True)
class Extent:
    """What is painted.

    Attributes:
        size: long side, pixels.
        presets: their names.
        strengths: that `draft` is painted with besides, where there is a picture to be beaten.
        scenes: names of scenes; unset, all.
        steps: on each size in place of the presets' own, for tests.
    """

    size: int = 256
    presets: tuple[str, ...] = tuple(PRESETS)
    strengths: tuple[float, ...] = (0.5, 2, 4, 8)
    scenes: tuple[str, ...] | None = None
    steps: int | None = None


FULL: Final = Extent()


@dataclass(frozen=True)
class Row:
    """One picture.

    Attributes:
        scene: what it shows.
        size: long side, pixels.
        painter: the preset, or the other program.
        seconds: that it took.
        processor_seconds: of all threads together.
        style_distance: see `benchmarks.distances`.
        content_distance: likewise.
        ssim: with the photo.
        edge_f1: with the photo.
        colour_distance: from the style.
        noise: over the style's own.
        colour_noise: over the style's own.
        blot: over the style's own.
        rim: noise of its margin over that of the rest.
        frame: how far its outermost line is from what lies inside, grey levels.
    """

    scene: str
    size: int
    painter: str
    seconds: float
    processor_seconds: float
    style_distance: float
    content_distance: float
    ssim: float
    edge_f1: float
    colour_distance: float
    noise: float
    colour_noise: float
    blot: float
    rim: float
    frame: float


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


@dataclass(frozen=True)
class Findings:
    """All of it.

    Attributes:
        pictures: a row each.
        duels: likewise.
    """

    pictures: list[Row] = field(default_factory=list)
    duels: list[Duel] = field(default_factory=list)

    @property
    def tally(self) -> list[dict[str, Any]]:
        """Of each program, how many duels we won of how many."""
        names = dict.fromkeys(duel.peer for duel in self.duels)
        return [
            {"peer": name, "pairs": len(won), "won": sum(won), "share": sum(won) / len(won)}
            for name in names
            for won in [[duel.won for duel in self.duels if duel.peer == name]]
        ]


class Looker:
    """Measures pictures of one scene in one size.

    Args:
        network: the trained network, in float32.
        scene: what they show.
        size: height and width of the pictures, pixels.
    """

    def __init__(self, network: Vgg, scene: Scene, size: tuple[int, int]) -> None:
        self._judge = Judge(network, scene.photo, scene.painting, size)
        self.photo = as_bytes(resized(scene.photo, size))
        as_many = of_as_many_pixels(size_of(scene.painting), size)
        self._style = as_bytes(resized(scene.painting, as_many))

    def look(self, picture: NDArray[np.uint8]) -> dict[str, float]:
        """The measures of a picture, named as in `Row`."""
        far, style = self._judge.distances(picture), self._style
        return {
            "style_distance": far.style,
            "content_distance": far.content,
            "ssim": looks.ssim(picture, self.photo),
            "edge_f1": looks.edge_f1(picture, self.photo),
            "colour_distance": looks.colour_distance(picture, style),
            "noise": looks.noise(picture) / looks.noise(style),
            "colour_noise": looks.colour_noise(picture) / looks.colour_noise(style),
            "blot": looks.blot(picture) / looks.blot(style),
            "rim": looks.rim(picture),
            "frame": looks.frame(picture),
        }


def measure(
    weights: Path, found: Iterable[Scene], theirs: Iterable[Theirs], extent: Extent
) -> Findings:
    """Paint, and measure what is painted and what is kept of others.

    Args:
        weights: folder of the trained weights.
        found: photos and styles.
        theirs: pictures of others; those of other scenes do not count.
        extent: what is painted.
    """
    findings = Findings()
    painter, network = Painter(weights, "cpu"), Vgg(load(weights), mx.cpu())
    for scene in scenes.named(found, extent.scenes):
        rivals = [each for each in theirs if each.scene == str(scene)]
        for size in sorted({extent.size, *(each.size for each in rivals)}):
            there = [each for each in rivals if each.size == size]
            rows = list(_rows(painter, network, scene, size, there, extent))
            findings.pictures.extend(rows)
            findings.duels.extend(_duels(rows, {each.peer for each in there}))
    return findings


def _rows(  # noqa: PLR0913, PLR0917 - who looks, at what
    painter: Painter,
    network: Vgg,
    scene: Scene,
    size: int,
    theirs: Sequence[Theirs],
    extent: Extent,
) -> Iterator[Row]:
    shape = fitted(size_of(scene.photo), size)
    looker = Looker(network, scene, shape)
    yield Row(str(scene), size, PHOTO, 0, 0, **looker.look(looker.photo))
    for name, recipe in recipes(size, extent, rivals=bool(theirs)):
        picture, seconds, processor = paint(painter, scene, recipe)
        yield Row(str(scene), size, name, seconds, processor, **looker.look(picture))
    for each in theirs:
        seen = looker.look(_of_size(peers.picture_of(each), shape))
        yield Row(str(scene), size, each.peer, each.seconds, each.processor_seconds, **seen)


def recipes(size: int, extent: Extent, *, rivals: bool) -> Iterator[tuple[str, Recipe]]:
    """What is painted in a size, by name.

    Args:
        size: long side, pixels.
        extent: what is asked for.
        rivals: whether there is a picture to be beaten.
    """
    for name in extent.presets:
        yield name, recipe_of(name, size, extent.steps)
    for strength in extent.strengths if rivals else ():
        changed = {"strength": strength}
        yield (
            f"{_WITH}, strength {strength:g}",
            recipe_of(_WITH, size, extent.steps).model_copy(update=changed),
        )


def recipe_of(preset: str, size: int, steps: int | None = None) -> Recipe:
    """A preset in a size, as the program itself carries it there.

    Args:
        preset: its name.
        size: long side, pixels.
        steps: on each size, in place of its own.
    """
    recipe = at_size(PRESETS[preset], size)
    if steps is None:
        return recipe
    return recipe.model_copy(update={"iterations": (steps,) * len(recipe.scales)})


def paint(painter: Painter, scene: Scene, recipe: Recipe) -> tuple[NDArray[np.uint8], float, float]:
    """Our picture, the seconds that it took, and the processor's."""
    began, computed = time.perf_counter(), time.process_time()
    *_, last = painter.paint(Sources.of(scene.photo, scene.painting), recipe)
    assert isinstance(last, Painting)  # noqa: S101 - it comes last
    return as_bytes(last.picture), time.perf_counter() - began, time.process_time() - computed


def _duels(rows: Sequence[Row], names: Iterable[str]) -> Iterator[Duel]:
    ours = [row for row in rows if row.painter != PHOTO and row.painter not in {*names}]
    for theirs in rows:
        if theirs.painter in {*names}:
            yield duel(theirs, ours)


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


def means(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The means over all scenes, a row a painter and size."""
    found = list(rows)
    kinds = dict.fromkeys((row.size, row.painter) for row in found)
    return [
        {
            "size": size,
            "painter": painter,
            "scenes": len(alike),
            **{name: float(np.mean([getattr(row, name) for row in alike])) for name in _MEASURES},
        }
        for size, painter in kinds
        for alike in [[row for row in found if (row.size, row.painter) == (size, painter)]]
    ]


_MEASURES: Final = tuple(Row.__dataclass_fields__)[3:]


def as_bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """A picture as it is shown: in whole numbers, cut off at black and white."""
    found: NDArray[np.uint8] = picture.round().clip(0, 255).astype(np.uint8)
    return found


def _of_size(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Another program may round a side the other way."""
    return as_bytes(resized(picture, size))


def main() -> None:
    """Do what the command line says."""
    said = _said()
    found = scenes.of_folder(said.pictures) if said.pictures else scenes.starter()
    found += scenes.installed() if said.installed else []
    kept = said.kept or (ELSEWHERE if said.pictures or said.installed else peers.KEPT)
    if said.keep or said.repaint:
        wanted = scenes.named(found, said.scene)
        for one in peers.keep(
            wanted, said.size, said.weights, peers=said.peer or peers.NAMES, folder=kept,
            anew=said.repaint,
        ):  # fmt: skip
            print(f"{one.picture}: {one.seconds:.0f} s, {one.threads} threads", flush=True)
        return
    names = tuple(said.scene) if said.scene else None
    extent = Extent(said.size, tuple(said.preset or PRESETS), scenes=names)
    findings = measure(said.weights, found, peers.all_kept(found, kept), extent)
    _write(said.output, findings)
    _show(findings)


def _said() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    several = {"action": "append", "metavar": "NAME"}
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    parser.add_argument("--size", type=int, default=Extent.size, help="long side, pixels")
    parser.add_argument("--scene", **several, help="such as photo-Waves; may be repeated")
    parser.add_argument("--preset", **several, choices=PRESETS, help="may be repeated")
    parser.add_argument("--peer", **several, choices=peers.NAMES, help="may be repeated")
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="content-NAME and style-NAME of this folder"
    )
    parser.add_argument("--installed", action="store_true", help="scikit-image's photos too")
    parser.add_argument("--kept", type=Path, metavar="FOLDER", help="where other programs' are")
    parser.add_argument("--keep", action="store_true", help="have others paint what is not kept")
    parser.add_argument("--repaint", action="store_true", help="have others paint all anew")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args()


def _write(output: Path, findings: Findings) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    here = {**machine.describe(), "threads": threads}
    found = {"machine": here, **asdict(findings), "tally": findings.tally}
    write_atomically(output, (json.dumps(found, indent=1) + "\n").encode())


def _show(findings: Findings) -> None:
    from benchmarks.__main__ import table  # noqa: PLC0415 - which knows this module

    parts = (map(asdict, findings.pictures), means(findings.pictures),
             map(asdict, findings.duels), findings.tally)  # fmt: skip
    for part in map(list, parts):
        if part:
            print(table(part), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
