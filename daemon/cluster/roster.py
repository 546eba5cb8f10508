"""Which painters are there, which of them may have photos, and what is said of their comings.

A worker of the cluster that has no `PAINTER` resource is somebody else's, and is left alone. One
that has is asked what it is (`Credentials`) when it joins, until its engines have loaded; and once
more whenever it says that engines of it have come or gone.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from daemon.cluster.messages import RESOURCE, Credentials
from daemon.runners.base import (
    Deliver,
    EngineAside,
    EngineGone,
    EngineLost,
    EngineReady,
    EngineUnavailable,
)
from engine import DeviceReport

_MOST_LOSSES: Final = 3
"""Photos that are lost in a row at one painter: then that is set aside."""

_MOST_REMEMBERED: Final = 256
_GRACE_SECONDS: Final = 1.0  # for an event to come that was sent before
_LEAST_PHOTOS: Final = 2  # over which that happened; one photo alone may be to blame itself


@dataclass(eq=False)
class Seat:
    """One painter: a worker that has joined the cluster.

    Attributes:
        address: of the worker.
        name: for people.
        places: how many photos it paints at once with all its engines.
        has_nanny: whether it is started again when it ends.
        since: when it joined, by the clock.
        state: `new` until it has said what it is, and while it has no engine; `ready`; `aside` if
            it is of no use; `leaving` once it has said so.
        why: it is set aside, or was before it was asked anew.
        credentials: what it has said that it is.
        is_announced: whether people were told why it is set aside.
        is_pending: whether its answer is awaited.
        has_changed: whether it is not the same any more as when it was asked.
        others: how many photos of other services it has.
        losses: the jobs that were lost in it, or in one of this name before, since it painted one.
        beat: the last sign of life that the scheduler had of it, by that one's clock.
        beat_at: when that was seen, by ours.
        missing_since: when the scheduler did not name it any more; None if it does.
        sick_until: photo after photo was lost in it: nothing it says counts before then.
    """

    address: str
    name: str
    places: int
    has_nanny: bool
    since: float
    state: Literal["new", "ready", "aside", "leaving"] = "new"
    why: str = ""
    credentials: Credentials | None = None
    is_announced: bool = False
    is_pending: bool = False
    has_changed: bool = False
    others: int = 0
    losses: list[str] = field(default_factory=list)
    beat: float = 0.0
    beat_at: float = 0.0
    missing_since: float | None = None
    sick_until: float | None = None

    @property
    def able(self) -> int:
        """How many photos it paints at once as things are: engines of it may be away."""
        engines = () if self.credentials is None else self.credentials.engines
        return min(self.places, len(engines)) if self.state == "ready" else 0

    @property
    def is_sure(self) -> bool:
        """Whether it may be given a photo: it is what it was when it was asked."""
        return self.state == "ready" and not (
            self.has_changed or self.is_pending or self.missing_since is not None
        )

    @property
    def dies(self) -> bool:
        """Whether photos are lost in it again and again, and no one of them may be to blame."""
        return len(self.losses) >= _MOST_LOSSES and len(set(self.losses)) >= _LEAST_PHOTOS


class Roster:
    """All of them; only for the thread that has the loop.

    Args:
        deliver: takes the events.
        clock: monotonic seconds.
    """

    def __init__(self, deliver: Deliver, clock: Callable[[], float] = time.monotonic) -> None:
        self._deliver: Final = deliver
        self._clock: Final = clock
        self._seats: Final[dict[str, Seat]] = {}
        # Workers that are not painters to us: until the scheduler has another sign of life of
        # them than this one, or, where there is none, until it names them no more.
        self._shut_out: Final[dict[str, float | None]] = {}
        self._losses: Final[OrderedDict[str, list[str]]] = OrderedDict()  # by the painters' names

    @property
    def ready(self) -> list[Seat]:
        """Those that may have photos."""
        return [seat for seat in self._seats.values() if seat.state == "ready"]

    @property
    def aside(self) -> list[Seat]:
        """Those that may not."""
        return [seat for seat in self._seats.values() if seat.state == "aside"]

    @property
    def new(self) -> list[Seat]:
        """Those that have not said what they are, or have no engine just now."""
        return [seat for seat in self._seats.values() if seat.state == "new"]

    @property
    def to_ask(self) -> list[Seat]:
        """Those that are to be asked now what they are."""
        return [
            one
            for one in self._seats.values()
            if (one.state == "new" or one.has_changed)
            and not one.is_pending
            and one.sick_until is None
        ]

    @property
    def leaving(self) -> list[Seat]:
        """Those that are about to leave."""
        return [seat for seat in self._seats.values() if seat.state == "leaving"]

    @property
    def places(self) -> int:
        """How many photos they paint at once as things are, those that may have any."""
        return sum(seat.able for seat in self.ready)

    def find(self, address: str) -> Seat | None:
        """The one at an address, if it is there."""
        return self._seats.get(address)

    def is_there(self, seat: Seat) -> bool:
        """Whether it has not left."""
        return self._seats.get(seat.address) is seat

    def accepted_beside(self, seat: Seat) -> Credentials | None:
        """What others are that may have photos; None if there are none."""
        return next((one.credentials for one in self.ready if one is not seat), None)

    def look(self, workers: Mapping[str, Mapping[str, Any]], silent_seconds: float) -> list[Seat]:
        """Compare with what the scheduler says, and take note of those that have joined.

        Args:
            workers: what it says of each, by its address.
            silent_seconds: one without a sign of life for so long is not there either.

        Returns:
            Those that are not there any more; they are still to `leave`. What left in order is
            told by an event, which may come a little later than this look.
        """
        now = self._clock()
        lost = self._missing(workers, now)
        for seat in self.aside:
            if seat.sick_until is not None and now >= seat.sick_until:
                self._try_again(seat)
        for address in [address for address in self._shut_out if address not in workers]:
            del self._shut_out[address]
        for address, told in workers.items():
            beat, known = float(told.get("last_seen", 0)), self._seats.get(address)
            if known is None:
                self._join(address, told, beat)
            elif beat != known.beat:
                known.beat, known.beat_at, known.missing_since = beat, now, None
            elif now - known.beat_at > silent_seconds:
                self._shut_out[address] = beat
                lost.append(known)
        return lost

    def _missing(self, workers: Container[str], now: float) -> list[Seat]:
        """Those that the scheduler has not named for longer than an event may take."""
        lost = []
        for seat in self._seats.values():
            if seat.address in workers:
                continue
            if seat.missing_since is None:
                seat.missing_since = now
            if now - seat.missing_since >= _GRACE_SECONDS:
                lost.append(seat)
        return lost

    def _join(self, address: str, told: Mapping[str, Any], beat: float) -> None:
        places = int(told.get("resources", {}).get(RESOURCE, 0))
        if places <= 0 or self._shut_out.get(address, -1.0) in {None, beat}:
            return
        self._shut_out.pop(address, None)
        now, has_nanny = self._clock(), bool(told.get("nanny"))
        seat = Seat(address, _name(address, told), places, has_nanny, now, beat=beat, beat_at=now)
        seat.losses = self._losses.setdefault(seat.name, seat.losses)
        while len(self._losses) > _MOST_REMEMBERED:
            self._losses.popitem(last=False)
        self._seats[address] = seat

    def shut_out(self, seat: Seat) -> None:
        """It is being ended: whatever the scheduler says of this worker is of no interest."""
        self._shut_out[seat.address] = None

    def let_in(self, seat: Seat) -> None:
        """It was not ended after all."""
        self._shut_out.pop(seat.address, None)

    def admit(self, seat: Seat, told: Credentials) -> None:
        """From now on it may have photos, or more or fewer than before."""
        was_ready, seat.credentials = seat.state == "ready", told
        seat.state, seat.why, seat.is_announced = "ready", "", False
        if not was_ready:
            device = DeviceReport(
                _device(told.engines), "auto", 0, f"the painter {seat.name} says so"
            )
            seconds = self._clock() - seat.since
            self._deliver(EngineReady(device, told.weights_sha256, seconds, seat.name))
            self._announce()

    def wait_for(self, seat: Seat) -> None:
        """It has no engine just now, and loads one."""
        was_ready, seat.state, seat.credentials = seat.state == "ready", "new", None
        if was_ready:
            self._deliver(EngineLost(None, seat.name, len(self.ready)))

    def leaves(self, seat: Seat) -> None:
        """It has said that it is about to leave."""
        seat.state = "leaving"

    def refuse(self, seat: Seat, why: str) -> None:
        """It may have no photos, or no more."""
        if seat.state == "aside" and seat.why == why:
            return
        was_ready = seat.state == "ready"
        seat.is_announced = seat.is_announced and seat.why == why
        seat.state, seat.why, seat.credentials = "aside", why, None
        if was_ready:
            self._deliver(EngineLost(None, seat.name, len(self.ready)))
        self._announce()

    def count_painted(self, seat: Seat) -> None:
        """It has painted a photo: it is well."""
        seat.losses.clear()

    def count_lost(self, seat: Seat, job_id: str, elsewhere: Collection[str]) -> bool:
        """A photo was lost in it; say whether it is sick, and others are not.

        Args:
            seat: which.
            job_id: of the photo.
            elsewhere: names of the painters where that was lost before: then it is the photo that
                is to blame, and none of them.
        """
        blameless = [one for one in self._seats.values() if one.name in elsewhere]
        if any(one is not seat for one in blameless):
            for one in blameless:
                one.losses[:] = [lost for lost in one.losses if lost != job_id]
            return False
        seat.losses.append(job_id)
        return self.is_sick(seat)

    def is_sick(self, seat: Seat) -> bool:
        """Whether photo after photo is lost in it, and there are others."""
        return seat.dies and any(one is not seat for one in self.ready)

    def ask_anew(self) -> None:
        """Let those that were set aside say once more what they are."""
        for seat in self.aside:
            self._try_again(seat)

    @staticmethod
    def _try_again(seat: Seat) -> None:
        seat.state, seat.sick_until = "new", None
        seat.losses.clear()

    def none_is_left(self, why: EngineUnavailable) -> None:
        """Tell that there is no painter; that is said of all of them, and each is news again."""
        for seat in self._seats.values():
            seat.is_announced = False
        self._deliver(why)

    def leave(self, seat: Seat, *, is_missed: bool) -> None:
        """It is not there any more.

        Args:
            seat: which.
            is_missed: whether it should be.
        """
        if not self.is_there(seat):
            return
        del self._seats[seat.address]
        others = len(self.ready)
        if seat.state == "ready" and is_missed:
            self._deliver(EngineLost(None, seat.name, others))
        elif seat.state in {"ready", "leaving"} or seat.is_announced:
            self._deliver(EngineGone(seat.name, others))

    def _announce(self) -> None:
        """Tell of those set aside once others go on; else `none_is_left` says it of all."""
        if not self.ready:
            return
        for seat in self.aside:
            if not seat.is_announced:
                seat.is_announced = True
                self._deliver(EngineAside(seat.name, seat.why))


def _name(address: str, told: Mapping[str, Any]) -> str:
    """What people call a painter: its own name, or else where it is."""
    name = str(told.get("name") or address)
    return name.split("://", 1)[-1]


def _device(engines: tuple[str, ...]) -> str:
    return ", ".join(engines) or "unknown"
