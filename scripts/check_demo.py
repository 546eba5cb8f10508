"""Check what a daemon painted in a share: every photo came back, as a picture, and as another one.

Run by itself on any share: ``python scripts/check_demo.py demo/share``. Prints one line for each
picture and ends with 1 if something is wrong.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LEAST_CHANGE = 6.0
"""Grey levels, on average over the picture, by which a painting has to differ from its inputs."""
LEAST_CONTRAST = 10.0
"""Standard deviation in grey levels: less is an empty canvas."""
LEAST_LIKENESS = 0.25
"""Correlation of the blurred photo and painting: less, and nobody would know the subject."""


@dataclass(frozen=True)
class Finding:
    """What was found out about one photo.

    Attributes:
        photo: in the originals.
        painting: in the outbox, or None if it is not there.
        problems: what is wrong, in plain words; empty if all is well.
        change: mean distance from the photo in grey levels.
        likeness: correlation with the photo, both blurred.
    """

    photo: Path
    painting: Path | None
    problems: tuple[str, ...]
    change: float = 0.0
    likeness: float = 0.0


def check_share(share: Path) -> list[Finding]:
    """Compare every photo in the share's originals with what became of it."""
    originals = share / "Originals"
    photos = sorted(path for path in originals.rglob("*") if path.is_file())
    return [_check(share, photo, photo.relative_to(originals)) for photo in photos]


def _check(share: Path, photo: Path, relative: Path) -> Finding:
    named = (share / "Outbox" / relative.parent).glob(f"{relative.stem}.*")
    painting = next((path for path in sorted(named) if path.is_file()), None)
    if painting is None:
        return Finding(photo, None, ("there is no painting of it in the outbox",))
    try:
        painted = _load(painting)
    except OSError as error:
        return Finding(photo, painting, (f"its painting cannot be read: {error}",))
    style = next((share / "Styles").glob(f"{relative.parts[0]}.*"), None)
    size = painted.shape[1], painted.shape[0]
    before = _load(photo, size)
    change, likeness = _distance(painted, before), _likeness(painted, before)
    problems = list(_problems(photo, painted, change, likeness))
    if style is not None and _distance(painted, _load(style, size)) < LEAST_CHANGE:
        problems.append("it is the style picture itself")
    return Finding(photo, painting, tuple(problems), change, likeness)


def _problems(
    photo: Path, painted: NDArray[np.float32], change: float, likeness: float
) -> list[str]:
    with Image.open(photo) as image:
        wanted = image.width / image.height
    found = []
    if abs(painted.shape[1] / painted.shape[0] / wanted - 1) > 0.02:
        found.append("its shape is not the photo's")
    if painted.mean(axis=2).std() < LEAST_CONTRAST:
        found.append("it is almost empty")
    if change < LEAST_CHANGE:
        found.append("it is the photo itself, unpainted")
    if likeness < LEAST_LIKENESS:
        found.append("the photo cannot be recognised in it")
    return found


def _load(path: Path, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
    with Image.open(path) as image:
        picture = image.convert("RGB")
    if size is not None:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture, np.float32)


def _distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.abs(first - second).mean())


def _likeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Correlation of the large shapes: lightness at 48 pixels across."""
    small = []
    for picture in (first, second):
        image = Image.fromarray(picture.mean(axis=2).astype(np.uint8))
        image = image.resize((48, max(48 * image.height // image.width, 2)), Image.Resampling.BOX)
        small.append(np.asarray(image, np.float64).ravel())
    if min(one.std() for one in small) == 0:
        return 0.0
    return float(np.corrcoef(small[0], small[1])[0, 1])


def main() -> int:
    """Check the share that the command line names."""
    if len(sys.argv) != 2:
        print("usage: check_demo.py SHARE", file=sys.stderr)
        return 2
    findings = check_share(Path(sys.argv[1]))
    for one in findings:
        verdict = "; ".join(one.problems) or "painted"
        print(
            f"{one.painting or one.photo}: {verdict} (differs from the photo by {one.change:.0f} "
            f"of 255 grey levels, likeness {one.likeness:.2f})"
        )
    if not findings:
        print(f"No photo was painted in {sys.argv[1]}.", file=sys.stderr)
    return 0 if findings and not any(one.problems for one in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
