"""The way into the house: what is found in the inbox, once it is ready, is taken and queued.

One look after the other decides; between two looks a candidate waits for the inspector's answer.
Whatever goes wrong with one file is said once, tried again later, and holds up nobody else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from daemon import backoff, claims, scanner
from daemon.claims import Claim
from daemon.endings import Endings
from daemon.errors import (
    AtelierError,
    ClaimLostError,
    ClaimStuckError,
    FaultError,
    JournalError,
    OverridesError,
    StoppedError,
)
from daemon.faulty_folders import FaultyFolders
from daemon.inbox_note import Asked, InboxNote
from daemon.inspector import Inspected, Inspects
from daemon.job_files import A_SECOND, JobFiles
from daemon.jobs import new_job
from daemon.journal import Journal
from daemon.last_resort import LastResort
from daemon.names import printable
from daemon.overrides import make_recipe
from daemon.pairing import Candidate, Pairer, Pairing
from daemon.pulse import Tick, unheard
from daemon.readiness import Readiness
from daemon.ready import Ready, Stamp, Turns, stamp_of
from daemon.settings import Settings
from daemon.share import Share
from daemon.staying import Staying, copy_in, is_copy, stays_of
from daemon.styles import StylesSeen, mirror_styles
from daemon.telling import tell_of_job
from daemon.troubles import TRIES_ONCE, Troubles, longest_wait
from daemon.wishes import recipe_of
from daemon.workplace import Workplace

_MOST_ASKED: Final = 4  # enough to keep the inspector busy while we take what it has answered
_log: Final = structlog.get_logger()


class Intake:
    """Finds photos in the inbox and turns them into queued jobs.

    Args:
        share: the share.
        settings: all of them.
        journal: where the jobs go.
        endings: who takes the jobs that fail before they begin, and puts claims back.
        inspector: who reads pictures; its answers come back through `answer`.
        clock: monotonic seconds.
        make_id: a new job id at each call.
        lock: as `Workplace` wants it.
        tick: called while something is copied or compared.
        faults: the style pictures that cannot be read, as far as is known.

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
        tick: Tick = unheard,
        faults: Callable[[], Container[Path]] = tuple,
    ) -> None:
        self._share = share
        self._faults = faults
        self._settings = settings
        self._journal = journal
        self._endings = endings
        self._inspector = inspector
        self._clock, self._tick = clock, tick
        self._make_id = make_id
        self._usual_recipe = make_recipe(settings.paint, {}).model_dump_json()
        self._readiness = Readiness(settings.watch, clock)
        self._note = InboxNote(share, settings.watch.settle_seconds, clock)
        self._returns = endings.returns
        self._staying = Staying(
            share, journal, self._returns, make_id=make_id, clock=clock, tick=tick
        )
        self._workplace = Workplace(share.work, lock)
        self._numbers = count()
        self._asked: dict[str, Ready] = {}
        self._waiting: deque[Candidate] = deque()
        self._troubles = Troubles(settings.watch, self._readiness, clock)
        self._looks, self._looked_at = 0, 0.0
        self._first_seen: dict[Path, tuple[float, int]] = {}  # when, and at which look
        self._has_empty = self._could_look = False
        self._problem, self._last_resort = "", LastResort()
        self._rests, self._rests_until = 0, 0.0
        self.styles: dict[Path, Stamp] = {}
        """The style pictures of the last look that could be made, with their stamps."""
        self.regions: dict[Path, Path] = {}
        """The pictures that mark regions of them, likewise, by the style's picture."""
        self.styles_seen = StylesSeen({}, {})
        """What lay in the styles folder, likewise."""
        self._seen: scanner.Look | None = None
        self._faulty, self._unpaired = FaultyFolders(clock), FaultyFolders(clock)
        job_files = JobFiles(share.inbox, A_SECOND, clock)
        self._pairer, self._turns = Pairer(self._unpaired.over, job_files), Turns()

    def use(self, settings: Settings) -> None:
        """Go by other settings from now on; what is queued already keeps its recipe.

        Raises:
            SettingsError: those of `paint` contradict one another; the old ones are kept.
        """
        self._usual_recipe = make_recipe(settings.paint, {}).model_dump_json()
        self._settings = settings
        self._readiness.settings = self._troubles.settings = settings.watch
        self._note.settle_seconds = settings.watch.settle_seconds

    @property
    def problem(self) -> str:
        """Why the folders could not be looked at the last time; empty if they could."""
        return self._problem

    @property
    def why(self) -> str:
        """Why a photo cannot be put back, or else why one cannot be taken; empty if each can."""
        why = self._returns.why or self._troubles.why
        return why or self._faulty.why or self._unpaired.why

    @property
    def asked(self) -> Asked:
        """What people are asked for in the inbox, as of the last look."""
        return self._note.asked

    @property
    def staying(self) -> int:
        """How many photos that were taken as copies cannot be moved out of the inbox yet."""
        return len(self._staying)

    @property
    def failing(self) -> bool:
        """Whether the last look failed, or photos could not be taken or not be put back."""
        rests = self._faulty or self._unpaired
        return bool(self._problem or rests or self._returns.pending or self._troubles.taking_fails)

    @property
    def restless(self) -> bool:
        """Whether something is on its way in, so that the next look should come soon."""
        return bool(
            self._readiness.restless
            or self._note.restless
            or self._asked
            or self._waiting
            or self._troubles
            or self._has_empty
            or self._staying.restless
            or self._may_return
        )

    def still_expects(self) -> bool:
        """Whether a run that ends when all is painted should wait: not for ever for anything."""
        if self._asked or self._waiting or self._returns.is_news:
            return True
        # Each look says these anew; as long as none can be made they say nothing.
        if self._could_look and (self._note.restless or self._staying.in_doubt):
            return True
        if self._problem and not 0 < self._rests < TRIES_ONCE:
            return False
        if self._may_return:
            return True
        troubled = self._troubles.photos
        fresh = (seen for path, seen in self._first_seen.items() if path not in troubled)
        return any(self._is_young(*seen) for seen in fresh) or self._troubles.may_pass

    def look(self) -> None:
        """Look at the folders once, and ask the inspector about what has become ready.

        Raises:
            ShareError: a folder is not the one that it was.
        """
        self._returns.retry()
        self._returns.is_news = self._could_look = False
        try:
            with self._last_resort.over("the folders"):
                self._workplace.ensure()
                wanted = self._wanted(self._pair())
                if wanted:
                    self._workplace.try_out()
        except (OSError, AtelierError) as error:
            self._complain(str(error))
            self._waiting.clear()  # nothing can be taken: it need not be inspected either
            return
        self._could_look = True
        self._waiting = deque() if self._is_resting() else self._turns.order(wanted)
        if not self._rests:
            self._complain("")
        self._ask()

    def answer(self, inspected: Inspected) -> None:
        """Take what the inspector could read; remember what it could not.

        Args:
            inspected: the answer to a question of ours.
        """
        ready = self._asked.pop(inspected.key, None)
        if ready is not None:
            if self._is_resting():
                pass  # it is asked again
            elif self._troubles.waits_for_gaps(ready, inspected.gaps):
                pass  # likewise, later
            elif inspected.ok:
                self._take(ready, ready.candidate.fault or None)
            elif self._troubles.is_hopeless(ready, inspected):
                self._take(ready, inspected.message)
        self._ask()

    def drop(self) -> None:
        """Ask no more, and take nothing of what was asked: a look to come asks again."""
        self._waiting.clear()
        self._asked.clear()

    def keep(self, job_id: str, error: AtelierError) -> None:
        """Put a claim that no job knows of back into the inbox, at a look to come.

        Args:
            job_id: the claim's.
            error: what stood in the way until now.
        """
        self._returns.keep(job_id, error)

    def _pair(self) -> Pairing:
        self.styles_seen = mirror_styles(self._share)
        styles, self.regions = self.styles_seen.styles, self.styles_seen.beside
        self.styles = {path: stamp_of(path, self.regions.get(path)) for path in styles.values()}
        seen = self._seen = scanner.look(self._share.inbox, self._seen, self._faulty.over)
        for faulty in (self._faulty, self._unpaired):
            faulty.forget_all_but({seen.root, *seen.folders})
        closed = [path for path in seen.unreadable if path not in self._faulty]
        pairing = self._pairer.pair(seen, styles, self._settings.paint.default_style)
        self._staying.update(seen, pairing.candidates)
        stays, faults = self._staying.photos, self._faults()
        usable = [name for name, picture in styles.items() if picture not in faults]
        halves, unread = pairing.waiting, pairing.unread
        alone, beside = pairing.homeless, pairing.lonely
        self._note.update(alone, halves, usable, closed, stays, beside, unread, styles)
        if not self._staying:
            return pairing
        fresh = (each for each in pairing.candidates if not self._staying.knows(each))
        return replace(pairing, candidates=tuple(fresh))

    def _wanted(self, pairing: Pairing) -> list[Candidate]:
        settled = self._settled(pairing)
        self._forget(pairing)
        # What was asked of a photo before its mask came beside it is an answer about another one.
        here = {one.content.path: one for one in pairing.candidates} if self._asked else {}
        self._asked = {key: one for key, one in self._asked.items() if one.is_still_in(here)}
        asked = {ready.candidate.content.path for ready in self._asked.values()}
        known = asked | self._troubles.photos
        return [one for one in settled if one.content.path not in known or self._is_wanted(one)]

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
        return Ready(candidate, tuple(map(self.styles.get, candidate.style_files)))

    def _is_young(self, since: float, look: int) -> bool:
        # By looks too: where one takes long, the next may come when all patience is over.
        watch, looks = self._settings.watch, self._looks - look + 1
        return looks < watch.settle_scans or self._looked_at - since < longest_wait(watch)

    def _forget(self, pairing: Pairing) -> None:
        self._looks += 1
        self._looked_at = self._clock()
        new = self._looked_at, self._looks
        paths = [candidate.content.path for candidate in pairing.candidates]
        self._first_seen = {path: self._first_seen.get(path, new) for path in paths}
        troubled = self._troubles.photos
        here = (one for one in pairing.candidates if one.content.path in troubled)
        self._troubles.forget_all_but(map(self._ready, here), self.styles)

    def _is_wanted(self, candidate: Candidate) -> bool:
        ready = self._ready(candidate)
        return ready not in self._asked.values() and self._troubles.is_due(ready)

    def _ask(self) -> None:
        while self._waiting and len(self._asked) < _MOST_ASKED:
            candidate, key = self._waiting.popleft(), str(next(self._numbers))
            ready = self._asked[key] = self._ready(candidate)
            styles, beside = ready.styles(self.regions), ready.beside
            self._inspector.submit(key, candidate.content.path, *styles, beside=beside)
            self._turns.served(candidate.lane)

    def _take(self, ready: Ready, reason: str | None) -> None:
        """Claim and queue a candidate; with a reason, it fails at once."""
        candidate, job_id = ready.candidate, self._make_id()
        log = _log.bind(job=job_id, photo=printable(candidate.relative))
        try:
            with self._last_resort.over(candidate.relative):
                claim = self._claim(ready, job_id)
        except (ClaimStuckError, FaultError) as error:
            self._returns.keep(job_id, error)
            self._troubles.delay(ready, error)
        except StoppedError:
            pass  # the next start takes it
        except ClaimLostError as error:
            log.info("claim.lost", why=str(error))
        except (AtelierError, OSError) as error:
            self._troubles.hold(ready, error)
            if isinstance(error, OSError):  # of no memory, say: half of it may lie in the claim
                self._returns.put_back(job_id)
        else:
            self._queue(ready, claim, reason)

    def _claim(self, ready: Ready, job_id: str) -> Claim:
        copies = self._troubles.is_held(ready)
        bring = partial(copy_in, tick=self._tick) if copies else None
        return claims.take(ready.candidate, self._share, job_id, bring, self._tick)

    def _queue(self, ready: Ready, claim: Claim, reason: str | None) -> None:
        try:
            try:
                with self._last_resort.over(ready.candidate.relative):
                    paint, asked = self._settings.paint, ready.candidate.wishes
                    recipe = recipe_of(claim, paint, self._usual_recipe, asked)
            except (OverridesError, FaultError) as error:
                recipe, reason = self._usual_recipe, str(error)
            stays = stays_of(ready.candidate, self._share.inbox) if is_copy(claim) else ()
            job = new_job(ready.candidate, claim, recipe, stays)
            queued = self._journal.add(job, reason)
            if job.stays:  # at once: whatever goes wrong from here on, it must not be taken again
                self._staying.add(job)
        except (JournalError, OSError) as error:  # a disk or a share is away
            self._troubles.hold(ready, error)
            self._returns.put_back(claim.job_id)
            if isinstance(error, JournalError):  # so it goes with all of them
                self._rest(error)
            return
        self._rests = 0
        self._troubles.forget(ready)
        self._first_seen.pop(ready.candidate.content.path, None)
        tell_of_job("job.queued", job)
        if reason is not None:
            self._endings.failed(queued, reason)

    def _rest(self, error: Exception) -> None:
        """Take nothing for a while: what stands in the way has to do with no single photo."""
        self._rests += 1
        self._rests_until = self._clock() + backoff.pause(self._rests)
        self._waiting.clear()
        self._complain(str(error))

    def _is_resting(self) -> bool:
        return self._rests > 0 and self._clock() < self._rests_until

    def _complain(self, problem: str) -> None:
        if problem and problem != self._problem:
            _log.error("scan.failed", why=problem)
        elif self._problem and not problem:
            _log.info("scan.works_again")
        self._problem = problem

    @property
    def _may_return(self) -> bool:
        return 0 < self._returns.tries < TRIES_ONCE


def _has_empty(candidate: Candidate) -> bool:
    return any(sighting.size == 0 for sighting in candidate.sightings)
