"""Woodcut: one dark block and one red one; lines that follow the ground and swell in the shade.

A line is cut where the tone is lighter than the line's place in its period: so the tone decides
how wide the ink stands, as it does under an engraver's burin.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from .canvas import (
    Field,
    blur,
    coordinates,
    from_image,
    mix,
    noise,
    rgb,
    shrink,
    smoothstep,
    to_image,
)

PAPER = rgb("#f1e6cc")
INK = rgb("#1b1815")
RED = rgb("#c23a24")
FACTOR = 3
PITCH = 0.0132
"""Distance between two lines, in picture heights."""
SUN = (0.88, 0.285, 0.150)


@dataclass
class Block:
    """What is cut so far: which line a point belongs to, how dark it is, and the red block."""

    phase: Field
    tone: Field
    red: Field

    def cover(self, inside: Field, phase: Field, tone: Field, *, red: bool = False) -> None:
        """Lay another thing over what is there."""
        self.phase = np.where(inside, phase, self.phase)
        self.tone = np.where(inside, tone, self.tone)
        self.red = np.where(inside, np.float32(red), self.red)

    def outline(self, far: Field, width: float) -> None:
        """A dark line where `far` is about 0."""
        self.tone = np.maximum(self.tone, 1.15 * smoothstep(width, 0.55 * width, np.abs(far)))


def draw(width: int, height: int) -> Image.Image:
    """The picture at this size."""
    w, h = FACTOR * width, FACTOR * height
    x, y = coordinates(w, h)
    rng = np.random.default_rng(23)
    sway = noise(rng, w, h, 4, octaves=3)
    block = _sky(x, y, sway)
    _mountains(block, x, y, sway)
    _hills(block, x, y, sway)
    _lake(block, x, y, sway)
    ink = _cut(block, rng)
    ink = _trees(ink, h)
    return to_image(_print(ink, block.red, rng))


def _sky(x: Field, y: Field, sway: Field) -> Block:
    """Rays around the sun, and clouds left white."""
    dx, dy = x - SUN[0], y - SUN[1]
    far, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    rays = angle / (2 * np.pi) * 120
    tone = 0.08 + 0.62 * smoothstep(0.25, 0.95, far + 0.05 * sway) - 0.10 * smoothstep(0.3, 0.5, y)
    block = Block(rays.astype(np.float32), tone.astype(np.float32), np.zeros_like(x))
    flat = (y + 0.010 * np.sin(7 * x) + 0.005 * sway) / (0.9 * PITCH)
    far_out = far > 0.42 + 0.02 * np.sin(40 * angle)
    block.cover(far_out, flat.astype(np.float32), np.clip(tone, 0.14, 0.66))
    clouds = (
        (0.22, 0.13, 0.24, 0.042),
        (0.50, 0.245, 0.17, 0.030),
        (1.22, 0.10, 0.20, 0.040),
        (0.03, 0.29, 0.17, 0.030),
    )
    for column, row, long, high in clouds:
        puffs = 0.55 + 0.45 * np.abs(np.sin((x - column) * 21 + 3 * row))
        body = (
            np.hypot((x - column) / long, (y - row) / (high * np.where(y < row, puffs * 1.5, 0.45)))
            - 1
        )
        shade = 0.04 + 0.38 * smoothstep(-0.25, 0.45, (y - row) / high)
        curl = (np.hypot((x - column) / 4, y - row + 0.09)) / (0.8 * PITCH)
        block.cover(body < 0, curl.astype(np.float32), shade)
        block.outline(np.where(np.abs(body) < 0.4, body * high, 1), 0.0022)
    block.cover(far < SUN[2], rays, np.zeros_like(x), red=True)
    block.outline(far - SUN[2], 0.0035)
    ring = far - SUN[2] - 0.018
    block.cover((ring > -0.016) & (ring < 0), rays, np.zeros_like(x))
    return block


def _peak(x: Field, sway: Field, corners: list[tuple[float, float]]) -> Field:
    """The skyline through these corners, a little ragged."""
    columns, rows = np.array(corners).T
    line = (
        np.interp(x[0], columns, rows) + 0.006 * np.sin(61 * x[0]) + 0.004 * np.sin(143 * x[0] + 1)
    )
    return np.asarray(line + 0.010 * sway, np.float32)


def _mountains(block: Block, x: Field, y: Field, sway: Field) -> None:
    """Ridges with a light side and a dark side; the lines run down the slopes."""
    ranges = (
        ([(-0.1, 0.44), (0.12, 0.36), (0.3, 0.45), (0.52, 0.37), (0.75, 0.47), (1.0, 0.44),
          (1.2, 0.36), (1.45, 0.44)], 0.35),
        ([(-0.1, 0.34), (0.05, 0.42), (0.33, 0.185), (0.55, 0.40), (0.66, 0.35), (0.85, 0.53),
          (1.05, 0.50), (1.25, 0.41), (1.5, 0.50)], 0.0),
    )  # fmt: skip
    for corners, pale in ranges:
        line = _peak(x, sway, corners)
        depth = y - line
        columns = np.array([c for c, _ in corners])
        rows = np.array([r for _, r in corners])
        tops = [
            i for i in range(1, len(rows) - 1) if rows[i] < rows[i - 1] and rows[i] < rows[i + 1]
        ]
        valleys = [columns[a + int(np.argmax(rows[a:b]))] for a, b in pairwise(tops)]
        nearest = np.searchsorted(valleys, x + 0.06 * sway + 0.25 * np.clip(depth, 0, 1))
        top = columns[tops][nearest].astype(np.float32)
        crease = top + 0.10 * np.sin(11 * (y + top)) * np.clip(depth * 3, 0, 1) + 0.03 * sway
        dark = smoothstep(-0.008, 0.008, crease - x)
        ribs = 0.5 + 0.5 * np.sin(
            (x - top) / (0.10 + 0.5 * np.clip(y - 0.15, 0, 1)) * 16 + 8 * sway
        )
        tone = (
            dark * (0.86 - 0.35 * ribs) + (1 - dark) * (0.04 + 0.42 * ribs**2) - 0.5 * pale * dark
        )
        tone = tone - 0.55 * smoothstep(0.10, 0.22, depth) * (1 - 0.4 * dark)
        slant = np.where(crease > x, y - 1.15 * (x - top), y + 1.15 * (x - top))
        phase = (slant + 0.02 * sway) / (0.95 * PITCH)
        block.cover(depth > 0, phase.astype(np.float32), tone.astype(np.float32))
        block.outline(depth, 0.0036)


def _hills(block: Block, x: Field, y: Field, sway: Field) -> None:
    """Round hills with furrows along them."""
    for base, high, long, start in (
        (0.545, 0.045, 0.62, 0.1),
        (0.60, 0.055, 0.85, 2.6),
        (0.655, 0.045, 1.1, 4.4),
    ):
        line = base - high * np.sin(2 * np.pi * x / long + start) + 0.004 * sway
        depth = y - line
        slope = np.cos(2 * np.pi * x / long + start)
        tone = 0.30 + 0.40 * slope + 1.5 * (depth - 0.02) + 0.10 * np.sin(20 * depth + 9 * x)
        bend = depth * (1 + 0.55 * np.sin(4.4 * x + start)) + 0.06 * np.sin(3 * x + start)
        phase = (bend + 0.003 * sway) / (1.05 * PITCH)
        block.cover(
            depth > 0, phase.astype(np.float32), np.clip(tone, 0.10, 0.84).astype(np.float32)
        )
        block.outline(depth, 0.0034)


def _lake(block: Block, x: Field, y: Field, sway: Field) -> None:
    """Water in long flat lines, bright below the sun, and a dark bank in front."""
    shore = 0.735 + 0.014 * np.sin(6 * x + 0.5) + 0.004 * sway
    depth = y - shore
    shine = np.exp(-(((x - SUN[0] + 0.02) / (0.07 + 0.45 * np.clip(depth, 0, 1))) ** 2))
    ripple = np.sin(2 * np.pi * x / 0.21 + 40 * depth) * np.sin(2 * np.pi * x / 0.13 - 23 * depth)
    tone = 0.70 - 0.62 * shine + 0.17 * ripple
    phase = (y + 0.0045 * np.sin(2 * np.pi * x / 0.11 + 30 * y) + 0.003 * sway) / (1.15 * PITCH)
    block.cover(depth > 0, phase.astype(np.float32), tone.astype(np.float32))
    block.outline(depth, 0.0032)
    glow = (depth > 0) & (shine > 0.62) & (ripple > -0.1) & (np.mod(phase, 2) < 1.0)
    block.red = np.where(glow, 1, block.red).astype(np.float32)
    bank = y - 0.905 + 0.075 * np.sin(2.9 * x + 0.9) + 0.012 * np.sin(13 * x)
    lean = (x * 0.75 + 0.5 * y + 0.10 * np.sin(5 * x + 9 * y) + 0.01 * sway) / PITCH
    shade = 0.58 + 0.30 * np.sin(7 * x + 17 * y) * 0.7 + 0.5 * (bank - 0.03)
    block.cover(bank > 0, lean.astype(np.float32), np.clip(shade, 0.2, 0.93).astype(np.float32))
    block.outline(bank, 0.0040)


def _cut(block: Block, rng: np.random.Generator) -> Field:
    """Ink, 0 to 1: the lines, with ends and wavering edges as a knife leaves them."""
    height, width = block.tone.shape
    waver = noise(rng, width, height, 70, octaves=2)
    slips = noise(rng, width, height, 9, octaves=3)
    place = np.abs(np.mod(block.phase, 1) - 0.5) * 2  # 0 on the line, 1 between two
    tone = block.tone + 0.055 * waver + 0.075 * slips
    edge = tone - place
    solid = smoothstep(0.90, 0.98, tone)
    ink = smoothstep(-0.06, 0.06, edge) * smoothstep(0.05, 0.13, tone)
    return np.maximum(ink, solid)


def _trees(ink: Field, height: int) -> Field:
    """Pines in solid black with white nicks, on both banks."""
    image = Image.fromarray((255 * ink).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    rng = np.random.default_rng(9)
    near = [(0.085, 0.93, 0.58), (0.215, 0.90, 0.40), (0.012, 0.95, 0.44), (0.30, 0.885, 0.25),
            (1.265, 1.02, 0.52), (1.17, 1.01, 0.30)]  # fmt: skip
    far = [(c, 0.742 + 0.014 * np.sin(6 * c + 0.5), s) for c, s in zip(
        rng.uniform(0.36, 1.33, 34), rng.uniform(0.028, 0.075, 34), strict=True)]  # fmt: skip
    for column, foot, tall in sorted(far, key=lambda tree: tree[1]) + near:
        _pine(pen, (column * height, foot * height, tall * height), rng)
    return from_image(image)


def _pine(
    pen: ImageDraw.ImageDraw, tree: tuple[float, float, float], rng: np.random.Generator
) -> None:
    x, foot, tall = tree
    pen.rectangle((x - 0.012 * tall, foot - 0.2 * tall, x + 0.012 * tall, foot), fill=255)
    floors = max(int(tall / 32), 5)
    for i in range(floors):
        top = foot - tall + 0.86 * tall * i / floors
        wide = 0.23 * tall * ((i + 1.1) / floors) ** 0.9
        low = top + 1.75 * tall / floors * 0.86
        teeth = 7
        edge = [(x, top)]
        for j in range(teeth + 1):
            share = 1 - 2 * j / teeth
            reach = wide * rng.uniform(0.86, 1.12)
            sag = (low - top) * (0.82 + 0.20 * abs(share))
            edge.append((x + share * reach, top + sag))
            if j < teeth:
                edge.append(
                    (x + (share - 1 / teeth) * reach, top + sag - 0.30 * (low - top) / 1.75)
                )
        pen.polygon(edge, fill=255)
    for i in range(floors if tall > 300 else 0):
        row = foot - tall * 0.93 + 0.84 * tall * (i + 0.6) / floors
        wide = 0.20 * tall * ((i + 0.6) / floors)
        for _ in range(3 + int(wide / 12)):
            a = x + wide * rng.uniform(0.05, 0.9)
            b = row + rng.uniform(0, 0.06) * tall
            long = 0.020 * tall * rng.uniform(0.5, 1.2)
            pen.line((a, b, a + 0.8 * long, b + 0.55 * long), fill=0, width=max(int(tall / 260), 2))


def _print(ink: Field, red: Field, rng: np.random.Generator) -> Field:
    """Two pressings on paper: the red one first, a little beside its place."""
    shift = max(round(0.0016 * ink.shape[0]), 1)
    red = blur(np.roll(red, (shift, -shift), axis=(0, 1)), 0.0008 * ink.shape[0])
    ink, red = shrink(ink, FACTOR), shrink(red, FACTOR)
    height, width = ink.shape[:2]
    fibre = noise(rng, width, height, 40, octaves=3, stretch=3)
    starved = smoothstep(1.15, 2.0, noise(rng, width, height, 130, octaves=2))
    paper = PAPER * (1 + 0.02 * fibre)[..., None]
    paper = mix(paper, RED, red[..., 0] * (0.93 - 0.35 * starved))
    return mix(paper, INK, ink[..., 0] * (0.965 - 0.5 * starved))
