"""The loop: one thread that reads one mailbox, and acts on what it finds there.

File events, the engine's events, the inspector's answers and signals come in as letters; the clock
is the time-out of the next one. Everything else is done by its own module: `intake` brings photos
in, `dispatch` has them painted, `endings` brings them out. Nothing of this is done by any other
thread, so nothing here needs a lock.
"""

from __future__ import annotations

import contextlib
from typing import Final

import structlog

from daemon import new_weights, publishing
from daemon.cancelling import Cancelling
from daemon.condition import Condition
from daemon.dispatch import Dispatcher
from daemon.endings import Endings
from daemon.errors import AtelierError, ExitCode, ShareAwayError
from daemon.inspector import Inspected
from daemon.intake import Intake
from daemon.jobs import JobState
from daemon.journal import Journal
from daemon.last_resort import LastResort
from daemon.mailbox import Letter, Mailbox, Reload, Stop, Wake
from daemon.names import printable
from daemon.notify import Notify
from daemon.pace import Pace
from daemon.page.making import page_of
from daemon.parts import Parts
from daemon.pruning import Pruning
from daemon.pulse import heeding
from daemon.recovery import recover
from daemon.reloading import Reread, changed, needs_another_runner
from daemon.reports import Reports
from daemon.runners.base import EngineReady, Event
from daemon.runners.exchange import Exchange
from daemon.setbacks import TRIES_ONCE, Setbacks
from daemon.settings import Settings
from daemon.share import Share
from daemon.style_telling import StyleTelling
from daemon.sweeps import Sweeps
from daemon.troubles import quick_pace
from daemon.watching import Watcher

# Of the 90 that systemd gives. An engine with nothing to do ends at once; one that paints ends, and
# saves, after the step that it is at, which takes long for a large picture.
_CLOSE_SECONDS: Final = 35.0
_log: Final = structlog.get_logger()


