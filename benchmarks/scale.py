"""How the work grows with the painters, and how many of them one daemon keeps busy.

``python -m benchmarks.scale`` measures, in turns, how many pictures one and two engines of one
thread paint a minute, side by side on this machine and by Dask; then what a photo and a piece of
news cost the inspector, the daemon's loop, Dask's scheduler and the share. From these it simulates
more painters than this machine has (`benchmarks.scale_model`). It ends by writing
results/scale.json; what ``--only`` leaves out stays there as it was.
"""

from __future__ import annotations

import argparse
import json
import queue
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, scale_costs, scale_pace
from benchmarks.house import HouseError
from benchmarks.scale_costs import Extent, Shared
from benchmarks.scale_model import Costs, Outcome, most_painters, simulate
from daemon.files import write_atomically
from daemon.runners.base import EngineReady, Event, Failed, Painted
from daemon.runners.making import local
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings
from engine import PRESETS, Recipe

RESULTS: Final = Path(__file__).parent / "results" / "scale.json"
PARTS: Final = ("pace", "costs")
PAINTERS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
FASTER: Final = (1, 10)
"""Painters of this machine's speed, and such as need a part of its time."""

_LEAST_BUSY: Final = 0.9
_GIGABIT: Final = 1e9 / 8
_STARTER: Final = Path(__file__).parent.parent / "daemon" / "starter"
_PACE: Final = Recipe(size=256, scales=(1.0,), iterations=(20,))
_PATIENCE: Final = 600.0
_CLOSE_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Painting:
    """One picture, painted by all cores of this machine.

    Attributes:
        preset: how.
        seconds: from the order to the picture.
        news: what was said of it on the way.
        result_mb: of its file.
    """

    preset: str
    seconds: float
    news: int
    result_mb: float


def costs_of(painting: Painting, shared: Shared, faster: float, link: float = _GIGABIT) -> Costs:
    """What the simulation needs.

    Args:
        painting: one picture.
        shared: what it costs the others.
        faster: how many times as quick the painters are.
        link: bytes a second of the share's network.
    """
    return Costs(
        painting=painting.seconds / faster,
        news=painting.news,
        inspector_photo=shared.inspector_photo,
        daemon_taking=shared.daemon_taking,
        # The thread that speaks to the scheduler shares one interpreter with the loop.
        daemon_photo=shared.daemon_photo + shared.client_photo,
        daemon_news=shared.daemon_news + shared.client_news,
        scheduler_photo=shared.scheduler_photo,
        scheduler_news=shared.scheduler_news,
        # Read to be inspected and to be painted, written as a result.
        share_photo=(2 * shared.photo_mb + painting.result_mb) * 1e6 / link,
    )


def paint_one(weights: Path, preset: str) -> Painting:
    """Paint the starter photo, by an engine that has painted before."""
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    runner = local(EngineSettings(device="cpu", weights=weights), events.put, state=None)
    try:
        runner.start()
        while not isinstance(events.get(timeout=_PATIENCE), EngineReady):
            pass
        _finish(runner, events, _request("warm", _PACE))
        began = time.monotonic()
        news, end = _finish(runner, events, _request("one", PRESETS[preset]))
        return Painting(preset, time.monotonic() - began, news, len(end.picture) / 1e6)
    finally:
        runner.close(_CLOSE_SECONDS)


def _finish(
    runner: Any, events: queue.SimpleQueue[Event], request: PaintRequest
) -> tuple[int, Painted]:
    runner.submit(request)
    news = 0
    while True:
        event = events.get(timeout=_PATIENCE)
        if isinstance(event, Painted):
            return news, event
        if isinstance(event, Failed):
            raise HouseError(f"not painted: {event.message}")
        news += 1


def _request(job_id: str, recipe: Recipe) -> PaintRequest:
    photo = (_STARTER / "photo.jpg").read_bytes()
    style = StyleFile((_STARTER / "styles" / "Waves.jpg").read_bytes())
    return PaintRequest(job_id, photo, (style,), recipe, glimpses=True)


def simulated(painting: Painting, shared: Shared) -> dict[str, Any]:
    """More painters than there are here."""
    found: dict[str, Any] = {}
    for faster in FASTER:
        costs = costs_of(painting, shared, faster)
        most = most_painters(costs, _LEAST_BUSY)
        found[f"{faster}"] = {
            "costs": asdict(costs),
            "most_painters": most,
            "tightest_beyond": simulate(costs, 2 * most + 2).tightest,
            "outcomes": [asdict(simulate(costs, painters)) for painters in PAINTERS],
        }
    return found


def show(found: dict[str, Any]) -> None:
    """Print it all."""
    for kind, pace in found.get("pace", {}).items():
        print(f"{kind}: {pace['one']:.1f} a minute, {pace['two']:.1f} by two: {pace['gain']:.3f}")
    for faster, each in found.get("simulated", {}).items():
        print(f"\npainters {faster} times as quick: {each['costs']['painting']:.2f} s a photo")
        print("| painters | photos an hour | busy | inspector | daemon | scheduler | share |")
        print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for outcome in each["outcomes"]:
            print(_row(Outcome(**outcome)))
        most, tightest = each["most_painters"], each["tightest_beyond"]
        print(f"{_LEAST_BUSY:.0%} busy: up to {most}; beyond that gives: {tightest}")


def _row(outcome: Outcome) -> str:
    shares = [outcome.busy, *outcome.shared.values()]
    cells = [str(outcome.painters), f"{outcome.photos_an_hour:.0f}", *(f"{s:.0%}" for s in shares)]
    return f"| {' | '.join(cells)} |"


def main(words: Sequence[str] | None = None) -> None:
    """Measure, simulate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    parser.add_argument("--preset", choices=sorted(PRESETS), default="standard")
    parser.add_argument("--pictures", type=int, default=6, help="in each turn, an even number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(words)
    found = json.loads(given.results.read_text()) if given.results.exists() else {}
    found["machine"] = machine.describe()
    with tempfile.TemporaryDirectory() as scratch:
        if given.only in {None, "pace"}:
            paces = scale_pace.measure(
                given.weights.resolve(), Path(scratch), _PACE,
                pictures=given.pictures, rounds=given.rounds,
            )  # fmt: skip
            found["pace"] = {kind: asdict(pace) for kind, pace in paces.items()}
        if given.only in {None, "costs"}:
            painting = paint_one(given.weights, given.preset)
            extent = replace(Extent(), photos=given.photos)
            shared = scale_costs.measure(Path(scratch) / "costs", extent)
            found["painting"], found["shared"] = asdict(painting), asdict(shared)
            found["simulated"] = simulated(painting, shared)
    show(found)
    write_atomically(given.results, (json.dumps(found, indent=2) + "\n").encode(), replace=True)


if __name__ == "__main__":
    main()
