"""Sends jobs out as Dask tasks, each to one painter, and takes tasks back.

Dask would begin a task anew elsewhere when its worker is lost; that is not for Dask to decide,
since nobody would count it: such a task is taken back.
"""

from __future__ import annotations

import asyncio
import pickle
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

import dask
import structlog
from distributed import CancelledError, Client, Future, KilledWorker

from daemon.cluster.background import Background, in_words
from daemon.cluster.calls import Desk
from daemon.cluster.errands import Errand
from daemon.cluster.messages import RESOURCE, GivenBack, Order, Said, Saved, unpack
from daemon.cluster.roster import Roster, Seat
from daemon.cluster.saved import NOT_SAVED, TOO_LARGE, SavedFiles
from daemon.cluster.seating import Seating, key_of
from daemon.runners.base import Cancelled, CheckpointTrouble, End, Failed, Painted, Started
from daemon.runners.request import PaintRequest

_LOST: Final = (
    "The painter {} was lost while it painted this picture. Try again; if that happens again, see "
    "whether the machine that it runs on has enough memory, and what its log says."
)
_KILLS: Final = (
    "Painters are lost again and again when they paint this picture. Try again, with a smaller "
    "size; if that happens again, see what their logs say."
)
_TOO_LARGE: Final = (
    "The files of this photo have more than {:g} MB together, which is the most that goes through "
    "the network. Save the photo or its style smaller, or let cluster.max_megabytes be more."
)
_NO_END: Final = (
    "The painter met an unexpected error ({}). Try again; if it stays so, tell whoever looks after "
    "this program."
)
_MOST_MISSES: Final = 2  # then it may be the job that painters die of before they can say a word
_MEGABYTE: Final = 1_000_000
_LOST_CONNECTION: Final = "scheduler-connection-lost"
_log: Final = structlog.get_logger()


