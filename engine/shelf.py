"""Arrays that one step leaves for the next, which needs the same again.

A step makes and lets go over a gigabyte in pieces of many megabytes. What goes back to the system
comes from it again as pages that it has to clear, and that takes up to a fifth of a step. So a
picture for which there is room keeps them. On a card MXNet keeps what it has had by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np

from engine.mx import Array, nd

_Made = TypeVar("_Made")

Kind = tuple[tuple[int, ...], Any]
"""Shape and type: what is of the same can stand in for one another."""


class Shelf:
    """Arrays to write over.

    What is put back here may be written over at once by whoever comes next. What MXNet was told to
    read of it before is read before: it keeps the order.

    Args:
        context: MXNet context of the arrays; unset, the processor's memory.
        keeps: whether anything is kept; if not, all arrays are new.

    Attributes:
        keeps: the same.
    """

    def __init__(self, context: Any = None, *, keeps: bool = True) -> None:
        self._context = context
        self.keeps = keeps
        self._there: defaultdict[Kind, list[Array]] = defaultdict(list)
        self._lent: dict[int, Array] = {}
        self._beside: dict[int, tuple[Array, Any]] = {}

    def made(
        self, shape: tuple[int, ...], dtype: Any, make: Callable[[Array | None], Array]
    ) -> Array:
        """An array that is made into one from here; it has to be put back.

        Args:
            shape: of it.
            dtype: likewise.
            make: writes into what it is given, and gives that. It is given None where nothing is
                kept.
        """
        if not self.keeps:
            return make(None)
        kind = (tuple(shape), np.dtype(dtype))
        there = self._there[kind]
        array = there.pop() if there else nd.empty(shape, ctx=self._context, dtype=kind[1])
        if make(array) is not array:
            raise RuntimeError("what is made has to be written into the array that is given")
        self._lent[id(array)] = array
        return array

    def put(self, array: Array) -> None:
        """Give an array back. One that is not from here is left to whoever has it."""
        if self._lent.pop(id(array), None) is not None:
            self._there[array.shape, np.dtype(array.dtype)].append(array)

    def beside(self, array: Array, make: Callable[[], _Made]) -> _Made:
        """What belongs to an array: made when it is first asked for, and kept like arrays.

        Args:
            array: from here, if it is to come again.
            make: makes it.
        """
        if id(array) not in self._beside:  # the array is held, so that no other one has its id
            self._beside[id(array)] = array, make()
        found: _Made = self._beside[id(array)][1]
        return found

    def clear(self) -> None:
        """Let go what lies here, and what was lent."""
        self._there.clear()
        self._beside.clear()
        self.forget()

    def forget(self) -> None:
        """Let go what was lent and never came back, since a step failed."""
        self._lent.clear()

    @property
    def bytes(self) -> int:
        """Of what lies here."""
        return sum(
            len(arrays) * int(np.prod(shape)) * dtype.itemsize
            for (shape, dtype), arrays in self._there.items()
        )


NO_SHELF: Final = Shelf(keeps=False)
"""All arrays are new: they may be held."""
