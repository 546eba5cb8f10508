"""What painters have saved of jobs on their way, kept where an engine of this machine keeps it too.

So either goes on with what the other has begun. It is worth no trouble: without it a picture is
begun anew.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from daemon.checkpoints import Checkpoints
from daemon.cluster.background import in_thread
from daemon.files import write_atomically

TOO_LARGE: Final = (
    "What is saved of this picture has {:.0f} MB, and {:.0f} may go through the network: if its "
    "painter is lost, it is begun anew. Let cluster.max_megabytes be more."
)
NOT_SAVED: Final = "What was saved of this picture could not be fetched from its painter ({})."


class SavedFiles:
    """The files of one share's jobs, read and written beside the loop.

    Args:
        folder: where they are; None: nothing is kept.
        most_bytes: a larger one is neither sent nor kept.
    """

    def __init__(self, folder: Path | None, most_bytes: int) -> None:
        self._checkpoints: Final = Checkpoints(folder)
        self._most_bytes: Final = most_bytes

    async def read(self, job_id: str, most_bytes: int) -> bytes:
        """The file of a job; empty if there is none, or it is too large to go along.

        Args:
            job_id: which.
            most_bytes: that there is room for.
        """
        path = self._checkpoints.path(job_id)
        if path is None:
            return b""
        try:
            return await in_thread(partial(_read, path, most_bytes))
        except OSError:  # no thread can be started just now
            return b""

    async def write(self, job_id: str, data: bytes) -> None:
        """Put a file in the place of the one before.

        Raises:
            OSError: it cannot be written; the one before is as it was.
        """
        path = self._checkpoints.path(job_id)
        if path is not None and 0 < len(data) <= self._most_bytes:
            await in_thread(partial(_write, path, data))

    async def forget(self, job_id: str) -> None:
        """Remove the file of a job that has ended while it was being written."""
        await in_thread(partial(self._checkpoints.forget, job_id))


def _read(path: Path, most_bytes: int) -> bytes:
    try:
        if path.stat().st_size > most_bytes:
            return b""
        return path.read_bytes()
    except OSError:  # there is none, or it is of no use: the picture is begun anew
        return b""


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A power cut loses what was done since the start: that is no reason to wait for the disk.
    write_atomically(path, data, sync=False)
    path.chmod(0o600)
