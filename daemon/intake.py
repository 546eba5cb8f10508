"""The way into the house: what is found in the inbox, once it is ready, is taken and queued.

One look after the other decides; between two looks a candidate waits for the inspector's answer.
Whatever goes wrong with one file is said once, tried again later, and holds up nobody else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Protocol

import structlog

from daemon import backoff, claims, scanner
from daemon.claims import Claim
from daemon.endings import Endings
from daemon.errors import (
    AtelierError,
    ClaimError,
    ClaimLostError,
    ClaimStuckError,
    JournalError,
    OverridesError,
    PictureUnreadableError,
)
from daemon.inbox_note import InboxNote
from daemon.inspector import Inspected, read_bounded
from daemon.jobs import NewJob
from daemon.journal import Journal
from daemon.names import JOB_FILE, printable
from daemon.overrides import MAX_BYTES, make_recipe, read_overrides
from daemon.pairing import Candidate, Pairer, Pairing
from daemon.readiness import Readiness
from daemon.ready import Ready, Stamp, Turns, stamp_of
from daemon.returns import Returns
from daemon.settings import Settings, WatchSettings
from daemon.share import Share
from daemon.styles import mirror_styles
from daemon.workplace import Workplace

_MOST_ASKED: Final = 4  # enough to keep the inspector busy while we take what it has answered
_TRIES_ONCE: Final = 3
_QUICKEST: Final = 0.05  # seconds between two looks, also when files need not settle at all
_CLOSED: Final = (
    'The file "{}" beside the photo may not be opened by the program. Let the group, or everybody, '
    "read it, or take it away."
)
_NO_TEXT: Final = (
    f"{JOB_FILE} is a link, no file, or larger than {MAX_BYTES // 1024} KB. It has to be a text "
    "file of a few lines."
)
_log: Final = structlog.get_logger()


class Inspects(Protocol):
    """What the intake needs of `daemon.inspector.Inspector`."""

    def submit(self, key: str, content: Path, style: Path | None) -> None:
        """Ask whether two pictures can be read."""


@dataclass
class _Trouble:
    """A candidate that cannot be read (`verdict`) or not be taken.

    Attributes:
        since: when it showed, monotonic seconds.
        verdict: the inspector's reason, if that is the trouble.
        last_chance: whether it was inspected once more after its patience ran out.
        tries: how often taking it failed.
        until: when to try again, monotonic seconds.
    """

    since: float
    verdict: Inspected | None = None
    last_chance: bool = False
    tries: int = 0
    until: float = 0.0


class Intake:
    """Finds photos in the inbox and turns them into queued jobs.

    Args:
        share: the share.
        settings: all of them.
        journal: where the jobs go.
        endings: who takes the jobs that fail before they begin.
        inspector: who reads pictures; its answers come back through `answer`.
        clock: monotonic seconds.
        make_id: a new job id at each call.
        lock: as `Workplace` wants it.

    Raises:
        SettingsError: the settings of `paint` contradict one another.
    """

    def __init__(  # noqa: PLR0913 - this is where all of these meet
        self,
        share: Share,
        settings: Settings,
        journal: Journal,
        endings: Endings,
        inspector: Inspects,
        *,
        clock: Callable[[], float],
        make_id: Callable[[], str],
        lock: Callable[[int], None] = lambda _handle: None,
    ) -> None:
        self._share = share
        self._settings = settings
        self._journal = journal
        self._endings = endings
        self._inspector = inspector
        self._clock = clock
        self._make_id = make_id
        self._usual_recipe = make_recipe(settings.paint, {}).model_dump_json()
        self._readiness = Readiness(settings.watch, clock)
        self._note = InboxNote(share, settings.watch.settle_seconds, clock)
        self._returns = Returns(share, clock)
        self._workplace = Workplace(share.work, lock)
        self._numbers = count()
        self._asked: dict[str, Ready] = {}
        self._waiting: deque[Candidate] = deque()
        self._trouble: dict[Ready, _Trouble] = {}
        self._first_seen: dict[Path, float] = {}
        self._has_empty = False
        self._problem = ""
        self.styles: dict[Path, Stamp] = {}
        """The style pictures of the last look that could be made, with their stamps."""
        self._seen: scanner.Look | None = None
        self._pairer, self._turns = Pairer(), Turns()

    def use(self, settings: Settings) -> None:
        """Go by other settings from now on; what is queued already keeps its recipe.

        Raises:
            SettingsError: those of `paint` contradict one another; the old ones are kept.
        """
        self._usual_recipe = make_recipe(settings.paint, {}).model_dump_json()
        self._settings = settings
        self._readiness.settings = settings.watch
        self._note.settle_seconds = settings.watch.settle_seconds

    @property
    def problem(self) -> str:
        """Why the folders could not be looked at the last time; empty if they could."""
        return self._problem

    @property
    def failing(self) -> bool:
        """Whether the last look failed, or photos could not be taken or not be put back."""
        troubled = any(case.tries for case in self._trouble.values())
        return bool(self._problem or self._returns.pending or troubled)

    @property
    def restless(self) -> bool:
        """Whether something is on its way in, so that the next look should come soon."""
        return bool(
            self._readiness.restless
            or self._note.restless
            or self._asked
            or self._waiting
            or self._trouble
            or self._has_empty
            or self._may_return
        )

    def still_expects(self) -> bool:
        """Whether a run that ends when all is painted should wait: not for ever for anything."""
        if self._asked or self._waiting or self._note.restless:
            return True
        if self._problem:
            return False
        if self._may_return:
            return True
        troubled = {ready.candidate.content.path for ready in self._trouble}
        now, patience = self._clock(), self._longest_wait()
        young = (
            now - since < patience
            for path, since in self._first_seen.items()
            if path not in troubled
        )
        return any(young) or any(map(self._may_still_come, self._trouble.values()))

    def look(self) -> None:
        """Look at the folders once, and ask the inspector about what has become ready."""
        self._returns.retry()
        try:
            self._workplace.ensure()
            pairing = self._pair()
        except (OSError, AtelierError) as error:
            self._complain(str(error))
            self._waiting.clear()  # nothing can be taken: it need not be inspected either
            return
        self._complain("")
        settled = self._settled(pairing)
        self._forget(pairing)
        known = {ready.candidate.content.path for ready in (*self._asked.values(), *self._trouble)}
        self._waiting = self._turns.order(
            one for one in settled if one.content.path not in known or self._is_wanted(one)
        )
        self._ask()

    def answer(self, inspected: Inspected) -> None:
        """Take what the inspector could read; remember what it could not.

        Args:
            inspected: the answer to a question of ours.
        """
        ready = self._asked.pop(inspected.key, None)
        if ready is not None:
            if inspected.ok:
                self._take(ready, None)
            else:
                self._doubt(ready, inspected)
        self._ask()

    def keep(self, job_id: str, error: ClaimError) -> None:
        """Put a claim that no job knows of back into the inbox, at a look to come.

        Args:
            job_id: the claim's.
            error: what stood in the way until now.
        """
        self._returns.keep(job_id, error)

    def _pair(self) -> Pairing:
        styles = mirror_styles(self._share)
        self.styles = {path: stamp_of(path) for path in styles.values()}
        seen = self._seen = scanner.look(self._share.inbox, self._seen)
        pairing = self._pairer.pair(seen, styles, self._settings.paint.default_style)
        self._note.update(pairing.homeless, pairing.waiting, styles, seen.unreadable)
        return pairing

    def _settled(self, pairing: Pairing) -> list[Candidate]:
        settled = self._readiness.settled(pairing.candidates)
        # An empty file never settles; when its patience is over, the inspector says what is wrong.
        known = {candidate.content.path for candidate in settled}
        unsettled = [c for c in pairing.candidates if c.content.path not in known]
        empty = [candidate for candidate in unsettled if _has_empty(candidate)]
        self._has_empty = bool(empty)
        return settled + [candidate for candidate in empty if self._is_stale(candidate)]

    def _is_stale(self, candidate: Candidate) -> bool:
        watch = self._settings.watch
        enough = max(watch.patience_seconds, watch.settle_seconds)
        return self._readiness.unchanged_for(candidate) >= enough

    def _ready(self, candidate: Candidate) -> Ready:
        return Ready(candidate, self.styles.get(candidate.style))

    def _forget(self, pairing: Pairing) -> None:
        now = self._clock()
        paths = [candidate.content.path for candidate in pairing.candidates]
        self._first_seen = {path: self._first_seen.get(path, now) for path in paths}
        troubled = {ready.candidate.content.path for ready in self._trouble}
        here = {self._ready(c) for c in pairing.candidates if c.content.path in troubled}
        self._trouble = {ready: case for ready, case in self._trouble.items() if ready in here}

    def _is_wanted(self, candidate: Candidate) -> bool:
        ready = self._ready(candidate)
        return ready not in self._asked.values() and self._is_due(ready)

    def _is_due(self, ready: Ready) -> bool:
        case = self._trouble.get(ready)
        if case is None:
            return True
        if self._clock() < case.until:
            return False
        return case.verdict is None or self._is_out_of_patience(ready, case)

    def _is_out_of_patience(self, ready: Ready, case: _Trouble) -> bool:
        patience = self._settings.watch.patience_seconds
        if ready.style_stamp is not None and case.verdict and case.verdict.blame == "style":
            # The photo is old, its style may have come a moment ago.
            return self._clock() - case.since >= patience
        return self._readiness.unchanged_for(ready.candidate) >= patience

    def _ask(self) -> None:
        while self._waiting and len(self._asked) < _MOST_ASKED:
            candidate, key = self._waiting.popleft(), str(next(self._numbers))
            self._asked[key] = self._ready(candidate)
            self._turns.served(candidate.lane)
            self._inspector.submit(key, candidate.content.path, candidate.style)

    def _doubt(self, ready: Ready, verdict: Inspected) -> None:
        case = self._trouble.setdefault(ready, _Trouble(self._clock()))
        case.verdict = verdict
        if self._is_out_of_patience(ready, case):
            # Once more, since a copier may write without changing size and time until it is done.
            if case.last_chance:
                self._take(ready, verdict.message)
            case.last_chance = True

    def _take(self, ready: Ready, reason: str | None) -> None:
        """Claim and queue a candidate; with a reason, it fails at once."""
        candidate, job_id = ready.candidate, self._make_id()
        log = _log.bind(job=job_id, photo=printable(candidate.relative))
        try:
            claim = claims.take(candidate, self._share, job_id)
        except ClaimStuckError as error:
            self._returns.keep(job_id, error)
            self._delay(ready)
        except ClaimLostError as error:
            log.info("claim.lost", why=str(error))
        except (AtelierError, OSError) as error:
            self._hold(ready, error)
        else:
            self._queue(ready, claim, reason)

    def _queue(self, ready: Ready, claim: Claim, reason: str | None) -> None:
        try:
            try:
                recipe = self._recipe(claim)
            except OverridesError as error:
                recipe, reason = self._usual_recipe, str(error)
            job = _new_job(ready.candidate, claim, recipe)
            self._journal.add(job, reason)
        except (JournalError, OSError) as error:  # a disk or a share is away
            self._hold(ready, error)
            self._returns.put_back(claim.job_id)
            return
        self._trouble.pop(ready, None)
        self._first_seen.pop(ready.candidate.content.path, None)
        _log.info(
            "job.queued", job=job.id, photo=printable(job.relative), style=printable(job.style_name)
        )
        if reason is not None:
            self._endings.failed(self._journal.get(job.id), reason)

    def _recipe(self, claim: Claim) -> str:
        if claim.overrides is None:
            return self._usual_recipe
        try:
            overrides = read_overrides(read_bounded(claim.overrides, MAX_BYTES))
        except PictureUnreadableError as error:  # its words are about pictures
            raise OverridesError(_NO_TEXT) from error
        except PermissionError as error:  # no outage: it will not pass by itself
            raise OverridesError(_CLOSED.format(printable(claim.overrides.name))) from error
        return make_recipe(self._settings.paint, overrides).model_dump_json()

    def _hold(self, ready: Ready, error: Exception) -> None:
        pause, photo = self._delay(ready), printable(ready.candidate.relative)
        _log.warning("claim.failed", photo=photo, why=str(error), again_in_seconds=pause)

    def _delay(self, ready: Ready) -> float:
        case = self._trouble.setdefault(ready, _Trouble(self._clock()))
        case.tries += 1
        pause = backoff.pause(case.tries)
        case.until = self._clock() + pause
        return pause

    def _complain(self, problem: str) -> None:
        if problem and problem != self._problem:
            _log.error("scan.failed", why=problem)
        elif self._problem and not problem:
            _log.info("scan.works_again")
        self._problem = problem

    @property
    def _may_return(self) -> bool:
        return 0 < self._returns.tries < _TRIES_ONCE

    def _longest_wait(self) -> float:
        watch = self._settings.watch
        return (
            watch.patience_seconds + watch.settle_seconds + watch.settle_scans * quick_pace(watch)
        )

    def _may_still_come(self, case: _Trouble) -> bool:
        if case.tries:
            return case.tries < _TRIES_ONCE
        return self._clock() - case.since < self._longest_wait()


def quick_pace(watch: WatchSettings) -> float:
    """Seconds between two looks while something is on its way in."""
    return min(watch.poll_seconds, max(watch.settle_seconds / (watch.settle_scans - 1), _QUICKEST))


def _has_empty(candidate: Candidate) -> bool:
    return any(sighting.size == 0 for sighting in candidate.sightings)


def _new_job(candidate: Candidate, claim: Claim, recipe: str) -> NewJob:
    return NewJob(
        id=claim.job_id,
        lane=candidate.lane,
        style_name=candidate.style_name,
        relative=candidate.relative,
        content=claim.content,
        style=claim.style,
        overrides=claim.overrides,
        recipe=recipe,
    )
