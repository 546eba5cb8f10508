"""Photos in the inbox that cannot be read or not be taken: since when, and when to try again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from daemon import backoff
from daemon.errors import ClaimHeldError
from daemon.inspector import Inspected
from daemon.names import printable
from daemon.once import Once, reason_of
from daemon.patience import Patience
from daemon.readiness import Readiness
from daemon.ready import Ready
from daemon.settings import WatchSettings

TRIES_ONCE: Final = 3
"""So often a run that ends when all is painted tries to take a photo."""

_LAST_LOOKS: Final = 2
"""Looks after a photo's patience is over: one sees that it is, and by the next it fails."""

_GAP_SECONDS: Final = 120.0
_GAP_SETTLES: Final = 10
_GAP: Final = (
    "{} may still be being copied: a part of it, or of its style, holds nothing. It is taken if it "
    "stays so for some minutes"
)
_QUICKEST: Final = 0.05  # seconds between two looks, also when files need not settle at all
_log: Final = structlog.get_logger()


@dataclass
class _Trouble(backoff.Tries):
    """A candidate that cannot be read (`verdict`) or not be taken: how often taking it failed.

    Attributes:
        since: when it showed, monotonic seconds.
        verdict: the inspector's reason, if that is the trouble.
        last_chance: whether it was inspected once more after its patience ran out.
        why: what stood in the way of taking it last.
        held_since: since when it is that it may not be moved, monotonic seconds.
        gap_until: when what may be a part not written yet is believed to be meant; the same.
        overdue: how many looks were made since a run that ends would have given it up.
    """

    since: float
    verdict: Inspected | None = None
    last_chance: bool = False
    why: str = ""
    held_since: float | None = None
    gap_until: float | None = None
    overdue: int = 0


