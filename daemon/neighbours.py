"""Other shares whose journals lie beside one's own: for somebody who asked about the wrong one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daemon.keeper import is_held
from daemon.marks import root_kept_in
from daemon.names import printable


@dataclass(frozen=True)
class Neighbour:
    """Another share.

    Attributes:
        root: its folder.
        running: whether a service keeps it now.
    """

    root: Path
    running: bool

    def __str__(self) -> str:
        """Its folder, and that it is kept, in words."""
        return f"{printable(self.root)}{' (running)' if self.running else ''}"


def neighbours(state: Path) -> list[Neighbour]:
    """The shares that were kept before with a state folder beside this one, those kept now first.

    Args:
        state: of the share that was asked about. It need not be there.
    """
    return sorted(_found(state), key=lambda one: (not one.running, one.root))


def _found(state: Path) -> Iterator[Neighbour]:
    with contextlib.suppress(OSError):  # not there, or closed to this user
        for folder in state.parent.iterdir():
            root = None if folder == state else root_kept_in(folder)
            if root is not None:
                yield Neighbour(root, is_held(folder))
