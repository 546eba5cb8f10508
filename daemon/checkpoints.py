"""Where a painting stands, kept beside the journal while it is painted: one file a job.

The engine's process writes them and goes on from them (`daemon.runners.worker`); the service lets
them go once a job has ended. They are worth no trouble: without one a picture is begun anew.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from engine.snapshot import Snapshot

FOLDER: Final = "checkpoints"
"""Name of the folder beside the journal."""

_SHARE: Final = 0.05  # of the time, at most, goes into writing them
_LONG_STEP_SECONDS: Final = 10.0  # whoever stops the service may not wait for the end of such a one
_SUFFIX: Final = ".snapshot"


class Saves(Protocol):
    """What can write a snapshot of itself, as `engine.work.Work` does."""

    def save(self, path: Path) -> bool:
        """Write one, if there is anything to save; say whether there was.

        Raises:
            OSError: it could not be written.
        """
        ...


class Checkpoints:
    """The files of one share's jobs.

    Args:
        folder: where they are; made when the first one is written. None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def path(self, job_id: str) -> Path | None:
        """The file of a job, whether it is there or not."""
        return None if self._folder is None else self._folder / f"{job_id}{_SUFFIX}"

    def open(self, job_id: str) -> Snapshot | None:
        """The snapshot of a job; None if there is none. It is the caller's to close.

        Raises:
            SnapshotError: it is damaged, cannot be read, or is of another version.
        """
        from engine.snapshot import Snapshot  # noqa: PLC0415 - arrays are for the child alone

        path = self.path(job_id)
        try:
            return None if path is None else Snapshot(path)
        except FileNotFoundError:
            return None

    def forget(self, job_id: str) -> None:
        """Remove the file of a job that has ended, and what its engine has left half-written.

        What cannot be removed stays for a sweep.
        """
        self._remove(lambda name: name.startswith(f"{job_id}{_SUFFIX}"))

    def sweep(self, wanted: Collection[str]) -> None:
        """Remove all but those of some jobs, and what a crash has left half-written.

        Args:
            wanted: ids of the jobs that are not over.
        """
        names = {f"{job_id}{_SUFFIX}" for job_id in wanted}
        self._remove(lambda name: name not in names)

    def _remove(self, is_over: Callable[[str], bool]) -> None:
        paths: list[Path] = []
        with contextlib.suppress(OSError):
            paths = [] if self._folder is None else list(self._folder.iterdir())
        for path in paths:
            if is_over(path.name):
                with contextlib.suppress(OSError):  # one that stays keeps no other one
                    path.unlink()


class Saving:
    """Has one painting saved now and then; after each step, where steps take long.

    A service that is stopped does not wait for the end of a long step: what was done since the last
    time would be lost.

    Args:
        path: its file; None: it is never saved.
        seconds: between two times, at least, while steps are short; longer where saving itself
            takes long. 0: only when it is asked for.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        path: Path | None,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._seconds = seconds
        self._clock = clock
        self._step_began = self._may_at = clock()
        self._due = self._may_at + seconds

    def save_if_due(self, work: Saves) -> None:
        """Save, if it is time. To be called after each step.

        Raises:
            OSError: it could not be written; it is tried again after a while.
        """
        now = self._clock()
        is_long = now - self._step_began > _LONG_STEP_SECONDS
        self._step_began = now
        if self._seconds and now >= (self._may_at if is_long else self._due):
            self.save(work)

    def save(self, work: Saves) -> None:
        """Save now.

        Raises:
            OSError: it could not be written; what was there stays.
        """
        if self._path is None:
            return
        began = self._clock()
        self._may_at = began + self._seconds  # should it fail: a full disk is not asked each time
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            work.save(self._path)
            self._may_at = began
        finally:
            self._step_began = ended = self._clock()
            self._may_at = max(self._may_at, ended + (ended - began) / _SHARE)
            self._due = max(self._may_at, ended + self._seconds)
