"""The runner that paints by Dask: its face for the service, and the thread behind it.

The thread has one loop, in which everything happens. It connects to the scheduler, and connects
anew for as long as that is away.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Final

import structlog
from distributed import Client
from distributed.security import Security

from daemon.cluster import quiet
from daemon.cluster.background import in_words
from daemon.cluster.calls import Calls, Desk, Pace, Terms
from daemon.cluster.errands import Errand, Errands
from daemon.cluster.messages import IN_MEMORY
from daemon.cluster.session import SchedulerLostError, Session
from daemon.runners.base import Cancelled, Deliver, EngineUnavailable, Event
from daemon.runners.noted import KillRequest, Note, NotedRunner, StartRequest
from daemon.runners.request import CancelRequest, PaintRequest

_AWAY: Final = (
    "The scheduler at {} cannot be reached. Start it there (docs/cluster.md says how), or set "
    "cluster.scheduler to where it is; it is tried again by itself."
)
_NO_TRUST: Final = (
    "Somebody answers at {}, but the two do not trust one another ({}). See whether both sides "
    "have certificates, of one authority, which have not run out (docs/cluster.md)."
)
_NONE_LEFT: Final = (
    "No engine of this machine is left. They are started again by themselves; if that goes on, run "
    "`atelierd doctor` to see why."
)
_BUG: Final = (
    "The program met an error of its own while it kept the cluster ({}). It tries again in a "
    "while; if that happens again, show the log to whoever looks after it."
)
_RUN_BYTES: Final = 16
_CLOSE_SECONDS: Final = 5.0  # for a client to take its leave of a scheduler that may be away
_GIVE_BACK_SHARE: Final = 0.5  # of the time to close in goes to those who paint
_log: Final = structlog.get_logger()


Place = Callable[[], AbstractAsyncContextManager[str]]
"""Where the scheduler is: gives its address, for as long as it is entered. May raise
`NoPaintersError`, then or at the end."""


class DaskRunner(NotedRunner):
    """Paints by Dask; see `daemon.runners.base.Runner`.

    Args:
        place: where the scheduler is.
        terms: of the orders.
        calls: what painters run.
        deliver: takes the events, from this runner's thread.
        security: how to speak to the scheduler; None: as anybody may.
        pace: how patient it is.
    """

    def __init__(  # noqa: PLR0913 - each is another one's matter
        self,
        place: Place,
        terms: Terms,
        calls: Calls,
        deliver: Deliver,
        *,
        security: Security | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._deliver_to: Final = deliver
        notes: deque[Note] = deque()
        errands = Errands(self._deliver, partial(secrets.token_hex, _RUN_BYTES))
        desk = Desk(errands, terms, calls, pace or Pace(), self._deliver)
        connect = partial(_connected, security=security)
        self._keeper: Final = _Keeper(place, connect, desk, notes)
        self._is_silent = False
        super().__init__(self._keeper, notes, "cluster-keeper")

    @property
    def capacity(self) -> int:
        """As many as the accepted painters have engines."""
        return self._keeper.places

    def kill(self, job_id: str) -> None:
        """Let go of a painter that has this job and does not answer."""
        with suppress(RuntimeError):
            self._leave(KillRequest(job_id))

    def close(self, timeout: float) -> None:
        """Give up all jobs and leave the cluster, at the latest after `timeout` seconds.

        No event is delivered after this returns. Not to be called from within `deliver`.
        """
        if self._shut(timeout) and self._ended(timeout):
            self._keeper.answer_notes()  # of those that came too late for the thread
        self._is_silent = True

    def _deliver(self, event: Event) -> None:
        if not self._is_silent:
            self._deliver_to(event)


class NoPaintersError(Exception):
    """There is no cluster to connect to, since nobody would paint in it.

    Args:
        why: what to tell.
    """

    def __init__(self, why: EngineUnavailable) -> None:
        super().__init__(why.message)
        self.why: Final = why


class _AwayError(Exception):
    """Nobody answers at the scheduler's address."""


Connect = Callable[[str, float], AbstractAsyncContextManager[Client]]


