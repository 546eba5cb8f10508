"""Handles of folders: what is looked at twice is the same then; a name may come to mean another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a folder is opened, and nothing else, nor through a link."""


@contextmanager
def opened(folder: Path | str, above: int | None = None) -> Iterator[int]:
    """Hold a folder open.

    Args:
        folder: its path, or its name in the folder above.
        above: a handle of that one.

    Yields:
        A handle.

    Raises:
        OSError: it is not there, is no folder, or cannot be opened.
    """
    handle = os.open(folder, FOLDER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)
