"""How many pictures one engine of one thread paints a minute, and how many two of them do."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
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

    def paint(self, requests: list[PaintRequest], at_once: int = 1) -> None:
        """Paint them all; returns once the last one has ended.

        Args:
            requests: what is to be painted.
            at_once: how many are handed over before the first has ended.
        """
        waiting = list(requests)
        running = 0
        while waiting or running:
            while waiting and running < at_once:
                self._runner.submit(waiting.pop(0))
                running += 1
            event = self._events.get(timeout=_PATIENCE)
            if isinstance(event, End):
                running -= 1
                if not isinstance(event, Painted):
                    raise HouseError(f"not painted: {event}")

    def close(self) -> None:
        """End the engines."""
        self._runner.close(_CLOSE_SECONDS)


def measure(
    weights: Path, folder: Path, recipe: Recipe, *, pictures: int, rounds: int
) -> dict[str, Paces]:
    """Paint so many pictures in turns, by one engine and by two, here and by Dask.

    Both engines are there all the time, each kept to a core of its own. Where one paints, the other
    one waits: so that the two are not compared with one that has another one's core for all that is
    not computing. What gives them their photos (daemon and scheduler) has no core of its own.

    Args:
        weights: folder of the trained weights.
        folder: an empty one.
        recipe: how they are painted.
        pictures: in each turn; an even number.
        rounds: how often each has its turn.
    """
    requests, found = [_request(number, recipe) for number in range(pictures)], {}
    for kind in ("processes", "dask"):
        with _crew(kind, _TWO, weights, folder) as crew:
            work = {f"{n}": partial(crew.paint, requests, n) for n in (_ONE, _TWO)}
            found[kind] = _paces(interleaved(work, rounds), pictures)
    return found


def _paces(taken: dict[str, Times], pictures: int) -> Paces:
    one, two = (60 * pictures / taken[f"{n}"].median for n in (_ONE, _TWO))
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
    with grid(state, [painter] * engines, own_cores=True) as cluster:
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
