"""Pictures of other programs, kept with the time that they took: painting one takes minutes.

Two of them are painted here (`torch_painters`), each in a process of its own; pastiche's come from
the real program (`pastiche_program`).
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import machine, pastiche_program
from benchmarks.apart import Apart
from benchmarks.scenes import Scene, read
from daemon.files import write_atomically
from engine.mx import threads
from engine.pyramid import fitted, resized, size_of
from engine.weights import load

KEPT: Final = Path(__file__).parent / "results" / "peers"
NAMES: Final = ("neural-style", "style-transfer-pytorch")
PASTICHE: Final = "pastiche"
_NO_LIMITS: Final[Mapping[str, int]] = {}


@dataclass(frozen=True)
class Theirs:
    """A picture of another program.

    Attributes:
        peer: name of the program.
        scene: name of what it shows.
        size: long side, pixels.
        picture: the file.
        seconds: that it took.
        processor_seconds: of all its threads together.
        threads: how many it had.
    """

    peer: str
    scene: str
    size: int
    picture: Path
    seconds: float
    processor_seconds: float
    threads: int


def find(peer: str, scene: str, size: int, folder: Path = KEPT) -> Theirs | None:
    """The picture of a program that is kept of a scene, if there is one."""
    picture = _place(peer, scene, size, folder)
    try:
        known = json.loads(_facts(picture).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    wanted = ("peer", "scene", "size", "seconds", "processor_seconds", "threads")
    return Theirs(picture=picture, **{name: known[name] for name in wanted})


def all_kept(scenes: Iterable[Scene], folder: Path = KEPT) -> list[Theirs]:
    """All pictures that are kept of these scenes, of the two programs and of pastiche."""
    names = [str(scene) for scene in scenes]
    found = [
        find(peer, name, int(facts.stem.rpartition("-")[2]), folder)
        for peer in NAMES
        for name in names
        for facts in sorted((folder / peer).glob(f"{name}-*.json"))
        if facts.stem.rpartition("-")[0] == name
    ]
    return [each for each in found if each is not None] + list(_of_pastiche(names))


def _of_pastiche(names: Iterable[str]) -> Iterator[Theirs]:
    """Those of the real program, which was given all cores of its machine."""
    for kept in map(pastiche_program.find, pastiche_program.PAIRS):
        if kept is None or f"{kept.pair.content}-{kept.pair.style}" not in names:
            continue
        seconds = kept.seconds_per_step * pastiche_program.STEPS
        scene = f"{kept.pair.content}-{kept.pair.style}"
        yield Theirs(PASTICHE, scene, kept.pair.size, kept.picture, seconds, 2 * seconds, 2)


def keep(  # noqa: PLR0913 - what may be asked for, each with a default
    scenes: Iterable[Scene],
    size: int,
    weights: Path,
    *,
    peers: Iterable[str] = NAMES,
    folder: Path = KEPT,
    anew: bool = False,
    steps: Mapping[str, int] = _NO_LIMITS,
) -> Iterator[Theirs]:
    """Have pictures painted that are not kept yet, or all of them; gives each once it is there.

    Args:
        scenes: what to paint.
        size: long side, pixels.
        weights: folder of the trained weights.
        peers: by whom.
        folder: where pictures are kept.
        anew: whether also those that are kept.
        steps: numbers of steps for tests, in place of a program's own.
    """
    for scene in scenes:
        for peer in peers:
            if anew or find(peer, str(scene), size, folder) is None:
                content = resized(scene.photo, fitted(size_of(scene.photo), size))
                with Apart(prepare, peer, weights, content, scene.painting, dict(steps)) as work:
                    picture, seconds, processor = work()
                place = _place(peer, str(scene), size, folder)
                done = Theirs(peer, str(scene), size, place, seconds, processor, threads)
                store(done, picture)
                yield done


def prepare(
    peer: str, weights: Path, content: NDArray[Any], style: NDArray[Any], steps: dict[str, int]
) -> Callable[[], tuple[NDArray[np.uint8], float, float]]:
    """A program with all that it needs; it gives its picture, its seconds, and its processor's."""
    import torch  # noqa: PLC0415 - after MXNet, whose OpenMP it must not replace

    from benchmarks.torch_painters import PAINTERS  # noqa: PLC0415 - likewise

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    trained, painter = load(weights), PAINTERS[peer]

    def work() -> tuple[NDArray[np.uint8], float, float]:
        began, computed = time.perf_counter(), time.process_time()
        picture = painter(trained, content, style, **steps)
        return picture, time.perf_counter() - began, time.process_time() - computed

    return work


def store(found: Theirs, picture: NDArray[np.uint8]) -> None:
    """Keep a picture; what is known of it comes last and makes it count.

    Args:
        found: what is known, and where it belongs.
        picture: (H, W, 3).
    """
    found.picture.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "png", optimize=True)
    write_atomically(found.picture, file.getvalue())
    known = {**asdict(found), "processor": machine.describe()["processor"]}
    del known["picture"]
    write_atomically(_facts(found.picture), (json.dumps(known, indent=2) + "\n").encode())


def picture_of(theirs: Theirs) -> NDArray[np.uint8]:
    """Read it."""
    return read(theirs.picture)


def _place(peer: str, scene: str, size: int, folder: Path) -> Path:
    return folder / peer / f"{scene}-{size}.png"


def _facts(picture: Path) -> Path:
    return picture.with_suffix(".json")
