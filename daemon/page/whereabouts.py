"""Knows where things lie in the words of people who know the share, and not the server's disks.

What stands in the way is told with whole paths, for whoever keeps the machine: in the log, and to
systemd. Who looks at the share from elsewhere has never seen these. Nothing is looked for in
sentences: each path comes as a whole, as the value of a sentence of the catalogue (`Words.seen`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from daemon.names import printable
from daemon.share import Share


@dataclass(frozen=True)
class _Folder:
    """A folder of the share.

    Attributes:
        path: where it lies.
        name: what it is called itself.
        above: what is said before whatever lies in it.
    """

    path: str
    name: str
    above: str


@dataclass(frozen=True)
class Whereabouts:
    """Knows the folders of one share, those first that lie deepest.

    Attributes:
        folders: which; none, and nothing is known.
    """

    folders: tuple[_Folder, ...] = ()

    @classmethod
    def of(cls, share: Share) -> Whereabouts:
        """Those of a share; a folder that lies elsewhere is called by its name."""
        root = share.root
        known = {_Folder(text, printable(root.name), "") for text in _spellings(root)}
        known |= {
            _Folder(text, printable(path.name), f"{printable(path.name)}/")
            for _, path in share.folders()
            if not path.is_relative_to(root)
            for text in _spellings(path)
        }
        return cls(tuple(sorted(known, key=lambda one: (-len(one.path), one.path))))

    def seen(self, path: str) -> str | None:
        """An absolute path as it is seen in the share; None if it leads elsewhere."""
        for folder in self.folders:
            if path == folder.path:
                return folder.name
            if path.startswith(f"{folder.path}/"):
                return folder.above + path[len(folder.path) + 1 :]
        return None


NOWHERE: Final = Whereabouts()
"""Of no share."""


def seen_from(root: Path, folder: Path) -> PurePath:
    """A folder as people see it who look into another one; whole if it lies elsewhere."""
    return folder.relative_to(root) if folder.is_relative_to(root) else folder


def _spellings(path: Path) -> set[str]:
    return {str(path), printable(path)} - {"/"}
