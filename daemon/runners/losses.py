"""Remembers where photos were lost, so that each is tried somewhere else next time."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_MOST: Final = 256


class Losses:
    """The places where a photo was lost, of as many photos as were lost last.

    Args:
        most: how many photos are remembered; that of the longest ago is forgotten first.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most: Final = most
        self._places: Final[OrderedDict[str, set[str]]] = OrderedDict()

    def add(self, photo: str, place: str) -> None:
        """It was lost there.

        Args:
            photo: the id that it has at each attempt.
            place: name of the engine or painter.
        """
        self._places.setdefault(photo, set()).add(place)
        self._places.move_to_end(photo)
        if len(self._places) > self._most:
            self._places.popitem(last=False)

    def of(self, photo: str) -> frozenset[str]:
        """Where it was lost."""
        return frozenset(self._places.get(photo, ()))

    def forget(self, photo: str) -> None:
        """It has ended."""
        self._places.pop(photo, None)
