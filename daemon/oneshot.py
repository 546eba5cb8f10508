"""Call one function in a process of its own: for what must not be loaded into this one (MXNet)."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from daemon.errors import EngineLostError

T = TypeVar("T")


def in_child(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a spawned process and return what it returns, or raise what it raises.

    Args:
        function: importable by its name, so that the child finds it.
        arguments: picklable.

    Raises:
        EngineLostError: the process died.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise EngineLostError(
                "A process of the program died, most likely because the memory ran out. "
                "Close other programs and try again."
            ) from error
