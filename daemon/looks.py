"""What a job looks like: the styles that it is painted in, each with its share."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Part(NamedTuple):
    """One style of a blend.

    Attributes:
        path: of its picture.
        share: over 0; those of a blend are together 1.
    """

    path: Path
    share: float
