"""How the work grows with the painters, and how many of them one daemon keeps busy.

``python -m benchmarks.scale`` measures, in turns, how many pictures one and two engines of one
thread paint a minute, side by side on this machine and by Dask; then what a photo and a piece of
news cost the inspector, the daemon's loop, Dask's scheduler and the share. From these it simulates
more painters than this machine has (`benchmarks.scale_model`, which says what it assumes). It ends
by writing results/scale.json. With ``--only`` one part of it is done: the rest stays there as it
was, and what is simulated is worked out from all of it; ``--only simulate`` measures nothing.

What the costs are and are not:

- Pictures a minute are of 256 pixels and 20 steps. The simulated photo is one of 12 megapixels for
  all but the painter: the seconds that a painter needs are those of the preset with the starter
  photo, which has 960x640 pixels, by all cores of this machine.
- The page and its previews are off, though they are on by default. News are bare progress; what a
  preview costs the scheduler is measured apart, and not simulated.
- The journal is empty and lies on a local disk.
- A look is what the processor needs for it on a local disk. Ten thousand photos lie in the inbox
  all the time.
- No snapshots: a painter saves one a minute, and the simulated painting takes less. What they cost
  longer paintings is worked out apart (`snapshots`).
- Of the network only the share's bandwidth is there.
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

from benchmarks import machine, scale_costs, scale_pace, scale_parts
from benchmarks.house import HouseError
from benchmarks.scale_costs import Extent, Shared
from benchmarks.scale_model import (
    LOOP,
    SHARED,
    Costs,
    Outcome,
    ceilings,
    most_painters,
    simulate,
)
from benchmarks.scale_parts import Parts
from daemon.files import write_atomically
from daemon.runners.base import EngineReady, Event, Failed, Painted
from daemon.runners.making import local
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings, WatchSettings
from daemon.troubles import quick_pace
from engine import PRESETS, Recipe

RESULTS: Final = Path(__file__).parent / "results" / "scale.json"
MEASURED: Final = ("pace", "painting", "costs", "parts")
PAINTERS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
FASTER: Final = (1, 10)
"""Painters of this machine's speed, and such as need a part of its time."""

_LEAST_BUSY: Final = 0.9
_GIGABIT: Final = 1e9 / 8
_NOTES: Final = 20
"""Times that the journal is told how far a photo is, at least; and once a second at least
(`daemon.telling`)."""

_SLOW_LOOK: Final = 10.0
_SNAPSHOTS_MB: Final = {"512": 54.5, "1024": 214.0}
"""Of a painting of so many pixels on its longer side, near its end: files of the starter photo."""
_STARTER: Final = Path(__file__).parent.parent / "daemon" / "starter"
_STYLE: Final = _STARTER / "styles" / "Waves.jpg"
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


