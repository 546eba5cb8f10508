"""Where the engines of this machine paint: on which card, or on which of the processor's cores.

Nothing is imported or loaded for it but what the driver says of its cards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Final, TypeVar

import structlog

from daemon.settings import EngineSettings
from engine.cores import cores_of, usable_cores
from engine.cuda import Found, ask_driver
from engine.room import room

T = TypeVar("T")

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
"""Variable of the environment: which cards a process may see."""

_ALL: Final = "all"
_LEAST_MB: Final = 512
_MEGABYTE: Final = 2**20
_GPU_BUILD: Final = "mxnet-cu117"
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class Place:
    """Where one engine paints.

    Attributes:
        settings: of its process.
        name: for people; empty if it is the only one.
        cores: numbers of the logical processors that it may use; empty: all.
        environment: variables of its process besides ours.
    """

    settings: EngineSettings
    name: str = ""
    cores: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """What there is; tests put others in its place.

    Attributes:
        find_cards: asks the driver.
        has_gpu_build: whether MXNet's build for cards is installed.
        cpus: logical processors that this process may use; None: as the system says.
        environ: the environment.
        root: where `/proc` and `/sys` stand.
    """

    find_cards: Callable[[], Found] = ask_driver
    has_gpu_build: Callable[[], bool] = lambda: _is_installed(_GPU_BUILD)
    cpus: Collection[int] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    root: Path = Path("/")


@dataclass(frozen=True)
class Allotment:
    """How a machine is given out.

    Attributes:
        places: at least one.
        wanted: how many engines the settings ask for.
    """

    places: tuple[Place, ...]
    wanted: int = 1

    @property
    def fewer(self) -> str:
        """Why there are fewer than were wanted; empty if there are not."""
        number = len(self.places)
        if number >= self.wanted:
            return ""
        there = "is 1 core: 1 paints" if number == 1 else f"are {number} cores: {number} paint"
        return f"{self.wanted} engines are wanted, and there {there}"


def are_several(settings: EngineSettings) -> bool:
    """Whether these settings ask for more than one engine, if there is room for them."""
    return settings.workers > 1 or (settings.devices is not None and settings.device != "cpu")


def places(settings: EngineSettings, machine: Machine | None = None) -> tuple[Place, ...]:
    """Say where engines are to paint, and tell the log if they are fewer than wanted.

    Args:
        settings: of the engine. `device = "cpu"` wins over `devices`.
        machine: what there is.

    Returns:
        At least one place.
    """
    found = allot(settings, machine)
    if found.fewer:
        number = len(found.places)
        _log.warning("engine.fewer", wanted=found.wanted, cores=number, why=found.fewer)
    return found.places


def allot(settings: EngineSettings, machine: Machine | None = None) -> Allotment:
    """Say where engines are to paint; as `places`, and the log is told nothing."""
    machine = machine or Machine()
    alone = settings.model_copy(update={"devices": None, "workers": 1})
    if settings.device == "cpu":
        return _on_cores(alone, settings.workers, machine)
    if settings.devices is None:
        shares = settings.device == "auto" and settings.workers > 1 and not _usable(machine)
        return _on_cores(alone, settings.workers if shares else 1, machine)
    cards = _usable(machine) if settings.devices == _ALL else _numbers(settings.devices)
    if not cards and settings.device == "auto":
        return _on_cores(alone, settings.workers, machine)
    return Allotment(_on_cards(alone, cards, machine.environ))


def shares(number: int, parts: int) -> list[int]:
    """A number divided into whole parts that differ by one at most, the larger ones first."""
    return [number // parts + (part < number % parts) for part in range(parts)]


def _on_cards(
    settings: EngineSettings, cards: Sequence[int], environ: Mapping[str, str]
) -> tuple[Place, ...]:
    on_card = settings.model_copy(update={"device": "gpu"})
    if not cards:  # the engine says why there is none
        return (Place(on_card),)
    return tuple(
        Place(on_card, f"graphics card {card}", environment={VISIBLE: _seen_as(card, environ)})
        for card in cards
    )


def _on_cores(settings: EngineSettings, wanted: int, machine: Machine) -> Allotment:
    cpus = os.sched_getaffinity(0) if machine.cpus is None else machine.cpus
    usable = usable_cores(machine.root, cpus)
    number = min(wanted, usable)
    if number == 1:
        return Allotment((Place(settings),), wanted)
    threads = shares(max(settings.threads or usable, number), number)
    memory = _memory(settings, number, machine)
    cores = _split(cores_of(cpus, machine.root), number)
    found = tuple(
        Place(
            settings.model_copy(update={"threads": threads[at], "max_memory": memory}),
            f"engine {at + 1}",
            tuple(sorted(cpu for core in cores[at] for cpu in core)),
        )
        for at in range(number)
    )
    return Allotment(found, wanted)


def _memory(settings: EngineSettings, number: int, machine: Machine) -> int:
    """What each may hold, megabytes."""
    limit = None if settings.max_memory is None else settings.max_memory * _MEGABYTE
    return max(room(limit, machine.root) // _MEGABYTE // number, _LEAST_MB)


def _split(found: Sequence[T], parts: int) -> list[Sequence[T]]:
    """Neighbours stay together, since they share caches."""
    ends, start = list[Sequence[T]](), 0
    for size in shares(len(found), parts):
        ends.append(found[start : start + size])
        start += size
    return ends


def _usable(machine: Machine) -> list[int]:
    """The cards that MXNet can use, as far as can be told without loading it."""
    if not machine.has_gpu_build():
        return []
    return [card.index for card in machine.find_cards().cards if card.supported]


def _numbers(devices: str) -> list[int]:
    return [int(number) for number in devices.split(",")]


def _seen_as(card: int, environ: Mapping[str, str]) -> str:
    """What a process has to be shown so that it sees this card of ours alone."""
    shown = environ.get(VISIBLE)
    if shown is None:
        return str(card)
    names = shown.split(",")
    return names[card] if card < len(names) else "-1"  # none: the engine says so


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
