"""The pictures that a command line names: the photo, the styles with their weights, a start."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemon.errors import PictureUnreadableError, UsageError
from daemon.names import printable
from daemon.runners.request import MOST_STYLES

MOST_WEIGHT: Final = 1_000_000

_MEGABYTE: Final = 1_000_000
_WEIGHTED: Final = re.compile(r"(.+):([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))", re.DOTALL)


@dataclass(frozen=True)
class Weighted:
    """A style picture as it was typed.

    Attributes:
        path: of its file.
        weight: its share in a blend; None if none was typed.
    """

    path: Path
    weight: float | None = None


@dataclass(frozen=True)
class Guides:
    """Pictures that say what is painted where, as they were typed.

    Attributes:
        mask: what is painted and what is kept.
        content: marks the photo's regions.
        styles: mark those of the styles, in their order; there may be fewer.
    """

    mask: Path | None = None
    content: Path | None = None
    styles: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that are read."""
        own = (self.mask, self.content, *self.styles)
        return tuple(path for path in own if path is not None)


_NO_GUIDES: Final = Guides()


@dataclass(frozen=True)
class Named:
    """The pictures to paint from.

    Attributes:
        content: the photo.
        styles: at least one.
        start: the picture to start from, if any.
        guides: what says what is painted where.
    """

    content: Path
    styles: tuple[Weighted, ...]
    start: Path | None = None
    guides: Guides = _NO_GUIDES

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that are read."""
        own = (self.content, *(style.path for style in self.styles), *self.guides.paths)
        return own if self.start is None else (*own, self.start)


def weighted(text: str) -> Weighted:
    """Read ``PICTURE[:WEIGHT]``; a file whose own name ends so is that picture.

    Raises:
        UsageError: the weight is out of its range.
    """
    found = _WEIGHTED.fullmatch(text)
    if found is None or os.path.lexists(text):
        return Weighted(Path(text))
    weight = float(found[2])
    if not 0 < weight <= MOST_WEIGHT:
        raise UsageError(
            f"{printable(text)}: the weight of a style must be a number greater than 0 and at "
            f"most {MOST_WEIGHT}, not {found[2]}."
        )
    return Weighted(Path(found[1]), weight)


def styles_named(first: str | None, more: Sequence[str]) -> tuple[Weighted, ...]:
    """Read all styles of a command line, the one in its place first.

    Args:
        first: the one in its place, if there is one.
        more: those of ``--style``.

    Raises:
        UsageError: a weight is out of its range, or there are too many.
    """
    texts = [*([] if first is None else [first]), *more]
    if len(texts) > MOST_STYLES:
        raise UsageError(f"{len(texts)} styles are too many: name at most {MOST_STYLES}.")
    return tuple(map(weighted, texts))


def expect_partners(guides: Guides, styles: int) -> None:
    """See that regions are marked in photo and style.

    Args:
        guides: as they were typed.
        styles: how many there are.

    Raises:
        UsageError: one is there without the other, or there are more than styles.
    """
    if guides.styles and guides.content is None:
        raise UsageError("--style-regions goes with --content-regions: name both, or neither.")
    if guides.content is not None and not guides.styles:
        raise UsageError("--content-regions goes with --style-regions: name both, or neither.")
    if len(guides.styles) > styles:
        raise UsageError(
            f"--style-regions is there {len(guides.styles)} times, and the styles are {styles}: "
            "name one picture a style at most, in the order of the styles."
        )


def expect_start(start: Path) -> None:
    """See that a picture to start from is there: else its name is more likely a misspelt word.

    Raises:
        UsageError: it is not.
    """
    if not os.path.lexists(start):
        raise UsageError(
            "--init must be content, noise or blend, or the file of a picture to start from; "
            f"there is no file {printable(start)}."
        )


def read_picture(path: Path, most_mb: int) -> bytes:
    """Read a file whole, if it is not too large.

    Args:
        path: of the file.
        most_mb: megabytes.

    Raises:
        PictureUnreadableError: it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most_mb * _MEGABYTE + 1)
    except IsADirectoryError as error:
        raise PictureUnreadableError(
            f"{printable(path)} is a folder, not a picture. Name a picture in it."
        ) from error
    except OSError as error:
        raise PictureUnreadableError(
            f"{printable(path)} cannot be read ({error.strerror}). Check the name and that the "
            "file is there."
        ) from error
    if len(data) > most_mb * _MEGABYTE:
        raise PictureUnreadableError(
            f"{printable(path)} is larger than {most_mb} MB. Save the picture smaller."
        )
    return data
