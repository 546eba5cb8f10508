"""Notes beside pictures in the styles folder that cannot be read: ``NAME - why.txt``.

Each stays for as long as its cause: until the picture is another one, can be read, or is gone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import structlog

from daemon import notes
from daemon.names import is_note, printable
from daemon.share import Share
from daemon.styles import style_of

_log: Final = structlog.get_logger()


class StyleNotes:
    """Keeps these notes true.

    What stands in their way is said in the log once, and tried again at the next look: nothing else
    waits for a note.

    Args:
        share: the share.
    """

    def __init__(self, share: Share) -> None:
        self._share = share
        self._problem = ""

    def update(self, faults: Mapping[Path, str], undecided: Collection[Path]) -> None:
        """Write, rewrite and remove them. Only while the share's folders are there.

        Args:
            faults: pictures in the styles folder that cannot be read, and why.
            undecided: those of which nobody knows yet; a note of old that lies beside one stays.
        """
        problems = {self._told(path, why) for path, why in faults.items()}
        problems.add(self._swept({path.name for path in (*faults, *undecided)}))
        self._say("; ".join(sorted(problems - {""})))

    def _told(self, picture: Path, why: str) -> str:
        """Write a note, if it does not say so already; what stands in the way."""
        try:
            notes.write_style_note(self._share, picture.name, style_of(picture.name), why)
        except OSError as error:
            # Without the file's name: that of a temporary file is another one at each look.
            return f"{printable(picture.name)}: {error.strerror}"
        return ""

    def _swept(self, kept: Collection[str]) -> str:
        """Remove our notes but those beside these pictures; what stands in the way."""
        stay = set(map(notes.why_name, kept))
        try:
            with os.scandir(self._share.styles) as entries:
                names = [each.name for each in entries if is_note(each.name)]
            for name in names:
                if name not in stay:
                    notes.remove_if_ours(self._share.styles / name)
        except OSError as error:
            return str(error.strerror)
        return ""

    def _say(self, problem: str) -> None:
        if problem and problem != self._problem:
            _log.warning("note.failed", folder=printable(self._share.styles), why=problem)
        elif self._problem and not problem:
            _log.info("note.works_again", folder=printable(self._share.styles))
        self._problem = problem
