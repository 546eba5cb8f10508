"""One connection to a scheduler: who is there is looked at, asked what it is, and given photos.

The scheduler is asked once a second, and says itself when a worker comes or goes. A painter that
goes takes its jobs with it: they end at once, and whoever keeps the queue tries them again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from distributed import Client

from daemon.cluster.background import Background, in_words, rung
from daemon.cluster.calls import Desk
from daemon.cluster.errands import Errand
from daemon.cluster.messages import CHANGED, IN_MEMORY, Credentials
from daemon.cluster.orders import Orders
from daemon.cluster.roster import Roster, Seat
from daemon.runners.base import LONGEST_LOAD_SECONDS, EngineUnavailable, Event

_NO_PAINTER: Final = (
    "No painter has joined the cluster at {}. Start one on each machine that is to paint, with "
    "`atelierd worker`."
)
_LOADS: Final = (
    "The painters of the cluster at {} do not come to the end of loading. See what their logs say."
)
_CANNOT_SAY: Final = (
    "The painter {} cannot say what it is ({}). Let it run the same version of the program as this "
    "one."
)
_HANGS: Final = "The painter {} did not answer for too long. Start it anew."
_DIES: Final = (
    "Photo after photo was lost in it, {} in a row, and it is given no more. See what its log says."
)
_MOST_TOLD: Final = 3  # painters of which it is said why they are of no use
_EVENTS: Final = "all"  # the scheduler's own topic
_log: Final = structlog.get_logger()


class SchedulerLostError(Exception):
    """The scheduler is away."""


class Session:
    """One connection.

    Args:
        client: connected.
        address: of the scheduler, for people.
        desk: the rest.
        tell_places: takes how many photos are painted at once, whenever that changes.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        client: Client,
        address: str,
        desk: Desk,
        tell_places: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client: Final = client
        self._address: Final = address
        self._errands: Final = desk.errands
        self._calls: Final = desk.calls
        self._pace: Final = desk.pace
        self._tell_places: Final = tell_places
        self._clock: Final = clock
        self._woken: Final = asyncio.Event()
        self._is_stopped, self._is_closed, self._scheduler = False, False, ""
        self._background: Final = Background()
        self._deliver: Final = desk.deliver
        self._roster: Final = Roster(self._announce, clock)
        self._orders: Final = Orders(client, self._roster, desk, self.wake, self._refuse_sick)
        self._alone_since: float | None = None  # without a painter
        self._is_told = False  # people know that there is none
        client.subscribe_topic(self._orders.topic, self._orders.hear)
        client.subscribe_topic(CHANGED, self._hear_of_engines)
        client.subscribe_topic(_EVENTS, self._hear_of_workers)

    def wake(self) -> None:
        """Look again soon."""
        self._woken.set()

    def try_again(self) -> None:
        """Ask those anew that were set aside; say in a while if there is no painter."""
        self._roster.ask_anew()
        self._alone_since, self._is_told = None, False
        self.wake()

    def stop(self) -> None:
        """Let `watch` return soon."""
        self._is_stopped = True
        self.wake()

    async def watch(self) -> None:
        """Keep the painters busy until `stop`, for as long as the scheduler is there.

        Raises:
            SchedulerLostError: it is not any more.
        """
        while not self._is_stopped:
            self._woken.clear()
            await self._look()
            self._tell_if_none()
            self._tell_room()
            self._orders.hand_over()
            await rung(self._woken, self._pace.poll_seconds)

    def cancel(self, errand: Errand, *, keep: bool) -> None:
        """Give a job up; keep: what is painted of it is saved before."""
        self._orders.cancel(errand, keep=keep)

    def kill(self, errand: Errand) -> None:
        """An engine does not answer: its painter ends it; a painter that does not is let go."""
        if errand.seat is None or not errand.has_begun:
            self._orders.give_back(errand)  # no painter is to blame
            return
        self._orders.lose(errand)
        self._background.spawn(self._end_engine(errand.seat, errand.run))

    async def close(self) -> None:
        """Follow nothing any more; the client stays the caller's to close."""
        self._tell_places(0)
        self._is_closed = True  # whoever is heard of now is told of by the next connection
        await self._orders.close()
        await self._background.close()

    async def give_all_up(self, seconds: float) -> None:
        """Have the painters give up all that they have, within so many seconds."""
        await self._orders.give_all_up(seconds)

    def _announce(self, event: Event) -> None:
        """Pass on what is told of painters, once there is as much room as follows from it."""
        self._tell_room()
        if not self._is_closed:
            self._deliver(event)

    def _tell_room(self) -> None:
        if not self._is_closed:
            self._tell_places(self._roster.places)

    async def _end_engine(self, seat: Seat, run: str) -> None:
        try:
            asked = self._client.run(self._calls.kill, run, workers=[seat.address])
            await asyncio.wait_for(asked, self._pace.answer_seconds)
        except Exception:  # noqa: BLE001 - whatever it is, it is not ended
            if self._roster.is_there(seat):
                self._end_painter(seat)

    def _end_painter(self, seat: Seat) -> None:
        """It does not answer either: it is started anew, if it can be, or else set aside."""
        if not seat.has_nanny:
            self._refuse(seat, _HANGS.format(seat.name))
            return
        self._orders.part_from(seat, is_lost=False)  # it is not to blame for what another one does
        self._roster.shut_out(seat)
        self._leaves(seat, is_missed=True)
        self._background.spawn(self._restart(seat))

    async def _restart(self, seat: Seat) -> None:
        try:
            told = await self._client.restart_workers([seat.address], raise_for_error=False)
        except (OSError, asyncio.TimeoutError, ValueError):
            told = {}
        if told.get(seat.address) != "OK":
            self._roster.let_in(seat)

    async def _look(self) -> None:
        """See who is there.

        Raises:
            SchedulerLostError: nobody answers.
        """
        scheduler = self._client.scheduler
        if self._client.status != "running" or scheduler is None or self._orders.is_cut_off:
            raise SchedulerLostError
        try:
            asked = asyncio.gather(scheduler.identity(n_workers=-1), scheduler.processing())
            told, processing = await asyncio.wait_for(asked, self._pace.answer_seconds)
        except (OSError, asyncio.TimeoutError) as error:
            raise SchedulerLostError from error
        if not told["workers"] and self._address.startswith(IN_MEMORY):
            raise SchedulerLostError  # nobody else can join: it is made anew, with new engines
        if self._scheduler not in {"", told["id"]}:
            raise SchedulerLostError  # this is another one, in its place
        self._scheduler = told["id"]
        self._take_stock(told["workers"])
        self._orders.seating.take_notice(processing)

    def _take_stock(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        for seat in self._roster.look(workers, self._pace.silent_seconds):
            self._leaves(seat, is_missed=True)
        for seat in self._roster.to_ask:
            seat.is_pending, seat.has_changed = True, False
            self._background.spawn(self._ask(seat))

    def _hear_of_workers(self, event: tuple[float, Any]) -> None:
        """Called by the client, with whatever the scheduler tells everybody."""
        told = event[1]
        action = told.get("action") if isinstance(told, dict) else None
        if action == "remove-worker":
            seat = self._roster.find(told["worker"])
            if seat is not None:
                self._leaves(seat, is_missed=not told.get("expected"))
        if action in {"add-worker", "remove-worker"}:
            self.wake()

    def _hear_of_engines(self, event: tuple[float, Any]) -> None:
        """Called by the client, with the address of a painter whose engines have come or gone."""
        seat = self._roster.find(str(event[1]))
        if seat is not None:
            seat.has_changed = True
            self.wake()

    def _leaves(self, seat: Seat, *, is_missed: bool) -> None:
        self._roster.leave(seat, is_missed=is_missed)
        self._orders.part_from(seat, is_lost=is_missed)
        if not self._roster.ready:
            self._roster.ask_anew()  # they may have been of no use beside this one alone
        self._changed()

    def _refuse(self, seat: Seat, why: str) -> None:
        self._background.spawn(self._tell(seat, why))
        self._roster.refuse(seat, why)
        self._orders.part_from(seat, is_lost=False, may_finish=False)
        self._changed()

    def _refuse_sick(self, seat: Seat) -> None:
        if not self._roster.is_there(seat):
            return  # whoever comes in its place is judged by its losses
        seat.sick_until = self._clock() + self._pace.sick_seconds
        self._refuse(seat, _DIES.format(len(seat.losses)))

    def _changed(self) -> None:
        self._tell_room()
        self.wake()

    async def _ask(self, seat: Seat) -> None:
        try:
            told = await self._credentials(seat)
        except (OSError, asyncio.TimeoutError):  # away, or busy: it is asked again
            seat.has_changed = True
            return
        except Exception as error:  # noqa: BLE001 - another program may raise anything
            if self._roster.is_there(seat):
                self._refuse(seat, _CANNOT_SAY.format(seat.name, in_words(error)))
            return
        finally:
            seat.is_pending = False
        if self._roster.is_there(seat):
            self._judge(seat, told)

    async def _tell(self, seat: Seat, why: str) -> None:
        """Let a painter know what is thought of it: whoever looks after it reads its log."""
        try:
            asked = self._client.run(self._calls.tell, why, workers=[seat.address])
            await asyncio.wait_for(asked, self._pace.answer_seconds)
        except Exception as error:  # noqa: BLE001 - it may be another program, which hears nothing
            _log.debug("cluster.not_told", painter=seat.name, why=in_words(error))

    async def _credentials(self, seat: Seat) -> Credentials | None:
        asked = self._client.run(self._calls.credentials, workers=[seat.address])
        told = (await asyncio.wait_for(asked, self._pace.answer_seconds)).get(seat.address)
        if told is not None and not isinstance(told, Credentials):
            raise TypeError(f"not what a painter is: {type(told).__name__}")
        return told

    def _judge(self, seat: Seat, told: Credentials | None) -> None:
        if seat.sick_until is not None:
            return  # nothing it says counts just now
        if told is None:
            self._roster.wait_for(seat)  # and asked again at the next look
        elif not told.engines:
            self._roster.leaves(seat)
            if not self._roster.ready:
                self._roster.ask_anew()  # as when it has left
            self._tell_room()
        elif why := self._calls.refusal(told, self._roster.accepted_beside(seat)):
            self._refuse(seat, f"{seat.name}: {why}")
        elif self._roster.is_sick(seat):  # as the one of its name was before
            self._refuse_sick(seat)
        else:
            if seat.why:
                self._background.spawn(self._tell(seat, ""))
            self._roster.admit(seat, told)
            self._changed()

    def _tell_if_none(self) -> None:
        """After a while without any painter, tell whoever waits for one; once."""
        if self._roster.ready or self._roster.leaving:
            self._alone_since, self._is_told = None, False
        elif self._alone_since is None:
            self._alone_since = self._clock()
        elif not self._is_told and self._has_waited_enough(self._clock() - self._alone_since):
            self._is_told = True
            self._roster.none_is_left(EngineUnavailable("engine", self._why_none()))
            for errand in self._errands.all:
                self._orders.give_back(errand)

    def _has_waited_enough(self, seconds: float) -> bool:
        longest = LONGEST_LOAD_SECONDS if self._roster.new else self._pace.join_seconds
        return seconds >= longest or self._is_hopeless()

    def _is_hopeless(self) -> bool:
        """Whether all that are there were set aside."""
        return bool(self._roster.aside) and not self._roster.new

    def _why_none(self) -> str:
        if self._roster.aside:
            whys = dict.fromkeys(seat.why for seat in self._roster.aside)
            return " ".join(list(whys)[:_MOST_TOLD])
        return (_LOADS if self._roster.new else _NO_PAINTER).format(self._address)
