"""Small pictures of jobs, kept beside the journal: of those that are painted, and of the last ones.

They are for the page that shows how things are, and worth no trouble: what cannot be written or
read is not shown. So they are not synced to the disk; one that a power cut has torn counts as none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal

import structlog

from daemon.files import write_atomically
from daemon.handles import read_file
from daemon.once import Once, reason_of
from daemon.runners.base import Glimpse

FOLDER: Final = "glimpses"
"""Name of the folder beside the journal."""

Of = Literal["photo", "painting"]
"""What a small picture is of."""

_MOST_BYTES: Final = 2_000_000
_START, _END = b"\xff\xd8", b"\xff\xd9"
_log: Final = structlog.get_logger()


class Glimpses:
    """The small pictures of one share.

    Args:
        folder: where they are; made when the first one is written. None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._unwritten: dict[str, Glimpse] = {}  # by file name; what the disk did not take
        self._said = Once()

    def keep(self, glimpse: Glimpse) -> None:
        """Keep one, in the place of the one before; in memory while the disk does not take it."""
        if self._folder is None:
            return
        name = _name(glimpse.job_id, glimpse.of)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._folder / name, glimpse.jpeg, sync=False)
        except OSError as error:
            self._unwritten[name] = glimpse
            if self._said.is_new(reason_of(error)):
                _log.warning("glimpses.not_kept", why=reason_of(error))
        else:
            self._unwritten.pop(name, None)
            if self._said.is_over():
                _log.info("glimpses.kept_again")

    def read(self, job_id: str, of: Of) -> bytes | None:
        """One of them, a JPEG; None if there is none."""
        name = _name(job_id, of)
        if name in self._unwritten:
            return self._unwritten[name].jpeg
        data: bytes | None = None
        with contextlib.suppress(OSError):
            data = None if self._folder is None else read_file(self._folder / name, _MOST_BYTES)
        return data if data and data.startswith(_START) and data.endswith(_END) else None

    def let_go(self, job_id: str, of: Of) -> None:
        """Remove one of them, if there is one."""
        name = _name(job_id, of)
        self._unwritten.pop(name, None)
        if self._folder is not None:
            with contextlib.suppress(OSError):  # one that stays is looked at again next time
                (self._folder / name).unlink()

    def sweep(self, wanted: Collection[str]) -> None:
        """Remove all but those of some jobs, and what a kill has left half-written.

        Args:
            wanted: ids of these jobs.
        """
        names = {_name(job_id, of) for job_id in wanted for of in ("photo", "painting")}
        self._unwritten = {name: one for name, one in self._unwritten.items() if name in names}
        paths: list[Path] = []
        with contextlib.suppress(OSError):
            paths = [] if self._folder is None else list(self._folder.iterdir())
        for path in paths:
            if path.name not in names:
                with contextlib.suppress(OSError):  # one that stays is looked at again next time
                    path.unlink()


def _name(job_id: str, of: str) -> str:
    return f"{job_id}.{of}.jpg"
