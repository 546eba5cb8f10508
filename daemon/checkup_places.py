"""The doctor's look at several engines on this machine: where each would paint, and whether it can.

What asks a driver, or loads MXNet, happens in child processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from daemon.findings import Finding, by_reason, named, tried
from daemon.oneshot import in_child
from daemon.runners.places import Allotment, Place, allot, are_several
from daemon.settings import EngineSettings

if TYPE_CHECKING:
    from engine.progress import DeviceReport

TOPIC: Final = "engines"
_GPU: Final = "gpu"
_OTHER_CARDS: Final = (
    "Let engine.devices name the cards that can be used; docs/gpu.md says which those are."
)
_NO_CARDS: Final = (
    "engine.devices asks for graphics cards, but none can be used (see device): the processor "
    "paints."
)
_NO_WORKERS: Final = (
    "engine.workers asks for {}, but counts only where the processor paints: graphics cards are "
    "named in engine.devices."
)


def check_places(settings: EngineSettings) -> Iterator[Finding]:
    """Say how many engines will paint and where, if the settings ask for several.

    Args:
        settings: of the engine.

    Yields:
        One finding, or none.
    """
    if not are_several(settings):
        return
    fault, allotment = tried(TOPIC, lambda: in_child(allot, settings))
    yield fault or _finding(settings, allotment)


def try_card(place: Place) -> DeviceReport:
    """Choose a device where one engine would; in a child process."""
    os.environ.update(place.environment)  # read once, as the driver is loaded
    from engine.device import choose  # noqa: PLC0415 - in the child alone: it imports MXNet

    return choose("auto").report


def _finding(settings: EngineSettings, allotment: Allotment) -> Finding:
    places = allotment.places
    whys = {place.name: _fault(place) for place in places if _is_on_card(place)}
    faults = by_reason((name or "the card", why) for name, why in whys.items() if why)
    if faults:
        paint = [place.name for place in places if not whys.get(place.name)]
        number = f"{len(paint)} of {len(places)} can paint"
        left = f"{number}: {named(paint)}." if paint else f"{number}."
        said = [f"Of no use: {named(names)}. {why}" for why, names in faults.items()]
        return Finding(TOPIC, False, " ".join([left, *said, _OTHER_CARDS]))
    shown, remark = _shown(places), _remark(settings, allotment)
    return Finding(TOPIC, True, f"{shown}. {remark}" if remark else shown, but=bool(remark))


def _remark(settings: EngineSettings, allotment: Allotment) -> str:
    """What is not as the settings ask, though it works."""
    on_cards = any(map(_is_on_card, allotment.places))
    if settings.devices and not on_cards and settings.device != "cpu":
        return f"{_NO_CARDS} {_fewer(allotment)}".strip()
    if settings.devices is None and settings.workers > 1 and allotment.wanted == 1:
        return _NO_WORKERS.format(settings.workers)
    return _fewer(allotment)


def _fewer(allotment: Allotment) -> str:
    hint = f"Set engine.workers to {len(allotment.places)}, or give the program more cores."
    return f"{allotment.fewer}. {hint}" if allotment.fewer else ""


def _is_on_card(place: Place) -> bool:
    return place.settings.device == _GPU


def _fault(place: Place) -> str:
    """Why a card cannot be used; empty if it can."""
    fault, report = tried(TOPIC, lambda: in_child(try_card, place))
    if fault is not None:
        return fault.text
    why: str = report.reason
    return "" if report.name.startswith(_GPU) else f"{why[:1].upper()}{why[1:]}."


def _shown(places: Sequence[Place]) -> str:
    """How many there are, and where, in one line."""
    if len(places) == 1:
        return f"1, on {places[0].name or 'the device above'}"
    each = [f"{place.name}{_share(place)}" for place in places]
    return f"{len(places)} at the same time: {named(each, '; ')}"


def _share(place: Place) -> str:
    settings, cores = place.settings, place.cores
    parts = [
        f"processor{_s(len(cores))} {_ranges(cores)}" if cores else "",
        f"{settings.threads} thread{_s(settings.threads)}" if cores and settings.threads else "",
        f"{settings.max_memory} MB" if settings.max_memory else "",
    ]
    text = ", ".join(part for part in parts if part)
    return f" ({text})" if text else ""


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _ranges(numbers: Sequence[int]) -> str:
    """Such as `0-3 and 8-11`."""
    runs = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    ends = [[number for _, number in run] for _, run in runs]
    return " and ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in ends)
