"""Several engines on this machine, each a runner of its own, which paint side by side.

A picture goes to an engine that is free; one that was lost goes to another one, if that is free
too, so that a photo that kills engines does not bring down one of them alone. An engine that cannot
be started, or dies again and again whatever it paints, is set aside, and the others go on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

import structlog

from daemon import threads
from daemon.runners.base import (
    Cancelled,
    Deliver,
    End,
    EngineAside,
    EngineGone,
    EngineLost,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    Painted,
    Runner,
    Started,
)
from daemon.runners.losses import Losses
from daemon.runners.places import Place
from daemon.runners.request import PaintRequest

Make = Callable[[Place, Deliver], Runner]
"""Makes the runner of one place, given where to deliver its events."""

MOST_DEATHS: Final = 3
"""In a row, without a picture in between: then an engine is set aside."""

_LEAST_PHOTOS: Final = 2  # over which it died; one photo alone may be to blame itself
_DIES: Final = (
    "It died {} times in a row, and is given no more photos. Run `atelierd doctor` to see why, and "
    "start the service again once that is mended."
)
_NO_PLACES: Final = (
    "The program could not find out where to paint ({}). It tries again in a while; if that goes "
    "on, show the log to whoever looks after it."
)
_CLOSE_SECONDS: Final = 5.0
_log: Final = structlog.get_logger()


@dataclass(eq=False)
class _Member:
    """One of the engines.

    Attributes:
        place: where it paints.
        runner: keeps its process.
        state: `new` before it is started.
        request: what it paints; None if it is free.
        has_begun: whether it has said so.
        returned: jobs that it was given and never began with; their ends here are nobody's.
        why: it is set aside.
        blame: what is at fault then.
        is_told: whether people were told that it is set aside.
        deaths: of it in a row, by the photo that it had; empty for none.
        is_closed: whether its runner is, since it was set aside for its deaths.
    """

    place: Place
    runner: Runner
    state: Literal["new", "loading", "ready", "aside"] = "new"
    request: PaintRequest | None = None
    has_begun: bool = False
    returned: set[str] = field(default_factory=set)
    why: str = ""
    blame: Literal["weights", "engine"] = "engine"
    is_told: bool = False
    deaths: list[str] = field(default_factory=list)
    is_closed: bool = False

    @property
    def job_id(self) -> str:
        """Of what it paints; empty if it is free."""
        return "" if self.request is None else self.request.job_id

    @property
    def photo_id(self) -> str:
        """Of what it paints, whichever attempt that is; empty if it is free."""
        return "" if self.request is None else self.request.photo_id

    @property
    def dies(self) -> bool:
        """Whether it dies again and again, and no one photo may be to blame."""
        idle = "" in self.deaths
        return len(self.deaths) >= MOST_DEATHS and (idle or len(set(self.deaths)) >= _LEAST_PHOTOS)


class Pool:
    """A runner; see `daemon.runners.base.Runner`.

    Args:
        find_places: says where engines are to paint, at least one; asked in a thread of its own,
            since a card's driver may be long in answering.
        make: makes the runner of each.
        deliver: takes the events, from the threads of these runners.
    """

    def __init__(
        self, find_places: Callable[[], Sequence[Place]], make: Make, deliver: Deliver
    ) -> None:
        self._find_places: Final = find_places
        self._make: Final = make
        self._deliver_to: Final = deliver
        # Events are delivered under it, so that they come in the order of what they tell.
        self._lock: Final = threading.RLock()
        self._members: list[_Member] = []
        self._unclosed: Final[list[Runner]] = []  # for want of a thread, of those set aside
        self._waiting: deque[PaintRequest] = deque()
        self._losses = Losses()
        self._is_finding = self._closed = self._is_silent = False

    @property
    def capacity(self) -> int:
        """As many as there are engines that have loaded."""
        return self._ready()

    def start(self) -> None:
        """Begin to load the engines, or once more those that were set aside; returns at once.

        Raises:
            OSError: no thread can be started just now.
        """
        with self._lock:
            if self._closed or self._is_finding:
                return
            if self._members:
                self._start_members()
                return
            self._is_finding = True
        try:
            threads.start(threading.Thread(target=self._find, name="engine-places", daemon=True))
        except OSError:
            self._is_finding = False
            raise

    def submit(self, request: PaintRequest) -> None:
        """Hand over one job; returns at once.

        Raises:
            RuntimeError: the runner is closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the runner is closed")
            self._waiting.append(request)
            self._hand_out()

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        """Give a job up; `Cancelled` follows when the step that is being computed is done.

        Args:
            job_id: which.
            keep: what is painted of it is saved first.

        Raises:
            RuntimeError: the runner is closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the runner is closed")
            if member := self._painting(job_id):
                member.runner.cancel(job_id, keep=keep)
                return
            for request in [one for one in self._waiting if one.job_id == job_id]:
                self._waiting.remove(request)
                self._deliver(Cancelled(job_id))

    def kill(self, job_id: str) -> None:
        """End the engine that has a job; a job that no engine has begun with is given up."""
        with self._lock:
            member = self._painting(job_id)
            if not self._closed and (member is None or not member.has_begun):
                self.cancel(job_id)
                return
        if member is not None:
            member.runner.kill(job_id)

    def close(self, timeout: float) -> None:
        """Cancel all jobs and end all engines, by force after `timeout` seconds.

        No event is delivered after this returns. Not to be called from within `deliver`.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            waiting, self._waiting = list(self._waiting), deque()
            for request in waiting:
                self._deliver(Cancelled(request.job_id))
            runners = [*(member.runner for member in self._members), *self._unclosed]
        _all_at_once([partial(runner.close, timeout) for runner in runners])
        with self._lock:
            self._is_silent = True

    # In a thread of its own.

    def _find(self) -> None:
        try:
            self._settle(self._find_places())
        except Exception as error:  # noqa: BLE001 - without it nothing is ever painted
            _log.error("engine.no_places", exc_info=error)
            message = _NO_PLACES.format(type(error).__name__)
            with self._lock:
                self._is_finding = False
                self._deliver(EngineUnavailable("engine", message))

    def _settle(self, found: Sequence[Place]) -> None:
        with self._lock:
            if not self._closed:
                self._members = [self._member(place) for place in found]
                self._start_members()
            self._is_finding = False

    # Under the lock.

    def _member(self, place: Place) -> _Member:
        def hear(event: Event) -> None:
            with self._lock:
                if not member.is_closed:  # else these are its last words
                    self._hear(member, event)

        member = _Member(place, self._make(place, hear))
        return member

    def _start_members(self) -> None:
        # The runner of one that was set aside for its deaths is closed: another takes its place.
        self._members = [self._member(one.place) if one.is_closed else one for one in self._members]
        for member in self._members:
            if member.state in {"new", "aside"}:
                self._start(member)
        self._tell_of_aside()

    def _start(self, member: _Member) -> None:
        member.state, member.is_told = "loading", False
        try:
            member.runner.start()
        except OSError as error:
            member.state, member.why = "aside", f"It could not be started ({error.strerror})."

    def _ready(self) -> int:
        return sum(member.state == "ready" for member in self._members)

    def _painting(self, job_id: str) -> _Member | None:
        return next((one for one in self._members if one.job_id == job_id), None)

    def _deliver(self, event: Event) -> None:
        if not self._is_silent:
            self._deliver_to(event)

    def _hand_out(self) -> None:
        while self._waiting and (free := self._free()) and not self._closed:
            request = self._waiting.popleft()
            lost_at = self._losses.of(request.photo_id)
            member = next((one for one in free if one.place.name not in lost_at), free[0])
            member.request, member.has_begun = request, False
            member.runner.submit(request)

    def _free(self) -> list[_Member]:
        return [one for one in self._members if one.state == "ready" and not one.job_id]

    def _hear(self, member: _Member, event: Event) -> None:
        name = member.place.name
        if isinstance(event, EngineReady):
            member.state = "ready"
            self._deliver(replace(event, engine=name))
        elif isinstance(event, EngineLost):
            if member.state == "ready":  # its runner counts those before, and knows more of them
                member.deaths.append(member.photo_id)
            member.state = "loading"
            self._deliver(replace(event, engine=name, others=self._ready()))
            if not member.has_begun:
                self._take_back(member)
        elif isinstance(event, (EngineAside, EngineGone)):
            raise TypeError(f"one engine alone does not say {type(event).__name__}")
        elif isinstance(event, EngineUnavailable):
            member.state, member.why, member.blame = "aside", event.message, event.blame
            self._take_back(member)
        elif event.job_id in member.returned:
            member.returned -= {event.job_id} if isinstance(event, End) else set()
        elif isinstance(event, End):
            self._ended(member, event)
        else:
            member.has_begun = member.has_begun or isinstance(event, Started)
            self._deliver(replace(event, engine=name) if isinstance(event, Started) else event)
        self._put_aside_if_it_dies(member)
        self._tell_of_aside()
        self._hand_out()

    def _take_back(self, member: _Member) -> None:
        """What it was given in the moment of its death, and has not begun with, others paint."""
        if member.request is not None and not self._closed:
            request, member.request = member.request, None
            member.returned.add(request.job_id)
            self._waiting.appendleft(request)
            with suppress(RuntimeError):  # it is being closed, and gives up all
                member.runner.cancel(request.job_id)

    def _ended(self, member: _Member, event: End) -> None:
        photo, member.request = member.photo_id, None
        if isinstance(event, Painted):
            member.deaths.clear()
        if isinstance(event, Failed) and event.blame == "lost":
            self._losses.add(photo, member.place.name)
        else:
            self._losses.forget(photo)
        self._deliver(event)

    def _put_aside_if_it_dies(self, member: _Member) -> None:
        """The last one is never: it is started again and again, with pauses."""
        others = [one for one in self._members if one is not member and one.state != "aside"]
        if not member.dies or not others or member.job_id or member.state != "loading":
            return
        member.state, member.why = "aside", _DIES.format(len(member.deaths))
        member.is_closed = member.is_told = True
        self._deliver(EngineAside(member.place.name, member.why))
        closing = partial(member.runner.close, _CLOSE_SECONDS)
        try:
            threads.start(threading.Thread(target=closing, name="engine-aside", daemon=True))
        except OSError:
            self._unclosed.append(member.runner)

    def _tell_of_aside(self) -> None:
        """As soon as others go on; or, if none is left, once for all of them."""
        untold = [one for one in self._members if one.state == "aside" and not one.is_told]
        loading = any(member.state in {"new", "loading"} for member in self._members)
        if not untold or (loading and not self._ready()):
            return
        for member in untold:
            member.is_told = True
        if self._ready():
            for member in untold:
                self._deliver(EngineAside(member.place.name, member.why))
        else:
            gravest = next((one for one in untold if one.blame == "weights"), untold[-1])
            self._deliver(EngineUnavailable(gravest.blame, gravest.why))


def _all_at_once(works: Sequence[Callable[[], None]]) -> None:
    """Do several things in threads of their own; in this one where there are none left."""
    running = []
    for work in works:
        thread = threading.Thread(target=work, name="engine-end", daemon=True)
        try:
            threads.start(thread)
        except OSError:
            work()
        else:
            running.append(thread)
    for thread in running:
        thread.join()
