"""Says where things lie in the words of people who know the share, and not the server's disks.

What stands in the way is told with whole paths, for whoever keeps the machine: in the log, and to
systemd. Who looks at the share from elsewhere has never seen these.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Final

from daemon.names import printable
from daemon.share import Share

SERVER: Final = "the server's disk"
"""What is said in the place of a path that does not lead into the share."""

_ENDS: Final = r"(?![\w-]|\.\w)"  # the name goes on, so it is another one
_BEGINS: Final = r"(?<![\w/.~-])"  # else it is the rest of a path that begins elsewhere
# A path in quotes may have spaces; one without ends where the sentence goes on.
_PATH: Final = re.compile(rf"{_BEGINS}(?:'/[^']+'|\"/[^\"]+\"|/[^\s'\"`;,()]*[^\s'\"`;,().:])")


class Whereabouts:
    """Knows the folders of one share.

    Args:
        share: whose; a folder that lies elsewhere is called by its name.
    """

    def __init__(self, share: Share) -> None:
        named = {share.root: ""} | {
            folder: folder.name
            for _, folder in share.folders()
            if not folder.is_relative_to(share.root)
        }
        paths = {text: name for path, name in named.items() for text in _spellings(path)}
        longest_first = sorted(paths, key=len, reverse=True)
        self._names = paths
        self._root = printable(share.root.name)
        known = "|".join(map(re.escape, longest_first)) or "(?!)"  # which nothing is
        self._known = re.compile(rf"{_BEGINS}({known})(?:(/)|{_ENDS})")

    def told(self, text: str) -> str:
        """A text with places in the share as they are seen there, and none outside of it."""
        return _PATH.sub(SERVER, self._known.sub(self._named, text))

    def _named(self, found: re.Match[str]) -> str:
        name = self._names[found[1]]
        if found[2]:
            return f"{name}/" if name else ""
        return name or self._root


def seen_from(root: Path, folder: Path) -> PurePath:
    """A folder as people see it who look into another one; whole if it lies elsewhere."""
    return folder.relative_to(root) if folder.is_relative_to(root) else folder


def _spellings(path: Path) -> set[str]:
    return {str(path), printable(path)} - {"/"}
