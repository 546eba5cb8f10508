"""Old files in outbox, originals and failed: which may go, and their removal.

Nothing is ever removed by itself: somebody has to ask for it, with an age. A file is as old as the
last of three moments: when its content was changed, when anything about it was (a move into the
folder, a copy, new permissions), and when its job ended. Where a whole
folder was moved there, its files are no older than that. So a photo that was taken ten years ago
and painted yesterday is a day old here. Files of jobs that are not over stay, whatever their age.

Links are neither followed nor removed, nor is what is hidden or otherwise nobody's photo.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from daemon import scanner
from daemon.companions import plain_stem
from daemon.failures import place_of
from daemon.handles import held
from daemon.jobs import Job, JobState
from daemon.journal import Journal
from daemon.names import canonical, is_note, split

_ALL: Final = 1_000_000_000


@dataclass(frozen=True)
class Old:
    """A file that may go.

    Attributes:
        path: of the file.
        top: the folder of the share that it lies in.
        size: bytes of the disk that it takes, and that it leaves.
        stamp: tells whether it is still the one that was seen.
    """

    path: Path
    top: Path
    size: int
    stamp: tuple[int, ...]


@dataclass(frozen=True)
class Guarded:
    """What stays, whatever its age: files of jobs that are not over, or not for long.

    Attributes:
        paths: of pictures, and of photos (or whole folders) that are known to lie there.
        places: of photos and folders below originals or failed, without suffixes and numbers.
    """

    paths: frozenset[Path] = frozenset()
    places: frozenset[tuple[str, ...]] = frozenset()

    def covers(self, path: Path, top: Path) -> bool:
        """Whether a file stays."""
        if not self.paths.isdisjoint((path, *path.parents)):
            return True
        parts = path.relative_to(top).parts
        return any(_plain(parts[:depth]) in self.places for depth in range(1, len(parts) + 1))


def guarded(journal: Journal, since: float) -> Guarded:
    """What stays, as the journal says.

    Args:
        journal: of the share.
        since: jobs that ended after this moment (seconds since 1970) are not over for long.

    Raises:
        JournalError: it cannot be read.
    """
    return guarding(list(_recent(journal, since)))


def guarding(jobs: Sequence[Job]) -> Guarded:
    """What belongs to jobs."""
    known = (path for job in jobs for path in (job.result, job.intended, job.kept))
    paths = {path for path in known if path is not None}
    return Guarded(frozenset(paths), frozenset(_plain(place_of(job).parts) for job in jobs))


def find_old(top: Path, before: float, stays: Guarded) -> list[Old]:
    """The files in a folder of the share that are older than a moment, in order of their paths.

    Args:
        top: outbox, originals or failed.
        before: seconds since 1970.
        stays: what is not to go in any case.

    Raises:
        ShareError: the folder cannot be read.
    """
    found = []
    seen = scanner.look(top)
    came = _arrivals(top, seen)
    for sighting in seen.files:
        with contextlib.suppress(OSError), held(sighting.path.parent, top) as here:
            status = (here / sighting.path.name).lstat()
            is_young = came.get(sighting.path.parent, 0.0) >= before
            if not is_young and _is_older(status, before) and not stays.covers(sighting.path, top):
                found.append(Old(sighting.path, top, _room(status), _stamp(status)))
    return found


def remove(old: Iterable[Old], report: Callable[[Old, OSError], None]) -> list[Old]:
    """Remove files, and the folders that are empty for it; never the share's own.

    Args:
        old: as they were found. One that has changed since stays.
        report: told of what could not be removed.

    Returns:
        Those that were removed.
    """
    removed = [one for one in old if _is_removed(one, report)]
    _remove_emptied(removed)
    return removed


def _recent(journal: Journal, since: float) -> Iterator[Job]:
    for state in (JobState.RUNNING, JobState.QUEUED):
        yield from journal.having(state)
    for state in (JobState.DONE, JobState.FAILED):
        for job in journal.recent(state, _ALL):
            if (job.finished_at or since) < since:
                break
            yield job


def _plain(parts: tuple[str, ...]) -> tuple[str, ...]:
    """A path as all have it that belong together: no suffix, number or ``.style``."""
    return tuple(_stem(part) for part in parts)


def _stem(name: str) -> str:
    stem = plain_stem(canonical(split(name)[0]).casefold())
    before, _, number = stem.removesuffix(")").rpartition(" (")
    is_numbered = before and stem.endswith(")") and number.isdecimal()
    return plain_stem(before) if is_numbered else stem


def _arrivals(top: Path, seen: scanner.Look) -> dict[Path, float]:
    """When each folder, or one above it below the top, was moved to where it is, if that shows."""
    stems = {(one.path.parent, split(one.path.name)[0].lower()) for one in seen.files}
    came: dict[Path, float] = {}
    for folder in seen.folders:  # sorted: those above come first
        is_job = {(folder, "content"), (folder, "style")} <= stems
        with contextlib.suppress(OSError), held(folder, top) as here:
            status = here.stat()
            # What is put into a folder changes both times, a move the second alone: else one new
            # photo, or a removal, would make all others in the folder of a style young.
            is_moved = is_job or status.st_ctime_ns > status.st_mtime_ns
            own = status.st_ctime if is_moved else 0.0
            came[folder] = max(own, came.get(folder.parent, 0.0))
    return came


def _is_older(status: os.stat_result, before: float) -> bool:
    return stat.S_ISREG(status.st_mode) and max(status.st_mtime, status.st_ctime) < before


def _room(status: os.stat_result) -> int:
    return status.st_size if status.st_nlink == 1 else 0  # else it stays under its other name


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_removed(one: Old, report: Callable[[Old, OSError], None]) -> bool:
    try:
        with held(one.path.parent, one.top) as here:
            path = here / one.path.name
            if _stamp(path.lstat()) != one.stamp:
                return False
            path.unlink()
    except FileNotFoundError:  # somebody else has removed it
        return False
    except OSError as error:
        report(one, error)
        return False
    return True


def _remove_emptied(removed: Iterable[Old]) -> None:
    folders = {
        (folder, one.top)
        for one in removed
        for folder in one.path.parents
        if folder != one.top and folder.is_relative_to(one.top)
    }
    for folder, top in sorted(folders, key=lambda pair: len(pair[0].parts), reverse=True):
        # One in which something lies is not removed, by the kernel itself.
        with contextlib.suppress(OSError), held(folder.parent, top) as here:
            (here / folder.name).rmdir()


def without_notes(old: Iterable[Old]) -> list[Old]:
    """Those that are no notes of ours: what people would count."""
    return [one for one in old if not is_note(PurePath(one.path).name)]
