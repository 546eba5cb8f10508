"""What stands in the way of the whole service, in plain English, and what is at fault."""

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


def in_one_line(obstacles: Iterable[Obstacle]) -> str:
    """All of them; empty if there are none."""
    return "; ".join(one.text for one in obstacles)
