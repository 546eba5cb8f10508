"""One connection, from its own side: what it tells of painters, and until when."""

from __future__ import annotations

import asyncio
from typing import Any

from daemon.cluster.calls import Desk, Pace, Terms
from daemon.cluster.errands import Errands
from daemon.cluster.messages import RESOURCE
from daemon.cluster.session import Session
from daemon.runners.base import EngineReady, Event
from tests.daemon.cluster.stand_ins import CALLS, credentials

ANNA = "tcp://192.0.2.7:4000"


class Deaf:
    """A client whose scheduler says nothing."""

    id = "Client-deaf"

    def subscribe_topic(self, *_: Any) -> None:
        """Nothing is ever heard of it."""


async def story(heard: list[Event], places: list[int]) -> None:
    desk = Desk(Errands(heard.append, lambda: "run"), Terms(1), CALLS, Pace(), heard.append)
    session: Any = Session(Deaf(), "tcp://192.0.2.1:8786", desk, places.append)  # type: ignore[arg-type]
    session._roster.look({ANNA: {"name": "anna", "resources": {RESOURCE: 1}}}, 60.0)
    session._roster.admit(session._roster.find(ANNA), credentials())
    assert [type(event) for event in heard] == [EngineReady]
    assert places == [1]
    await session.close()
    session._hear_of_workers((0.0, {"action": "remove-worker", "worker": ANNA}))


def test_once_closed_it_tells_nothing_of_painters_who_come_or_go() -> None:
    heard: list[Event] = []
    places: list[int] = []
    asyncio.run(story(heard, places))
    assert [type(event) for event in heard] == [EngineReady]
    assert places == [1, 0]
