"""What workers run in tests of the daemon's side: a painter that does as the photo's file says.

That holds a `Plan`; the picture that comes back says which steps were taken, and where.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from distributed import Worker, get_worker
from distributed.utils import sync

from daemon.cluster.calls import Calls
from daemon.cluster.messages import CHANGED, Credentials, Order, Said, Saved, pack
from daemon.runners.base import (
    Cancelled,
    End,
    Failed,
    Glimpse,
    News,
    Painted,
    Progressed,
    Resumed,
    Started,
)
from daemon.runners.request import PaintRequest, StyleFile
from engine import Recipe
from tests.daemon.standins import progress

WEIGHTS = "STAND_IN_WEIGHTS"
"""Variable of the environment: what a worker says of its weights; `load` that it loads them."""
ENGINES = "STAND_IN_ENGINES"
"""Variable of the environment: how many engines a worker has just now; 1 if it is not there."""
SECONDS = "STAND_IN_SECONDS"
"""Variable of the environment: how long a worker takes for each step of a real photo."""
SICK = "STAND_IN_SICK"
"""Variable of the environment: at which step a worker loses each photo."""
HELD = "STAND_IN_HELD"
"""Variable of the environment: a file; see `Plan.held`, of each real photo."""
DEAF = "STAND_IN_DEAF"
"""Variable of the environment: whether a worker cannot end an engine."""
GOOD = "a" * 64
SHOWN = b"a small picture"
PLAN = b"\nPLAN:"
"""Behind the end of a real photo's file: what comes then is its plan."""


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        steps: how many there are.
        seconds: that each takes.
        saves_at: the step after which it is saved; 0: never.
        saved_bytes: as how large that is given out; 0: as it is.
        dies_at: the step at which the worker dies; 0: never.
        raises: whether the task raises something.
        fails: whether it ends as failed.
        hangs: whether it does not heed that it is given up.
        shows: whether it is shown on its way.
        forgets: whether what was saved of it cannot be fetched.
        is_mute: whether nothing is said of it.
        held: file; while it is there, each step goes on after it has been told of.
    """

    steps: int = 3
    seconds: float = 0.0
    saves_at: int = 0
    saved_bytes: int = 0
    dies_at: int = 0
    raises: bool = False
    fails: bool = False
    hangs: bool = False
    shows: bool = False
    forgets: bool = False
    is_mute: bool = False
    held: str = ""


SAVED: dict[str, bytes] = {}
KILLED: set[str] = set()
TOLD: list[str] = []
PAINTED: set[str] = set()
CANCELLED: set[str] = set()


def request(job_id: str, **plan: Any) -> PaintRequest:
    content = json.dumps(asdict(Plan(**plan))).encode()
    return PaintRequest(job_id, content, (StyleFile(b"style"),), Recipe(size=96))


def paint(order: Order) -> End:
    PAINTED.add(order.run)
    try:
        return _painted(order, _plan(order))
    finally:
        PAINTED.discard(order.run)


def _painted(order: Order, plan: Plan) -> End:
    job_id = order.request.job_id
    first = int(order.snapshot or b"0")
    _say(order, Started(job_id))
    if first:
        _say(order, Resumed(job_id, first))
    for step in range(first + 1, plan.steps + 1):
        if step == plan.dies_at:
            _die(order)
        if not plan.hangs and (order.run in CANCELLED or _is_given_up(f"paint-{order.run}")):
            return Cancelled(job_id)
        time.sleep(plan.seconds)
        if order.run in KILLED or step == int(os.environ.get(SICK, "0")):
            KILLED.discard(order.run)
            return Failed(job_id, "lost", "Its engine was ended.")
        _tell_of_step(order, plan, step)
        while plan.held and Path(plan.held).exists():
            time.sleep(0.02)
    if plan.raises:
        raise ValueError("a bug")
    if plan.fails:
        return Failed(job_id, "recipe", "It makes no sense.")
    return Painted(job_id, f"{first + 1}-{plan.steps}".encode(), ".jpg", {})


def _die(order: Order) -> None:
    worker = get_worker()
    while not sync(worker.loop, _has_said_all, worker):
        time.sleep(0.01)
    if not _is_given_up(f"paint-{order.run}"):
        os.kill(os.getpid(), signal.SIGKILL)


async def _has_said_all(worker: Worker) -> bool:
    """Whether all is on its way to the scheduler."""
    return not worker.batched_stream.buffer


def paint_as_the_photo_says(order: Order) -> End:
    """As `paint`, what a real photo says behind its end."""
    plan = order.request.content.rpartition(PLAN)[2]
    return paint(replace(order, request=replace(order.request, content=plan)))


def _tell_of_step(order: Order, plan: Plan, step: int) -> None:
    job_id = order.request.job_id
    _say(order, Progressed(job_id, progress(step, plan.steps)))
    if plan.shows:
        _say(order, Glimpse(job_id, "painting", SHOWN))
    if step == plan.saves_at:
        saved = str(step).encode()
        if not plan.forgets:
            SAVED[order.run] = saved
        for _ in "ab":  # now, and once more
            _say(order, Saved(job_id, plan.saved_bytes or len(saved)))


def fetch(run: str) -> bytes:
    return SAVED[run]


def credentials() -> Credentials | None:
    weights = os.environ.get(WEIGHTS, GOOD)
    if weights == "broken":
        raise ValueError("of another version")
    engines = int(os.environ.get(ENGINES, "1"))
    if weights == "load" or not engines:
        return None
    return Credentials("1", weights, "r", ("cpu",) * engines)


def say_that_weights_are(weights: str, dask_worker: Worker) -> None:
    os.environ[WEIGHTS] = weights
    dask_worker.log_event(CHANGED, dask_worker.address)


def say_that_engines_are(number: int, dask_worker: Worker) -> None:
    os.environ[ENGINES] = str(number)
    dask_worker.log_event(CHANGED, dask_worker.address)


def cancel(run: str, _keep: bool) -> bool:  # noqa: FBT001 - as Dask gives it
    if run not in PAINTED:
        return False
    CANCELLED.add(run)
    return True


def kill(run: str) -> None:
    if os.environ.get(DEAF):
        raise TimeoutError
    KILLED.add(run)


def tell(why: str) -> None:
    TOLD.append(why)


def told() -> list[str]:
    return TOLD


def refusal(told: Credentials, _accepted: Credentials | None) -> str:
    return "" if told.weights_sha256 == GOOD else "It has other weights."


def another(told: Credentials, accepted: Credentials | None) -> str:
    return "It is another one." if accepted not in {None, told} else ""


CALLS = Calls(paint, cancel, fetch, credentials, kill, tell, refusal)


def _plan(order: Order) -> Plan:
    """Of a real photo: it takes a while, and is saved on its way."""
    data, seconds = order.request.content, float(os.environ.get(SECONDS, "0.02"))
    if data.startswith(b"{"):
        return Plan(**json.loads(data))
    return Plan(6, seconds, saves_at=3, held=os.environ.get(HELD, ""))


def _is_given_up(key: str) -> bool:
    task = get_worker().state.tasks.get(key)
    return task is None or task.state == "cancelled"


def _say(order: Order, news: News | Saved) -> None:
    if _plan(order).is_mute:
        return
    worker = get_worker()
    worker.log_event(order.topic, pack(Said(order.run, worker.address, news)))
