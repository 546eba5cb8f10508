"""What all parts of the daemon's side of a cluster go by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from daemon.cluster.errands import Errands
from daemon.cluster.messages import Credentials, GivenBack, Order
from daemon.runners.base import Deliver, End


@dataclass(frozen=True)
class Calls:
    """Functions of modules that a painter can import; tests put others in their places.

    Attributes:
        paint: the task; runs in a thread of the worker.
        cancel: gives a run up, whose task ends soon then; told the run, and whether what is painted
            of it is to be kept (`GivenBack`). Says whether it was there. Runs in the worker.
        fetch: what was saved of a run, by its id; runs in the worker.
        credentials: what the painter is, or None while its engines load; runs in the worker.
        kill: ends an engine that does not answer, by the run that it has; runs in the worker.
        tell: lets a painter know why it gets no photos; empty: that it does. Runs in the worker.
        refusal: why a painter is of no use, in plain words; empty if it is. Is also given what one
            is that has been accepted, or None. Runs here.
    """

    paint: Callable[[Order], End | GivenBack]
    cancel: Callable[..., bool]
    fetch: Callable[..., bytes | Awaitable[bytes]]
    credentials: Callable[..., Credentials | None]
    kill: Callable[..., None]
    tell: Callable[..., None]
    refusal: Callable[[Credentials, Credentials | None], str]


@dataclass(frozen=True)
class Pace:
    """How patient the daemon is with a cluster; tests are less.

    Attributes:
        poll_seconds: between two looks at who is there.
        answer_seconds: a scheduler or a painter that does not answer for so long is away.
        connect_seconds: likewise, at the beginning.
        silent_seconds: without a sign of life for so long a painter is not there any more.
        sick_seconds: in which a painter gets no photos where photo after photo was lost.
        join_seconds: in which a painter has to be there before people are told that none is.
        pause_seconds: before the second attempt to connect; doubles from one to the next.
        longest_seconds: up to this.
    """

    poll_seconds: float = 1.0
    answer_seconds: float = 30.0
    connect_seconds: float = 10.0
    silent_seconds: float = 60.0
    sick_seconds: float = 600.0
    join_seconds: float = 20.0
    pause_seconds: float = 1.0
    longest_seconds: float = 30.0


@dataclass(frozen=True)
class Terms:
    """What an order says besides the request.

    Attributes:
        most_bytes: that go through the network for one photo, there and back.
        checkpoints: folder in which paintings are saved on their way; None, nowhere.
    """

    most_bytes: int
    checkpoints: Path | None = None


@dataclass(frozen=True)
class Desk:
    """What stays when a connection is lost.

    Attributes:
        errands: the jobs.
        terms: of the orders.
        calls: what painters run.
        pace: how patient the daemon is.
        deliver: takes the events.
    """

    errands: Errands
    terms: Terms
    calls: Calls
    pace: Pace
    deliver: Deliver
