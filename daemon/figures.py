"""Figures as people read them: times, sizes, numbers of things."""

from __future__ import annotations

from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_UNITS: Final = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def duration(seconds: float) -> str:
    """How long something takes, roughly: ``40 s``, ``2 min``, ``1.5 h``, ``3 days``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.0f} days"


def countdown(seconds: float) -> str:
    """How long something will take, to watch it run out: ``0:40``, ``12:05``, ``1:02:03``."""
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def amount(size: float) -> str:
    """How much room something takes: ``512 bytes``, ``3.4 MB``."""
    for unit, least in _UNITS:
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return number(int(size), "byte")


def number(count: int, thing: str) -> str:
    """How many of something: ``1 photo``, ``2 photos``, ``0 photos``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
