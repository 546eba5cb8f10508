"""A mountain lake at evening: a terrain seen by rays, pines, a cabin, a boat, their reflections.

The camera stands above the water and looks along z; x is to the right and heights are metres.
What the water mirrors is what a second camera sees that lies as deep below the surface as the
first one stands above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .canvas import Field, blur, mix, ramp, resize, rgb, sample, shrink, smoothstep, to_image
from .lake_things import Lens, draw_boat, draw_cabin, draw_reeds, plant_pines

HORIZON = 0.53
"""Of the picture's height."""
EYE = 7.0
NEAR, FAR, STEPS = 40.0, 15_000.0, 1300
SUN = (0.27, 0.075)
"""Where the sun stands, as slopes to the right and up."""
LIGHT = np.array([0.80, 0.42, -0.30], np.float32) / np.float32(0.952)
"""Where its light comes from: more from the side than it should, for the shapes' sake."""


def draw(width: int, height: int) -> Image.Image:
    """The picture at this size."""
    large = _draw_large(2 * width, 2 * height)
    return to_image(_develop(shrink(large, 2)))


def _draw_large(width: int, height: int) -> Field:
    rng = np.random.default_rng(7)
    world = World(_tile(rng), _tile(rng), _tile(rng), _tile(rng, falloff=2.5))
    lens = Lens(width, height, HORIZON * height, 1.02 * width, EYE)
    picture, distance = _see(world, lens)
    mirrored, _ = _see(world, lens.mirrored())
    picture = _water(picture, mirrored, distance, lens, world)
    return draw_reeds(picture, lens, np.random.default_rng(21))


@dataclass(frozen=True)
class World:
    """Tiles of repeating noise, of which everything is made."""

    first: Field
    second: Field
    third: Field
    smooth: Field

    def height(self, x: Field, z: Field, *, fine: bool = False) -> Field:
        """Metres above the water; below 0 is the lake's ground."""
        bend = 500 * self.at(self.smooth, x, z, 6000)
        ridge = 1 - np.abs(self.at(self.smooth, x + bend, z + 900, 9600)) * 1.5
        ridge = ridge + 0.24 * (1 - np.abs(self.at(self.smooth, x, z + bend, 3700)) * 1.5)
        ridge = ridge + 0.10 * (1 - np.abs(self.at(self.first, x + bend, z, 6400)) * 1.5)
        gap = np.exp(-(((x / z - SUN[0] + 0.03) / 0.15) ** 2))
        mountains = smoothstep(3000, 7500, z) * (1 - 0.82 * gap) * (1500 * ridge - 480)
        hills = smoothstep(600, 1700, z) * (70 + 150 * self.at(self.smooth, x, z, 2600))
        hills = hills + smoothstep(1100, 3000, z) * 190 * (1 - 0.8 * gap)
        hills = hills * (1 - 0.5 * gap)
        shore = 560 + 150 * self.at(self.smooth, x, 0 * z, 1900) - 230 * smoothstep(60, 420, x)
        banks = 24 * smoothstep(-10, 130, z - shore)
        spit = 1 - ((x + 122) / 92) ** 2 - ((z - 268) / 66) ** 2
        spit = 9.0 * np.clip(spit + 0.22 * self.at(self.smooth, x, z, 260), -0.8, 1)
        land = np.maximum(banks - 4 + np.maximum(hills, 0) + np.maximum(mountains, 0), spit)
        rough = 3.0 * smoothstep(3, 30, land) * self.at(self.third, x, z, 170)
        if fine:
            rough = rough + smoothstep(120, 500, land) * (
                30 * self.at(self.second, x, z, 1100) + 9 * self.at(self.first, x, z, 330)
            )
        return np.asarray(land + rough, np.float32)

    @staticmethod
    def at(tile: Field, x: Field, z: Field, metres: float) -> Field:
        """One of the tiles, spread over so many metres."""
        scale = tile.shape[0] / metres
        return sample(tile, x * scale, z * scale, wrap=True)


def _tile(rng: np.random.Generator, size: int = 512, falloff: float = 1.75) -> Field:
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size))) * size
    spectrum = np.fft.fft2(rng.standard_normal((size, size)))
    spectrum *= np.where(frequency > 2, np.maximum(frequency, 1) ** -falloff, 0)
    field = np.fft.ifft2(spectrum).real
    return (field / field.std() * 0.5).astype(np.float32)


