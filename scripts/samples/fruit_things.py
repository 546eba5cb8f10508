"""The things on the table, as distance fields: how far a point is from each one's surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .canvas import Field

Shape = Callable[[Field], Field]


@dataclass(frozen=True)
class Thing:
    """One thing: what it is made of, where, how large, and its shape around its own centre.

    The third column of `turn` is where the thing's own upward axis points.
    """

    stuff: str
    centre: tuple[float, float, float]
    size: float
    shape: Shape
    lean: tuple[float, float] = (0.0, 0.0)
    reach: float = 1.25
    turn: Field = field(init=False)

    def __post_init__(self) -> None:
        """Make the rotation once."""
        a, b = self.lean
        about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        object.__setattr__(self, "turn", (about_z @ about_x).astype(np.float32))

    def own(self, points: Field) -> Field:
        """The points as the thing sees them: its centre is 0, its size 1, its axis is y."""
        return np.asarray((points - np.float32(self.centre)) @ self.turn / self.size, np.float32)

    def distance(self, points: Field) -> Field:
        """From each point to the surface; negative inside."""
        return np.asarray(self.shape(self.own(points)) * self.size, np.float32)

    def bound(self, points: Field) -> Field:
        """No more than the distance: to a ball around the thing."""
        away = points - np.float32(self.centre)
        return np.sqrt((away * away).sum(axis=1)) - np.float32(self.reach * self.size)


def _ball(p: Field) -> Field:
    return np.sqrt((p * p).sum(axis=1)) - 1


def _round(p: Field) -> Field:
    return np.hypot(p[:, 0], p[:, 2])


def _smooth_min(a: Field, b: Field, soft: float) -> Field:
    share = np.clip(0.5 + 0.5 * (b - a) / soft, 0, 1)
    return np.asarray(b + (a - b) * share - soft * share * (1 - share), np.float32)


def _apple(p: Field) -> Field:
    """A ring swollen until its hole is a dimple."""
    ring = np.hypot(_round(p) - 0.44, p[:, 1] * (1.02 + 0.10 * p[:, 1])) - 0.60
    stalk = np.hypot(
        _round(p - np.float32([0.05, 0, 0])), np.clip(np.abs(p[:, 1] - 0.55) - 0.28, 0, 9)
    )
    return np.minimum(ring * 0.9, stalk - 0.035)


def _pear(p: Field) -> Field:
    belly = np.sqrt(((p - np.float32([0, -0.25, 0])) ** 2).sum(axis=1)) - 0.72
    neck = np.sqrt(((p - np.float32([0.03, 0.55, 0])) ** 2).sum(axis=1)) - 0.33
    body = _smooth_min(belly, neck, 0.55)
    stalk = np.hypot(
        _round(p - np.float32([0.05, 0, 0])), np.clip(np.abs(p[:, 1] - 1.0) - 0.2, 0, 9)
    )
    return np.minimum(body, stalk - 0.035) * np.float32(0.9)


def _lemon(p: Field) -> Field:
    long = np.sqrt(p[:, 0] ** 2 + (p[:, 1] * 0.74) ** 2 + p[:, 2] ** 2) - 0.80
    tips = np.sqrt(_round(p) ** 2 + (np.abs(p[:, 1]) - 1.02) ** 2) - 0.16
    return _smooth_min(long, tips, 0.28) * np.float32(0.85)


def _bowl(p: Field) -> Field:
    """A shell cut off above, with a rim and a foot."""
    flat = p * np.float32([1, 1.45, 1])
    shell = np.abs(np.sqrt((flat * flat).sum(axis=1)) - 0.96) - 0.035
    cut = np.maximum(shell * 0.66, p[:, 1] - 0.03)
    rim = np.hypot(_round(p) - 0.965, p[:, 1] - 0.03) - 0.048
    foot = np.maximum(np.abs(_round(p) - 0.40) - 0.07, np.abs(p[:, 1] + 0.68) - 0.075)
    return _smooth_min(np.minimum(cut, rim), foot, 0.06) * np.float32(0.9)


_JUG = np.array([(-1.0, 0.40), (-0.9, 0.50), (-0.55, 0.63), (-0.2, 0.62), (0.15, 0.46),
                 (0.45, 0.30), (0.7, 0.27), (0.9, 0.32), (1.0, 0.40)])  # fmt: skip
_HEIGHTS = np.linspace(-1, 1, 256)
_RADII = np.convolve(
    np.pad(np.interp(_HEIGHTS, *_JUG.T), 14, mode="edge"), np.hanning(31)[1:-1] / 15, "valid"
)


def _jug(p: Field) -> Field:
    """A turned body, open above, with a spout and a handle."""
    spout = 0.13 * np.clip((p[:, 1] - 0.62) / 0.38, 0, 1) ** 2 * np.clip(-p[:, 0], 0, 1)
    radius = np.interp(p[:, 1], _HEIGHTS, _RADII).astype(np.float32) + spout
    around = _round(p) - radius
    wall = np.where(p[:, 1] > 0.35, np.abs(around + 0.03) - 0.03, around)
    body = np.maximum(wall * 0.72, np.abs(p[:, 1]) - 0.98)
    loop = np.hypot((p[:, 0] - 0.40) * 0.92, (p[:, 1] - 0.33) * 0.78) - 0.40
    handle = np.hypot(loop, p[:, 2] * 0.72) - 0.055
    return _smooth_min(body, handle * np.float32(0.85), 0.05)


def _leaf(p: Field) -> Field:
    bend = p[:, 1] - 0.28 * p[:, 0] ** 2 + 0.25 * np.abs(p[:, 2])
    wide = 0.36 * np.sqrt(np.clip(1 - p[:, 0] ** 2, 0, 1))
    flat = np.maximum(np.abs(p[:, 2]) - wide, np.abs(p[:, 0]) - 1)
    return np.maximum(flat, np.abs(bend) - 0.02) * np.float32(0.6)


def _grapes() -> list[Thing]:
    """A bunch that hangs over the bowl's rim."""
    rng = np.random.default_rng(14)
    bunch = []
    for row, many in enumerate((4, 6, 6, 5, 4, 2)):
        for i in range(many):
            angle = 2 * np.pi * (i + 0.5 * (row % 2)) / many + 0.3 * row
            wide = 0.19 - 0.020 * row + 0.01 * rng.standard_normal()
            x = 0.50 + 0.045 * row + wide * np.cos(angle) * 1.05
            y = 0.92 - 0.105 * row + 0.015 * rng.standard_normal()
            z = 0.42 + 0.115 * row - 0.02 * row**2 + wide * np.sin(angle) * 0.8
            kind = "grape" if i % 2 else "dark grape"
            bunch.append(
                Thing(kind, (x, y, z), float(rng.uniform(0.083, 0.102)), _ball, reach=1.01)
            )
    return bunch


