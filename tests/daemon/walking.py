"""What lies below a folder, for tests that look while a service moves things about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def below(folder: Path) -> Iterator[Path]:
    """All paths below a folder; what goes away meanwhile may be among them.

    Not `rglob`, which some Pythons end with an error when a folder goes away meanwhile.
    """
    for top, folders, names in os.walk(folder):
        yield from (Path(top, name) for name in (*folders, *names))


def files_below(folder: Path) -> list[str]:
    """The names of all files below a folder, sorted."""
    return sorted(str(path.relative_to(folder)) for path in below(folder) if path.is_file())