def costs_of(
    painting: Painting, shared: Shared, parts: Parts, faster: float, link: float = _GIGABIT
) -> Costs:
    """What the simulation needs.

    Args:
        painting: one picture.
        shared: what it costs the others.
        parts: what that is made of.
        faster: how many times as quick the painters are.
        link: bytes a second of the share's network.
    """
    seconds = painting.seconds / faster
    notes = min(painting.news, max(_NOTES, round(seconds)))
    of_taking, of_photo = parts.journal_taking / parts.taking, parts.journal_photo / parts.photo
    # The thread that speaks to the scheduler shares one interpreter with the loop.
    news = max(shared.daemon_news - parts.note * parts.notes / parts.news, 0) + shared.client_news
    return Costs(
        painting=seconds,
        news=notes,
        look=parts.look_many,
        look_rest=quick_pace(WatchSettings()),
        inspector_photo=shared.inspector_photo,
        daemon_taking=shared.daemon_taking * (1 - of_taking),
        daemon_photo=shared.daemon_photo * (1 - of_photo) + shared.client_photo,
        daemon_news=news * painting.news / notes,
        journal_taking=shared.daemon_taking * of_taking,
        journal_photo=shared.daemon_photo * of_photo,
        journal_news=parts.note,
        scheduler_photo=shared.scheduler_photo,
        scheduler_news=shared.scheduler_news * painting.news / notes,
        share_inspecting=shared.photo_mb * 1e6 / link,
        share_reading=(shared.photo_mb * 1e6 + _STYLE.stat().st_size) / link,
        share_writing=painting.result_mb * 1e6 / link,
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
    style = StyleFile(_STYLE.read_bytes())
    return PaintRequest(job_id, photo, (style,), recipe, glimpses=True)


def simulated(painting: Painting, shared: Shared, parts: Parts) -> dict[str, Any]:
    """More painters than there are here."""
    return {
        f"{faster}": _simulated(
            costs_of(painting, shared, parts, faster),
            costs_of(painting, shared, parts, faster, link=float("inf")),
        )
        for faster in FASTER
    }


def _simulated(costs: Costs, at_home: Costs) -> dict[str, Any]:
    otherwise = {
        "share on a disk of the daemon's machine": at_home,
        "a look takes ten seconds": replace(costs, look=_SLOW_LOOK),
        "an inspector that only reads": replace(costs, inspector_photo=0.0),
    }
    return {
        "costs": asdict(costs),
        "ceilings": ceilings(costs),
        **_most(costs),
        "otherwise": {name: _most(other) for name, other in otherwise.items()},
        "outcomes": [asdict(simulate(costs, painters)) for painters in PAINTERS],
    }


def _most(costs: Costs) -> dict[str, Any]:
    most = most_painters(costs, _LEAST_BUSY)
    beyond = simulate(costs, 2 * most + 2)
    return {
        "most_painters": most,
        "tightest_beyond": beyond.tightest,
        "photos_an_hour_beyond": beyond.photos_an_hour,
    }


def snapshots(parts: Parts, link: float = _GIGABIT) -> dict[str, dict[str, float]]:
    """How many painters may save once a minute, by the size of what they paint.

    Args:
        parts: what a million bytes cost.
        link: bytes a second into the machine of the daemon, or of the scheduler.
    """
    return {
        size: {
            "mb": mb,
            "by_the_network": 60 * link / (mb * 1e6),
            "by_the_scheduler": 60 / (mb * parts.scheduler_mb),
            "by_the_daemon": 60 / (mb * parts.client_mb),
        }
        for size, mb in _SNAPSHOTS_MB.items()
    }


def show(found: dict[str, Any]) -> None:
    """Print it all."""
    for kind, pace in found.get("pace", {}).items():
        print(f"{kind}: {pace['one']:.1f} a minute, {pace['two']:.1f} by two: {pace['gain']:.3f}")
    for faster, each in found.get("simulated", {}).items():
        print(f"\npainters {faster} times as quick: {each['costs']['painting']:.2f} s a photo")
        print(_line(["painters", "photos an hour", "busy", *SHARED, *LOOP]))
        print(_line(["---:"] * (3 + len(SHARED) + len(LOOP))))
        for outcome in each["outcomes"]:
            print(_row(Outcome(**outcome)))
        for name, most in {"as it is": each, **each["otherwise"]}.items():
            gives = f"{most['tightest_beyond']}, at {most['photos_an_hour_beyond']:.0f}"
            print(f"{_LEAST_BUSY:.0%} busy, {name}: {most['most_painters']}; then gives: {gives}")
    for size, most in found.get("snapshots", {}).items():
        print(f"snapshots of {size} pixels: {most}")


def _row(outcome: Outcome) -> str:
    shares = [outcome.busy, *outcome.shared.values(), *outcome.loop.values()]
    return _line([outcome.painters, f"{outcome.photos_an_hour:.0f}", *(f"{s:.0%}" for s in shares)])


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def main(words: Sequence[str] | None = None) -> None:
    """Measure, simulate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*MEASURED, "simulate"])
    parser.add_argument("--weights", type=Path, default=Path("data/param"))
    parser.add_argument("--preset", choices=sorted(PRESETS), default="standard")
    parser.add_argument("--pictures", type=int, default=6, help="in each turn, an even number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(words)
    found = json.loads(given.results.read_text()) if given.results.exists() else {}
    if given.only != "simulate":
        found["machine"] = machine.describe()
    with tempfile.TemporaryDirectory() as scratch:
        for part in MEASURED if given.only is None else {given.only} - {"simulate"}:
            found[part] = _measured(part, given, Path(scratch))
    _work_out(found)
    show(found)
    write_atomically(given.results, (json.dumps(found, indent=2) + "\n").encode(), replace=True)


def _measured(part: str, given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    extent = replace(Extent(), photos=given.photos)
    if part == "pace":
        paces = scale_pace.measure(
            given.weights.resolve(), scratch, _PACE, pictures=given.pictures, rounds=given.rounds
        )
        return {kind: asdict(pace) for kind, pace in paces.items()}
    if part == "painting":
        return asdict(paint_one(given.weights, given.preset))
    if part == "costs":
        return asdict(scale_costs.measure(scratch / part, extent))
    return asdict(scale_parts.measure(scratch / part, extent))


def _work_out(found: dict[str, Any]) -> None:
    """Simulate, if all that it needs was measured at some time."""
    if not {"painting", "costs", "parts"} <= found.keys():
        return
    parts = Parts(**found["parts"])
    found["simulated"] = simulated(Painting(**found["painting"]), Shared(**found["costs"]), parts)
    found["snapshots"] = snapshots(parts)


if __name__ == "__main__":
    main()