class Orders:
    """All that go through one connection.

    Args:
        client: connected.
        roster: who is there.
        desk: the rest.
        wake: called when something has changed.
        refuse_sick: called with a painter where photo after photo is lost, while there are others.
    """

    def __init__(
        self,
        client: Client,
        roster: Roster,
        desk: Desk,
        wake: Callable[[], None],
        refuse_sick: Callable[[Seat], None],
    ) -> None:
        self._client: Final = client
        self._roster: Final = roster
        self._errands: Final = desk.errands
        self.seating: Final = Seating(roster, desk.errands)
        self._terms: Final = desk.terms
        self._calls: Final = desk.calls
        self._deliver: Final = desk.deliver
        # What is said under a client's name the scheduler forgets, a while after that has left.
        self.topic: Final = str(client.id)
        """Of the scheduler, where painters speak to this daemon."""
        self._wake: Final = wake
        self._refuse_sick: Final = refuse_sick
        self._answer_seconds: Final = desk.pace.answer_seconds
        self._saved: Final = SavedFiles(desk.terms.checkpoints, desk.terms.most_bytes)
        self._background: Final = Background()
        self.is_cut_off = False
        """Whether the scheduler was lost, if only for a moment: it knows nothing of them now."""

    def hand_over(self) -> None:
        """Send out as many jobs as there is room for."""
        for errand in self.seating.to_move():
            self._send_anew(errand)
        while (one := self._errands.next()) and (seat := self.seating.seat_for(one)):
            one.seat = seat
            one.follower = self._background.spawn(self._see_through(one))

    def _send_anew(self, errand: Errand, *, misses: int = 0) -> None:
        self._errands.renew(errand, misses=misses)
        self.take_back_soon([errand])

    async def take_back(self, errands: Iterable[Errand]) -> None:
        """Have Dask forget what nobody wants any more."""
        futures = [one.future for one in errands if one.future is not None]
        if futures:
            await self._client.cancel(futures, force=True)

    def take_back_soon(self, errands: Iterable[Errand]) -> None:
        """Likewise, by itself."""
        self._background.spawn(self.take_back(list(errands)))

    def give_back(self, errand: Errand) -> None:
        """End a job here and now as if it had never been begun, whatever its painter does."""
        self._errands.give_back(errand)
        self.take_back_soon([errand])

    def cancel(self, errand: Errand, *, keep: bool) -> None:
        """Give a job up: it ends when its painter has done its step, and is free again."""
        if errand.seat is None:
            self._errands.give_back(errand)
        elif not errand.is_unwanted:
            errand.is_unwanted = True
            self._background.spawn(self._cancel(errand, keep=keep))

    async def give_all_up(self, seconds: float) -> None:
        """Have painters give all jobs back, with what they have painted of them.

        Args:
            seconds: how long they may take.
        """
        followers = [one.follower for one in self._errands.all if one.follower is not None]
        for errand in self._errands.all:
            errand.is_unwanted = True
            self._background.spawn(self._cancel(errand, keep=True))
        if followers:
            await asyncio.wait(followers, timeout=seconds)
        await self.take_back(self._errands.all)

    async def _cancel(self, errand: Errand, *, keep: bool) -> None:
        """Tell its painter; where nobody there knows of it, it has not been begun, and is over."""
        was_there = False
        try:
            was_there = await self._ask(errand, self._calls.cancel, errand.run, keep)
        except Exception as error:  # noqa: BLE001 - whatever a painter raises, it does not do as told
            _log.warning("cluster.not_given_up", job=errand.job_id, why=in_words(error))
        if not was_there and not (keep and errand.has_begun):  # else how it ended is on its way
            self.give_back(errand)

    def lose(self, errand: Errand) -> None:
        """A painter is lost with a job: that is tried anew by who counts it, and not by Dask."""
        name = errand.seat.name if errand.seat is not None and errand.has_begun else ""
        was_on = self._errands.is_on(errand)
        self._errands.lose(errand, _LOST.format(name) if name else _KILLS)
        if was_on:
            self._count_lost(errand)
        self.take_back_soon([errand])
        self._wake()

    def part_from(self, seat: Seat, *, is_lost: bool, may_finish: bool = True) -> None:
        """A painter is not there any more, or of no use: what it had is for others.

        Args:
            seat: which.
            is_lost: whether that counts as an attempt at what it had begun with.
            may_finish: whether a picture is taken that is on its way here.
        """
        for errand in [one for one in self._errands.at(seat) if not one.is_late]:
            if not errand.has_begun and not errand.is_unwanted and errand.misses < _MOST_MISSES:
                self._send_anew(errand, misses=errand.misses + is_lost)
            elif is_lost:
                self.lose(errand)
            elif may_finish and errand.future is not None and errand.future.done():
                errand.is_late = True
                self._background.spawn(self._give_back_late(errand))
            else:
                self.give_back(errand)

    async def _give_back_late(self, errand: Errand) -> None:
        """It ended before its painter left, and how is on its way here; or will never come."""
        await asyncio.sleep(self._answer_seconds)
        self.give_back(errand)

    async def close(self) -> None:
        """Follow no job any more."""
        await self._background.close()

    def hear(self, event: tuple[float, Any]) -> None:
        """Pass on what a painter says; called by the client."""
        if not isinstance(event[1], bytes):
            return  # the scheduler itself, of the same client
        try:
            said = unpack(event[1])
        except (pickle.UnpicklingError, TypeError, EOFError, AttributeError, ImportError) as error:
            _log.warning("cluster.not_understood", why=str(error))
            return
        errand = self._errands.of_run(said.run)
        if errand is not None:
            self._heard(errand, said)

    def _heard(self, errand: Errand, said: Said) -> None:
        if errand.seat is None or errand.seat.address != said.painter:
            return
        errand.has_begun = True
        news, name = said.news, errand.seat.name
        if isinstance(news, Saved):
            self._was_saved(errand, news)
        else:
            self._deliver(replace(news, engine=name) if isinstance(news, Started) else news)

    def _was_saved(self, errand: Errand, saved: Saved) -> None:
        if self._terms.checkpoints is None:
            return
        if saved.bytes > self._terms.most_bytes:
            self._tell_once_of_size(errand, saved)
            return
        errand.saved_anew = True
        if not errand.fetching:
            errand.fetching = True
            self._background.spawn(self._fetch(errand))

    def _tell_once_of_size(self, errand: Errand, saved: Saved) -> None:
        if not errand.is_too_large:
            errand.is_too_large = True
            sizes = (saved.bytes / _MEGABYTE, self._terms.most_bytes / _MEGABYTE)
            self._deliver(CheckpointTrouble(errand.job_id, TOO_LARGE.format(*sizes)))

    async def _fetch(self, errand: Errand) -> None:
        try:
            while errand.saved_anew and self._errands.is_on(errand):
                errand.saved_anew = False
                await self._keep(errand, await self._fetched(errand))
        except Exception as error:  # noqa: BLE001 - whatever a painter raises: it paints all the same
            if self._errands.is_on(errand):
                self._deliver(CheckpointTrouble(errand.job_id, NOT_SAVED.format(in_words(error))))
        finally:
            errand.fetching = False

    async def _fetched(self, errand: Errand) -> bytes:
        return bytes(await self._ask(errand, self._calls.fetch, errand.run) or b"")

    async def _ask(self, errand: Errand, call: Callable[..., Any], *given: object) -> Any:
        """Have its painter do something; None if that is not there any more."""
        if errand.seat is None:
            return None
        address = errand.seat.address
        asked = self._client.run(call, *given, workers=[address])
        return (await asyncio.wait_for(asked, self._answer_seconds)).get(address)

    async def _keep(self, errand: Errand, data: bytes, *, is_last: bool = False) -> None:
        async with errand.writing:
            if not self._errands.is_on(errand) or (errand.is_kept and not is_last):
                return
            await self._saved.write(errand.job_id, data)
            if errand.is_done:  # it has ended meanwhile, and was forgotten too early
                await self._saved.forget(errand.job_id)

    async def _keep_last(self, errand: Errand, data: bytes) -> None:
        errand.is_kept = bool(data)
        try:
            await self._keep(errand, data, is_last=True)
        except OSError as error:
            self._deliver(CheckpointTrouble(errand.job_id, NOT_SAVED.format(in_words(error))))

    async def _see_through(self, errand: Errand) -> None:
        try:
            end = await self._end_of(errand)
        except Exception as error:  # noqa: BLE001 - one job's bug must not take the others along
            end = _unexpected(errand.job_id, error)
        finally:
            if errand.future is not None:
                errand.future.release()  # whatever came of it, nobody waits for it any more
        if end is not None and self._errands.is_on(errand):
            self._errands.end(errand, end)
            self._count(errand, end)
        self._wake()

    def _count(self, errand: Errand, end: End) -> None:
        if isinstance(end, Painted) and errand.seat is not None:
            self._roster.count_painted(errand.seat)
        elif isinstance(end, Failed) and end.blame == "lost" and errand.has_come_back:
            self._count_lost(errand)

    def _count_lost(self, errand: Errand) -> None:
        """A painter in which photo after photo is lost gets no more of them, if others do."""
        seat = errand.seat
        if seat is None or errand.is_unwanted or not errand.has_begun:
            return
        if self._roster.count_lost(seat, errand.job_id, self._errands.lost_at(errand.job_id)):
            self._refuse_sick(seat)

    async def _end_of(self, errand: Errand) -> End | None:
        """How it ends; None if it is to be sent anew, or the scheduler is lost."""
        size = _size(errand.request)
        if size > self._terms.most_bytes:
            most = self._terms.most_bytes / _MEGABYTE
            return Failed(errand.job_id, "content", _TOO_LARGE.format(most))
        room = self._terms.most_bytes - size
        snapshot = await self._saved.read(errand.job_id, room)
        if not self._errands.is_on(errand) or errand.seat is None:
            return None
        if not errand.seat.is_sure or not self._roster.is_there(errand.seat):
            self._errands.renew(errand, misses=errand.misses)
            return None
        errand.future = self._sent(errand, errand.seat, snapshot)
        end = await self._outcome(errand.job_id, errand.future)
        if isinstance(end, GivenBack):
            await self._keep_last(errand, end.snapshot)
            return Cancelled(errand.job_id)
        errand.has_come_back = end is not None
        return end

    def _sent(self, errand: Errand, seat: Seat, snapshot: bytes) -> Future[Any]:
        terms = self._terms
        order = Order(
            errand.run,
            self.topic,
            errand.request,
            snapshot,
            terms.most_bytes,
        )
        # Dask warns of what is large: this is as large as it is.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PiB"}):
            return self._client.submit(
                self._calls.paint,
                order,
                key=key_of(errand),
                workers=[seat.address],
                resources={RESOURCE: 1},
                pure=False,
                retries=0,
            )

    async def _outcome(self, job_id: str, future: Future[Any]) -> End | GivenBack | None:
        try:
            end = await future
        except CancelledError as error:
            # Taken back by us, and over; or by somebody else, and then it is queued again.
            if getattr(error, "reason", "") != _LOST_CONNECTION:
                return Cancelled(job_id)
            self.is_cut_off = True
            return None
        except KilledWorker:
            return Failed(job_id, "lost", _KILLS)
        except Exception as error:  # noqa: BLE001 - whatever a painter raises
            return _unexpected(job_id, error)
        if not isinstance(end, (End, GivenBack)) or end.job_id != job_id:
            raise TypeError(f"not how a job ends: {type(end).__name__}")
        return end


def _size(request: PaintRequest) -> int:
    """Bytes of all its files together."""
    own = (request.content, request.start, request.mask, request.regions)
    styles = (part for one in request.styles for part in (one.data, one.regions))
    return sum(map(len, (*own, *styles)))


def _unexpected(job_id: str, error: Exception) -> Failed:
    detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    message = _NO_END.format(type(error).__name__)
    return Failed(job_id, "lost", message, detail, unexpected=True)  # another painter may be well
