"""Files of weights that people put beside those in place: which there are, and which lie idle."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from engine.weights import readers
from engine.weights.manifest import PARAMS, Manifest, sha256_of

_KEPT: Final = re.compile(rf"original-(\d+-)?{re.escape(PARAMS)}")
"""Names under which an import keeps the file of a person whose name it takes."""


def candidates(folder: Path) -> list[Path]:
    """The files that would be imported if no weights were in place, in the order of names."""
    return [
        path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if path.suffix.lower() in readers.SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    ]


def unused(folder: Path, found: Manifest) -> list[Path]:
    """The files beside the weights in place that those did not come from.

    Args:
        folder: where the weights live.
        found: the manifest of those in place.
    """
    return _not_among({found.source_sha256}, folder)


def newcomers(folder: Path, found: Manifest) -> list[Path]:
    """The files that somebody put beside the weights in place after those came there."""
    return _not_among({found.source_sha256, *found.seen}, folder)


def seen(folder: Path, source: Path) -> tuple[str, ...]:
    """SHA-256 of all files that lie in the folder when `source` is put in place."""
    return tuple(sha256_of(path) for path in _others(folder) if path != source)


def remark(file: Path) -> str:
    """Say of an unused file that it is one, and how to use it."""
    return (
        f"{file} is not used: other weights are in place. To use it, run "
        f"`atelierd weights import {shlex.quote(str(file))}`."
    )


def _others(folder: Path) -> list[Path]:
    return [
        path
        for path in candidates(folder)
        if path.name != PARAMS and not _KEPT.fullmatch(path.name)
    ]


def _not_among(hashes: set[str], folder: Path) -> list[Path]:
    # Each is read once: these files may be hundreds of megabytes.
    return [path for path in _others(folder) if sha256_of(path) not in hashes]
