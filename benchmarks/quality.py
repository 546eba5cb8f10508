"""How our pictures look, by measure: every preset, beside what other programs make of the same.

Each picture is measured by how far it is from its style and from its photo at layers that nobody
minimises (`distances`), and by what can be seen without a network (`looks`). Where there is a
picture of another program, `fine` is painted besides with the strength that leaves it as far from
the photo (`duels`).

Run as `python -m benchmarks.quality --keep` it has the other programs paint what is not kept of
them yet, which takes minutes a picture, and with `--repaint` all of it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks import looks, machine, peers, scenes
from benchmarks.distances import Beyond, Judge, of_as_many_pixels
from benchmarks.duels import TRIES, Duel, approached, duel
from benchmarks.peers import Theirs
from benchmarks.row import Row
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
_WITH: Final = "fine"


@dataclass(frozen=True)
class Extent:
    """What is painted.

    Attributes:
        size: long side, pixels.
        presets: their names.
        tries: pictures that are painted besides, at the most, for one that is to be beaten.
        scenes: names of scenes; unset, all.
        steps: on each size in place of the presets' own, for tests.
        beyond: what the judge sees beyond the edges of pictures.
    """

    size: int = 256
    presets: tuple[str, ...] = tuple(PRESETS)
    tries: int = TRIES
    scenes: tuple[str, ...] | None = None
    steps: int | None = None
    beyond: Beyond = "mirror"


FULL: Final = Extent()


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
        beyond: what the judge sees beyond their edges.
    """

    def __init__(
        self, network: Vgg, scene: Scene, size: tuple[int, int], beyond: Beyond = "mirror"
    ) -> None:
        self._judge = Judge(network, scene.photo, scene.painting, size, beyond)
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
            looker = Looker(network, scene, fitted(size_of(scene.photo), size), extent.beyond)
            studio = _Studio(painter, looker, scene, size, extent)
            findings.pictures.extend(studio.own())
            for each in there:
                other, ours = studio.against(each)
                findings.pictures.extend([*ours, other])
                findings.duels.append(duel(other, studio.painted))
    return findings


class _Studio:
    """Paints one scene in one size, and has each picture looked at.

    Args:
        painter: who paints.
        looker: who looks.
        scene: what is painted.
        size: long side, pixels.
        extent: what is asked for.
    """

    def __init__(
        self, painter: Painter, looker: Looker, scene: Scene, size: int, extent: Extent
    ) -> None:
        self._painter, self._looker, self._extent = painter, looker, extent
        self._scene, self._size = scene, size
        self._by_strength: dict[float, float] = {}
        self.painted: list[Row] = []

    def own(self) -> Iterator[Row]:
        """The photo itself, and our presets."""
        yield self._row(PHOTO, self._looker.photo)
        for name in self._extent.presets:
            yield self._paint(name, name)

    def against(self, theirs: Theirs) -> tuple[Row, list[Row]]:
        """A picture of another program, and what was painted to come as near to the photo."""
        picture = _of_size(peers.picture_of(theirs), size_of(self._looker.photo))
        other = self._row(theirs.peer, picture, theirs.seconds, theirs.processor_seconds)
        goal, tries = other.content_distance, self._extent.tries
        return other, list(approached(goal, self._by_strength, self._with_strength, tries))

    def _with_strength(self, strength: float) -> Row:
        return self._paint(f"{_WITH}, strength {strength:.3g}", _WITH, strength)

    def _paint(self, name: str, preset: str, strength: float | None = None) -> Row:
        recipe = recipe_of(preset, self._size, self._extent.steps)
        if strength is not None:
            recipe = recipe.model_copy(update={"strength": strength})
        row = self._row(name, *paint(self._painter, self._scene, recipe))
        self.painted.append(row)
        if preset == _WITH:
            self._by_strength[recipe.strength] = row.content_distance
        return row

    def _row(
        self, name: str, picture: NDArray[np.uint8], seconds: float = 0, processor: float = 0
    ) -> Row:
        seen = self._looker.look(picture)
        return Row(str(self._scene), self._size, name, seconds, processor, **seen)


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


def means(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The means over all scenes, a row a painter and size."""
    found = list(rows)
    kinds = dict.fromkeys((row.size, row.painter) for row in found)
    return [
        {
            "size": size,
            "painter": painter,
            "scenes": len(alike),
            **{name: float(np.mean([getattr(row, name) for row in alike])) for name in MEASURES},
        }
        for size, painter in kinds
        for alike in [[row for row in found if (row.size, row.painter) == (size, painter)]]
    ]


MEASURES: Final = tuple(Row.__dataclass_fields__)[3:]


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
    presets = tuple(said.preset or PRESETS)
    extent = Extent(said.size, presets, scenes=names, beyond=said.beyond)
    known = peers.all_kept(found, kept)
    theirs = [each for each in known if said.peer is None or each.peer in said.peer]
    findings = measure(said.weights, found, theirs, extent)
    _write(said.output or (RESULTS if _is_all(said) else None), findings, extent)
    _show(findings)


def _is_all(said: argparse.Namespace) -> bool:
    """Whether this is what is kept beside the program: all of its own pictures, judged as usual."""
    some = said.scene or said.preset or said.peer or said.pictures or said.installed
    return not some and said.beyond == Extent.beyond


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
    parser.add_argument(
        "--beyond", choices=get_args(Beyond), default="mirror", help="the edges, for the judge"
    )
    parser.add_argument("--installed", action="store_true", help="scikit-image's photos too")
    parser.add_argument("--kept", type=Path, metavar="FOLDER", help="where other programs' are")
    parser.add_argument("--keep", action="store_true", help="have others paint what is not kept")
    parser.add_argument("--repaint", action="store_true", help="have others paint all anew")
    parser.add_argument(
        "--output", type=Path, help=f"unset: {RESULTS.name} here, or nowhere if it is not all"
    )
    return parser.parse_args()


def _write(output: Path | None, findings: Findings, extent: Extent) -> None:
    if output is None:
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    here = {**machine.describe(), "threads": threads}
    asked = {"extent": asdict(extent), "machine": here}
    found = {**asked, **asdict(findings), "tally": findings.tally}
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
