"""Waves: swells behind one another as in a coloured woodblock print, with claws of foam."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .canvas import (
    Field,
    blur,
    coordinates,
    from_image,
    mix,
    noise,
    ramp,
    rgb,
    shrink,
    smoothstep,
    to_image,
)

INK = rgb("#14233f")
PAPER = rgb("#e9dcbd")
WAVES = 7
FACTOR = 2


def draw(width: int, height: int) -> Image.Image:
    """The picture at this size."""
    w, h = FACTOR * width, FACTOR * height
    x, y = coordinates(w, h)
    picture = _sky(x, y, np.random.default_rng(1))
    for number in range(WAVES):
        picture = _wave(picture, x, y, number)
    return to_image(_print(shrink(picture, FACTOR)))


def _sky(x: Field, y: Field, rng: np.random.Generator) -> Field:
    height, width = x.shape
    picture = ramp(y + 0.03 * noise(rng, width, height, 2), [
        (0.0, "#8fa9b4"), (0.12, "#c5c8b4"), (0.26, "#ecdfbe"), (0.45, "#eecb9a"),
    ])  # fmt: skip
    sun = np.hypot(x - 0.95, y - 0.20)
    picture = mix(
        picture, ramp(y, [(0.08, "#c8452f"), (0.32, "#df7a4a")]), smoothstep(0.102, 0.1, sun)
    )
    for row, long, start in ((0.13, 0.34, 0.62), (0.245, 0.42, 0.84), (0.09, 0.3, 0.1)):
        band = np.abs(y - row - 0.008 * np.sin(9 * x)) < 0.0085 * np.sqrt(
            np.clip(1 - ((x - start - long / 2) / (long / 2)) ** 2, 0, 1)
        )
        picture = mix(picture, PAPER, band.astype(np.float32))
    return picture


def _wave(picture: Field, x: Field, y: Field, number: int) -> Field:
    """One swell over what lies behind it."""
    near = number / (WAVES - 1)
    rng = np.random.default_rng((5, number))
    crest = _crest(x, near, rng)
    depth = y - crest
    scale = 0.55 + 0.65 * near
    body = _body(x, depth, scale, near, rng)
    inside = smoothstep(-0.001, 0.001, depth)
    out = mix(picture, body, inside)
    line = smoothstep(0.0034 * scale, 0.0018 * scale, np.abs(depth))
    out = mix(out, INK, line)
    return _foam(out, x[0], crest[0], scale, rng)


def _crest(x: Field, near: float, rng: np.random.Generator) -> Field:
    """The height of the swell over each column, steep on the side to which it breaks."""
    long = 0.42 + 0.5 * near
    high = 0.045 + 0.085 * near
    base = 0.36 + 0.62 * near**1.12
    phase = rng.uniform(0, 1)
    t = x[:1] / long + phase
    t = t + 0.13 * np.sin(2 * np.pi * t) + 0.05 * np.sin(2 * np.pi * t / 1.7 + 9 * phase)
    swell = (0.5 + 0.5 * np.cos(2 * np.pi * t)) ** 1.55
    tall = 1 + 0.45 * np.sin(2.1 * x[:1] + 6 * phase)
    ripple = 0.006 * np.sin(2 * np.pi * x[:1] / 0.071 + 3 * np.sin(4 * x[:1]))
    return np.broadcast_to(base - high * tall * swell + ripple * near, x.shape).astype(np.float32)


def _body(x: Field, depth: Field, scale: float, near: float, rng: np.random.Generator) -> Field:
    """Bands of blue that follow the crest, wide ones and hairlines, as cut into a block."""
    height, width = x.shape
    warp = noise(rng, width, height, 3, octaves=2, stretch=2.5)
    along = depth + 0.012 * scale * warp + 0.01 * scale * np.sin(2 * np.pi * x / (0.23 * scale))
    tone = along / (0.21 * scale)
    blue = ramp(np.clip(tone, 0, 1), [
        (0.0, "#16325f"), (0.16, "#1f4a80"), (0.42, "#3f78a0"), (0.72, "#86aab4"), (1.0, "#b7c7bd"),
    ])  # fmt: skip
    blue = mix(blue, rgb("#20406c"), 0.30 * near)
    band = np.mod(along / (0.031 * scale), 1)
    width_of = 0.30 + 0.16 * np.sin(2 * np.pi * x / (0.37 * scale) + 5 * near)
    light = smoothstep(0.04, 0.0, np.abs(band - 0.5) - 0.5 * width_of)
    pale = mix(rgb("#c9d6cb"), rgb("#e9e6d2"), np.clip(tone, 0, 1))
    body = mix(blue, pale, light * smoothstep(0.10, 0.26, tone) * 0.92)
    edge = smoothstep(0.055, 0.02, np.abs(np.abs(band - 0.5) - 0.5 * width_of))
    body = mix(body, INK, edge * smoothstep(0.10, 0.2, tone) * 0.85)
    fine = np.mod(along / (0.0078 * scale) + 0.3 * warp, 1)
    hair = smoothstep(0.32, 0.2, np.abs(fine - 0.5)) * smoothstep(0.34, 0.08, tone)
    return mix(body, rgb("#6d9ab5"), 0.55 * hair * smoothstep(0.02, 0.05, tone))


def _foam(
    picture: Field, columns: Field, crest: Field, scale: float, rng: np.random.Generator
) -> Field:
    """Claws: fingers of white that curl off the crests, outlined, with drops flying ahead."""
    height, width = picture.shape[:2]
    image = Image.new("LA", (width, height))
    pen = ImageDraw.Draw(image)
    steepest = np.argsort(np.argsort(crest)) / crest.size
    position = -0.02
    rim = 0.0017 * scale
    while position < columns[-1]:
        claw = rng.spawn(1)[0]  # so that no claw depends on which others there are
        index = min(max(int(position * height), 0), width - 1)
        high = 1 - steepest[index]
        if high > 0.42:
            size = scale * (0.005 + 0.0135 * (high - 0.42) / 0.58) * claw.uniform(0.6, 1.3)
            discs = _claw(position, float(crest[index]), size, high, claw)
            for swell, shift, tone in ((rim, 0.0, 0), (0.0, 0.0, 150), (-0.16, -0.14, 255)):
                for x, y, r in discs:
                    away = swell if swell >= 0 else swell * r
                    _disc(pen, height, x + shift * r, y + shift * r, r + away, (tone, 255))
        position += scale * rng.uniform(0.006, 0.013)
    value, cover = np.moveaxis(from_image(image), -1, 0)
    shade = ramp(value, [(0.0, "#14233f"), (0.35, "#14233f"), (0.59, "#a9c4cc"), (1.0, "#f4eeda")])
    return mix(picture, shade, cover)


def _claw(
    x: float, y: float, size: float, high: float, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Discs along a curl: (x, y, radius)."""
    discs = []
    angle = rng.uniform(-2.2, -1.5)
    turn = rng.uniform(0.20, 0.52)
    px, py = x, y + size * 0.6
    steps = int(5 + 9 * high)
    for step in range(steps):
        r = size * (1 - step / (steps + 2)) ** 0.8
        discs.append((px, py, r))
        px += 0.85 * r * np.cos(angle)
        py += 0.85 * r * np.sin(angle)
        angle -= turn
    for _ in range(rng.integers(0, 4)):
        away = size * rng.uniform(1.5, 5.5)
        way = rng.uniform(-2.9, -1.2)
        drop = size * rng.uniform(0.10, 0.30)
        discs.append((x + away * np.cos(way), y + away * np.sin(way), drop))
    return discs


def _disc(  # noqa: PLR0913, PLR0917 - a shape in a drawing is its coordinates
    pen: ImageDraw.ImageDraw, unit: int, x: float, y: float, r: float, fill: tuple[int, int]
) -> None:
    box = ((x - r) * unit, (y - r) * unit, (x + r) * unit, (y + r) * unit)
    pen.ellipse(box, fill=fill)


def _print(picture: Field) -> Field:
    """The grain of the block and the tooth of the paper."""
    height, width = picture.shape[:2]
    rng = np.random.default_rng(8)
    grain = noise(rng, width, height, 60, octaves=2, stretch=22)
    tooth = blur(rng.standard_normal((height, width)).astype(np.float32), 0.8)
    picture = picture * (1 + 0.028 * grain + 0.018 * tooth)[..., None]
    return mix(picture, PAPER, np.float32(0.06))
