"""What the things are made of: colour, gloss, and the small bumps that light catches on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .canvas import Field, mix, noise, ramp, rgb, sample, smoothstep
from .fruit_things import THINGS

WALL_Z = -1.9
_SPECKS = noise(np.random.default_rng(41), 512, 512, 64, octaves=2)
_CLOUDS = noise(np.random.default_rng(42), 512, 512, 5, octaves=5)
_GRAIN = noise(np.random.default_rng(43), 512, 512, 40, octaves=3, stretch=30)


@dataclass(frozen=True)
class Hit:
    """Where the rays ended.

    Attributes:
        place: (n, 3) points.
        normal: (n, 3) unit vectors.
        number: (n,) which thing; -1 the table, -2 the wall.
    """

    place: Field
    normal: Field
    number: np.ndarray


def colours(hit: Hit) -> tuple[Field, Field, Field]:
    """What light meets.

    Returns:
        (n, 3) colours, (n, 2) gloss and its sharpness, (n, 3) bumps to add to the normals.
    """
    paint = np.zeros_like(hit.place)
    gloss = np.full((len(paint), 2), (0.02, 8), np.float32)
    bump = np.zeros_like(paint)
    for number in np.unique(hit.number):
        of_it = np.flatnonzero(hit.number == number)
        place = hit.place[of_it]
        if number >= 0:
            thing = THINGS[number]
            own = thing.own(place)
            paint[of_it], gloss[of_it] = _PAINTS[thing.stuff](own), _GLOSS[thing.stuff]
            bump[of_it] = _dimples(own, _DIMPLES.get(thing.stuff, 0.0))
        else:
            paint[of_it] = _table(place) if number == -1 else _wall(place)
            gloss[of_it] = (0.10, 26) if number == -1 else (0.0, 8)
    return paint**2.1, gloss, bump


def _turned(own: Field, field: Field, repeat: float) -> Field:
    """Noise wrapped around a thing."""
    around = np.arctan2(own[:, 2], own[:, 0]) / (2 * np.pi)
    height = own[:, 1] / 2 + 0.5
    size = np.float32(512 * repeat)
    return sample(field, around * size, height * size / 2, wrap=True)


def _dimples(own: Field, depth: float) -> Field:
    return depth * np.stack([_turned(own + shift, _SPECKS, 1.4) for shift in (0.0, 0.31, 0.67)], -1)


def _peel(own: Field, light: str, dark: str) -> Field:
    spots = 0.5 + 0.25 * _turned(own, _SPECKS, 1.4) + 0.4 * _turned(own, _CLOUDS, 1)
    colour = mix(rgb(dark), rgb(light), np.clip(spots, 0, 1))
    navel = np.hypot(np.hypot(own[:, 0], own[:, 2]), own[:, 1] - 1.0)
    return mix(colour, rgb("#7d8a3a"), smoothstep(0.16, 0.06, navel) * 0.8)


def _apple(own: Field, *, red: bool) -> Field:
    around = np.arctan2(own[:, 2], own[:, 0])
    streaks = 0.5 + 0.13 * np.sin(37 * around + 3 * own[:, 1]) + 0.45 * _turned(own, _GRAIN.T, 2.0)
    blush = np.clip(0.5 + 0.5 * np.cos(around - 2.2) + 0.4 * _turned(own, _CLOUDS, 1), 0, 1)
    if red:
        skin = mix(rgb("#8e1420"), rgb("#d8452c"), np.clip(streaks * (0.45 + 0.5 * blush), 0, 1))
    else:
        skin = mix(
            rgb("#b9bd3f"), rgb("#d0512f"), np.clip(blush * (0.30 + 0.8 * streaks) - 0.12, 0, 1)
        )
    hollow = smoothstep(0.34, 0.06, np.hypot(own[:, 0], own[:, 2])) * (own[:, 1] > 0)
    skin = mix(skin, rgb("#b5a84a"), 0.75 * hollow)
    stalk = (np.hypot(own[:, 0] - 0.05, own[:, 2]) < 0.055) & (own[:, 1] > 0.3)
    dots = smoothstep(1.25, 1.6, _turned(own, _SPECKS, 1.0))
    return mix(mix(skin, rgb("#e8c98a"), 0.5 * dots), rgb("#4a3320"), stalk.astype(np.float32))


def _leaf(own: Field) -> Field:
    vein = smoothstep(0.05, 0.02, np.abs(own[:, 2]))
    return mix(rgb("#3f7a2c"), rgb("#8fb659"), 0.7 * vein)


def _grape(own: Field, skin: str) -> Field:
    bloom = np.clip(0.35 + 0.5 * _turned(own, _CLOUDS, 1.0), 0, 1)
    return mix(rgb(skin), rgb("#8f86b0"), 0.34 * bloom)


def _pear(own: Field) -> Field:
    around = np.arctan2(own[:, 2], own[:, 0])
    blush = np.clip(0.2 + 0.6 * np.cos(around - 2.8) + 0.35 * _turned(own, _CLOUDS, 1), 0, 1)
    skin = mix(rgb("#b9b243"), rgb("#c5793a"), 0.85 * blush)
    skin = mix(skin, rgb("#7b6a34"), 0.6 * smoothstep(0.9, 1.5, _turned(own, _SPECKS, 1.2)))
    return mix(skin, rgb("#4a3320"), smoothstep(0.80, 0.88, own[:, 1]))


def _glaze(own: Field) -> Field:
    """White, with two blue lines and a painted band outside."""
    far = np.hypot(own[:, 0], own[:, 2])
    around = np.arctan2(own[:, 2], own[:, 0])
    white = mix(rgb("#e9e4d6"), rgb("#d5d3cb"), np.clip(0.5 + _turned(own, _CLOUDS, 1), 0, 1))
    y = own[:, 1]
    lines = smoothstep(0.016, 0.008, np.abs(y + 0.075)) + smoothstep(
        0.013, 0.006, np.abs(y + 0.335)
    )
    wave = y + 0.205 + 0.055 * np.sin(18 * around)
    petals = smoothstep(0.024, 0.012, np.abs(wave)) + smoothstep(
        0.024, 0.012, np.abs(y + 0.205 - 0.055 * np.sin(18 * around))
    )
    dots = np.hypot((np.mod(around * 9 / np.pi + 0.25, 1) - 0.5) * 0.20, y + 0.205)
    painted = np.clip(lines + petals + smoothstep(0.030, 0.020, dots), 0, 1)
    outside = smoothstep(0.93, 0.95, np.sqrt(far**2 + (1.45 * y) ** 2))
    colour = mix(white, rgb("#25488f"), 0.92 * painted * outside)
    return mix(colour, rgb("#2b4f97"), 0.9 * smoothstep(0.03, 0.05, y))


def _clay(own: Field) -> Field:
    """Fired clay below, a green glaze that has run down from above."""
    around = np.arctan2(own[:, 2], own[:, 0])
    run = (
        0.02
        + 0.10 * np.sin(5 * around + 1)
        + 0.07 * np.sin(11 * around)
        + 0.04 * np.sin(23 * around)
    )
    glazed = smoothstep(-0.02, 0.02, own[:, 1] + 0.22 + run)
    clay = ramp(0.5 + 0.3 * _turned(own, _GRAIN, 1) + 0.02 * np.sin(90 * own[:, 1]), [
        (0.0, "#8a4f31"), (0.5, "#b06d45"), (1.0, "#c98a5e"),
    ])  # fmt: skip
    pool = np.clip(0.5 + 0.6 * _turned(own, _CLOUDS, 1) + 0.25 * own[:, 1], 0, 1)
    return mix(clay, mix(rgb("#17544f"), rgb("#4f9a86"), pool), glazed)


def _table(place: Field) -> Field:
    """Oak boards that run from left to right."""
    z = (place[:, 2] + 10) / 0.62
    board = np.floor(z)
    shift = 131 * np.sin(board * 12.9)
    grain = sample(_GRAIN, place[:, 0] * 40 + shift, place[:, 2] * 170 + 3 * shift, wrap=True)
    rings = sample(_CLOUDS, place[:, 0] * 14 + shift, place[:, 2] * 95 + shift, wrap=True)
    tone = (
        0.5
        + 0.22 * grain
        + 0.16 * np.sin(9 * rings + 30 * (z - board))
        + 0.10 * np.sin(board * 5.1)
    )
    wood = ramp(np.clip(tone, 0, 1), [(0.0, "#5e3a20"), (0.5, "#93612f"), (1.0, "#bd8a4d")])
    gap = np.minimum(z - board, 1 - (z - board)) * 0.62
    return mix(rgb("#2a190d"), wood, smoothstep(0.002, 0.010, gap))


def _wall(place: Field) -> Field:
    """Plaster, painted grey-green long ago."""
    x, y = place[:, 0], place[:, 1]
    cloud = sample(_CLOUDS, x * 60 + 256, y * 60, wrap=True)
    tooth = sample(_SPECKS, x * 95, y * 95, wrap=True)
    tone = np.clip(0.5 + 0.35 * cloud + 0.07 * tooth, 0, 1)
    return ramp(tone, [(0.0, "#4c5f58"), (0.5, "#66796d"), (1.0, "#8b9783")])


_PAINTS: dict[str, Callable[[Field], Field]] = {
    "bowl": _glaze,
    "jug": _clay,
    "orange": lambda own: _peel(own, "#ee8a17", "#d9660c"),
    "lemon": lambda own: _peel(own, "#f6d531", "#d9b41c"),
    "pear": _pear,
    "leaf": _leaf,
    "grape": lambda own: _grape(own, "#4b1c46"),
    "dark grape": lambda own: _grape(own, "#381536"),
    "apple": lambda own: _apple(own, red=False),
    "red apple": lambda own: _apple(own, red=True),
}
_GLOSS = {
    "bowl": (0.75, 140), "jug": (0.38, 60), "orange": (0.26, 26), "lemon": (0.28, 30),
    "pear": (0.22, 30), "leaf": (0.25, 30), "grape": (0.55, 70), "dark grape": (0.55, 70),
    "apple": (0.5, 70), "red apple": (0.5, 70),
}  # fmt: skip
_DIMPLES = {"orange": 0.16, "lemon": 0.12}
