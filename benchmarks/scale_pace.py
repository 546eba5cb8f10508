"""How many pictures one engine of one thread paints a minute, and how many two of them do."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.house import HouseError
from benchmarks.scale_grid import grid
from benchmarks.timing import Times, interleaved
from daemon.cluster.making import dask
from daemon.runners.base import Deliver, End, EngineReady, Event, Painted, Runner
from daemon.runners.making import local
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import ClusterSettings, EngineSettings, Settings
from engine import Recipe

_STARTER: Final = Path(__file__).parent.parent / "daemon" / "starter"
_PATIENCE: Final = 600.0
_CLOSE_SECONDS: Final = 20.0
_ONE, _TWO = 1, 2


@dataclass(frozen=True)
class Paces:
    """Pictures a minute.

    Attributes:
        one: with one engine of one thread.
        two: with two of them.
        gain: two over one, of the medians.
    """

    one: float
    two: float
    gain: float


class Crew:
    """A runner with so many engines, which have loaded."""

    def __init__(self, make: Callable[[Deliver], Runner], engines: int) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._runner = make(self._events.put)
        self._runner.start()
        while engines:
            engines -= isinstance(self._events.get(timeout=_PATIENCE), EngineReady)
        self._rounds = 0

    def paint(self, requests: list[PaintRequest]) -> None:
        """Paint them all; returns once the last one has ended."""
        for request in requests:
            self._runner.submit(request)
        left = len(requests)
        while left:
            event = self._events.get(timeout=_PATIENCE)
            if isinstance(event, End):
                left -= 1
                if not isinstance(event, Painted):
                    raise HouseError(f"not painted: {event}")

    def close(self) -> None:
        """End the engines."""
        self._runner.close(_CLOSE_SECONDS)


def measure(
    weights: Path, folder: Path, recipe: Recipe, *, pictures: int, rounds: int
) -> dict[str, Paces]:
    """Paint so many pictures in turns, by one engine and by two, here and by Dask.

    Args:
        weights: folder of the trained weights.
        folder: an empty one.
        recipe: how they are painted.
        pictures: in each turn; an even number.
        rounds: how often each has its turn.
    """
    with ExitStack() as stack:
        crews = {
            (kind, engines): stack.enter_context(_crew(kind, engines, weights, folder))
            for kind in ("processes", "dask")
            for engines in (_ONE, _TWO)
        }
        requests = [_request(number, recipe) for number in range(pictures)]
        work = {f"{kind} {n}": _turn(crew, requests) for (kind, n), crew in crews.items()}
        taken = interleaved(work, rounds)
    return {kind: _paces(taken, kind, pictures) for kind in ("processes", "dask")}


def _turn(crew: Crew, requests: list[PaintRequest]) -> Callable[[], None]:
    return lambda: crew.paint(requests)


def _paces(taken: dict[str, Times], kind: str, pictures: int) -> Paces:
    one, two = (60 * pictures / taken[f"{kind} {n}"].median for n in (_ONE, _TWO))
    return Paces(one, two, two / one)


@contextmanager
def _crew(kind: str, engines: int, weights: Path, folder: Path) -> Iterator[Crew]:
    state = folder / f"{kind}-{engines}"
    with ExitStack() as stack:
        if kind == "processes":
            settings = EngineSettings(
                device="cpu", weights=weights, workers=engines, threads=engines
            )
            crew = Crew(lambda deliver: local(settings, deliver, state=state), engines)
        else:
            crew = stack.enter_context(_by_dask(engines, weights, state))
        stack.callback(crew.close)
        yield crew


@contextmanager
def _by_dask(engines: int, weights: Path, state: Path) -> Iterator[Crew]:
    painter = [
        *("-m", "daemon", "worker", "--scheduler", "{}", "--state_dir", str(state)),
        *("--engine.device", "cpu", "--engine.threads", "1", "--engine.weights", str(weights)),
    ]
    with grid(state, [painter] * engines) as cluster:
        settings = Settings(
            runner="dask",
            engine=EngineSettings(weights=weights),
            cluster=ClusterSettings(scheduler=cluster.address),
        )
        yield Crew(lambda deliver: dask(settings, deliver, state=state / "daemon"), engines)


def _request(number: int, recipe: Recipe) -> PaintRequest:
    photo = (_STARTER / "photo.jpg").read_bytes()
    style = StyleFile((_STARTER / "styles" / "Waves.jpg").read_bytes())
    return PaintRequest(f"job-{number}", photo, (style,), recipe)
