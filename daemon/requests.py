"""Requests to the service that keeps a share, from commands beside it: photos to be cancelled.

The service alone writes to the journal, and so it has to be asked. A request is an empty file
beside the journal, with the job's id as its name: nothing in it has to be read, or trusted, and a
name means nothing but what the journal says of a job of that id. Ids are never used twice. So it
does no harm to heed a request once more than it was made, after a crash, and it stays until the
journal has what came of it.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

import structlog

from daemon.copying import sync_folder
from daemon.errors import RequestError
from daemon.handles import opened
from daemon.names import printable
from daemon.once import Once, reason_of

FOLDER: Final = "requests"
"""Name of the folder beside the journal."""

_PRIVATE: Final = 0o700
_NAME: Final = re.compile(r"([A-Za-z0-9-]{1,64})\.cancel", re.ASCII)
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_log: Final = structlog.get_logger()


class Requests:
    """Those to one service.

    Args:
        state: the folder beside the journal; None: nobody can ask for anything.
    """

    def __init__(self, state: Path | None) -> None:
        self._folder = None if state is None else state / FOLDER
        self._said = Once()

    def offer(self) -> Path | None:
        """See that the folder is there, for whoever keeps the share; None if it cannot be."""
        try:
            if self._folder is not None:
                self._folder.mkdir(_PRIVATE, exist_ok=True)
        except OSError as error:  # they can be made later
            self._complain(error)
            return None
        return self._folder

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled; it does no harm to ask twice.

        Raises:
            RequestError: nobody takes requests there, or this user may not ask.
        """
        name = f"{job_id}.cancel"
        if self._folder is None or _NAME.fullmatch(name) is None:
            raise RequestError(f"{printable(job_id)} is no photo that could be cancelled.")
        try:
            with opened(self._folder) as folder:
                os.close(os.open(name, _NEW, 0o600, dir_fd=folder))
            sync_folder(self._folder)
        except OSError as error:
            raise RequestError(
                f"The service cannot be asked ({error.strerror}: {printable(self._folder)}). Ask "
                "as the user that the service runs as, or start the service again if it is older "
                "than this program."
            ) from error

    def waiting(self) -> list[str]:
        """The ids of the jobs that somebody wants cancelled, sorted."""
        if self._folder is None:
            return []
        try:
            with opened(self._folder) as folder:
                names = os.listdir(folder)  # noqa: PTH208 - of a handle
        except FileNotFoundError:  # somebody has removed it
            self.offer()
            return []
        except OSError as error:
            self._complain(error)
            return []
        self._said.is_over()
        return sorted(found[1] for name in names if (found := _NAME.fullmatch(name)))

    def heeded(self, job_id: str) -> None:
        """Forget a request, of which the journal has what came of it."""
        if self._folder is None:
            return
        try:
            with contextlib.suppress(FileNotFoundError), opened(self._folder) as folder:
                os.unlink(f"{job_id}.cancel", dir_fd=folder)
        except OSError as error:  # it is heeded once more, and nothing comes of it
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if self._said.is_new(reason_of(error)):
            _log.warning("request.trouble", folder=printable(str(self._folder)), why=str(error))
