"""Rows of pictures that nobody painted."""

from __future__ import annotations

from benchmarks.quality import MEASURES
from benchmarks.row import Row


def row(painter: str, style: float, content: float, seconds: float = 10) -> Row:
    """One with these distances; whatever else is measured is a half."""
    rest = dict.fromkeys(MEASURES[4:], 0.5)
    return Row("photo-Waves", 64, painter, seconds, seconds, style, content, **rest)
