"""What is said between the service and the process that draws the styles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SmallWanted:
    """Asks for a small picture; the answer is a JPEG, or None if the file cannot be read.

    Attributes:
        path: of the file.
    """

    path: Path


@dataclass(frozen=True)
class Tile:
    """One style.

    Attributes:
        name: of the style.
        picture: small, a JPEG; None if it cannot be read.
    """

    name: str
    picture: bytes | None


@dataclass(frozen=True)
class SheetWanted:
    """Asks for the picture of all; the answer is a `Drawn`.

    Attributes:
        tiles: the styles in their order, at least one.
        more: how many there are besides: a last tile says so.
        comment: is written into the file, for programs.
    """

    tiles: tuple[Tile, ...]
    more: int = 0
    comment: str = ""


@dataclass(frozen=True)
class Drawn:
    """The picture of all styles.

    Attributes:
        data: a JPEG.
        unwritten: names for which there is no font; a number stands in their places.
    """

    data: bytes
    unwritten: tuple[str, ...] = ()
