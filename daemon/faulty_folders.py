"""Folders over which the program itself stumbles: each rests for a while, and holds up no other.

What nobody foresaw, met with while the inbox is looked at, lies in one folder mostly: in a name, or
in how the files in it belong together. That folder is passed over for longer and longer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import structlog

from daemon.backoff import Tries
from daemon.errors import FaultError
from daemon.last_resort import LastResort
from daemon.names import printable

T = TypeVar("T")
_log: Final = structlog.get_logger()


@dataclass
class _Rest(Tries):
    """Of one folder, and what for."""

    why: str = ""


class FaultyFolders:
    """Remembers them, for one step of a look.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rests: dict[Path, _Rest] = {}
        self._last_resort = LastResort()

    def __contains__(self, folder: object) -> bool:
        """Whether a folder is one of them."""
        return folder in self._rests

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._rests)

    @property
    def why(self) -> str:
        """What stands in the way in one of them; empty if there is none."""
        return next((rest.why for rest in self._rests.values()), "")

    def over(self, folder: Path, step: Callable[[], T]) -> T | None:
        """Take the step over one folder.

        Args:
            folder: which.
            step: what to do; what it raises as an `AtelierError` or `OSError` goes on its way.

        Returns:
            What comes of it; None if the folder rests now.
        """
        rest = self._rests.get(folder)
        if rest is not None and self._clock() < rest.until:
            return None
        try:
            with self._last_resort.over(f"the folder {printable(folder)}"):
                done = step()
        except FaultError as error:
            self._failed(folder, error)
            return None
        if self._rests.pop(folder, None):
            _log.info("folder.goes_on", folder=printable(folder))
        return done

    def forget_all_but(self, here: Collection[Path]) -> None:
        """Let go of those that are not there any more.

        Args:
            here: the folders that are.
        """
        self._rests = {folder: rest for folder, rest in self._rests.items() if folder in here}

    def _failed(self, folder: Path, error: FaultError) -> None:
        rest = self._rests.setdefault(folder, _Rest())
        rest.why = f"No photo is taken from {printable(folder)}: {error}"
        pause = rest.failed(self._clock())
        log = _log.warning if rest.tries == 1 else _log.debug  # the fault itself is told before
        log("folder.rests", folder=printable(folder), again_in_seconds=pause)
