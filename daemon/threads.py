"""Threads that cannot be started: for the moment, as a file that cannot be opened."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterator


def start(thread: threading.Thread) -> None:
    """Start a thread.

    Raises:
        OSError: the system has none left just now.
    """
    with wanted():
        thread.start()


@contextlib.contextmanager
def wanted() -> Iterator[None]:
    """For what starts threads of its own.

    Raises:
        OSError: the system has none left just now; Python's own word for that, `RuntimeError`,
            stands for faults of ours.
    """
    try:
        yield
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, "no thread can be started") from error
