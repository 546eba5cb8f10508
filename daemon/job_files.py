"""Reads at each look which styles the `job.toml` of folders name; each version of a file once.

Whoever may write to the inbox may put thousands of them there, and make each take as long to read
as one can (`daemon.overrides`). So a look spends a second on them at most; the others are read at
the looks that follow. Those come first there that had to wait, in the order in which they did:
nobody who goes on writing new ones keeps those of others from being read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from daemon.bounded import read_bounded
from daemon.errors import OverridesError, PictureUnreadableError
from daemon.named import STYLES, Said
from daemon.overrides import MAX_BYTES
from daemon.scanner import Sighting
from daemon.wishes import asked_in

A_SECOND: Final = 1.0


class JobFiles:
    """Reads them.

    Args:
        top: a folder above all of them; none on the way down from there may be a link.
        seconds: how long a look may read; it reads at least one.
        clock: monotonic seconds.
    """

    def __init__(
        self, top: Path, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._top = top
        self._seconds = seconds
        self._clock = clock
        self._spent = 0.0
        self._before: dict[Sighting, Said] = {}
        self._known: dict[Sighting, Said] = {}
        self._late: list[Path] = []

    def begin(self) -> list[Path]:
        """A look begins: what the last one did not ask about is forgotten.

        Returns:
            The folders for whose files there was no time then. Ask about these first, in this
            order.
        """
        self._before, self._known, self._spent = self._known, {}, 0.0
        late, self._late = self._late, []
        return late

    def said(self, job_file: Sighting) -> Said | None:
        """What one says; None if there was no time for it, or its disk is out of reach.

        Of one that is closed to the program it is nothing, as long as it is.
        """
        said = self._known.get(job_file) or self._before.get(job_file)
        if said is None and self._spent >= self._seconds:
            self._late.append(job_file.path.parent)
        elif said is None:
            began = self._clock()
            try:
                said = self._read(job_file.path)
            except PermissionError:
                return Said()
            finally:
                self._spent += self._clock() - began
        if said is not None:
            self._known[job_file] = said
        return said

    def _read(self, path: Path) -> Said | None:
        try:
            return Said(asked_in(path, self._top).named)
        except OverridesError as error:
            # One that names no style may still get a picture of it.
            return Said(fault=str(error) if self._speaks_of_styles(path) else "")
        except PermissionError:
            raise
        except OSError:  # it has gone, or is out of reach for a while
            return None

    def _speaks_of_styles(self, path: Path) -> bool:
        try:
            return STYLES.encode() in read_bounded(path, MAX_BYTES, self._top)
        except (PictureUnreadableError, OSError):
            return False
