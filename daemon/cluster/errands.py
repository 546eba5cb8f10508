"""The jobs that a cluster has been given, from the order to the end: each ends exactly once.

An errand is one attempt at one job. Whatever comes for one that is over, from a painter that did
not know yet, is nobody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from daemon.cluster.roster import Seat
from daemon.runners.base import Cancelled, Deliver, End, Failed, Painted
from daemon.runners.losses import Losses
from daemon.runners.request import PaintRequest

if TYPE_CHECKING:
    from distributed import Future


@dataclass(eq=False)
class Errand:
    """One attempt at one job.

    Attributes:
        request: what is to be painted.
        run: of its order; unique.
        seat: the painter that it was sent to; None before.
        follower: sees it through, from then on.
        future: its task, once it has gone out.
        misses: painters that were lost in a row before they had said that they begin with it.
        has_begun: whether that painter has said something of it.
        has_come_back: whether its painter has said how it ended.
        is_unwanted: whether it was given up, and ends soon.
        fetching: whether what was saved of it is being fetched.
        saved_anew: whether it was saved once more meanwhile.
        is_too_large: whether what was saved of it is more than may go through the network.
        is_kept: whether its painter has given back what there is of it: nothing older counts.
        is_late: whether its end is awaited that came before its painter left.
        writing: held while what was saved of it is being written.
        is_done: whether it has ended for good, so that nothing saved of it is needed any more.
    """

    request: PaintRequest
    run: str
    seat: Seat | None = None
    follower: asyncio.Task[None] | None = field(default=None, repr=False)
    future: Future[Any] | None = field(default=None, repr=False)
    misses: int = 0
    has_begun: bool = False
    has_come_back: bool = False
    is_unwanted: bool = False
    fetching: bool = False
    saved_anew: bool = False
    is_too_large: bool = False
    is_kept: bool = False
    is_late: bool = False
    writing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    is_done: bool = False

    @property
    def job_id(self) -> str:
        """The request's."""
        return self.request.job_id


class Errands:
    """All of them; only for the thread that has the loop.

    Args:
        deliver: takes the events.
        make_run: gives a new id for each.
    """

    def __init__(self, deliver: Deliver, make_run: Callable[[], str]) -> None:
        self._deliver: Final = deliver
        self._make_run: Final = make_run
        self._by_job: Final[dict[str, Errand]] = {}
        self._losses: Final = Losses()

    @property
    def all(self) -> list[Errand]:
        """Those that are not over, the oldest first."""
        return list(self._by_job.values())

    def at(self, seat: Seat) -> list[Errand]:
        """Those that a painter has, or is to have."""
        return [one for one in self._by_job.values() if one.seat is seat]

    def next(self) -> Errand | None:
        """The oldest that has not gone out."""
        return next((one for one in self._by_job.values() if one.seat is None), None)

    def lost_at(self, job_id: str) -> frozenset[str]:
        """Names of the painters where a job was lost."""
        return self._losses.of(job_id)

    def add(self, request: PaintRequest) -> None:
        """Take a job."""
        self._by_job[request.job_id] = Errand(request, self._make_run())

    def of_job(self, job_id: str) -> Errand | None:
        """The one for a job, if there is any."""
        return self._by_job.get(job_id)

    def of_run(self, run: str) -> Errand | None:
        """The one that goes by this id, if it is not over."""
        return next((one for one in self._by_job.values() if one.run == run), None)

    def is_on(self, errand: Errand) -> bool:
        """Whether it is not over."""
        return self._by_job.get(errand.job_id) is errand

    def end(self, errand: Errand, event: End) -> None:
        """It is over, if it was not; whoever wants its task taken back does that.

        What was given up and is lost then has ended as it was meant to.
        """
        if not self.is_on(errand):
            return
        del self._by_job[errand.job_id]
        is_lost = isinstance(event, Failed) and event.blame == "lost"
        if is_lost and errand.seat is not None:
            self._losses.add(errand.job_id, errand.seat.name)
        errand.is_done = isinstance(event, Painted) or (isinstance(event, Failed) and not is_lost)
        if errand.is_done:
            self._losses.forget(errand.job_id)
        self._deliver(Cancelled(errand.job_id) if is_lost and errand.is_unwanted else event)

    def lose(self, errand: Errand, message: str) -> None:
        """Whoever painted it is lost: an attempt that counts."""
        self.end(errand, Failed(errand.job_id, "lost", message))

    def give_back(self, errand: Errand) -> None:
        """End it as if it had never been begun."""
        self.end(errand, Cancelled(errand.job_id))

    def give_all_back(self) -> None:
        """End all of them so."""
        for errand in self.all:
            self.give_back(errand)

    def renew(self, errand: Errand, *, misses: int = 0) -> None:
        """Let another painter have it, before anybody has begun: the attempt is another one.

        One that was given up ends instead.
        """
        if errand.is_unwanted:
            self.give_back(errand)
        elif self.is_on(errand):
            anew = Errand(errand.request, self._make_run(), misses=misses)
            self._by_job[errand.job_id] = anew
