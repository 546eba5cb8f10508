"""Which version of the program this is."""

from __future__ import annotations

from importlib import metadata
from typing import Final

UNKNOWN: Final = "unknown"
"""The version of a program that runs from its source, and was never installed."""


def program() -> str:
    """The version of this program, as it was installed; `UNKNOWN` if it was not."""
    try:
        return metadata.version("atelierd")
    except metadata.PackageNotFoundError:
        return UNKNOWN
