"""Folders below those of the share, made where they are missing, and never through a link."""

from __future__ import annotations

import contextlib
import os
from itertools import count
from pathlib import Path, PurePath
from typing import Final

from daemon.copying import sync_folder
from daemon.errors import ShareError
from daemon.handles import ON_THE_WAY, named
from daemon.names import numbered

_BASE: Final = ON_THE_WAY & ~os.O_NOFOLLOW  # the configured one: its links count


def folder_below(base: Path, parents: PurePath) -> Path:
    """The folder `parents` below `base`, made where it is missing.

    Where a part of the way is taken by something that is no folder, or by a link, a numbered
    folder is made beside it: nothing is written through a link.

    Args:
        base: an existing folder of the share.
        parents: relative, without `..`; empty for `base` itself.

    Returns:
        The folder.

    Raises:
        ShareError: `parents` leads out of `base`.
        OSError: the disk or the permissions do not allow it.
    """
    if parents.is_absolute() or ".." in parents.parts:
        raise ShareError(f"{parents} leads out of the share. Move the file there yourself.")
    here, names = os.open(base, _BASE), list[str]()
    try:
        for part in parents.parts:
            name, below = _one_below(here, part)
            os.close(here)
            here = below
            names.append(name)
    finally:
        os.close(here)
    return base.joinpath(*names)


def _one_below(above: int, part: str) -> tuple[str, int]:
    """Open the folder of this name, or of the first numbered one that can be it; made if missing.

    Args:
        above: handle of the folder that it lies in.
        part: the wished name.

    Returns:
        Its name and a handle.
    """
    for number in count(1):
        name = numbered(part, number)
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=above)
            sync_folder(named(above))
        with contextlib.suppress(NotADirectoryError):
            return name, os.open(name, ON_THE_WAY, dir_fd=above)
    raise AssertionError("numbers do not end")