def _see(world: World, lens: Lens) -> tuple[Field, Field]:
    """The picture through this lens without the water, and each pixel's distance to land."""
    z = np.geomspace(NEAR, FAR, STEPS).astype(np.float32)[:, None]
    across = lens.across[None, :]
    heights = world.height(across * z, z + 0 * across)
    slopes = np.where(heights > 0, (heights - lens.eye) / z, -9)
    skyline = np.maximum.accumulate(slopes, axis=0)
    distance = np.full((lens.height, lens.width), np.inf, np.float32)
    for column in range(lens.width):
        first = np.searchsorted(skyline[:, column], lens.up)
        seen = first < STEPS
        distance[seen, column] = _between(z[:, 0], skyline[:, column], first[seen], lens.up[seen])
    picture = _sky(lens, world)
    land = np.isfinite(distance)
    if lens.eye > 0:  # what lies behind the water's surface is not land
        land &= distance * -lens.up[:, None] < lens.eye
    distance = np.where(land, distance, np.inf)
    rows, columns = np.nonzero(land)
    picture[rows, columns] = _land(world, lens, distance[rows, columns], columns)
    picture = plant_pines(picture, lens, world.height, z[:, 0], skyline, _haze)
    picture = draw_cabin(picture, lens)
    return draw_boat(picture, lens), distance


def _between(z: Field, skyline: Field, index: np.ndarray, up: Field) -> Field:
    before = np.maximum(index - 1, 0)
    step = skyline[index] - skyline[before]
    share = np.where(step > 1e-9, (up - skyline[before]) / np.maximum(step, 1e-9), 1)
    return np.asarray(z[before] + (z[index] - z[before]) * np.clip(share, 0, 1), np.float32)


def _sky(lens: Lens, world: World) -> Field:
    across, up = np.meshgrid(lens.across, np.abs(lens.up))
    colours = ramp(up, [
        (0.00, "#f3c08a"), (0.05, "#efb98d"), (0.12, "#dcae9c"), (0.21, "#a9a2ae"),
        (0.33, "#6f86a8"), (0.52, "#3f6291"),
    ])  # fmt: skip
    far = np.hypot(across - SUN[0], (up - SUN[1]) * 1.15)
    colours = mix(colours, rgb("#ffd08a"), 0.72 * np.exp(-((far / 0.20) ** 1.2)))
    colours = _clouds(colours, across, up, far, world)
    colours += np.exp(-((far / 0.045) ** 1.5))[..., None] * np.array([0.65, 0.50, 0.26], np.float32)
    disc = smoothstep(0.0225, 0.0195, far)
    return mix(colours, np.array([1.9, 1.65, 1.2], np.float32), disc)


def _clouds(colours: Field, across: Field, up: Field, far: Field, world: World) -> Field:
    x, z = across / (up + 0.10), 1 / (up + 0.10)
    at = world.at
    base = at(world.first, x, z * 1.6, 4.5) + 0.5 * at(world.second, x, z * 1.4, 1.7)
    lit = at(world.first, x + 0.05, z * 1.6 - 0.05, 4.5)
    lit = base - lit - 0.5 * at(world.second, x + 0.05, z * 1.4 - 0.05, 1.7)
    cover = smoothstep(0.05, 0.85, base + 0.2) * smoothstep(0.015, 0.10, up)
    warm = np.clip(0.55 + 1.3 * lit + 0.9 * np.exp(-far / 0.22), 0, 1)
    shade = mix(rgb("#8b7f98"), rgb("#ffc9a0"), warm)
    return mix(colours, shade, 0.82 * cover)


def _land(world: World, lens: Lens, z: Field, columns: np.ndarray) -> Field:
    x = lens.across[columns] * z
    here = world.height(x, z, fine=True)
    reach = np.maximum(z / lens.focal * 1.6, 0.6).astype(np.float32)
    right = (world.height(x + reach, z, fine=True) - here) / reach
    ahead = (world.height(x, z + reach, fine=True) - here) / reach
    facing = -right * LIGHT[0] + LIGHT[1] - ahead * LIGHT[2]
    facing = np.clip(facing / np.sqrt(1 + right**2 + ahead**2), 0, 1)
    facing = facing * _unshaded(world, x, z, here)
    steep = np.hypot(right, ahead)
    light = facing[:, None] * np.array([1.75, 1.12, 0.66], np.float32)
    light = light + np.array([0.34, 0.40, 0.54], np.float32)
    colour = _ground(world, x, z, here, steep) * light
    return _haze(colour, z, lens.across[columns], here)


def _unshaded(world: World, x: Field, z: Field, here: Field) -> Field:
    """1 where the sun reaches the ground, 0 in the shadow of what stands towards the sun."""
    clear = np.ones_like(x)
    for metres in np.geomspace(25, 1900, 11):
        other = world.height(x + metres * 0.86, z - metres * 0.32)
        clear = np.minimum(clear, 1 - smoothstep(0, 0.12 * metres, other - here - 0.34 * metres))
    return clear