class Service:
    """Keeps one share.

    Args:
        share: made, and locked by this process.
        settings: all of them.
        journal: of the share, for writing; stays the caller's to close.
        parts: the rest.
        once: paint what is there, then end.
    """

    def __init__(
        self,
        share: Share,
        settings: Settings,
        journal: Journal,
        parts: Parts,
        *,
        once: bool = False,
    ) -> None:
        self._mail = Mailbox(parts.clock)
        self._share, self._settings, self._journal = share, settings, journal
        self._clock, self._once = parts.clock, once
        self._inspector, self._expect = parts.make_inspector(self._mail.put), parts.expect
        tick = heeding(self._is_stopping_meanwhile)
        self._endings = Endings(
            share, journal, parts.clock, parts.checkpoints, parts.expect, tick=tick
        )
        self._intake = Intake(
            share,
            settings,
            journal,
            self._endings,
            self._inspector,
            clock=parts.clock,
            make_id=parts.make_id,
            lock=parts.lock,
            tick=tick,
            faults=lambda: self._styles.faults,
        )
        self._styles = StyleTelling(share, settings, self._inspector, parts.clock, parts.sheet)
        self._engine = Exchange(parts.make_runner, self._mail.put, parts.clock)
        self._dispatcher = Dispatcher(
            share, settings, journal, self._endings, self._engine, clock=parts.clock
        )
        self._condition = Condition(
            journal, self._engine, self._dispatcher, self._endings, self._intake, clock=parts.clock
        )
        about = (self._condition, self._engine, self._intake, self._styles)
        self._page = page_of(share, settings.page, journal, parts, about)
        self._damage, self._metrics = parts.damage, parts.metrics
        self._notify, self._reread = parts.notify or Notify({}, parts.clock, 0), parts.reread
        self._reports = Reports(
            parts, self._notify, journal, self._condition, self._endings, self._page
        )
        self._cancelling = Cancelling(parts.requests, journal, self._endings, self._dispatcher)
        self._watcher = self._make_watcher()
        self._stopping: str | None = None
        self._is_to_reload, self._last_resort = False, LastResort()
        self._sweeps = Sweeps(share, parts.clock, self._is_stopping_meanwhile)
        self._pruning, self._pace = Pruning(journal, parts.clock), Pace(parts.clock)
        self._setbacks, self._queued = Setbacks(self._condition, parts.clock), 0
        self._importing = False

    def stop(self, why: str) -> None:
        """Ask the service to end soon; may be called from a signal handler or another thread.

        Args:
            why: for the log.
        """
        # At once, not when the letter is read: many others may lie before it.
        self._stopping = self._stopping or why
        self._mail.put(Stop())

    def reload(self) -> None:
        """Have the settings read again soon; may be called as `stop` may."""
        self._is_to_reload = True
        self._mail.put(Reload())

    def run(self) -> ExitCode:
        """Keep the share until `stop`, or with `once` until everything is painted.

        Returns:
            `OK`; with `once` also `FAILED` if a job failed or something was left undone, and
            `WEIGHTS` if there are no usable weights. It ends too when its journal is of no use any
            more (`Parts.damage`), so that whoever runs it goes on with another one.

        Raises:
            JournalError: with `once`, the journal cannot be used.
        """
        try:
            self._begin()
            while not self.is_stopping:
                self._act()
                if self._damage() or self._is_over():
                    break
                self._reports.tell(self._advances)
                self._page.keep()
                self._read_mail()
        finally:
            self._end()
        return self._exit_code()

    def _begin(self) -> None:
        # A large archive takes long to walk, and nobody reads the mail meanwhile.
        publishing.sweep_leftovers(self._share, self._is_stopping_meanwhile)
        self._watcher.start()
        self._importing = self._once and new_weights.wait_in(self._settings.engine.weights)
        self._dispatcher.start()

    def _put_in_order(self) -> None:
        attempts = self._settings.engine.max_attempts
        stop = self._is_stopping_meanwhile
        stuck = recover(self._share, self._journal, self._endings, attempts, stop)
        queued = self._journal.counts()[JobState.QUEUED]
        self._reports.doing = ""
        for job_id, error in stuck.items():
            self._intake.keep(job_id, error)
        _log.info(
            "service.started",
            share=printable(self._share.root),
            watching="poll" if self._watcher.polling else "events",
            why=self._watcher.reason,
            once=self._once,
            queued=queued,
        )

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has asked for the end."""
        return self._stopping is not None

    @property
    def settings(self) -> Settings:
        """Those in force: at first the ones that it was given, then those that were read again."""
        return self._settings

    @property
    def is_to_reload(self) -> bool:
        """Whether somebody has asked for that, and it did not come to it yet."""
        return self._is_to_reload

    def _is_stopping_meanwhile(self) -> bool:
        """For what takes long, and asks this at each step: that it goes on is told too."""
        self._reports.tell_meanwhile()
        return self.is_stopping

    def _make_watcher(self) -> Watcher:
        watched = (self._share.inbox, self._share.styles, *self._cancelling.folders)
        return Watcher(watched, self._settings.watch, self._mail.wake)

    def _act(self) -> None:
        """Do what is due now."""
        self._end_the_silent()
        now = self._clock()
        if now < self._setbacks.until:
            return
        try:
            self._expect_folders()
            # The journal's disk may not let us; nothing else is done before.
            if self._reports.doing:
                self._put_in_order()
            if now >= self._pace.due:
                self._look()
            self._cancelling.heed()
            self._endings.retry()
            self._engine.change()
            self._dispatcher.fill()
        except (AtelierError, OSError) as error:
            self._setbacks.met(error)
        else:
            if self._setbacks.are_over():
                self._endings.hurry()

    def _end_the_silent(self) -> None:
        """An engine that hangs is ended, where systemd does not look after that either."""
        silent = self._condition.silent
        if silent and not self._advances():  # which is logged
            for painting in silent:
                self._engine.give_up(painting)

    def _advances(self) -> bool:
        # What held up this thread for long is no silence of the engine: its news may lie unread.
        return not self._mail.is_empty or self._condition.advances()

    def _expect_folders(self) -> None:
        """See that no drive is away: nothing is touched then, nor believed of what was read."""
        try:
            self._expect()
        except AtelierError:
            self._intake.drop()
            self._styles.drop()
            raise

    def _look(self) -> None:
        self._watcher.check()
        self._sweeps.sweep_if_due()
        self._pruning.prune_if_due()
        began = self._clock()
        self._intake.look()
        if not self._intake.problem:
            self._styles.look(self._intake.styles_seen)
        if self._intake.restless:
            # A failed photo may have come back. Not at once: whoever drags photo and note together
            # would be told that the note is gone before it could be moved.
            self._sweeps.soon()
        self._pace.looked(began, self._rest())

    def _rest(self) -> float:
        watch = self._settings.watch
        if self._intake.restless or self._once:
            return quick_pace(watch)
        return watch.poll_seconds if self._watcher.polling else watch.scan_seconds

    def _read_mail(self) -> None:
        told = (self._notify.due, self._page.due)
        due = (self._pace.due, self._endings.due, self._dispatcher.due, *told)
        until = max(min(time for time in due if time is not None), self._setbacks.until)
        for letter in self._mail.read(until):
            self._open(letter)
            if self.is_stopping:
                return

    def _open(self, letter: Letter) -> None:
        try:
            if isinstance(letter, Wake):
                self._pace.hurry(quick_pace(self._settings.watch))
            elif isinstance(letter, Inspected):
                self._answered(letter)
            elif isinstance(letter, Reload):
                self._reload()
            elif not isinstance(letter, Stop):
                self._hear(letter)
        except (AtelierError, OSError) as error:
            self._setbacks.met(error)

    def _answered(self, answer: Inspected) -> None:
        with contextlib.suppress(ShareAwayError):  # told at the next turn, once for all of them
            self._expect_folders()
            if not self._styles.answer(answer):
                self._intake.answer(answer)

    def _hear(self, event: Event) -> None:
        self._importing = self._importing and not isinstance(event, EngineReady)
        self._engine.heard(event)
        self._page.heard(event)
        self._metrics.heard(event)
        if self._engine.is_ready or (self._engine.unavailable and self._settings.paints_elsewhere):
            self._notify.ready()
        self._dispatcher.handle(event)

    def _reload(self) -> None:
        self._is_to_reload = False  # before they are read: what is asked for from now on is news
        if self._reread is None:
            return
        self._notify.reloading()
        try:
            with self._last_resort.over("the settings"):
                self._use(self._reread(self._settings))
        except (AtelierError, OSError) as error:
            self._condition.remark = f"the old settings are kept: {error}"
            _log.error("settings.refused", why=str(error))
        self._notify.reloaded()

    def _use(self, read: Reread) -> None:
        before, settings = self._settings, read.settings
        try:
            self._go_by(settings)
            if before.watch.mode != settings.watch.mode:
                watcher, self._watcher = self._watcher, self._make_watcher()
                watcher.stop()
                self._watcher.start()
        except Exception:
            self._settings = before  # whatever comes now, the next reading sees the difference
            self._go_by(before)
            raise
        if needs_another_runner(before, settings):
            self._engine.replace(read.make_runner)
        self._pace.look_now()
        self._condition.remark = read.remark
        _log.info("settings.read", changed=changed(before, settings), remark=read.remark)

    def _go_by(self, settings: Settings) -> None:
        self._intake.use(settings)  # the first, since it may refuse them
        self._settings = settings
        self._dispatcher.use(settings)
        self._page.use(settings.page)
        self._metrics.use(settings.metrics.file)
        self._inspector.use(settings.watch)
        self._styles.use(settings)

    def _is_over(self) -> bool:
        given_up = self._setbacks.number >= TRIES_ONCE or self._dispatcher.unavailable is not None
        return self._once and (given_up or not self._is_expecting())

    def _is_expecting(self) -> bool:
        """Whether something is there that will still be painted, or fail."""
        if not self._pace.has_looked or self._importing or self._intake.still_expects():
            return True
        # What cannot be brought to its end is given up last: it may hold up nobody else.
        return self._dispatcher.expecting or 0 < self._endings.tries < TRIES_ONCE

    def _end(self) -> None:
        damage = "" if self._stopping else self._damage()
        why = damage and f"the journal is of no use any more: {damage}"
        _log.info("service.stopping", why=self._stopping or why or "nothing is left to do")
        if not damage:  # else another one goes on in a moment, and systemd would end that
            self._notify.stopping()
        self._watcher.stop()
        self._inspector.close()
        self._styles.close()
        self._dispatcher.close(_CLOSE_SECONDS)
        # What was finished in the last moment is not thrown away; photos stay in the inbox.
        for letter in self._mail.rest():
            if not isinstance(letter, (Wake, Stop, Reload, Inspected)):
                self._open(letter)
        try:
            self._dispatcher.give_back()  # before what may take longer than is left
        except AtelierError as error:
            _log.error("job.stuck", why=str(error))
        self._endings.give_back()
        self._reports.end()
        try:
            counts = {state.value: number for state, number in self._journal.counts().items()}
        except AtelierError as error:  # the next start puts it in order
            _log.error("service.stopped", why=str(error))
        else:
            self._queued = counts[JobState.QUEUED.value]
            _log.info("service.stopped", **counts)
        if not damage:
            self._page.end()

    def _exit_code(self) -> ExitCode:
        if not self._once:
            return ExitCode.OK
        unavailable = self._dispatcher.unavailable
        if unavailable is not None:
            return ExitCode.WEIGHTS if unavailable.blame == "weights" else ExitCode.FAILED
        left = (
            self._stopping is not None
            or self._setbacks.number
            or self._endings.pending
            or self._queued
        )
        failed = self._intake.failing or self._endings.failures
        return ExitCode.FAILED if left or failed else ExitCode.OK
