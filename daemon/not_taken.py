"""What lies in the inbox and was not taken, seen from beside: by one look, and not a long one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, TypeVar

from daemon import scanner
from daemon.errors import ShareError
from daemon.job_files import JobFiles
from daemon.names import canonical, is_note, is_picture, split
from daemon.one_job import by_folder
from daemon.pairing import Candidate, pair
from daemon.share import Share
from daemon.slips import Slip, Slips
from daemon.styles import find_styles

T = TypeVar("T")

_LONGEST_SECONDS: Final = 1.0


@dataclass(frozen=True)
class NotTaken:
    """What a look saw. Paths are below the inbox.

    Attributes:
        photos: how many there are that can be taken, as far as names tell.
        homeless: photos without a style.
        halves: pictures that wait for a second one in their folder.
        lonely: masks and the like whose photos are not there.
        unread: photos beside a `job.toml` for which there was no time.
        closed: files and folders that this user cannot look into.
        is_all: whether there was time for all folders.
        slips: what the names of folders with photos without a style nearly say.
        others: how many files there are that are taken too, and whose endings are no picture's.
    """

    photos: int = 0
    homeless: tuple[PurePath, ...] = ()
    halves: tuple[PurePath, ...] = ()
    lonely: tuple[PurePath, ...] = ()
    unread: tuple[PurePath, ...] = ()
    closed: tuple[PurePath, ...] = ()
    is_all: bool = True
    slips: tuple[Slip, ...] = ()
    others: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        told = (self.homeless, self.halves, self.lonely, self.unread, self.closed)
        return bool(self.photos or self.others or any(told) or not self.is_all)


def look(
    share: Share,
    default_style: str | None,
    stays: Collection[PurePath] = (),
    clock: Callable[[], float] = time.monotonic,
) -> NotTaken | None:
    """Look at the inbox once.

    Args:
        share: nothing in it is changed.
        default_style: as in the settings.
        stays: photos that stay in the inbox although they were taken, below it.
        clock: monotonic seconds.

    Returns:
        None if it cannot be looked at.
    """
    watch = _Watch(clock, clock() + _LONGEST_SECONDS)
    try:
        seen = scanner.look(share.inbox, guard=watch.over)
    except ShareError:  # away: the status says so
        return None
    styles = _styles(share)
    found = pair(seen, styles, default_style, JobFiles(share.inbox, _LONGEST_SECONDS))
    homeless = _below(share, (sighting.path for sighting in found.homeless))
    closed = (path for path in seen.unreadable if path not in watch.passed)
    coming = [one for one in found.candidates if not _stays(one, share, stays)]
    others = sum(_ends_as_no_picture(one.content.path.name) for one in coming)
    return NotTaken(
        len(coming) - others,
        homeless,
        _below(share, (sighting.path for sighting in found.waiting)),
        _below(share, (sighting.path for sighting in found.lonely)),
        _below(share, (sighting.path for sighting in found.unread)),
        _below(share, closed),
        not watch.passed,
        slips=Slips().of(homeless, styles),
        others=others,
    )


def lying(
    share: Share, path: PurePath, clock: Callable[[], float] = time.monotonic
) -> PurePath | None:
    """Where something of this name lies in the inbox, by one look.

    Args:
        share: nothing in it is changed.
        path: a place below the inbox, or only a name, of a file or of a folder that may be one job.
        clock: monotonic seconds.

    Returns:
        Its place below the inbox; None if there is none, or it was not come across.
    """
    try:
        seen = scanner.look(share.inbox, guard=_Watch(clock, clock() + _LONGEST_SECONDS).over)
    except ShareError:
        return None
    files = (one.path for one in seen.files if not is_note(one.path.name))
    folders = (one for one in by_folder(seen) if one.below and any(one.pictures()))
    jobs = _below(share, (one.path for one in folders if one.holds_a_job_alone))
    styles = set(map(canonical, _styles(share)))
    places = (*(one for one in jobs if canonical(str(one)) not in styles), *_below(share, files))
    parts = tuple(map(canonical, path.parts))
    return next((one for one in places if _parts(one) == parts), None) or next(
        (one for one in places if _parts(one)[-1:] == parts), None
    )


def _styles(share: Share) -> Mapping[str, Path]:
    try:
        return find_styles(share.styles)
    except OSError:  # closed to this user: nobody has a style then
        return {}


def _parts(place: PurePath) -> tuple[str, ...]:
    return tuple(map(canonical, place.parts))


def _below(share: Share, paths: Iterable[Path]) -> tuple[PurePath, ...]:
    return tuple(path.relative_to(share.inbox) for path in paths)


def _ends_as_no_picture(name: str) -> bool:
    # A name without an ending tells nothing.
    return bool(split(name)[1]) and not is_picture(name)


def _stays(candidate: Candidate, share: Share, stays: Collection[PurePath]) -> bool:
    return candidate.content.path.relative_to(share.inbox) in stays


class _Watch:
    """Passes folders over once the time is up; a guard, as `daemon.scanner` has them."""

    def __init__(self, clock: Callable[[], float], end: float) -> None:
        self._clock = clock
        self._end = end
        self.passed: set[Path] = set()

    def over(self, folder: Path, step: Callable[[], T], /) -> T | None:
        """Take the step over a folder, if there is time."""
        if self._clock() >= self._end:
            self.passed.add(folder)
            return None
        return step()
