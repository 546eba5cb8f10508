"""Work in processes of their own, which can be compared without being in each other's way."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


class Apart(AbstractContextManager["Apart"]):
    """A process that makes something ready once, and does it as often as it is called.

    Args:
        prepare: gives what is to be done; a function of a module, since it is found again there.
        arguments: of `prepare`.

    Raises:
        ChildProcessError: it could not be made ready.
    """

    def __init__(self, prepare: Callable[..., Callable[[], Any]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, prepare, arguments))
        self._process.start()
        there.close()
        self._answer()

    def __call__(self) -> Any:
        """Have it done once.

        Returns:
            What came of it.

        Raises:
            ChildProcessError: it ended instead.
        """
        self._here.send(None)
        return self._answer()

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self._here.close()
        self._process.join()

    def _answer(self) -> Any:
        try:
            return self._here.recv()
        except EOFError:
            self._process.join()
            raise ChildProcessError(f"it ended with {self._process.exitcode}") from None


def _serve(pipe: Any, prepare: Callable[..., Callable[[], Any]], arguments: Any) -> None:
    work = prepare(*arguments)
    pipe.send(None)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send(work())
