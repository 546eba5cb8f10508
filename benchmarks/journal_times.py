"""How often a service calls its journal, and how long it is in there, told when it ends."""

from __future__ import annotations

import functools
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.journal import Journal

TIMES: Final = "BENCH_JOURNAL"
"""Variable of the environment: the file that is told; unset: nothing is measured."""


@dataclass
class Spent:
    """On the calls of one name.

    Attributes:
        calls: how many.
        seconds: in all of them, by the clock, the disk's time included.
    """

    calls: int = 0
    seconds: float = 0.0


class _Stopwatch:
    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}
        self._is_within = False

    def over(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, measured; what it calls itself of the journal is a part of it."""

        @functools.wraps(call)
        def measured(*args: Any, **named: Any) -> Any:
            if self._is_within:
                return call(*args, **named)
            began, self._is_within = time.perf_counter(), True
            try:
                return call(*args, **named)
            finally:
                self._is_within = False
                spent = self.spent.setdefault(name, Spent())
                spent.calls += 1
                spent.seconds += time.perf_counter() - began

        return measured


@contextmanager
def telling(environ: Mapping[str, str]) -> Iterator[None]:
    """Measure this process's journals as long as this lasts, if the environment asks for it.

    Args:
        environ: variables of the environment.
    """
    if TIMES not in environ:
        yield
        return
    watch, calls = _Stopwatch(), _calls()
    for name, call in calls.items():
        setattr(Journal, name, watch.over(name, call))
    try:
        yield
    finally:
        for name, call in calls.items():
            setattr(Journal, name, call)
        told = {name: vars(spent) for name, spent in watch.spent.items()}
        Path(environ[TIMES]).write_text(json.dumps(told), encoding="ascii")


def _calls() -> dict[str, Callable[..., Any]]:
    """What a journal can be asked for, but for what is read bit by bit: that is another one's time.

    Nobody does that while photos are on their way.
    """
    return {
        name: call
        for name, call in vars(Journal).items()
        if inspect.isfunction(call) and name[0] != "_" and not inspect.isgeneratorfunction(call)
    }


def read(path: Path) -> dict[str, Spent]:
    """What was told, by the names of the calls."""
    return {name: Spent(**spent) for name, spent in json.loads(path.read_text()).items()}
