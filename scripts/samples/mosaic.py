"""Mosaic: small stones in rows, scales of a sea below, a sun above, each stone tilted a little."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .canvas import (
    Field,
    blur,
    coordinates,
    mix,
    noise,
    ramp,
    relief,
    rgb,
    shrink,
    smoothstep,
    to_image,
)

STONE = 0.0205
"""Side of a stone, in picture heights."""
FACTOR = 2
SUN = (0.92, 0.33)
SEA = ["#0b2c3d", "#0f4557", "#14636f", "#1f8a8a", "#43a99c", "#8cc9b0", "#e3dcb6"]


def draw(width: int, height: int) -> Image.Image:
    """The picture at this size."""
    rng = np.random.default_rng(12)
    w, h = FACTOR * width, FACTOR * height
    x, y = coordinates(w, h)
    x = x + 0.0022 * noise(rng, w, h, 22, octaves=2)
    y = y + 0.0022 * noise(rng, w, h, 22, octaves=2)
    region, radius, angle, bands = _layout(x, y)
    stones = _stones(region, radius, angle)
    picture = _colour(region, radius, angle, bands, stones)
    return to_image(shrink(_light(picture, stones, h, rng), FACTOR))


def _layout(x: Field, y: Field) -> tuple[Field, Field, Field, Field]:
    """Which fan or ray each point lies in, and its polar coordinates there.

    Returns:
        The region's number, the distance from its centre, the angle around it, and the distance
        to the edge of the region that covers it.
    """
    radius = np.hypot(x - SUN[0], y - SUN[1])
    angle = np.arctan2(y - SUN[1], x - SUN[0])
    region = np.zeros_like(x)
    edge = np.full_like(x, 1.0)
    size = 0.20
    for row in range(7):
        centre_y = 0.63 + 0.092 * row + 0.012 * np.sin(2.2 * row)
        shift = 0.5 * (row % 2)
        column = np.round(x / (2 * size) - shift)
        centre_x = (column + shift) * 2 * size
        wobble = 0.86 + 0.22 * np.abs(np.sin(12.9 * column + 7.1 * row))
        far = np.hypot(x - centre_x, (y - centre_y) * 1.12)
        inside = far < size * wobble
        region = np.where(inside, 1 + column + 40 * row, region)
        edge = np.where(inside, size * wobble - far, np.minimum(edge, far - size * wobble))
        radius = np.where(inside, far, radius)
        angle = np.where(inside, np.arctan2(y - centre_y, x - centre_x), angle)
    return region, radius, angle, edge


def _stones(region: Field, radius: Field, angle: Field) -> tuple[Field, Field, Field]:
    """Each point's stone: its number, the place in it across (0 to 1) and along (0 to 1)."""
    ring = np.floor(radius / STONE)
    across = radius / STONE - ring
    around = np.maximum(np.round(2 * np.pi * (ring + 0.5) / 1.12), 3)
    turn = (angle / (2 * np.pi) + 0.5 + 0.618 * ring) * around
    along = turn - np.floor(turn)
    number = np.mod(np.floor(turn), around) + 997 * ring + 7919 * region
    return number, across.astype(np.float32), along.astype(np.float32)


def _chance(number: Field, seed: int) -> Field:
    """A number from 0 to 1 for each stone, the same wherever the stone is seen."""
    mixed = np.sin(number.astype(np.float64) * 12.9898 + seed * 78.233) * 43758.5453
    return (mixed - np.floor(mixed)).astype(np.float32)


def _colour(
    region: Field, radius: Field, angle: Field, edge: Field,
    stones: tuple[Field, Field, Field],
) -> Field:  # fmt: skip
    number = stones[0]
    jitter = _chance(number, 1) - 0.5
    ring = np.floor(radius / STONE)
    depth = np.clip(region / 260, 0, 1)
    wave = ramp(np.clip(edge / 0.20 + 0.16 * jitter, 0, 1), list(
        zip((0.0, 0.10, 0.22, 0.36, 0.52, 0.74, 1.0),
            (SEA[6], SEA[5], SEA[4], SEA[3], SEA[2], SEA[1], SEA[0]), strict=True)
    ))  # fmt: skip
    wave = mix(wave, rgb("#12506a"), 0.30 * depth)
    gold = (_chance(np.floor(region) + 0 * number, 5) > 0.66).astype(np.float32)
    warm = ramp(np.clip(edge / 0.20 + 0.2 * jitter, 0, 1), [
        (0.0, "#f0dcae"), (0.12, "#e2b05a"), (0.35, "#c9742f"), (0.6, "#8f3a22"), (1.0, "#5a1f1c"),
    ])  # fmt: skip
    wave = mix(wave, warm, gold)
    rays = 0.5 + 0.5 * np.cos(12 * angle + 0.9 * np.sin(3 * angle))
    away = radius / 0.95 + 0.10 * jitter - 0.16 * rays * smoothstep(0.1, 0.5, radius)
    sky = ramp(np.clip(away, 0, 1), [
        (0.0, "#b3261e"), (0.10, "#d2452a"), (0.155, "#e2702f"), (0.17, "#f3c65b"),
        (0.30, "#f2d58a"), (0.42, "#efe0b8"), (0.55, "#cfd9bf"), (0.72, "#8cbcb0"),
        (1.0, "#3f8490"),
    ])  # fmt: skip
    sky = mix(sky, rgb("#7a1f1b"), (np.abs(ring - 7) < 0.5).astype(np.float32) * 0.85)
    colour = mix(sky, wave, (region > 0).astype(np.float32))
    odd = (_chance(number, 3) > 0.94).astype(np.float32)
    colour = mix(colour, rgb("#e8a33d"), 0.55 * odd)
    tint = 1 + 0.26 * (_chance(number, 2) - 0.5)
    return np.asarray(colour * tint[..., None], np.float32)


def _light(
    picture: Field, stones: tuple[Field, Field, Field], height: int, rng: np.random.Generator
) -> Field:
    """Grout between the stones; each stone is a small pillow, tilted its own way."""
    number, across, along = stones
    rim = 0.5 - np.maximum(np.abs(across - 0.5), np.abs(along - 0.5))
    rows = np.abs(np.diff(number, axis=0, append=number[-1:])) > 0
    columns = np.abs(np.diff(number, axis=1, append=number[:, -1:])) > 0
    joint = blur((rows | columns).astype(np.float32), 0.0016 * height) * 0.0016 * height
    inside = smoothstep(0.06, 0.13, rim) * smoothstep(0.62, 0.30, joint)
    pillow = np.minimum(rim, 0.22) * STONE * height
    tilt = (
        1
        + 0.20
        * ((_chance(number, 7) - 0.5) * (across - 0.5) + (_chance(number, 8) - 0.5) * (along - 0.5))
        * 2
        + 0.14 * (_chance(number, 9) - 0.5)
    )
    surface = blur(pillow, 0.0012 * height)
    stone = picture * (relief(surface, 0.30) * tilt)[..., None]
    speck = noise(rng, picture.shape[1], height, 150, octaves=2)
    stone = stone * (1 + 0.05 * speck)[..., None]
    glint = smoothstep(1.16, 1.30, relief(surface, 0.30)) * 0.22
    stone = mix(stone, rgb("#fff6e0"), glint)
    grout = rgb("#6f6152") * (1 + 0.10 * speck)[..., None]
    return mix(grout, stone, inside)
