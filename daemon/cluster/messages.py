"""What goes between the daemon and a painter on another machine.

A job goes out as an `Order`, the argument of one Dask task; its end comes back as that task's
result. All that is said in between goes by a topic of the scheduler, as `pack`ed `Said`.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Final

from daemon.runners.base import News
from daemon.runners.request import PaintRequest

RESOURCE: Final = "PAINTER"
"""Of a Dask worker: as many as it has engines. A task takes one of them."""

TASK: Final = "paint-"
"""What the keys of orders' tasks begin with; their run follows."""

PAINTER: Final = "atelierd-painter"
"""Name of the worker plugin that holds the engines."""

CHANGED: Final = "atelierd-painters"
"""Topic of the scheduler: painters say their addresses there when engines come or go."""

HERE_ALONE: Final = "127.0.0.1:0"
"""Where Dask serves its figures by HTTP, which it does in any case and without certificates."""

IN_MEMORY: Final = "inproc://"
"""What the address of a scheduler in the daemon's own process begins with."""


@dataclass(frozen=True)
class Order:
    """One picture to paint: one attempt at one job.

    Attributes:
        run: unique; the same job tried again is another run.
        topic: of the scheduler, where the daemon listens for what is said of it.
        request: what is to be painted.
        snapshot: file that an earlier attempt saved, to go on from; empty for none.
        most_bytes: of the picture that comes back, and of what is saved on the way.
    """

    run: str
    topic: str
    request: PaintRequest
    snapshot: bytes = b""
    most_bytes: int = 2**30


@dataclass(frozen=True)
class Saved:
    """A job on its way was saved; whoever wants to have that asks the painter for it.

    Attributes:
        job_id: of the request.
        bytes: how large it is.
    """

    job_id: str
    bytes: int


@dataclass(frozen=True)
class GivenBack:
    """How a run ends that was given up, and is to be gone on with: by another painter, or later.

    Attributes:
        job_id: of the request.
        snapshot: file of what was painted of it; empty if nothing was saved.
    """

    job_id: str
    snapshot: bytes = b""


@dataclass(frozen=True)
class Said:
    """Something that a painter says of a run.

    Attributes:
        run: of the order.
        painter: address of the Dask worker.
        news: what it says.
    """

    run: str
    painter: str
    news: News | Saved


@dataclass(frozen=True)
class Credentials:
    """What a painter is, for the daemon to compare with what it is itself.

    Attributes:
        program: version of atelierd.
        weights_sha256: of the trained weights that its engines have loaded.
        recipe: SHA-256 over the fields of a recipe with their ranges and defaults, and over the
            shape of the messages between the two.
        engines: how each one that is ready is called, and where it computes.
    """

    program: str
    weights_sha256: str
    recipe: str
    engines: tuple[str, ...]


def pack(said: Said) -> bytes:
    """For the scheduler, which carries plain bytes and has not to understand them."""
    return pickle.dumps(said)


def unpack(data: bytes) -> Said:
    """What was packed. Only what comes from one's own cluster may be: it may hold code.

    Raises:
        TypeError: it is something else.
    """
    said = pickle.loads(data)  # noqa: S301 - whoever speaks to the scheduler may run code anyway
    if not isinstance(said, Said):
        raise TypeError(f"not what a painter says: {type(said).__name__}")
    return said