class Troubles:
    """Remembers such candidates for as long as they are there.

    Args:
        settings: how long people have patience; the attribute may be changed.
        readiness: knows for how long a candidate has not changed.
        clock: monotonic seconds.
    """

    def __init__(
        self, settings: WatchSettings, readiness: Readiness, clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        self._readiness = readiness
        self._clock = clock
        self._cases: dict[Ready, _Trouble] = {}
        self._said = Once()
        self._gappy_styles = Patience(gap_wait(settings), clock)
        self._gappy_folders: set[Path] = set()  # of which was said that photos in them wait

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._cases)

    @property
    def taking_fails(self) -> bool:
        """Whether one of them could not be taken."""
        return any(case.tries for case in self._cases.values())

    @property
    def why(self) -> str:
        """Why one of them cannot be taken, as it was said last; empty if each can."""
        return next((case.why for case in self._cases.values() if case.why), "")

    @property
    def photos(self) -> set[Path]:
        """Which photos they are."""
        return {ready.candidate.content.path for ready in self._cases}

    @property
    def may_pass(self) -> bool:
        """Whether it is too early to give all of them up."""
        return any(map(self._may_pass, self._cases.values()))

    def is_due(self, ready: Ready) -> bool:
        """Whether a candidate is to be inspected now: it is no trouble, or is to be tried again."""
        case = self._cases.get(ready)
        if case is None:
            return True
        if self._clock() < case.until:
            return False
        return case.verdict is None or self._is_out_of_patience(ready, case)

    def is_hopeless(self, ready: Ready, verdict: Inspected) -> bool:
        """Note that a candidate cannot be read; whether it is to fail for that now.

        Only if it was inspected once more after its patience was over: a copier may write without
        changing size and time until it is done.
        """
        case = self._cases.setdefault(ready, _Trouble(self._clock()))
        case.verdict = verdict
        if not self._is_out_of_patience(ready, case):
            return False
        had_it, case.last_chance = case.last_chance, True
        return had_it

    def waits_for_gaps(self, ready: Ready, gaps: Collection[str]) -> bool:
        """Note that files of a candidate may have parts not written yet; whether it waits for them.

        Args:
            ready: the candidate.
            gaps: whose: "content", "style".
        """
        if not gaps:
            return False
        now, until = self._clock(), self._gaps_end(ready, gaps)
        if until <= now:
            return False
        case = self._cases.setdefault(ready, _Trouble(now))
        case.until, photo = until, printable(ready.candidate.relative)
        if case.gap_until is None:
            # Of a program that leaves room in all of its files thousands may lie there.
            folder = _folder_of(ready)
            log = _log.debug if folder in self._gappy_folders else _log.warning
            self._gappy_folders.add(folder)
            log("photo.has_gap", photo=photo, of=gaps, again_in_seconds=until - now)
        case.gap_until, case.why = until, _GAP.format(photo)
        return True

    def _gaps_end(self, ready: Ready, gaps: Collection[str]) -> float:
        candidate, wait = ready.candidate, gap_wait(self.settings)
        ends = []
        if {"content", "beside"} & set(gaps) or candidate.style_sighting is not None:
            ends.append(self._clock() + wait - self._readiness.unchanged_for(candidate))
        if "style" in gaps and candidate.style_sighting is None:
            # The photo may be older than its style, and many may want that one.
            self._gappy_styles.seconds = wait
            self._gappy_styles.is_over(*candidate.style_files)
            ends.append(self._gappy_styles.ends(*candidate.style_files))
        return max(ends)

    def hold(self, ready: Ready, error: Exception) -> None:
        """Note that a candidate could not be taken, and say why; it is tried again later."""
        pause, candidate = self.delay(ready, error), ready.candidate
        case = self._cases[ready]
        if not isinstance(error, ClaimHeldError):
            case.held_since = None
        elif case.held_since is None:
            case.held_since = self._clock()
        # Many may lie in one closed folder, and each is tried again and again.
        is_new = self._said.is_new(f"{candidate.content.path.parent}: {reason_of(error)}")
        log = _log.warning if is_new else _log.debug
        photo = printable(candidate.relative)
        log("claim.failed", photo=photo, why=str(error), again_in_seconds=pause)

    def delay(self, ready: Ready, error: Exception) -> float:
        """Note that a candidate could not be taken, and why; how long it waits for the next try."""
        case = self._cases.setdefault(ready, _Trouble(self._clock()))
        case.why = str(error)
        return case.failed(self._clock())

    def is_held(self, ready: Ready) -> bool:
        """Whether a candidate may not be moved, for as long as people have patience."""
        case = self._cases.get(ready)
        since = None if case is None else case.held_since
        return since is not None and self._clock() - since >= self.settings.patience_seconds

    def forget(self, ready: Ready) -> None:
        """A candidate was taken."""
        self._cases.pop(ready, None)

    def forget_all_but(self, here: Iterable[Ready], styles: Container[Path]) -> None:
        """Let go of those that are not there any more.

        Args:
            here: the candidates that are.
            styles: the style pictures that are.
        """
        still = set(here)
        self._cases = {ready: case for ready, case in self._cases.items() if ready in still}
        for case in self._cases.values():
            since = case.since if case.gap_until is None else case.gap_until
            case.overdue += self._clock() - since >= longest_wait(self.settings)
        self._gappy_styles.forget_all_but(styles)
        gappy = (ready for ready, case in self._cases.items() if case.gap_until is not None)
        self._gappy_folders &= set(map(_folder_of, gappy))
        if not self.taking_fails and self._said.is_over():
            _log.info("claim.none_fails")

    def _is_out_of_patience(self, ready: Ready, case: _Trouble) -> bool:
        patience = self.settings.patience_seconds
        in_styles = any(stamp is not None for stamp in ready.style_stamps)
        if in_styles and case.verdict and case.verdict.blame == "style":
            # The photo is old, its style may have come a moment ago.
            return self._clock() - case.since >= patience
        return self._readiness.unchanged_for(ready.candidate) >= patience

    def _may_pass(self, case: _Trouble) -> bool:
        if case.tries:
            return case.tries < TRIES_ONCE
        return case.overdue < _LAST_LOOKS


def _folder_of(ready: Ready) -> Path:
    """The folder in which a photo lies, or that in which a folder lies that is one job."""
    candidate = ready.candidate
    return (candidate.folder or candidate.content.path).parent


def gap_wait(watch: WatchSettings) -> float:
    """Seconds for which files with what may be parts not written yet must stay unchanged."""
    return max(_GAP_SETTLES * watch.settle_seconds, _GAP_SECONDS)


def quick_pace(watch: WatchSettings) -> float:
    """Seconds between two looks while something is on its way in."""
    return min(watch.poll_seconds, max(watch.settle_seconds / (watch.settle_scans - 1), _QUICKEST))


def longest_wait(watch: WatchSettings) -> float:
    """Seconds after which a photo that lies still has been taken, or never will be."""
    return watch.patience_seconds + watch.settle_seconds + watch.settle_scans * quick_pace(watch)
