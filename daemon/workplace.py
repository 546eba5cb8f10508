"""The work folder while the service runs: whether it is there, and made again if it was removed.

It is hidden, and so somebody who tidies up may remove it. Or it lies on a drive that has gone; then
a new folder in its place would hide the real one, with the photos in it. What tells the two apart
is the folder that holds it: made again is the work folder only in the very one that held it before.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import structlog

from daemon.errors import ShareError
from daemon.names import printable

_PRIVATE: Final = 0o700  # as `daemon.share` makes it at the start
_log: Final = structlog.get_logger()


class Workplace:
    """Looks after one work folder.

    Args:
        work: the folder; it is there now, or else it will not be made.
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._home: tuple[int, int] | None = None
        with contextlib.suppress(OSError):
            self._home = _identity(work.parent.stat())

    def ensure(self) -> None:
        """See that the folder is there.

        Raises:
            ShareError: it is not, and it is not for us to make it.
            OSError: the disk does not say.
        """
        try:
            self._work.lstat()
        except (FileNotFoundError, NotADirectoryError):
            if not self._was_made_again():
                raise self._gone() from None

    def _was_made_again(self) -> bool:
        try:
            handle = os.open(self._work.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # By the handle: between two looks by name a drive may have gone.
            if _identity(os.fstat(handle)) != self._home:
                return False
            os.mkdir(self._work.name, _PRIVATE, dir_fd=handle)
        finally:
            os.close(handle)
        _log.warning("work.made_again", folder=printable(self._work), why="somebody removed it")
        return True

    def _gone(self) -> ShareError:
        return ShareError(
            f"The work folder {printable(self._work)} is gone, and photos stay in the inbox. "
            "Connect the drive that it lies on, or start the program again to make a new one."
        )


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
