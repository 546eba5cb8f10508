"""What stands in the way of the service, in plain English, and what is at fault.

One of several painters that is of no use stands in nobody's way: the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Of = Literal["service", "weights", "engine"]


@dataclass(frozen=True)
class Obstacle:
    """One of them.

    Attributes:
        text: what it is and what to do, for whoever keeps the machine: with paths and commands,
            and without its last full stop.
        of: what is at fault, for whoever cannot be told more.
    """

    text: str
    of: Of = "service"


@dataclass(frozen=True)
class Aside:
    """One of several painters, here or elsewhere, that is of no use while others go on.

    Attributes:
        name: of the engine, or of the painter.
        why: what is wrong and what to do, as `Obstacle.text`.
    """

    name: str
    why: str

    @classmethod
    def of(cls, name: str, why: str) -> Aside:
        """By what a runner says, which may begin with the name once more."""
        return cls(name, why.removeprefix(f"{name}: ").rstrip("."))


def in_one_line(obstacles: Iterable[Obstacle]) -> str:
    """All of them; empty if there are none."""
    return "; ".join(one.text for one in obstacles)