class _Keeper:
    """The thread's side."""

    def __init__(
        self,
        place: Place,
        connect: Connect,
        desk: Desk,
        notes: deque[Note],
    ) -> None:
        self._place: Final = place
        self._connect: Final = connect
        self._desk: Final = desk
        self._pace: Final = desk.pace
        self._deliver: Final = desk.deliver
        self._errands: Final = desk.errands
        self._notes: Final = notes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._noted: asyncio.Event | None = None
        self._main: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._stopping, self._patience = False, 0.0
        self._start_is_wanted = False  # somebody waits to hear whether there is a painter
        self.places = 0
        """How many photos are painted at once, as things are now."""

    # For other threads.

    def wake(self) -> None:
        """There is a note."""
        loop, noted = self._loop, self._noted
        if loop is not None and noted is not None:
            with suppress(RuntimeError):  # the loop has ended just now
                loop.call_soon_threadsafe(noted.set)

    def stop(self, patience: float) -> None:
        """Make `run` return, which has so many seconds for its farewells."""
        self._patience, self._stopping = patience, True
        self.wake()

    def answer_notes(self) -> None:
        """Take what the thread did not, after it has ended or where there was none."""
        while self._notes:
            note = self._notes.popleft()
            if isinstance(note, PaintRequest):
                self._deliver(Cancelled(note.job_id))

    # The thread's own.

    def run(self) -> None:
        """Keep the connection until `stop`."""
        # Ctrl-C is for the daemon: what this thread starts is born deaf to it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        quiet.keep_to_ourselves()
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._noted = asyncio.Event()
        self._loop = asyncio.get_running_loop()  # last: from now on others may wake it
        try:
            while not self._stopping:
                try:
                    self._keep_connected(self._noted)
                    self._read_notes()
                except Exception as error:  # noqa: BLE001 - without this nothing is ever painted
                    self._collapse(error)
                await self._noted.wait()
                self._noted.clear()
        finally:
            await self._give_up()

    def _collapse(self, error: Exception) -> None:
        """The last resort for a bug of ours: give all back, and wait until `start` is called."""
        _log.error("cluster.keeper_failed", exc_info=error)
        self._start_is_wanted = False
        self._lost(EngineUnavailable("engine", _BUG.format(type(error).__name__)))

    def _keep_connected(self, noted: asyncio.Event) -> None:
        """Stay connected; whatever ends that without being asked is a fault, and not the end."""
        has_ended = self._main is not None and self._main.done()
        if has_ended:
            _log.error("cluster.keeper_failed", why="the connection's task has ended")
            self._lost(EngineUnavailable("engine", _BUG.format("CancelledError")))
            self._main = None
        if self._main is None:
            self._main = asyncio.ensure_future(self._stay_connected(tries=1 if has_ended else 0))
            self._main.add_done_callback(lambda _: noted.set())

    async def _give_up(self) -> None:
        self._read_notes()
        session, seconds = self._session, self._patience * _GIVE_BACK_SHARE
        try:
            if session is not None:
                giving = session.give_all_up(seconds)
                await asyncio.wait_for(giving, seconds + _CLOSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - the scheduler may end at the same time
            _log.debug("cluster.not_given_up", why=in_words(error))
        finally:
            if session is not None:
                session.stop()
            self._errands.give_all_back()
            if self._main is not None:
                self._main.cancel()
                await asyncio.gather(self._main, return_exceptions=True)

    def _read_notes(self) -> None:
        while self._notes:
            self._heed(self._notes.popleft())

    def _heed(self, note: Note) -> None:
        if isinstance(note, PaintRequest):
            self._errands.add(note)
        elif isinstance(note, StartRequest):
            self._start_is_wanted = True
            if self._session is not None:
                self._session.try_again()
        elif errand := self._errands.of_job(note.job_id):
            self._drop(errand, note)
        if self._session is not None:
            self._session.wake()

    def _drop(self, errand: Errand, note: CancelRequest | KillRequest) -> None:
        if self._session is None:
            self._errands.give_back(errand)
        elif isinstance(note, KillRequest):
            self._session.kill(errand)
        else:
            self._session.cancel(errand, keep=note.keep)

    async def _stay_connected(self, tries: int) -> None:
        if tries:
            await self._pause(tries)
        while not self._stopping:  # a cancellation alone may be lost on its way
            try:
                tries = 0 if await self._one_connection() else tries + 1
            except Exception as error:  # noqa: BLE001 - without this nothing is ever painted
                if not self._stopping:
                    self._collapse(error)
                tries += 1
            await self._pause(tries)

    async def _one_connection(self) -> bool:
        """Connect, and stay; say whether it came to a connection."""
        address = ""
        try:
            async with (
                self._place() as address,
                self._connect(address, self._pace.connect_seconds) as client,
            ):
                self._start_is_wanted = False
                await self._keep_busy(client, address)
        except _AwayError as error:
            if self._start_is_wanted:
                self._start_is_wanted = False
                self._lost(EngineUnavailable("engine", _why_away(address, error.__cause__)))
            return False
        except NoPaintersError as error:
            self._start_is_wanted = False
            self._lost(error.why)
            return False
        return True

    async def _keep_busy(self, client: Client, address: str) -> None:
        self._session = session = Session(client, address, self._desk, self._set_places)
        try:
            if not self._stopping:
                await session.watch()
        except SchedulerLostError:  # told first: to close what is left may take long
            why = _NONE_LEFT if address.startswith(IN_MEMORY) else _AWAY.format(address)
            self._lost(EngineUnavailable("engine", why))
        finally:
            self._session = None
            await session.close()

    def _set_places(self, places: int) -> None:
        self.places = places

    def _lost(self, why: EngineUnavailable) -> None:
        """Say so first: what is given back is to wait until a painter is there again."""
        self.places = 0
        self._deliver(why)
        self._errands.give_all_back()

    async def _pause(self, tries: int) -> None:
        pace = self._pace
        until = min(pace.pause_seconds * 2.0 ** min(tries, 16), pace.longest_seconds)
        step = min(pace.pause_seconds, until)
        # `start` waits for no pause.
        while until > 0 and not (self._start_is_wanted or self._stopping):
            await asyncio.sleep(step)
            until -= step


@asynccontextmanager
async def _connected(
    address: str, seconds: float, *, security: Security | None
) -> AsyncIterator[Client]:
    client = Client(
        address, asynchronous=True, set_as_default=False, timeout=seconds, security=security
    )
    try:
        try:
            await client
        except (OSError, asyncio.TimeoutError, ValueError) as error:  # the last: no TLS over there
            raise _AwayError from error
        yield client
    finally:
        with suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(client.close(), _CLOSE_SECONDS)


def _why_away(address: str, error: BaseException | None) -> str:
    """Dask wraps what was the matter, and says it in its log alone."""
    while error is not None:
        if isinstance(error, (ssl.SSLError, ValueError)):
            return _NO_TRUST.format(address, " ".join(str(error).split()))
        error = error.__cause__ or error.__context__
    return _AWAY.format(address)
