"""Photos and styles that pictures are painted of and measured by."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.pastiche_program import STARTER

Picture = NDArray[np.uint8]
_CONTENT, _STYLE = "content-", "style-"
_INSTALLED: Final = ("astronaut", "chelsea", "coffee")
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo that is painted in a style.

    Attributes:
        content: name of the photo.
        style: name of the style.
        photo: (H, W, 3).
        painting: the style picture, likewise.
    """

    content: str
    style: str
    photo: Picture
    painting: Picture

    def __str__(self) -> str:
        """How it is called."""
        return f"{self.content}-{self.style}"


def starter() -> list[Scene]:
    """The two photos and five styles that were drawn for the program; anybody has them."""
    photos = {path.stem: read(path) for path in _pictures(STARTER)}
    styles = {path.stem: read(path) for path in _pictures(STARTER / "styles")}
    return _all(photos, styles)


def of_folder(folder: Path) -> list[Scene]:
    """Each picture `content-NAME` of a folder in each `style-NAME` of it.

    Raises:
        FileNotFoundError: one of the two kinds is not there.
    """
    found = {
        kind: {path.stem.removeprefix(kind): read(path) for path in _pictures(folder, f"{kind}*")}
        for kind in (_CONTENT, _STYLE)
    }
    for kind, pictures in found.items():
        if not pictures:
            raise FileNotFoundError(f"There is no picture {kind}NAME.jpg in {folder}.")
    return _all(found[_CONTENT], found[_STYLE])


def installed() -> list[Scene]:
    """scikit-image's photos in our styles; none where that is not installed."""
    if importlib.util.find_spec("skimage") is None:
        return []
    from skimage import data  # noqa: PLC0415 - nothing here needs it

    styles = {path.stem: read(path) for path in _pictures(STARTER / "styles")}
    return _all({name: np.asarray(getattr(data, name)()) for name in _INSTALLED}, styles)


def named(scenes: Iterable[Scene], names: Iterable[str] | None) -> list[Scene]:
    """Those of these names, in the order of the names; all of them if there are none.

    Raises:
        KeyError: there is none of this name.
    """
    known = {str(scene): scene for scene in scenes}
    return list(known.values()) if names is None else [known[name] for name in names]


def read(path: Path) -> Picture:
    """A picture file as (H, W, 3)."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _pictures(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.suffix in _SUFFIXES)


def _all(photos: Mapping[str, Picture], styles: Mapping[str, Picture]) -> list[Scene]:
    both = product(photos.items(), styles.items())
    return [Scene(content, style, photo, painting) for (content, photo), (style, painting) in both]
