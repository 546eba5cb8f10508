"""Sends jobs out as Dask tasks, hears what painters say of them, and takes tasks back.

Dask finds a painter that is free among those that were accepted. It would also begin a task anew
elsewhere when its worker is lost; that is not for Dask to decide, since nobody would count it: such
a task is taken back.
"""

from __future__ import annotations

import asyncio
import pickle
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import dask
import structlog
from distributed import CancelledError, Client, Future, KilledWorker

from daemon.cluster.background import Background
from daemon.cluster.calls import Desk
from daemon.cluster.errands import Errand
from daemon.cluster.messages import RESOURCE, Order, Said, Saved, unpack
from daemon.cluster.roster import Roster
from daemon.cluster.saved import NOT_SAVED, TOO_LARGE, SavedFiles
from daemon.runners.base import Cancelled, CheckpointTrouble, End, Failed, Started
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
    """

    def __init__(
        self, client: Client, roster: Roster, desk: Desk, wake: Callable[[], None]
    ) -> None:
        self._client: Final = client
        self._roster: Final = roster
        self._errands: Final = desk.errands
        self._terms: Final = desk.terms
        self._calls: Final = desk.calls
        self._deliver: Final = desk.deliver
        # What is said under a client's name the scheduler forgets, a while after that has left.
        self.topic: Final = str(client.id)
        """Of the scheduler, where painters speak to this daemon."""
        self._wake: Final = wake
        self._answer_seconds: Final = desk.pace.answer_seconds
        self._saved: Final = SavedFiles(desk.terms.checkpoints, desk.terms.most_bytes)
        self._background: Final = Background()
        self.is_cut_off = False
        """Whether the scheduler was lost, if only for a moment: it knows nothing of them now."""

    def hand_over(self) -> None:
        """Send out as many jobs as there are places for."""
        while (takers := self._takers()) and (errand := self._errands.next()):
            errand.is_sent, errand.sent_to = True, takers
            self._background.spawn(self._see_through(errand))

    def _takers(self) -> tuple[str, ...]:
        """Addresses of painters of which one may have another job; none if there is no room.

        Of those that have all their engines, Dask finds one that is free. One that lacks engines is
        given by name what the others can do: Dask would give it as many as it said at first.
        """
        lesser = [seat for seat in self._roster.ready if seat.able < seat.places]
        at = {seat.address: self._count_at(seat.address) for seat in lesser}
        whole = [seat for seat in self._roster.ready if seat not in lesser]
        if self._errands.sent - sum(at.values()) < sum(seat.places for seat in whole):
            return tuple(seat.address for seat in whole)
        free = (seat.address for seat in lesser if at[seat.address] < seat.able)
        return tuple(islice(free, 1))

    def _count_at(self, address: str) -> int:
        """How many jobs a painter has, or was sent alone."""
        return sum(one.painter == address or one.sent_to == (address,) for one in self._errands.all)

    async def take_back(self, errands: Iterable[Errand]) -> None:
        """Have painters give up what nobody wants any more."""
        futures = [one.future for one in errands if one.future is not None]
        if futures:
            await self._client.cancel(futures, force=True)

    def take_back_soon(self, errands: Iterable[Errand]) -> None:
        """Likewise, by itself."""
        self._background.spawn(self.take_back(list(errands)))

    def lose(self, errand: Errand, painter: str) -> None:
        """A painter is lost with a job: that is tried anew by who counts it, and not by Dask."""
        self._errands.lose(errand, _LOST.format(painter))
        self.take_back_soon([errand])
        self._wake()

    def of_painter(self, address: str) -> list[Errand]:
        """The jobs that a painter has, as far as it has said so."""
        return [one for one in self._errands.all if one.painter == address]

    @property
    def stranded(self) -> list[Errand]:
        """Those that went out to painters who are all gone, and of which nobody has said a word."""
        sent = (one for one in self._errands.all if one.sent_to and not one.painter)
        return [one for one in sent if not any(map(self._roster.find, one.sent_to))]

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
        seat = self._roster.find(said.painter)
        name = said.painter if seat is None else seat.name
        if errand.painter not in {"", said.painter}:  # Dask has begun it anew
            self.lose(errand, name)
            return
        errand.painter = said.painter
        news = said.news
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
                why = " ".join(f"{type(error).__name__} {error}".split())
                self._deliver(CheckpointTrouble(errand.job_id, NOT_SAVED.format(why)))
        finally:
            errand.fetching = False

    async def _fetched(self, errand: Errand) -> bytes:
        asked = self._client.run(self._calls.fetch, errand.run, workers=[errand.painter])
        told = await asyncio.wait_for(asked, self._answer_seconds)
        return bytes(told.get(errand.painter, b""))

    async def _keep(self, errand: Errand, data: bytes) -> None:
        if self._errands.is_on(errand):
            await self._saved.write(errand.job_id, data)
            if errand.is_done:  # it has ended meanwhile, and was forgotten too early
                await self._saved.forget(errand.job_id)

    async def _see_through(self, errand: Errand) -> None:
        try:
            end = await self._end_of(errand)
        except Exception as error:  # noqa: BLE001 - one job's bug must not take the others along
            end = _unexpected(errand.job_id, error)
        if end is not None:
            self._errands.end(errand, end)
        self._wake()

    async def _end_of(self, errand: Errand) -> End | None:
        """How it ends; None if there is nobody to paint it just now, or the scheduler is lost."""
        size = _size(errand.request)
        if size > self._terms.most_bytes:
            most = self._terms.most_bytes / _MEGABYTE
            return Failed(errand.job_id, "content", _TOO_LARGE.format(most))
        room = self._terms.most_bytes - size
        snapshot = await self._saved.read(errand.job_id, room)
        if not self._errands.is_on(errand):
            return None
        if not any(map(self._roster.find, errand.sent_to)):
            errand.is_sent, errand.sent_to = False, ()
            return None
        errand.future = self._sent(errand, snapshot)
        return await self._outcome(errand.job_id, errand.future)

    def _sent(self, errand: Errand, snapshot: bytes) -> Future[Any]:
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
                key=f"paint-{errand.run}",
                workers=list(errand.sent_to),
                resources={RESOURCE: 1},
                pure=False,
                retries=0,
            )

    async def _outcome(self, job_id: str, future: Future[Any]) -> End | None:
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
        if not isinstance(end, End) or end.job_id != job_id:
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
