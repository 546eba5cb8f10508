"""Which painters are there, which of them may have photos, and what is said of their comings.

A worker of the cluster that has no `PAINTER` resource is somebody else's, and is left alone. One
that has is asked what it is (`Credentials`) when it joins, until its engines have loaded; and once
more whenever it says that engines of it have come or gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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


@dataclass(eq=False)
class Seat:
    """One painter: a worker that has joined the cluster.

    Attributes:
        address: of the worker.
        name: for people.
        places: how many photos it paints at once with all its engines.
        has_nanny: whether it is started again when it ends.
        state: `new` until it has said what it is; `ready`, or `aside`.
        why: it is set aside, or was before it was asked anew.
        since: when it joined, by the clock.
        told: what it has said that it is, once it was accepted.
        is_told: whether people were told why it is set aside.
        is_asked: whether its answer is awaited.
        has_changed: whether it is not the same any more as when it was asked.
    """

    address: str
    name: str
    places: int
    has_nanny: bool
    since: float
    state: Literal["new", "ready", "aside"] = "new"
    why: str = ""
    told: Credentials | None = None
    is_told: bool = False
    is_asked: bool = False
    has_changed: bool = False

    @property
    def able(self) -> int:
        """How many photos it paints at once as things are: engines of it may be away."""
        return 0 if self.told is None else min(self.places, len(self.told.engines))


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
        """Those that have not said what they are."""
        return [seat for seat in self._seats.values() if seat.state == "new"]

    @property
    def places(self) -> int:
        """How many photos they paint at once as things are, those that may have any."""
        return sum(seat.able for seat in self.ready)

    @property
    def to_ask(self) -> list[Seat]:
        """Those that are to be asked now what they are."""
        seats = self._seats.values()
        return [
            one for one in seats if not one.is_asked and (one.state == "new" or one.has_changed)
        ]

    def accepted_beside(self, seat: Seat) -> Credentials | None:
        """What others are that may have photos; None if there are none."""
        return next((one.told for one in self.ready if one is not seat), None)

    def find(self, address: str) -> Seat | None:
        """The one at an address, if it is there."""
        return self._seats.get(address)

    def is_there(self, seat: Seat) -> bool:
        """Whether it has not left."""
        return self._seats.get(seat.address) is seat

    def missing_among(self, workers: Mapping[str, Any]) -> list[Seat]:
        """Those that the scheduler does not name any more.

        Args:
            workers: what the scheduler says of each, by its address.
        """
        return [seat for address, seat in self._seats.items() if address not in workers]

    def join(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        """Take note of those that were not there before."""
        for address, told in workers.items():
            places = int(told.get("resources", {}).get(RESOURCE, 0))
            if places > 0 and address not in self._seats:
                name = _name(address, told)
                has_nanny = bool(told.get("nanny"))
                self._seats[address] = Seat(address, name, places, has_nanny, self._clock())

    def admit(self, seat: Seat, told: Credentials) -> None:
        """From now on it may have photos, or more or fewer than before."""
        if not self.is_there(seat):
            return
        was_ready, seat.told = seat.state == "ready", told
        seat.state, seat.why, seat.is_told = "ready", "", False
        if not was_ready:
            device = DeviceReport(
                _device(told.engines), "auto", 0, f"the painter {seat.name} says so"
            )
            seconds = self._clock() - seat.since
            self._deliver(EngineReady(device, told.weights_sha256, seconds, seat.name))
            self._tell_of_aside()

    def pause(self, seat: Seat) -> None:
        """It has no engine just now, and loads one."""
        if seat.told is not None:
            seat.told = replace(seat.told, engines=())

    def refuse(self, seat: Seat, why: str) -> None:
        """It may have none, or no more."""
        if not self.is_there(seat) or (seat.state == "aside" and seat.why == why):
            return
        was_ready, seat.is_told = seat.state == "ready", seat.is_told and seat.why == why
        seat.state, seat.why, seat.told = "aside", why, None
        if was_ready:
            self._deliver(EngineLost(None, seat.name, len(self.ready)))
        self._tell_of_aside()

    def ask_anew(self) -> None:
        """Let those that were set aside say once more what they are."""
        for seat in self.aside:
            seat.state = "new"

    def none_is_left(self, why: EngineUnavailable) -> None:
        """Tell that there is no painter; that is said of all of them, and each is news again."""
        for seat in self._seats.values():
            seat.is_told = False
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
        if seat.state == "ready":
            gone = EngineLost(None, seat.name, others) if is_missed else None
            self._deliver(gone or EngineGone(seat.name, others))
        elif seat.is_told and others:
            self._deliver(EngineGone(seat.name, others))

    def _tell_of_aside(self) -> None:
        """Once others go on; where none does, `none_is_left` says it of all."""
        if not self.ready:
            return
        for seat in self.aside:
            if not seat.is_told:
                seat.is_told = True
                self._deliver(EngineAside(seat.name, seat.why))


def _name(address: str, told: Mapping[str, Any]) -> str:
    """What people call a painter: its own name, or else where it is."""
    name = str(told.get("name") or address)
    return name.split("://", 1)[-1]


def _device(engines: tuple[str, ...]) -> str:
    return ", ".join(engines) or "unknown"