THINGS = (
    Thing("bowl", (-0.25, 0.755, 0.0), 0.99, _bowl, reach=1.06),
    Thing("orange", (-0.70, 0.86, 0.02), 0.325, _ball, reach=1.01),
    Thing("orange", (0.14, 0.80, -0.42), 0.335, _ball, reach=1.01),
    Thing("apple", (-0.23, 0.92, 0.30), 0.335, _apple, (0.25, 0.35)),
    Thing("red apple", (-0.37, 1.05, -0.28), 0.345, _apple, (-0.3, 0.15)),
    Thing("lemon", (0.22, 0.98, 0.02), 0.27, _lemon, (1.15, 0.35), 1.5),
    Thing("pear", (1.34, 0.39, 0.62), 0.40, _pear, (-0.16, 0.12), 1.5),
    Thing("orange", (0.70, 0.30, 1.22), 0.30, _ball, reach=1.01),
    Thing("red apple", (-1.42, 0.315, 0.95), 0.325, _apple, (0.4, -0.3)),
    Thing("lemon", (-0.98, 0.205, 1.42), 0.255, _lemon, (1.45, 0.6), 1.5),
    Thing("jug", (1.18, 0.93, -0.62), 0.95, _jug, reach=1.15),
    Thing("leaf", (0.88, 0.63, 1.16), 0.21, _leaf, (0.35, 0.3), 1.3),
    Thing("leaf", (-0.02, 1.26, 0.20), 0.20, _leaf, (-0.5, -0.25), 1.3),
    *_grapes(),
)
"""Everything that stands or lies on the table."""