def _ground(world: World, x: Field, z: Field, here: Field, steep: Field) -> Field:
    patches = world.at(world.first, x, z, 260) + 0.6 * world.at(world.second, x, z, 60)
    meadow = mix(rgb("#5d6b2c"), rgb("#8d8442"), np.clip(0.5 + 0.6 * patches, 0, 1))
    forest = mix(rgb("#1c2f22"), rgb("#31472c"), np.clip(0.5 + patches, 0, 1))
    rock = mix(rgb("#5d5450"), rgb("#8d7f74"), np.clip(0.5 + 0.7 * patches, 0, 1))
    woods = smoothstep(7, 26, here) * smoothstep(520, 380, here + 110 * patches)
    colour = mix(meadow, forest, np.clip(woods, 0, 1))
    colour = mix(colour, rock, smoothstep(360, 560, here + 120 * patches))
    colour = mix(colour, rock, smoothstep(0.9, 1.5, steep) * smoothstep(60, 200, here))
    snow = smoothstep(560, 860, here + 160 * patches) * smoothstep(1.7, 0.8, steep)
    colour = mix(colour, rgb("#eef0f4"), snow)
    return mix(rgb("#86775f"), colour, smoothstep(0.3, 1.6, here))


def _haze(colour: Field, z: Field | float, across: Field | float, here: Field | float) -> Field:
    """The air between: blue, towards the sun golden, and a little mist over the water."""
    air = mix(rgb("#93a3bf"), rgb("#f2c08f"), np.exp(-np.abs((np.asarray(across) - SUN[0]) / 0.24)))
    much = 1 - np.exp(-np.asarray(z) / 8800)
    mist = 0.42 * np.exp(-np.asarray(here) / 22) * smoothstep(330, 760, np.asarray(z, np.float32))
    return mix(colour, air, np.clip(much + mist * (1 - much), 0, 1))


def _water(picture: Field, mirrored: Field, distance: Field, lens: Lens, world: World) -> Field:
    """Put the lake where neither land nor sky is."""
    wet = (lens.up[:, None] < -1e-4) & ~np.isfinite(distance)
    rows, columns = np.nonzero(wet)
    down = -lens.up[rows]
    z = lens.eye / down
    x = lens.across[columns] * z
    ripple = world.at(world.first, x, 3.2 * z, 60) + 0.6 * world.at(world.second, x, 3.4 * z, 17)
    ripple = ripple * smoothstep(900, 40, z) * (0.35 + 0.65 * _breeze(world, x, z))
    row = 2 * lens.horizon - rows - lens.focal * 0.030 * ripple * np.sqrt(down)
    row = row + lens.focal * 0.004 * np.abs(ripple)
    column = columns + lens.focal * 0.006 * ripple
    soft = _smear(mirrored)
    seen = sample(soft, column.astype(np.float32), np.clip(row, 0, lens.horizon).astype(np.float32))
    deep = mix(rgb("#2e5a5c"), rgb("#0c2730"), smoothstep(0.02, 0.36, down))
    mirror = 0.30 + 0.62 * (1 - np.clip(down, 0, 1)) ** 4 - 0.10 * np.clip(ripple, 0, 1)
    painted = picture.copy()
    painted[rows, columns] = mix(deep, seen, np.clip(mirror, 0, 1))
    return draw_boat(painted, lens)  # it floats: over the water, once more


def _breeze(world: World, x: Field, z: Field) -> Field:
    return smoothstep(-0.3, 0.5, world.at(world.third, x, 0.7 * z, 420))


def _smear(picture: Field) -> Field:
    """Upright streaks: what ripples do to a reflection."""
    height, width = picture.shape[:2]
    channels = [
        resize(resize(picture[..., i], width, height // 3), width, height) for i in range(3)
    ]
    return np.stack(channels, axis=-1)


def _develop(picture: Field) -> Field:
    """Bloom, a film's curve, a vignette, grain."""
    height, width = picture.shape[:2]
    bright = blur(np.clip(picture - 0.82, 0, 1.4), 0.022 * height)
    picture = picture + 0.55 * bright
    picture = picture * (1.04 - 0.02 * picture)
    picture = np.where(picture > 0.8, 0.8 + 0.2 * np.tanh((picture - 0.8) / 0.2), picture)
    y, x = np.mgrid[0:height, 0:width] / height - 0.5
    far = np.hypot(x - 0.5 * (width / height - 1), y)
    picture = picture * (1 - 0.22 * smoothstep(0.45, 1.0, far.astype(np.float32)))[..., None]
    rng = np.random.default_rng(3)
    grain = blur(rng.standard_normal((height, width)).astype(np.float32), 0.7)
    return np.asarray(picture + 0.009 * grain[..., None], np.float32)
